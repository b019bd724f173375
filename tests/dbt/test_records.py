"""Ledger and metrics read the system of record; what counts is counted by hand.

A legal entity moved its invoices to another ERP in March, a second system holds time, and the PSA is the
record of people.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.dbt.ledger_support import Firm, calendar, dbt, instant, make_project
from tests.support import records
from throughline.config import ALL, BEGINNING, SystemOfRecord
from throughline.records import resolve

pytestmark = pytest.mark.slow
D = Decimal
ONE, TWO = "netsuite:main:1", "netsuite:main:2"
MOVED = date(2026, 3, 1)
FIRST = "2025-01-02"
SELECT = "+ledger__billing_value +ledger__receivable_value +ledger__time_value +ledger__contract_line_version"


def first(told: Firm, entity: str, key: str, **values: Any) -> None:
    told.add(entity, key, FIRST, backfill=True, **values)


def _invoice(told: Firm, key: str, entity: str, day: date, net: str) -> None:
    common = {"currency_code": "USD", "net_amount": D(net)}
    first(
        told, "invoice", key, doc_type="STANDARD", document_type="invoice", legal_entity_id=entity,
        customer_id="netsuite:main:9", invoice_date=day, due_date=day, exchange_rate=D(1),
        total_amount=D(net), status="open", posted_at=instant(f"{day}T09:00"), **common,
    )  # fmt: skip
    first(told, "invoice_line", f"{key}.1", invoice_id=key, source_type="FEE", quantity=D(1), **common)


def firm() -> Firm:
    told = Firm()
    for entity in (ONE, TWO):
        first(told, "legal_entity", entity, entity_code=entity[-1], functional_currency="USD")
    calendar(told, {ONE: "certinia:main:c1"}, date(2024, 12, 1), date(2026, 8, 31))
    _invoice(told, "netsuite:main:i1", ONE, date(2026, 3, 10), "7")
    _invoice(told, "netsuite:main:i2", TWO, date(2026, 2, 15), "100")
    _invoice(told, "netsuite:main:i3", TWO, date(2026, 3, 15), "1000")  # typed into the old ERP by habit
    _invoice(told, "netsuite:north:i2", TWO, date(2026, 2, 15), "100")  # brought over at the migration
    _invoice(told, "netsuite:north:i4", TWO, date(2026, 3, 20), "40")
    first(
        told, "contract", "netsuite:north:50", customer_id="netsuite:main:9", legal_entity_id=TWO,
        currency_code="USD", signed_on=date(2026, 1, 5), status="ACTIVE",
    )  # fmt: skip
    first(told, "contract_line", "netsuite:north:5", contract_id="netsuite:north:50", original_value=D(600))
    first(told, "project", "certinia:main:P", legal_entity_id=ONE, status="OPEN", is_template=False)
    for key, kind in (("certinia:main:c1", "employee"), ("certinia:main:c2", "contractor")):
        first(told, "resource", key, worker_type=kind, legal_entity_id=ONE, practice_code="DATA")
    first(told, "resource", "salesforce:main:u9", worker_type="employee", legal_entity_id=TWO)
    for key, worker, hours in (
        ("certinia:main:w1", "certinia:main:c1", "8"),
        ("certinia:main:w2", "certinia:main:c2", "4"),
        ("certinia:main:w3", "salesforce:main:u9", "2"),
        ("netsuite:main:w1", "certinia:main:c1", "8"),
    ):
        first(
            told, "time_entry", key, project_id="certinia:main:P", resource_id=worker, hours=D(hours),
            work_date=date(2026, 3, 10), status="approved", currency_code="USD",
        )  # fmt: skip
    told.records = [vars(one) for one in resolve(
        (
            SystemOfRecord("contract", ALL, "netsuite", "main", BEGINNING, None),
            SystemOfRecord("invoice", ALL, "netsuite", "main", BEGINNING, None),
            SystemOfRecord("invoice", TWO, "netsuite", "north", MOVED, None),
            SystemOfRecord("resource", ALL, "certinia", "main", BEGINNING, None),
        ),
        records.KINDS,
    )]  # fmt: skip
    return told


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    place = tmp_path_factory.mktemp("records")
    firm().write(place / "build.duckdb", as_of="2026-04-30", known_at="2026-04-30T23:30")
    done = dbt(make_project(place), place, "run", "--select", *SELECT.split())
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(place / "build.duckdb"), read_only=True) as connection:
        yield connection


def test_an_invoice_counts_in_the_record_of_its_entity_and_day(ledger: duckdb.DuckDBPyConnection) -> None:
    posted = ledger.execute(
        "select invoice_id, amount_tc from ledger.ledger__billing_value where is_posted order by all"
    ).fetchall()
    assert posted == [
        ("netsuite:main:i1", D(7)), ("netsuite:main:i2", D(100)), ("netsuite:north:i4", D(40)),
    ]  # fmt: skip
    asked = ledger.execute("select sum(amount_tc) from ledger.ledger__receivable_value").fetchone()
    assert asked == (D(147),)


def test_a_contract_outside_the_record_is_not_known_to_the_ledger(ledger: duckdb.DuckDBPyConnection) -> None:
    found = ledger.execute("select bool_or(is_known) from ledger.ledger__contract_line_version").fetchone()
    assert found == (False,)


def test_time_counts_once_and_for_the_people_of_the_record(ledger: duckdb.DuckDBPyConnection) -> None:
    found = ledger.execute(
        "select time_entry_id, resource_kind, resource_id from ledger.ledger__time_value order by all"
    ).fetchall()
    assert found == [
        ("certinia:main:w1", "employee", "certinia:main:c1"),
        ("certinia:main:w2", "contractor", "certinia:main:c2"),
        ("certinia:main:w3", "unknown", "UNMAPPED:salesforce:main:u9"),
    ]
