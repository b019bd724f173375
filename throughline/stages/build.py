"""Build the models: hand dbt its inputs, run it in a process of its own, keep what it says."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipelines.manifest import snake_case
from pipelines.sources import manifest_of, source_names
from throughline import clock, facts, files, inputs, process, warehouse
from throughline.config import Config
from throughline.errors import ThroughlineError, error
from throughline.home import PROJECT_ROOT, Home
from throughline.mappings import FILES, files_ports, mappings
from throughline.runs import Run
from throughline.stages import spark

PROJECT = PROJECT_ROOT / "dbt_project"
# the sources for which dbt_project.yml says what the models would be told
VENDORS = ["bamboohr", "certinia", "docusign", "netsuite", "salesforce"]
# dbt's line for a node that ended: "12 of 80 OK created sql table model ...", "3 of 9 PASS ..."
PROGRESS = re.compile(r"(\d+) of (\d+) (OK|PASS|ERROR|FAIL|WARN|SKIP)\b\s*(.*)")
EVERY_SECONDS = 3.0
# what dbt is told of a model that was left as it stands, and of one that was made anew to see that it would
# have been the same (macros/in_place.sql)
STANDS, SAME = "STANDS", "SAME"


# the files dbt opens, by the names of its profile
FILES_OF_DBT = ("THROUGHLINE_RAW_DB", "THROUGHLINE_BUILD_DB", "THROUGHLINE_SERVING_DB")


def environment(
    home: Home, run_id: str, serving: Path, *, threads: int = 1, memory: str = "6GiB"
) -> dict[str, str]:
    """What dbt and the expectations are told: the three files, the run, the machine's share."""
    return {
        "THROUGHLINE_HOME": str(home.root),
        "THROUGHLINE_RUN_ID": run_id,
        "THROUGHLINE_RAW_DB": str(home.raw),
        "THROUGHLINE_BUILD_DB": str(home.build),
        "THROUGHLINE_SERVING_DB": str(serving),
        "THROUGHLINE_DBT_THREADS": str(threads),
        "THROUGHLINE_MEMORY": memory,
    }


def progress(run: Run, stage: str) -> Callable[[str], None]:
    """A listener that shows dbt's progress every few seconds, and every failure at once."""
    shown = time.monotonic()

    def listen(line: str) -> None:
        nonlocal shown
        found = PROGRESS.search(line)
        if found is None:
            return
        done, total, status, what = found.groups()
        bad = status in ("ERROR", "FAIL")
        if bad or done == total or time.monotonic() - shown >= EVERY_SECONDS:
            shown = time.monotonic()
            run.log(stage, f"{done} of {total}" + (f"  {status} {what.strip(' .')}" if bad else ""))

    return listen


def results(target: Path, step: str) -> dict[str, Any] | None:
    """What dbt said of one step (`models` or `tests`): counts by status, how many models stood, how many of
    those made anew were the same, failures, warnings, slowest nodes, seconds."""
    said = files.read_json(target / f"{step}_results.json")
    if said is None:
        return None
    counts: dict[str, int] = {}
    failures, warnings = [], []
    for node in said["results"]:
        counts[node["status"]] = counts.get(node["status"], 0) + 1
        if node["status"] == "warn":
            warnings.append({"node": node["unique_id"], "rows": node.get("failures")})
        if node["status"] in ("error", "fail"):
            message = " ".join(str(node.get("message") or "").split())
            failures.append(
                {
                    "node": node["unique_id"],
                    "status": node["status"],
                    "message": message,
                    "rows": node.get("failures"),
                }
            )
    stood, same = (
        sum(1 for node in said["results"] if str(node.get("message")) == word) for word in (STANDS, SAME)
    )
    slowest = sorted(said["results"], key=lambda node: -node["execution_time"])[:10]
    return {
        "seconds": round(said["elapsed_time"], 2),
        "counts": counts,
        "stood": stood,
        "same": same,
        "failures": failures,
        "warnings": warnings,
        "slowest": [[node["unique_id"], round(node["execution_time"], 2)] for node in slowest],
    }


@contextmanager
def _attached(run: Run) -> Iterator[None]:
    """Give the candidate the name dbt knows it by, and its own name back afterwards."""
    candidate, attached = run.home.candidate(run.run_id), run.home.attached
    if candidate.exists():
        candidate.rename(attached)
    try:
        yield
    finally:
        if attached.exists():
            attached.rename(candidate)


# The instance a source has that is the only one of its kind.
USUAL = {"files": "files"}


def instances(config: Config) -> dict[str, list[str]]:
    """Source system -> its instances in use, in order, where that is not the one usual instance."""
    held: dict[str, list[str]] = {}
    for one in config.enabled_sources():
        held.setdefault(one.connector, []).append(one.instance)
    return {name: sorted(own) for name, own in sorted(held.items()) if own != [USUAL.get(name, "main")]}


def _variables(run: Run) -> dict[str, Any]:
    """What the models ask of the configuration while they are compiled: the systems in use, which ports they
    fill, and instances that are not called main.

    Nothing is handed over when there is nothing to say, since dbt parses anew when its variables change.
    """
    said: dict[str, Any] = {}
    if named := instances(run.config):
        said["instances"] = named
    # landing says of a source that is not there that it is not
    systems = sorted({one.connector for one in run.config.enabled_sources()} & set(source_names()))
    if systems and systems != VENDORS:
        of_files = files_ports(run.config)
        said |= {"systems": ",".join(systems), "mappings": mappings(systems, of_files=of_files)}
        if of_files:
            said["files_ports"] = of_files
    if others := [name for name in systems if name not in VENDORS]:
        said["datasets"] = [
            dataset
            for name in others
            for dataset in _datasets(name)
            if name != FILES or dataset[1] in (files_ports(run.config) or [dataset[1]])
        ]
    return said


def _datasets(source: str) -> list[tuple[str, str, str | None, bool]]:
    """The datasets of a source the models do not know by name: (source, resource, control sum, vital)."""
    manifest = manifest_of(source)
    return [
        (
            manifest.source_system,
            one.name,
            snake_case(one.control_amount) if one.control_amount else None,
            False,
        )
        for one in manifest.resources
    ]


def _parsed_before(variables: dict[str, Any]) -> Path:
    """Where a home's first build finds the project as another home's dbt parsed it with the same variables.

    dbt itself tells what has changed since; parsing the whole project takes it longer than a small build.
    """
    told = hashlib.sha256(json.dumps(variables, sort_keys=True).encode()).hexdigest()[:16]
    return PROJECT / "target" / f"parsed_{told}.msgpack"


def _share(parsed: Path, common: Path) -> None:
    """Put a home's parsed project where other homes look for it; a project that is read-only has none."""
    part = common.with_name(f".{common.name}.{os.getpid()}")
    with suppress(OSError):
        common.parent.mkdir(exist_ok=True)
        shutil.copyfile(parsed, part)
        part.replace(common)
    with suppress(OSError):
        part.unlink()


def run_dbt(
    run: Run,
    stage: str,
    entry: dict[str, Any],
    steps: str,
    select: str | None = None,
    *,
    full_refresh: bool = False,
) -> int:
    """Run dbt's `steps` for the run's candidate; dbt's exit code. Its output goes to dbt/dbt.log."""
    target = run.folder / "dbt"
    target.mkdir(parents=True, exist_ok=True)
    for step in steps.split(","):
        (target / f"{step}_results.json").unlink(missing_ok=True)
    arguments = ["--project", str(PROJECT), "--target", str(target), "--steps", steps]
    if select:
        arguments += ["--select", select]
    if full_refresh:
        arguments.append("--full-refresh")
    engine = run.config.engine
    variables = _variables(run) | (spark.VARIABLES if engine.name == "spark" else {})
    kept, common = run.home.partial_parse, _parsed_before(variables)
    if (parsed := next((one for one in (kept, common) if one.exists()), None)) is not None:
        shutil.copyfile(parsed, target / kept.name)
    if variables:
        arguments += ["--vars", json.dumps(variables, sort_keys=True)]
    told = environment(run.home, run.run_id, run.home.attached, threads=engine.threads, memory=engine.memory)
    if engine.name == "spark":
        command, told = spark.command(run.home, engine, arguments), told | spark.ENVIRONMENT
    else:
        command = process.module("throughline.dbt_process", *arguments)
        # dbt parses anew when a path of its profile changes: as seen from the run's folder they never do,
        # wherever the home is
        told |= {name: os.path.relpath(told[name], run.folder) for name in FILES_OF_DBT}
    with _attached(run):
        done = process.run(
            command,
            environment=told,
            log=target / "dbt.log",
            on_line=progress(run, stage),
            cwd=run.folder,
        )
    entry["peak_mib"] = max(entry.get("peak_mib", 0.0), done.peak_mib)
    if (target / kept.name).exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(target / kept.name, kept)
        if parsed != kept:
            _share(kept, common)
    for step in steps.split(","):
        said = results(target, step)
        if said is not None:
            entry[step] = said
    return done.code


def _last_lines(path: Path, number: int = 4) -> str:
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return " / ".join(lines[-number:])


def _failure(run: Run, code: int, entry: dict[str, Any]) -> ThroughlineError:
    failures = entry.get("models", {}).get("failures", [])
    more = f"{run.folder / 'dbt' / 'dbt.log'}"
    if code == 1 and failures:
        first = failures[0]
        return error(
            "E-RUN-010",
            model=first["node"].split(".")[-1],
            detail=first["message"][:600],
            others=len(failures) - 1,
            more=more,
        )
    return error("E-RUN-012", detail=_last_lines(run.folder / "dbt" / "dbt.log")[:600], more=more)


def _prepare_candidate(run: Run, select: str | None, *, anew: bool) -> None:
    """The file the build writes into: what is published, so that what is made of the same again can stand."""
    candidate = run.home.candidate(run.run_id)
    for old in [*run.home.serving.glob("candidate_*"), *run.home.serving.glob("attached*")]:
        # DuckDB leaves a folder where it was spilling to disk.
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    if anew and not select:
        return
    try:
        published = warehouse.current(run.home).path
    except ThroughlineError:
        return
    shutil.copyfile(published, candidate)
    candidate.chmod(0o644)
    if select:
        # Only some models are built: the others stand as they are published.
        facts.unfold(candidate, run.home.serving)
    else:
        # The rows to drill into are as many as all others together, and the day they are of has passed.
        facts.leave_out(candidate)


def build(run: Run, select: str | None = None, *, full_refresh: bool = False, tests: bool = True) -> None:
    """Write the inputs, build seeds and models into the build file and the candidate, and run dbt's tests.

    A model that would be made of the same SQL and the same rows as before stands as it is
    (throughline/fingerprints.py). `full_refresh` builds every model anew instead, and advances none by what
    was landed since. The tests run here (unless `tests` is false), in dbt's one process, and are judged by
    the check stage.

    Raises E-RUN-011 when nothing was ever landed, E-RUN-010 when a model could not be built, E-RUN-012 when
    dbt itself could not run, E-RUN-013 when the engine is Spark and cannot start here.

    On Spark the tables are files under the home's `spark/warehouse`, written whole every time, and no test of
    dbt's runs: those tables are held against DuckDB's (make test-spark).
    """
    on_spark = run.config.engine.name == "spark"
    if not (run.home.landed_files if on_spark else run.home.raw).exists():
        raise error("E-RUN-011", home=run.home.root)
    if on_spark:
        spark.check_machine()
    else:
        # A damaged or held raw.duckdb is told here; dbt would tell it as a mistake in the project.
        warehouse.open_file(run.home.raw).close()
    with run.stage("build") as entry:
        known_at = run.known_at or clock.now()
        as_of = run.as_of or known_at.date()
        run.manifest["known_at"] = clock.iso(known_at)
        run.manifest["as_of"] = as_of.isoformat()
        if not on_spark:
            _prepare_candidate(run, select, anew=full_refresh)
        rows = inputs.collect(
            run.home,
            run.config,
            run_id=run.run_id,
            as_of=as_of,
            known_at=known_at,
            started_at=clock.parse_instant(run.manifest["started_at"]),
        )
        write = spark.write_inputs if on_spark else inputs.write
        run.manifest["inputs"] = write(run.home.spark if on_spark else run.home.build, rows)
        run.save()
        run.log("build", f"as of {as_of}, knowing what was landed by {clock.iso(known_at)}")
        steps = "models,tests" if tests and not on_spark else "models"
        code = run_dbt(run, "build", entry, steps, select, full_refresh=full_refresh)
        tests_ran = "tests" in entry
        if code == 2 or (code == 1 and not tests_ran):
            raise _failure(run, code, entry)
        # The check stage judges what the tests said; they belong to it in the manifest.
        run.manifest["dbt_tests"] = entry.pop("tests", None)
        counts = entry.get("models", {}).get("counts", {})
        stood, same = (entry.get("models", {}).get(word, 0) for word in ("stood", "same"))
        more = f", {stood} left unchanged, {same} of the unchanged made anew and the same" if stood else ""
        run.log("build", f"{sum(counts.values()) - stood} models and seeds built{more}")
