"""The errors of the core that no other test provokes: each by the mistake that leads to it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines import rejects
from sandbox import score
from sandbox.served import served
from tests.unit.core_support import a_checked_run, a_home
from throughline import cli, config, pipeline, publish, runs
from throughline.commands import app as app_command
from throughline.commands.rejects import show
from throughline.commands.sandbox import _instant
from throughline.errors import ROOMS, ROOT, ThroughlineError, catalogue
from throughline.pipeline import Request
from throughline.recon import published
from throughline.recon.published import Filter
from throughline.stages import check as check_stage
from throughline.stages import spark
from throughline.stages.build import build
from throughline.stages.land import land
from throughline.trace import _File

KNOWN = datetime(2026, 7, 1, tzinfo=UTC)


def code(caught: pytest.ExceptionInfo[ThroughlineError]) -> str:
    return caught.value.code


def test_the_dashboard_that_cannot_start_and_the_one_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THROUGHLINE_HOME", str(tmp_path))
    monkeypatch.setattr(app_command, "_free", lambda _port: None)
    monkeypatch.setattr(app_command.process, "foreground", lambda *_words, **_more: 3)
    with pytest.raises(ThroughlineError) as caught:
        app_command.app_(8599)
    assert code(caught) == "E-APP-001"
    monkeypatch.setattr(app_command, "PROJECT_ROOT", tmp_path)
    with pytest.raises(ThroughlineError) as caught:
        app_command.app_(8599)
    assert code(caught) == "E-APP-002"


def test_a_source_that_is_not_enabled_is_not_landed(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    run = runs.start(home, settings, verb="land", quiet=True)
    with pytest.raises(ThroughlineError) as caught:
        land(run, "nobody")
    assert (code(caught), "demo" in caught.value.what) == ("E-LND-001", True)


def test_what_has_not_passed_its_checks_is_not_published(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    run = runs.start(home, settings, verb="run", quiet=True)
    with pytest.raises(ThroughlineError) as caught:
        publish.publish(run)
    assert code(caught) == "E-PUB-003"
    with pytest.raises(ThroughlineError) as caught:
        check_stage.check(run)
    assert code(caught) == "E-RUN-021"


def test_spark_that_cannot_start_and_tables_it_built_are_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = a_home(tmp_path)
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(f'engine = "spark"\n{text}', encoding="utf-8")
    settings = config.load(home)
    run = runs.start(home, settings, verb="run", quiet=True)
    with pytest.raises(ThroughlineError) as caught:
        build(run)
    assert code(caught) == "E-RUN-011", "nothing was landed as files"
    (home.root / "raw").mkdir()
    monkeypatch.setattr(spark, "python", lambda: tmp_path / ".venv-spark" / "bin" / "python")
    with pytest.raises(ThroughlineError) as caught:
        build(run)
    assert (code(caught), ".venv-spark" in caught.value.what) == ("E-RUN-013", True)
    monkeypatch.setattr(spark, "python", lambda: Path(sys.executable))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ThroughlineError) as caught:
        build(run)
    assert (code(caught), "no Java" in caught.value.what) == ("E-RUN-013", True)
    old = tmp_path / "bin" / "java"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n", encoding="utf-8")
    old.chmod(0o755)
    with pytest.raises(ThroughlineError) as caught:
        build(run)
    assert (code(caught), "Java is 11" in caught.value.what) == ("E-RUN-013", True)
    with pytest.raises(ThroughlineError) as caught:
        check_stage.check(run)
    assert (code(caught), caught.value.exit_code) == ("E-RUN-014", 4)
    assert publish.current_run(home) is None


def test_a_run_is_not_carried_on_with_when_none_waits(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    with pytest.raises(ThroughlineError) as caught:
        pipeline.execute(home, settings, Request(first="publish", last="publish", quiet=True))
    assert code(caught) == "E-RUN-021"


def test_a_gate_that_fails_on_the_way_to_publishing_leaves_the_pointer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, settings = a_home(tmp_path)
    publish.publish(a_checked_run(home, settings, 1))
    standing = publish.current_run(home)
    a_checked_run(home, settings, 2)

    def failing(_run: object) -> None:
        from throughline.errors import error

        raise error("E-RUN-020", run_id="r", first="a unique key stands twice", others=0)

    monkeypatch.setattr(pipeline, "check", failing)
    with pytest.raises(ThroughlineError) as caught:
        pipeline.execute(home, settings, Request(first="check", last="publish", quiet=True))
    assert (code(caught), caught.value.exit_code) == ("E-RUN-023", 4)
    assert publish.current_run(home) == standing


def test_dbt_that_ends_without_results_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, settings = a_home(tmp_path)
    run = a_checked_run(home, settings, 1)
    monkeypatch.setattr(check_stage.build, "run_dbt", lambda *_words: 2)
    with pytest.raises(ThroughlineError) as caught:
        check_stage.check(run)
    assert code(caught) == "E-RUN-012"


def test_a_file_that_a_run_holds_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "raw.duckdb"
    hold = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('create table t (i int)');"
        " print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ThroughlineError) as caught:
            _File.at(path)
        assert code(caught) == "E-QRY-003"
        holder.communicate(b"", timeout=20)


def test_reports_say_which_run_word_or_table_is_not_there(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    publish.publish(a_checked_run(home, settings, 1))
    with pytest.raises(ThroughlineError) as caught:
        published.find_run(home, None, date(2020, 1, 31))
    assert code(caught) == "E-REC-002"
    with pytest.raises(ThroughlineError) as caught:
        published.read_report(home)
    assert (code(caught), "exception_history" in caught.value.what) == ("E-REC-003", True)
    with pytest.raises(ThroughlineError) as caught:
        published._check(Filter(severities=("S9",)), {}, {})
    assert (code(caught), "S1, S2, S3, S4" in caught.value.what) == ("E-REC-004", True)


def test_what_nobody_foresaw_has_a_code_and_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def trip() -> None:
        raise ZeroDivisionError("nobody foresaw this")

    a_home(tmp_path)
    monkeypatch.setenv("THROUGHLINE_HOME", str(tmp_path))
    monkeypatch.setattr(runs, "manifests", lambda _home: trip())
    with pytest.raises(SystemExit) as ended:
        cli.app(["source", "list"])
    said = capsys.readouterr().err
    assert "E-RUN-999" in said
    assert "Traceback" in said
    assert ended.value.code == catalogue()["E-RUN-999"].exit_code


def test_emulators_and_runs_of_the_sandbox_that_end_early_are_told(tmp_path: Path) -> None:
    with pytest.raises(ThroughlineError) as caught, served(tmp_path / "nothing", tmp_path / "serve.log"):
        pass
    assert code(caught) == "E-SBX-006"
    home, _ = a_home(tmp_path / "home")
    with pytest.raises(ThroughlineError) as caught:
        score._throughline(home, KNOWN, "trace", "nothing")
    assert code(caught) == "E-SBX-007"


def test_a_reject_is_shown_with_what_it_means_and_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {
        "reject_id": "3f2a", "source_system": "netsuite", "resource": "transaction", "record_id": "77",
        "column_name": "foreigntotal", "reason_code": "NOT_A_NUMBER", "state": rejects.OPEN, "payload": "{}",
    }  # fmt: skip
    monkeypatch.setattr(rejects, "show_reject", lambda _root, _key: row)
    show("3f2a")
    said = capsys.readouterr().out
    assert catalogue()["E-SRC-014"].fix in said
    assert "foreigntotal of record 77 was refused (NOT_A_NUMBER)" in said


def test_an_instant_that_is_none_is_refused() -> None:
    with pytest.raises(ThroughlineError) as caught:
        _instant("tomorrow")
    assert code(caught) == "E-SBX-008"


def test_every_error_is_provoked_by_a_test_that_names_it() -> None:
    told = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert {code for code in catalogue() if f'"{code}"' not in told and f"'{code}'" not in told} == set()


def test_the_page_of_errors_is_what_the_catalogue_says() -> None:
    from scripts.build_error_page import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page(), "run python scripts/build_error_page.py"
    assert all(f"## {one}\n" in page() for one in catalogue())
    assert len(ROOMS) == 5
