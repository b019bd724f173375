"""The workbook's roll-forwards on a published firm: they say the page's numbers, meet and foot, or say so."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.published import copy_of, session_home
from throughline.home import Home
from throughline.recon.columns import ROLL_FORWARDS
from throughline.recon.published import Filter, Report, read_report
from throughline.recon.rows import SHEETS
from throughline.warehouse import current, open_published

METRICS = {
    "BACKLOG": "total_backlog",
    "WIP": "wip_operational",
    "DEFERRED_REVENUE": "contract_liability",
    "RECEIVABLES": "ar_gross",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy of the session's published home."""
    return copy_of(session_home(tmp_path_factory), tmp_path_factory.mktemp("sheet") / "home")


@pytest.fixture(scope="module")
def report(home: Home) -> Report:
    """All of it."""
    return read_report(home)


def told(report: Report) -> list[dict[str, Any]]:
    """The sheet's rows by their columns' names."""
    (sheet,) = [one for one in SHEETS if one.name == "07_Rollforwards"]
    names = [column.name for column in ROLL_FORWARDS]
    return [dict(zip(names, row, strict=True)) for row in sheet.rows(report)]


def test_closings_are_the_pages_numbers(home: Home, report: Report) -> None:
    sums: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in told(report):
        if row["line"] == "CLOSING":
            sums[row["balance"], row["as_of"], row["currency"]] += row["amount_tc"]
    with open_published(home) as connection:
        for balance, metric in METRICS.items():
            said = connection.execute(
                "select as_of, currency_code, value from marts.metric_value where metric_id = ?"
                " and grain = 'FIRM' and currency_view = 'TC' and value <> 0",
                [metric],
            ).fetchall()
            assert said, balance
            found = {key[1:]: amount for key, amount in sums.items() if key[0] == balance and amount}
            assert found == {(as_of, currency): value for as_of, currency, value in said}, balance


def test_every_opening_meets_and_every_closing_foots(report: Report) -> None:
    rows = told(report)
    first = min(row["as_of"] for row in rows)
    for row in rows:
        wanted = {"OPENING": "MEETS", "CLOSING": "FOOTS"}.get(row["line"])
        if row["line"] == "OPENING" and row["as_of"] == first:
            wanted = None
        assert row["check"] == wanted, row
    assert {row["balance"] for row in rows} == set(METRICS)


def test_a_run_published_before_a_step_was_told_apart_has_none_of_it(
    home: Home, report: Report, tmp_path: Path
) -> None:
    before = copy_of(home, tmp_path / "before")
    path = current(before).path
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute("alter table marts.ar_rollforward drop column opening_balance")
    assert told(read_report(before)) == told(report)


def test_what_does_not_meet_or_foot_says_so(report: Report) -> None:
    [one, *_] = [row for row in report.roll_forwards if row["closed_before"] is not None]
    broken = {**one, "opening": one["opening"] + 1}
    opening, *_, closing = told(replace(report, roll_forwards=[broken]))
    assert (opening["check"], closing["check"]) == ("DOES NOT MEET", "DOES NOT FOOT")


def test_a_scope_holds_its_entities_alone(home: Home, report: Report) -> None:
    entity = told(report)[0]["legal_entity"]
    rows = told(read_report(home, Filter(entities=(entity,))))
    assert rows == [row for row in told(report) if row["legal_entity"] == entity]
    assert len(rows) < len(told(report))
