"""Rows to drill into: in files by period, shared by runs, never changed, gone when nobody needs them."""

from __future__ import annotations

import json
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from tests.unit.core_support import a_candidate, a_checked_run, a_home
from throughline import content, facts, publish, runs, warehouse
from throughline.cli import app
from throughline.config import Config
from throughline.errors import ThroughlineError
from throughline.home import Home
from throughline.runs import Run
from throughline.stages import build, check


def published(home: Home, settings: Config, *marks: int) -> list[str]:
    """Publishes a run per mark; their ids."""
    found = []
    for mark in marks:
        run = a_checked_run(home, settings, mark)
        publish.publish(run)
        found.append(run.run_id)
    return found


def by_period(home: Home, run_id: str) -> dict[str, facts.Facts]:
    return {one.period: one for one in facts.of_file(home.published(run_id))}


def there(home: Home) -> set[str]:
    return {path.name for path in facts.paths(home.serving)}


def test_a_published_run_says_which_files_of_rows_it_needs(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    (run_id,) = published(home, settings, 1)
    listed = by_period(home, run_id)
    # by hand, from core_support: ten rows of April and May, of fifty more 25 in June and 25 of no month
    assert {period: one.rows for period, one in listed.items()} == {
        "2026-04": 10, "2026-05": 10, "2026-06": 25, "positions": 25,
    }  # fmt: skip
    assert there(home) == {one.file for one in listed.values()}
    for one in listed.values():
        assert one.name == f"facts_{one.period}_{one.sha256[:16]}"
        path = home.serving / one.file
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
        connection = duckdb.connect(str(path), read_only=True)
        assert content.table_hash(connection, "marts", "metric_drill") == (one.rows, one.sha256)
        connection.close()


def test_readers_see_the_rows_as_before(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    run = a_checked_run(home, settings, 1)
    candidate = duckdb.connect(str(home.candidate(run.run_id)), read_only=True)
    before = candidate.execute("select * from marts.metric_drill order by all").fetchall()
    candidate.close()
    publish.publish(run)
    connection = warehouse.open_published(home)
    assert connection.cursor().execute("select * from marts.metric_drill order by all").fetchall() == before
    said = connection.execute(
        "select row_count from publication.content where table_name = 'marts.metric_drill'"
    ).fetchone()
    assert said == (70,)
    june = connection.execute(
        "select sum(amount_rc) from marts.metric_drill where period_month = date '2026-06-01'"
    ).fetchone()
    assert june == (Decimal("375.0000"),), "1.25 times the sum of 0 to 24"
    held = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database()"
    ).fetchall()
    assert ("metric_drill",) not in held, "the rows do not stand in the serving file too"
    connection.close()


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    first, second, third = published(home, settings, 1, 2, 2)
    one, two, three = (by_period(home, run_id) for run_id in (first, second, third))
    assert {period for period in one if one[period] == two[period]} == {"2026-04", "2026-05"}
    assert two == three
    assert len(there(home)) == 6
    manifest = json.loads((home.run(third) / "manifest.json").read_text())
    assert (len(manifest["published"]["facts"]), manifest["published"]["facts_written"]) == (4, 0)


def test_a_shared_file_is_never_touched(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    (first,) = published(home, settings, 1)
    path = home.serving / by_period(home, first)["2026-04"].file
    was = path.stat()
    published(home, settings, 2)
    now = path.stat()
    assert (was.st_ino, was.st_mtime_ns, was.st_size) == (now.st_ino, now.st_mtime_ns, now.st_size)


def test_the_order_rows_lie_in_makes_no_other_file(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    (first,) = published(home, settings, 1)
    run = a_checked_run(home, settings, 1)
    connection = duckdb.connect(str(home.candidate(run.run_id)))
    connection.execute(
        "create or replace table marts.metric_drill as from marts.metric_drill order by i desc"
    )
    connection.close()
    publish.publish(run)
    assert by_period(home, first) == by_period(home, run.run_id)


def test_a_file_goes_when_no_kept_run_needs_it(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path, keep=1)
    (first,) = published(home, settings, 1)
    publish.pin(home, first, "ann")
    kept = by_period(home, first)
    second, third = published(home, settings, 2, 3)
    assert publish.published_runs(home) == [first, third], "the second is gone"
    assert there(home) == {one.file for one in (*kept.values(), *by_period(home, third).values())}
    publish.pin(home, first, "ann", on=False)
    publish.retain(home, 1)
    assert there(home) == {one.file for one in by_period(home, third).values()}
    assert second not in publish.published_runs(home)


def test_nothing_is_deleted_while_a_kept_run_cannot_say_what_it_needs(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path, keep=2)
    first, second, _ = published(home, settings, 1, 2, 3)
    assert first not in publish.published_runs(home)
    before = there(home)
    home.published(second).chmod(0o644)
    home.published(second).write_bytes(b"not a database")
    orphan = home.serving / "facts_2020-01_0000000000000000.duckdb"
    orphan.touch()
    assert publish.sweep(home) == []
    assert there(home) == {*before, orphan.name}


def test_a_missing_or_damaged_file_is_told_and_the_next_publish_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, settings = a_home(tmp_path)
    monkeypatch.setenv("THROUGHLINE_HOME", str(home.root))
    (first,) = published(home, settings, 1)
    may = home.serving / by_period(home, first)["2026-05"].file
    whole = may.read_bytes()
    for damage in ("missing", "damaged"):
        may.chmod(0o644)
        may.unlink() if damage == "missing" else may.write_bytes(whole[:5000])
        with pytest.raises(ThroughlineError) as caught:
            warehouse.open_published(home)
        assert (caught.value.code, caught.value.exit_code) == ("E-PUB-005", 3)
        findings = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
        assert [one["status"] for one in findings if one["check"] == "published"] == ["FAIL"]
        published(home, settings, 1)
        connection = warehouse.open_published(home)
        assert connection.execute("select count(*) from marts.metric_drill").fetchone() == (70,)
        connection.close()


def test_a_session_keeps_its_rows_when_retention_deletes_them(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path, keep=1)
    (first,) = published(home, settings, 1)
    own = {one.file for one in by_period(home, first).values()}
    session = warehouse.open_published(home)
    published(home, settings, 2)
    assert own - there(home), "files only the first run needed are deleted"
    rows = session.cursor().execute("select count(*), max(mark) from marts.metric_drill").fetchone()
    session.close()
    assert rows == (70, 1)


def test_two_runs_that_share_files_are_open_in_one_process(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    ids = published(home, settings, 1, 2)
    sessions = [warehouse.open_published(home, run_id) for run_id in (*ids, *ids)]
    seen = [one.execute("select max(mark) from marts.metric_drill").fetchone() for one in sessions]
    for one in sessions:
        one.close()
    assert seen == [(1,), (2,), (1,), (2,)]


@pytest.mark.parametrize(
    "sql",
    [
        "attach '{other}' as other (read_only)",
        "select * from read_text('{other}')",
        "select * from '{other}'",
        "copy (select 1) to '{folder}/out.csv'",
        "set enable_external_access = true",
        "set threads = 1",
        "drop view marts.metric_drill",
        "select * from local_rows",
    ],
)
def test_nothing_else_can_be_reached_once_the_rows_are_attached(tmp_path: Path, sql: str) -> None:
    home, settings = a_home(tmp_path)
    first, _ = published(home, settings, 1, 2)
    local_rows = duckdb.sql("select 1 as a").fetchall()
    assert local_rows
    connection = warehouse.open_published(home)
    with pytest.raises(duckdb.Error):
        connection.execute(sql.format(other=home.published(first), folder=tmp_path))
    connection.close()


def test_a_file_published_before_there_were_files_of_rows_still_opens(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    run = a_checked_run(home, settings, 5)
    connection = duckdb.connect(str(home.candidate(run.run_id)))
    connection.execute("create schema publication; create table publication.run as select 1 as run_id")
    connection.close()
    home.candidate(run.run_id).rename(home.published(run.run_id))
    publish.point(home, run.run_id, as_of=None, known_at=None, content_hash=None)
    opened = warehouse.open_published(home)
    assert opened.execute("select max(mark) from marts.metric_drill").fetchone() == (5,)
    opened.close()


def test_a_run_without_rows_publishes_an_empty_table(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    run = a_checked_run(home, settings, 1)
    connection = duckdb.connect(str(home.candidate(run.run_id)))
    connection.execute("delete from marts.metric_drill")
    connection.close()
    publish.publish(run)
    opened = warehouse.open_published(home)
    assert opened.execute("select count(*) from marts.metric_drill").fetchone() == (0,)
    opened.close()
    assert not there(home)


def _next(home: Home, settings: Config) -> Run:
    return runs.start(home, settings, verb="run", quiet=True)


def test_a_partial_build_starts_from_the_rows_as_a_table(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    (first,) = published(home, settings, 1)
    run = _next(home, settings)
    build._prepare_candidate(run, "metric_value", anew=False)
    connection = duckdb.connect(str(home.candidate(run.run_id)), read_only=True)
    assert content.views(connection) == []
    assert content.row_counts(connection)["marts", "metric_drill"] == 70
    connection.close()
    with run.stage("check"):
        pass
    publish.publish(run)
    assert by_period(home, run.run_id) == by_period(home, first)


def test_a_whole_build_starts_from_what_is_published_without_the_rows(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    published(home, settings, 1)
    run = _next(home, settings)
    build._prepare_candidate(run, None, anew=False)
    with duckdb.connect(str(home.candidate(run.run_id)), read_only=True) as connection:
        held = content.row_counts(connection)
        assert held["marts", "metric_value"] > 0
        assert ("marts", "metric_drill") not in held
        assert content.views(connection) == []
        assert facts.listed(connection) == []
    # ... and one that makes everything anew from nothing
    build._prepare_candidate(run, None, anew=True)
    assert not home.candidate(run.run_id).exists()


def test_rows_that_are_all_gone_fail_the_check(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    published(home, settings, 1)
    run = _next(home, settings)
    a_candidate(home, run.run_id, 2)
    assert check._smoke_totals(run, {}) == []
    connection = duckdb.connect(str(home.candidate(run.run_id)))
    connection.execute("delete from marts.metric_drill")
    connection.close()
    assert check._smoke_totals(run, {}) == [
        "marts.metric_drill held 70 rows when last published and is now empty"
    ]


def test_what_a_killed_build_spilled_to_disk_is_cleared_away(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    for name in ("attached.duckdb.tmp", "candidate_r1.duckdb.tmp", ".facts_x.duckdb.1.tmp.tmp"):
        (home.serving / name).mkdir()
        (home.serving / name / "duckdb_temp_storage_DEFAULT-0.tmp").touch()
    (home.serving / ".facts_x.duckdb.1.tmp.wal").touch()
    publish.recover(home)
    assert list(home.serving.iterdir()) == []
    (home.serving / "attached.duckdb.tmp").mkdir()
    build._prepare_candidate(_next(home, settings), None, anew=False)
    assert not (home.serving / "attached.duckdb.tmp").exists()


def test_the_list_tells_how_much_stands_behind_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, settings = a_home(tmp_path)
    monkeypatch.setenv("THROUGHLINE_HOME", str(home.root))
    published(home, settings, 1, 2)
    listed = json.loads(CliRunner().invoke(app, ["publish", "list", "--json"]).stdout)
    assert [row["facts_files"] for row in listed] == [4, 4]


@pytest.mark.parametrize("moment", ["open_file", "attach"])
def test_a_reader_that_retention_overtakes_gets_the_newer_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    home, settings = a_home(tmp_path, keep=1)
    published(home, settings, 1)
    where = warehouse if moment == "open_file" else facts
    real, overtaken = getattr(where, moment), []

    def late(*arguments: Any) -> Any:
        if not overtaken:
            overtaken.append(True)
            published(home, settings, 2)
        return real(*arguments)

    monkeypatch.setattr(where, moment, late)
    connection = warehouse.open_published(home)
    assert connection.execute("select max(mark) from marts.metric_drill").fetchone() == (2,)
    connection.close()
