"""Printing and querying: exact money in every form, read-only, one file."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from tests.unit.core_support import a_checked_run, a_home
from throughline import output, publish, warehouse
from throughline.cli import app
from throughline.errors import ThroughlineError
from throughline.home import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    found, settings = a_home(tmp_path / "home")
    publish.publish(a_checked_run(found, settings, 7))
    monkeypatch.setenv("THROUGHLINE_HOME", str(found.root))
    return found


def asked(*arguments: str, code: int = 0) -> str:
    """Standard output of `throughline query ...`, which must end with `code`."""
    done = CliRunner().invoke(app, ["query", *arguments])
    assert done.exit_code == code, done.output
    return done.stdout


def test_json_is_a_list_of_objects_with_money_as_strings(home: Home) -> None:
    rows = json.loads(asked("select i, amount, null as nothing from marts.other where i = 3", "--json"))
    assert rows == [{"i": 3, "amount": "3.7500", "nothing": None}]


def test_big_money_loses_no_digit(home: Home) -> None:
    sql = "select cast('123456789012345.6789' as decimal(19,4)) as money, date '2026-01-31' as day"
    assert json.loads(asked(sql, "--json")) == [{"money": "123456789012345.6789", "day": "2026-01-31"}]
    assert list(csv.DictReader(io.StringIO(asked(sql, "--csv")))) == [
        {"money": "123456789012345.6789", "day": "2026-01-31"}
    ]


def test_in_a_pipe_a_table_is_tab_separated(home: Home) -> None:
    assert asked("select i, amount from marts.other where i < 2 order by i").splitlines() == [
        "i\tamount",
        "0\t0.0000",
        "1\t1.2500",
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "create table marts.x as select 1",
        "drop table marts.other",
        "select * from read_csv('/etc/passwd')",
        "copy marts.other to 'out.csv'",
        "attach 'other.duckdb'",
        "set lock_configuration = false",
        "select 1; select 2",
        "select nothing from marts.other",
        "selec 1",
        "select * from home",
        "",
    ],
)
def test_it_reads_and_does_nothing_else(home: Home, sql: str) -> None:
    done = CliRunner().invoke(app, ["query", sql])
    assert done.exit_code == 64
    assert "E-QRY-001" in done.stderr
    assert done.stdout == ""


def test_two_forms_at_once_are_refused(home: Home) -> None:
    asked("select 1", "--json", "--csv", code=64)


def test_local_variables_are_not_tables(home: Home) -> None:
    other = [1, 2, 3]  # noqa: F841 -- what a replacement scan would find
    connection = warehouse.open_published(home)
    with pytest.raises(duckdb.Error):
        connection.execute("select * from other")
    connection.close()


def test_times_are_utc_wherever_the_reader_is(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = warehouse.open_published(home)
    for cursor in (connection, connection.cursor()):
        assert cursor.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
    connection.close()


def test_an_earlier_run_can_be_asked(home: Home, tmp_path: Path) -> None:
    first = publish.published_runs(home)[0]
    _, settings = a_home(home.root)
    publish.publish(a_checked_run(home, settings, 8))
    assert "\n7" in asked("select distinct mark from marts.other", "--run", first)
    assert "\n8" in asked("select distinct mark from marts.other")


def test_nothing_published_is_said(tmp_path: Path) -> None:
    with pytest.raises(ThroughlineError) as caught:
        warehouse.open_published(Home(tmp_path))
    assert caught.value.code == "E-PUB-001"
    with pytest.raises(ThroughlineError) as caught:
        warehouse.open_published(Home(tmp_path), "r-none")
    assert caught.value.code == "E-PUB-002"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1E+2"), "100"),
        (Decimal("-0.0100"), "-0.0100"),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), "2026-01-01T12:00:00Z"),
        (date(2026, 1, 1), "2026-01-01"),
        ([Decimal("1.50"), {"a": Decimal("2")}], ["1.50", {"a": "2"}]),
        (True, True),
        (3, 3),
        (None, None),
    ],
)
def test_values_in_json(value: object, expected: object) -> None:
    assert output.plain(value) == expected


def test_csv_quotes_and_leaves_absent_values_empty() -> None:
    assert output.as_csv(["a", "b", "c"], [["x, y", None, True]]) == 'a,b,c\n"x, y",,true'
