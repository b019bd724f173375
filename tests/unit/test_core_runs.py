"""Runs: ids that sort by time, manifests that tell how far a run came, the order of the stages."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.landing import ResourceResult, SourceResult
from pipelines.span import PLAIN, Span
from tests.unit.core_support import a_candidate, a_checked_run, a_home
from throughline import clock, files, lock, pipeline, process, publish, runs, warehouse
from throughline.cli import app
from throughline.errors import ThroughlineError, error
from throughline.home import PROJECT_ROOT, Home
from throughline.pipeline import Request
from throughline.runs import Run
from throughline.stages import build as build_stage
from throughline.stages import check as check_stage


@dataclass
class Fakes:
    """What the stages are replaced by: each is recorded; `fail` names the one that fails."""

    calls: list[str] = field(default_factory=list)
    fail: str = ""
    mark: int = 0


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    found = Fakes()

    def land(
        run: Run, only: str | None = None, resources: list[str] | None = None, span: Span = PLAIN
    ) -> None:
        with run.stage("land"):
            found.calls.append(f"land {only or 'all'}")
            run.manifest["landing"] = [{"source": "demo", "status": "OK"}]
            if found.fail == "land":
                raise error("E-RUN-006", sources="demo")

    def build(run: Run, select: str | None = None, *, full_refresh: bool = False) -> None:
        with run.stage("build"):
            found.calls.append("build")
            run.manifest["as_of"] = (run.as_of or clock.today()).isoformat()
            run.manifest["known_at"] = clock.iso(run.known_at or clock.now())
            if found.fail == "build":
                raise error("E-RUN-010", model="m", detail="broken", others=0)
            for old in publish.candidates(run.home):
                run.home.candidate(old).unlink()
            found.mark += 1
            a_candidate(run.home, run.run_id, found.mark)

    def check(run: Run) -> None:
        with run.stage("check"):
            found.calls.append("check")
            if found.fail == "check":
                raise error("E-RUN-020", number=1, first="unique_x failed")

    monkeypatch.setattr(pipeline, "land", land)
    monkeypatch.setattr(pipeline, "build", build)
    monkeypatch.setattr(pipeline, "check", check)
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    found, _ = a_home(tmp_path)
    monkeypatch.setenv("THROUGHLINE_HOME", str(found.root))
    return found


def throughline(*arguments: str) -> int:
    return CliRunner().invoke(app, list(arguments)).exit_code


def shown(home: Home) -> int:
    connection = warehouse.open_published(home)
    row = connection.execute("select max(mark) from marts.other").fetchone()
    connection.close()
    assert row is not None
    return int(row[0])


def test_ids_sort_by_the_clock_and_are_never_used_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, settings = a_home(tmp_path)
    ids = []
    for moment in (
        "2026-07-08T23:30:00Z",
        "2026-07-08T23:30:00Z",
        "2026-07-08T23:30:01Z",
        "2026-11-01T00:00:00Z",
    ):
        monkeypatch.setenv(clock.VARIABLE, moment)
        ids.append(runs.start(home, settings, verb="run", quiet=True).run_id)
    assert ids == [
        "r20260708T233000Z-01",
        "r20260708T233000Z-02",
        "r20260708T233001Z-01",
        "r20261101T000000Z-01",
    ]
    assert ids == sorted(ids)
    assert [one["run_id"] for one in runs.manifests(home)] == ids[::-1]


def test_a_stage_is_timed_and_a_failure_recorded(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    run = runs.start(home, settings, verb="run", quiet=True)
    with run.stage("land") as entry:
        entry["rows"] = 3
    with pytest.raises(ThroughlineError), run.stage("build"):
        raise error("E-RUN-011", home="h")
    land, build = files.read_json(run.folder / "manifest.json")["stages"]
    assert (land["status"], land["rows"]) == ("OK", 3)
    assert land["seconds"] >= 0
    assert land["peak_mib"] > 1
    assert (build["status"], build["error"]["code"]) == ("FAILED", "E-RUN-011")
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["stage"] for line in lines] == ["land", "build"]


def test_a_run_goes_through_all_stages_and_is_published(home: Home, fakes: Fakes) -> None:
    assert throughline("run", "--as-of", "2026-06-30", "--known-at", "2026-07-01T08:00:00Z") == 0
    assert fakes.calls == ["land all", "build", "check"]
    manifest = runs.manifests(home)[0]
    assert manifest["status"] == runs.PUBLISHED
    assert (manifest["as_of"], manifest["known_at"]) == ("2026-06-30", "2026-07-01T08:00:00Z")
    assert manifest["versions"]["duckdb"] == duckdb.__version__
    assert shown(home) == 1


def test_a_failing_gate_leaves_the_pointer_and_exits_4(home: Home, fakes: Fakes) -> None:
    assert throughline("run") == 0
    before = files.read_json(home.pointer)
    fakes.fail = "check"
    done = CliRunner().invoke(app, ["run"])
    assert done.exit_code == 4
    assert "unique_x failed" in done.stderr
    assert before["run_id"] in done.stderr
    assert files.read_json(home.pointer) == before
    assert shown(home) == 1
    assert runs.manifests(home)[0]["status"] == runs.NOT_PUBLISHED
    assert throughline("publish") == 4


@pytest.mark.parametrize(("stage", "code"), [("land", 3), ("build", 3)])
def test_what_could_not_run_exits_3(home: Home, fakes: Fakes, stage: str, code: int) -> None:
    fakes.fail = stage
    assert throughline("run") == code
    assert runs.manifests(home)[0]["status"] == runs.FAILED
    assert not home.pointer.exists()


def test_stages_one_by_one_carry_on_the_same_run(home: Home, fakes: Fakes) -> None:
    assert throughline("land", "demo") == 0
    assert throughline("build") == 0
    fakes.fail = "check"
    assert throughline("check") == 1
    fakes.fail = ""
    assert throughline("check") == 0
    assert throughline("publish") == 0
    assert fakes.calls == ["land demo", "build", "check", "check"]
    built, landed = runs.manifests(home)
    assert (landed["verb"], landed["status"]) == ("land", runs.COMPLETED)
    assert (built["verb"], built["status"]) == ("build", runs.PUBLISHED)
    assert [one["name"] for one in built["stages"]] == ["build", "check", "publish"]


@pytest.mark.parametrize(("stage", "calls"), [("build", ["build", "check"]), ("check", ["check"])])
def test_a_run_can_begin_later(home: Home, fakes: Fakes, stage: str, calls: list[str]) -> None:
    assert throughline("build") == 0
    fakes.calls.clear()
    assert throughline("run", "--from-stage", stage) == 0
    assert fakes.calls == calls


def test_there_must_be_something_to_check(home: Home, fakes: Fakes) -> None:
    assert throughline("check") == 3
    assert throughline("publish") == 3


def test_wrong_words_exit_64(home: Home, fakes: Fakes) -> None:
    assert throughline("run", "--as-of", "yesterday") == 64
    assert throughline("run", "--known-at", "soon") == 64
    assert throughline("run", "--from-stage", "middle") == 64
    assert throughline("run", "--unknown") == 64
    assert throughline("nonsense") == 64
    assert throughline("explain", "E-NONE") == 64
    home.config.write_text("reporting_currency = 1", encoding="utf-8")
    assert throughline("run") == 64


def test_a_locked_home_exits_75(home: Home, fakes: Fakes) -> None:
    with lock.exclusive(home, "somebody"):
        assert throughline("run") == 75
    assert fakes.calls == []


def test_an_interrupted_run_is_recorded(home: Home, fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(run: Run) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "check", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pipeline.execute(home, a_home(home.root)[1], Request(quiet=True))
    assert runs.manifests(home)[0]["status"] == runs.FAILED
    assert lock.holder(home) is None


def test_status_tells_of_the_runs(home: Home, fakes: Fakes) -> None:
    assert throughline("run") == 0
    fakes.fail = "build"
    assert throughline("run") == 3
    rows = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    assert [(row["status"], row["current"], row["failed"]) for row in rows] == [
        (runs.FAILED, False, "build: E-RUN-010"),
        (runs.PUBLISHED, True, None),
    ]


# Landing: the others go on.


def landed(**rows: int | ThroughlineError) -> SourceResult:
    """A source's result: per resource the rows landed, or what went wrong."""
    resources = [
        ResourceResult(name, "d", "FAILED", error=outcome)
        if isinstance(outcome, ThroughlineError)
        else ResourceResult(name, "d", "OK", rows_landed=outcome)
        for name, outcome in rows.items()
    ]
    return SourceResult("s", "main", "load-1", resources)


@pytest.fixture
def landing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], None]:
    """Gives `pipelines.landing` what `run_source` does per source: a result or an exception."""
    outcomes: dict[str, Any] = {}
    module = ModuleType("pipelines.landing")

    def run_source(
        source: str,
        instance: str,
        home: Path,
        settings: dict[str, Any],
        run_id: str,
        resources: list[str] | None,
        span: Span,
    ) -> SourceResult:
        assert settings["dataset"] == f"{source}_{instance}"
        outcome = outcomes[source]
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, SourceResult)
        return outcome

    module.run_source = run_source  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pipelines.landing", module)
    return outcomes.__setitem__


def two_sources(tmp_path: Path) -> Home:
    home, _ = a_home(tmp_path)
    home.config.write_text("[sources.one]\n[sources.two]\n", encoding="utf-8")
    return home


def test_one_source_that_fails_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, landing: Callable[[str, Any], None]
) -> None:
    home = two_sources(tmp_path)
    monkeypatch.setenv("THROUGHLINE_HOME", str(home.root))
    landing("one", RuntimeError("the vendor has gone mad"))
    landing("two", landed(a=5, b=error("E-SRC-004", source="two", resource="b")))
    done = CliRunner().invoke(app, ["land"])
    assert done.exit_code == 3
    assert "E-RUN-005" in done.stderr
    one, two = runs.manifests(home)[0]["landing"]
    assert (one["status"], two["status"], two["rows_landed"], two["failed"]) == (
        "FAILED",
        "PARTIAL",
        5,
        ["b"],
    )
    landing("one", landed(a=1))
    assert throughline("land") == 0


def test_when_no_source_answers_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fakes: Fakes, landing: Callable[[str, Any], None]
) -> None:
    from throughline.stages.land import land

    home = two_sources(tmp_path)
    monkeypatch.setenv("THROUGHLINE_HOME", str(home.root))
    monkeypatch.setattr(pipeline, "land", land)
    landing("one", error("E-RUN-011", home="x"))
    landing("two", RuntimeError("no"))
    assert throughline("run") == 3
    assert fakes.calls == []
    assert throughline("land", "three") == 64


# Checking.


def suite(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(
        check_stage,
        "suite_command",
        lambda run: [sys.executable, "-c", f"print('judged'); raise SystemExit({code})"],
    )


TESTS_OK: dict[str, Any] = {"counts": {"pass": 2}, "failures": []}
TESTS_FAILED: dict[str, Any] = {
    "counts": {"fail": 1},
    "failures": [{"node": "test.throughline.unique_x.abc", "status": "fail", "message": "2 rows", "rows": 2}],
}


def a_built_run(home: Home, mark: int, tests: dict[str, Any]) -> Run:
    run = runs.start(home, a_home(home.root)[1], verb="run", quiet=True)
    run.manifest["dbt_tests"] = tests
    a_candidate(home, run.run_id, mark)
    return run


def test_a_good_candidate_passes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    suite(monkeypatch, 0)
    run = a_built_run(home, 1, TESTS_OK)
    check_stage.check(run)
    assert run.stage_done("check")
    assert "judged" in (run.folder / "expectations.log").read_text(encoding="utf-8")


def test_what_a_test_warns_of_is_said_and_stops_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    suite(monkeypatch, 0)
    node = "test.throughline.balances_leave_nothing_twice"
    one = {
        "unique_id": node,
        "status": "warn",
        "failures": 3,
        "message": "Got 3 results",
        "execution_time": 1,
    }
    target = home.root / "said"
    compiled = home.root / "compiled" / "tests" / "balances_leave_nothing_twice.sql"
    for folder in (target, compiled.parent):
        folder.mkdir(parents=True)
    (target / "tests_results.json").write_text(json.dumps({"results": [one], "elapsed_time": 1}))
    told = build_stage.results(target, "tests")
    assert told is not None
    run = a_built_run(home, 1, told)
    compiled.touch()
    (run.folder / "dbt").mkdir()
    shutil.move(home.root / "compiled", run.folder / "dbt" / "compiled")
    check_stage.check(run)
    assert run.stage_done("check")
    log = (run.folder / "log.jsonl").read_text(encoding="utf-8")
    assert "warning   balances_leave_nothing_twice: 3 rows; its SQL lists them: " in log


@pytest.mark.parametrize(
    ("tests", "suite_code", "code", "said"),
    [
        (TESTS_FAILED, 0, "E-RUN-020", "unique_x: 2 rows"),
        (TESTS_OK, 1, "E-RUN-020", "expectations that are not met"),
        (TESTS_OK, 3, "E-RUN-022", "could not run"),
        (TESTS_OK, -9, "E-RUN-022", "could not run"),
    ],
)
def test_what_fails_stops_a_publish(
    home: Home, monkeypatch: pytest.MonkeyPatch, tests: dict[str, Any], suite_code: int, code: str, said: str
) -> None:
    suite(monkeypatch, suite_code)
    run = a_built_run(home, 1, tests)
    with pytest.raises(ThroughlineError) as caught:
        check_stage.check(run)
    assert caught.value.code == code
    assert said in caught.value.what
    assert not run.stage_done("check")


def test_a_table_that_lost_all_its_rows_stops_a_publish(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    suite(monkeypatch, 0)
    publish.publish(a_checked_run(home, a_home(home.root)[1], 1))
    run = a_built_run(home, 2, TESTS_OK)
    connection = duckdb.connect(str(home.candidate(run.run_id)))
    connection.execute("delete from marts.metric_value")
    connection.close()
    with pytest.raises(ThroughlineError, match=r"marts.metric_value held 50 rows"):
        check_stage.check(run)


@pytest.mark.parametrize(
    "table", ["recon__root_link", "exception_history", "recon__due", "exception", "tie_out_item"]
)
def test_a_list_of_open_cases_may_become_empty(
    home: Home, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    suite(monkeypatch, 0)
    first = a_built_run(home, 1, TESTS_OK)
    said = (
        "create schema if not exists reconciliation;"
        f" create or replace table reconciliation.{table} as select 1 as a"
    )
    with duckdb.connect(str(home.candidate(first.run_id))) as connection:
        connection.execute(said)
    check_stage.check(first)
    publish.publish(first)
    run = a_built_run(home, 2, TESTS_OK)
    with duckdb.connect(str(home.candidate(run.run_id))) as connection:
        connection.execute(f"{said} where false")
    check_stage.check(run)
    assert run.stage_done("check")


def test_a_view_is_never_published(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    suite(monkeypatch, 0)
    run = a_built_run(home, 1, TESTS_OK)
    connection = duckdb.connect(str(home.candidate(run.run_id)))
    connection.execute("create view marts.v as select 1 as a")
    connection.close()
    with pytest.raises(ThroughlineError, match=r"marts.v is a view"):
        check_stage.check(run)


# Processes.


def test_a_process_is_logged_and_measured(tmp_path: Path) -> None:
    lines: list[str] = []
    done = process.run(
        [
            sys.executable,
            "-c",
            "import os; print('a'); x = bytearray(80_000_000); print(os.environ['X']); exit(7)",
        ],
        environment={"X": "told"},
        log=tmp_path / "log",
        on_line=lines.append,
    )
    assert (done.code, lines) == (7, ["a", "told"])
    assert done.peak_mib > 76
    assert (tmp_path / "log").read_text(encoding="utf-8") == "a\ntold\n"


def test_a_process_started_by_us_ends_with_us(tmp_path: Path) -> None:
    seen: list[int] = []

    def stop(line: str) -> None:
        seen.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.run(
            [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"],
            environment={},
            log=tmp_path / "log",
            on_line=stop,
        )
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0], 0)


PARENT = """
import os, sys, threading
from pathlib import Path
from throughline import lock, process
from throughline.home import Home

home = Home(Path(sys.argv[1]))
with lock.exclusive(home, "parent"):
    process.run(
        process.module("tests.unit.orphan", str(home.root)),
        environment={},
        log=home.root / "log",
        on_line=lambda line: print(line, flush=True),
    )
"""


def parent_and_child(home: Path) -> tuple[subprocess.Popen[str], int]:
    """A holder of the home's lock, and the process it started, which writes until it is stopped."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(home)], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def comes_to(pid: int, states: str, within: float = 20.0) -> bool:
    """Whether a process comes to one of `states` in time (T stopped, Z ended, - gone)."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        done = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True)
        if (done.stdout.strip() or "-")[0] in states:
            return True
        time.sleep(0.02)
    return False


def halt(pid: int) -> None:
    """Stop a process, and wait until all its threads stand."""
    os.kill(pid, signal.SIGSTOP)
    assert comes_to(pid, "T")


def gone(pid: int) -> bool:
    """Whether a process ends in time."""
    return comes_to(pid, "Z-")


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent, child = parent_and_child(tmp_path)
    parent.kill()
    parent.wait()
    assert gone(child)


def test_the_next_writer_waits_for_the_rest_of_a_killed_one(tmp_path: Path) -> None:
    parent, child = parent_and_child(tmp_path)
    halt(child)
    parent.kill()
    parent.wait()
    release = threading.Timer(1.0, os.kill, (child, signal.SIGCONT))
    before = time.monotonic()
    release.start()
    with lock.exclusive(Home(tmp_path), "next"):
        waited = time.monotonic() - before
        written = (tmp_path / "written").stat().st_size
        assert gone(child)
        time.sleep(0.1)
        assert (tmp_path / "written").stat().st_size == written
    release.join()
    assert waited >= 1.0


def test_a_rest_that_stays_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.3)
    parent, child = parent_and_child(tmp_path)
    halt(child)
    parent.kill()
    parent.wait()
    try:
        with (
            pytest.raises(ThroughlineError, match=f"process {parent.pid} "),
            lock.exclusive(Home(tmp_path), "next"),
        ):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
