"""`make bench SCALE=tiny|reference|large`: what the warehouse costs, beside what the work needs at least.

`make bench GO_ON=1` goes on behind the last step that ended, where a call was cut off.

Prints JSON on standard output: {"results": [{"name", "value", "unit", "limit", "ratio", "target"}]}; progress
goes to standard error. Ratios are of one run on the same data. What is held against a limit is told twice: by
the clock, and in processor time, which is the better measure on a machine that others use too. A benchmark
reports; it asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from sandbox.bulk import LAST, write
from tests.bench.pages import visits
from throughline.files import write_json
from throughline.home import PROJECT_ROOT, Home

NOW, NEXT = f"{LAST}T23:30:00Z", f"{LAST.replace(month=7, day=1)}T23:30:00Z"
SEED = 1
LIMIT = Path(__file__).with_name("limit.sql")
FULL = "full build with controls, checked and published"


@dataclass
class Result:
    """One figure. `limit` is what it is held against, in the same unit; `ratio` is value over limit."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    ratio: float | None = None
    target: float | None = None


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, and processor seconds of all processes that took part."""

    clock: float
    processor: float


class Watch:
    """Started when made; `taken` is what has passed since."""

    def __init__(self) -> None:
        self._clock, self._processor = time.monotonic(), self._spent()

    @staticmethod
    def _spent() -> float:
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

    def taken(self) -> Taken:
        """Since the start."""
        return Taken(time.monotonic() - self._clock, self._spent() - self._processor)


def against(name: str, taken: Taken, limit: Taken, target: float) -> list[Result]:
    """What was taken beside what it is held against, by both measures."""
    found = []
    for suffix, value, bound in (
        ("", taken.clock, limit.clock),
        (", processor time", taken.processor, limit.processor),
    ):
        ratio = round(value / bound, 2)
        found.append(Result(name + suffix, round(value, 2), "s", round(bound, 2), ratio, target))
    return found


def throughline(home: Path, now: str, *words: str) -> Taken:
    """Run a command in a process of its own; what it took."""
    watch = Watch()
    done = subprocess.run(
        [sys.executable, "-m", "throughline.cli", *words],
        env={**os.environ, "THROUGHLINE_HOME": str(home), "THROUGHLINE_NOW": now},
        cwd=PROJECT_ROOT,
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"throughline {' '.join(words)} ended with {done.returncode}")
    tell(f"{' '.join(words)}: {watch.taken()}")
    return watch.taken()


def set_up(home: Path, folder: Path) -> None:
    """A home that reads the files in `folder`."""
    Home(home).ensure().config.write_text(
        'reporting_currency = "USD"\n[engine]\nmemory = "8GiB"\nthreads = 2\n'
        f'[sources.files]\nenabled = true\ninstance = "files"\npath = "{folder}"\n',
        encoding="utf-8",
    )


def plain_landing(path: Path, work: Path) -> Taken:
    """Reading the bytes with pyarrow and inserting them with DuckDB, without dlt."""
    watch = Watch()
    table = pq.read_table(path)
    with duckdb.connect(str(work / "plain.duckdb")) as connection:
        connection.register("told", table)
        connection.execute("create table landed as from told")
    return watch.taken()


def by_hand(home: Path, work: Path) -> Taken:
    """limit.sql over what was landed."""
    watch = Watch()
    with duckdb.connect(str(work / "limit.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set threads = 2")
        connection.execute(f"attach '{home / 'raw.duckdb'}' as raw (read_only)")
        connection.execute(LIMIT.read_text(encoding="utf-8"))
    return watch.taken()


def is_control(node: str) -> bool:
    """Whether a node of dbt's is a control, or made for controls."""
    return node.split(".")[-1].startswith(("ctl_", "control"))


def read_by_controls(manifest: dict[str, Any]) -> list[str]:
    """Full names of the tables from which the controls begin; of a view, those it reads."""
    nodes = {**manifest["nodes"], **manifest["sources"]}
    waiting = [name for name in nodes if name.startswith("model.") and is_control(name)]
    seen, found = set(waiting), set()
    while waiting:
        name = waiting.pop()
        node = nodes[name]
        passed = name.startswith("model.") and (is_control(name) or node["config"]["materialized"] == "view")
        if not passed:
            found.add(node["relation_name"])
            continue
        further = set(node["depends_on"]["nodes"]) - seen
        seen |= further
        waiting.extend(further)
    return sorted(found)


def one_scan(home: Path) -> Taken:
    """Every column of every table from which the controls begin, read once."""
    manifest = json.loads(max(home.glob("runs/*/dbt/manifest.json")).read_text(encoding="utf-8"))
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set threads = 2")
        for name in ("raw", "build"):
            connection.execute(f"attach '{home / f'{name}.duckdb'}' as {name} (read_only)")
        watch = Watch()
        for table in read_by_controls(manifest):
            columns = connection.execute(f"select column_name from (describe {table})").fetchall()
            read = ", ".join(f'min("{name}")' for (name,) in columns)
            connection.execute(f"select {read} from {table}").fetchall()
        return watch.taken()


def node_seconds(home: Path) -> dict[str, float]:
    """Model -> seconds, of the last build."""
    newest = max(home.glob("runs/*/dbt/*results.json"), key=lambda path: path.stat().st_mtime)
    said: dict[str, float] = {}
    for path in newest.parent.glob("*results.json"):
        for one in json.loads(path.read_text(encoding="utf-8"))["results"]:
            if one["unique_id"].startswith("model."):
                said[one["unique_id"].split(".")[-1]] = one["execution_time"]
    return said


def change_a_day(folder: Path) -> None:
    """One entry in a thousand is told anew with other hours."""
    path = folder / "time_entry.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select * replace (case when hash(time_entry_id) % 1000 = 0 then 3 else hours end"
            f" as hours) from '{path}') to '{path}.new' (format parquet, compression zstd)"
        )
    Path(f"{path}.new").replace(path)


def pages(home: Path) -> list[Result]:
    """What every page asks of the warehouse, for the firm and for a member of each grain, and its slowest."""
    found = visits(home)
    times = [seconds * 1000 for visit in found for seconds, _ in visit.queries]
    slowest = max(found, key=lambda visit: visit.seconds)
    tell(f"slowest page: {slowest.page} {slowest.scope}")
    return [
        Result("page query, 95th percentile", round(statistics.quantiles(times, n=20)[-1], 1), "ms", 150.0),
        Result("page query, slowest", round(max(times), 1), "ms"),
        Result("page without its browser, slowest", round(slowest.seconds, 2), "s"),
        Result(
            "page without its browser, median", round(statistics.median(v.seconds for v in found), 2), "s"
        ),
    ]


@dataclass
class Bench:
    """A scale's figures, step by step, in `work`: each is told and written down as soon as it is there.

    At reference scale the steps take hours together; `steps.json` lets a later call go on behind the last one
    that ended.
    """

    scale: str
    work: Path
    steps: dict[str, list[Result]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The firm's files."""
        return self.work / "files"

    @property
    def home(self) -> Path:
        """The home that reads all of them."""
        return self.work / "home"

    def read(self) -> None:
        """Take over the steps that an earlier call ended; a day's run cut off has changed the files."""
        path = self.work / "steps.json"
        if not path.exists():
            return
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["scale"] != self.scale:
            raise SystemExit(
                f"{self.work} holds the scale {told['scale']}: start anew, or name another --dir"
            )
        self.steps = {name: [Result(**one) for one in found] for name, found in told["steps"].items()}
        if told["doing"] == "day":
            raise SystemExit(f"the day's run in {self.work} was cut off behind its changes: start anew")

    def do(self, name: str, step: Callable[[Bench], list[Result]]) -> None:
        """Do a step, unless it was done, and keep what it gives."""
        if name not in self.steps:
            self._write(doing=name)
            self.steps[name] = step(self)
            self._write(doing=None)
        for one in self.steps[name]:
            tell(json.dumps(asdict(one)))

    def figure(self, step: str, name: str) -> float:
        """The value of a figure that was kept."""
        return next(one.value for one in self.steps[step] if one.name == name)

    def _write(self, doing: str | None) -> None:
        steps = {name: [asdict(one) for one in found] for name, found in self.steps.items()}
        told = {"scale": self.scale, "doing": doing, "steps": steps}
        write_json(self.work / "steps.json", told)


def files(bench: Bench) -> list[Result]:
    """The firm's files."""
    started = time.monotonic()
    firm = write(bench.folder, bench.scale, SEED, tell)
    return [
        Result("writing the firm's files", round(time.monotonic() - started, 1), "s"),
        Result("time entries", firm.rows["time_entry"], "rows"),
    ]


def landing(bench: Bench) -> list[Result]:
    """A bulk file of time entries, alone."""
    only = bench.work / "only"
    for left in (only, bench.work / "landing"):
        shutil.rmtree(left, ignore_errors=True)
    only.mkdir()
    shutil.copy(bench.folder / "time_entry.parquet", only)
    set_up(bench.work / "landing", only)
    mine = throughline(bench.work / "landing", NOW, "land")
    limit = plain_landing(only / "time_entry.parquet", bench.work)
    shutil.rmtree(bench.work / "landing")
    return against("landing of time entries", mine, limit, 2)


def ports(bench: Bench) -> list[Result]:
    """All of the firm's files."""
    shutil.rmtree(bench.home, ignore_errors=True)
    set_up(bench.home, bench.folder)
    taken = throughline(bench.home, NOW, "land")
    return [Result("landing of all ports", round(taken.clock, 1), "s")]


def full_build(bench: Bench) -> list[Result]:
    """From what was landed to what is published, beside the same numbers by hand."""
    home = Home(bench.home)
    for left in (home.build, home.state):
        left.unlink(missing_ok=True)
    for left in (home.runs, home.serving):
        shutil.rmtree(left, ignore_errors=True)
    full = throughline(bench.home, NOW, "run", "--from-stage", "build")
    manifest = json.loads(max(bench.home.glob("runs/*/manifest.json")).read_text(encoding="utf-8"))
    limit = by_hand(bench.home, bench.work)
    seconds = node_seconds(bench.home)
    marts = sum(
        taken for name, taken in seconds.items()
        if not name.startswith(("ctl_", "control", "recon", "exception", "conservation", "lifecycle"))
    )  # fmt: skip
    controls = sum(taken for name, taken in seconds.items() if is_control(name))
    scan = one_scan(bench.home).clock
    name = "models of backlog, WIP, margin, utilisation"
    peak = max(entry.get("peak_mib") or 0 for entry in manifest["stages"])
    per_row = full.clock / bench.figure("files", "time entries") * 1e6
    slowest = sorted(seconds.items(), key=lambda one: -one[1])[:10]
    tell("slowest models: " + ", ".join(f"{model} {taken:.1f} s" for model, taken in slowest))
    return [
        Result(name, round(marts, 2), "s", round(limit.clock, 2), round(marts / limit.clock, 2), 3),
        *against(FULL, full, limit, 12),
        Result("control models", round(controls, 1), "s", round(scan, 1), round(controls / scan, 2), 5),
        Result("memory, highest of the stages", round(peak / 1024, 2), "GiB", 8.0),
        Result("full build per million time entries", round(per_row, 1), "s"),
    ]


def day(bench: Bench) -> list[Result]:
    """The run of a day on which one entry in a thousand changed, beside the full build."""
    full = Taken(bench.figure("build", FULL), bench.figure("build", f"{FULL}, processor time"))
    change_a_day(bench.folder)
    taken = throughline(bench.home, NEXT, "run")
    return against("a day's run, one entry in a thousand changed", taken, full, 0.15)


def measure(scale: str, work: Path, *, go_on: bool = False) -> list[Result]:
    """All figures of a scale, in `work`, which is emptied first unless it is to `go_on` there."""
    bench = Bench(scale, work)
    if go_on:
        bench.read()
    else:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    for name, step in STEPS.items():
        bench.do(name, step)
    return [one for found in bench.steps.values() for one in found]


STEPS: dict[str, Callable[[Bench], list[Result]]] = {
    "files": files,
    "landing": landing,
    "ports": ports,
    "build": full_build,
    "pages": lambda bench: pages(bench.home),
    "day": day,
}


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="reference", choices=("tiny", "reference", "large"))
    parser.add_argument("--dir", type=Path, default=PROJECT_ROOT / "build" / "bench")
    parser.add_argument("--go-on", action="store_true", help="behind the last step that ended in --dir")
    given = parser.parse_args(argv)
    results = measure(given.scale, given.dir, go_on=given.go_on)
    print(json.dumps({"results": [asdict(one) for one in results]}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
