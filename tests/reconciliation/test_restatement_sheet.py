"""The workbook's restatements on a published firm: metrics are the page's numbers, records lead there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.published import copy_of, session_home
from throughline.home import Home
from throughline.recon.columns import RESTATEMENTS
from throughline.recon.published import Filter, Report, read_report
from throughline.recon.rows import SHEETS
from throughline.warehouse import open_published


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy of the session's published home, in which May was closed before two cards were remembered."""
    return copy_of(session_home(tmp_path_factory), tmp_path_factory.mktemp("sheet") / "home")


@pytest.fixture(scope="module")
def report(home: Home) -> Report:
    """All of it."""
    return read_report(home)


def told(report: Report) -> list[dict[str, Any]]:
    """The sheet's rows by their columns' names."""
    (sheet,) = [one for one in SHEETS if one.name == "10_Restatements"]
    names = [column.name for column in RESTATEMENTS]
    return [dict(zip(names, row, strict=True)) for row in sheet.rows(report)]


def test_what_is_known_now_is_the_pages_number(home: Home, report: Report) -> None:
    rows = [row for row in told(report) if row["level"] == "METRIC"]
    assert rows
    with open_published(home) as connection:
        for row in rows:
            assert row["as_reported_rc"] + row["difference_rc"] == row["as_now_known_rc"]
            [(value,)] = connection.execute(
                "select v.value from marts.metric_value v join master.dim_legal_entity e"
                " on v.legal_entity_id = e.legal_entity_id where v.metric_id = ? and e.entity_code = ?"
                " and strftime(v.as_of, '%Y-%m') = ? and v.period_type = 'MONTH'"
                " and v.grain = 'LEGAL_ENTITY' and v.currency_view = 'RC'",
                [row["what"], row["legal_entity"], row["period"]],
            ).fetchall()
            assert row["as_now_known_rc"] == value, row


def test_records_add_up_to_what_changed(report: Report) -> None:
    """Labour is one kind of movement: its records are the whole of the difference."""
    rows = told(report)
    changed = {
        (row["period"], row["legal_entity"]): row["difference_rc"]
        for row in rows
        if row["level"] == "METRIC" and row["what"] == "labour_cost"
    }
    assert changed
    for place, difference in changed.items():
        records = [
            row
            for row in rows
            if row["level"] == "RECORD"
            and row["what"] == "labour_cost"
            and (row["period"], row["legal_entity"]) == place
        ]
        assert sum((row["difference_rc"] for row in records), Decimal(0)) == difference
        for row in records:
            assert (row["cause"], row["treatment"], row["area"]) == ("LATE_ENTRY", "RESTATE", "GL")
            assert row["detected_at"] > row["recorded_at"]


def test_a_scope_holds_its_entities_alone(home: Home, report: Report) -> None:
    entities = {row["legal_entity"] for row in told(report)}
    assert len(entities) > 1
    for entity in sorted(entities):
        rows = told(read_report(home, Filter(entities=(entity,))))
        assert rows == [row for row in told(report) if row["legal_entity"] == entity]
