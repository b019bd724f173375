"""The law of two clocks, on a small firm whose records change, vanish and come back after the first load.

Building from only what had been loaded at an instant must equal asking the build of everything for that
instant.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.ledger_support import Firm, calendar, dbt, instant, make_project, rates, replay

pytestmark = pytest.mark.slow
D = Decimal

FIRST, SECOND, THIRD = "2026-03-08T23:30", "2026-04-08T23:30", "2026-05-08T23:30"
US, GB = "netsuite:main:1", "netsuite:main:2"
LINE, EXPENSES, FIXED = "netsuite:main:101", "netsuite:main:102", "netsuite:main:201"


def firm() -> Firm:
    """A T&M contract in GBP with expenses, a fixed fee in EUR that ends, and what happened to them later."""
    told = Firm()
    rates(told, date(2025, 12, 28), date(2026, 5, 9), {"USD": "1", "GBP": "1.25", "EUR": "1.1"}, "2026-03-01")
    calendar(told, {US: "certinia:main:c1", GB: "certinia:main:c2"}, date(2025, 12, 1), date(2026, 7, 31))

    def first(entity: str, key: str, known: str, **values: Any) -> None:
        told.add(entity, key, known, backfill=True, **values)

    first("legal_entity", US, "2025-01-01", entity_code="US01", functional_currency="USD")
    first("legal_entity", GB, "2025-01-01", entity_code="GB01", functional_currency="GBP")
    first("org_unit", "certinia:main:ou1", "2025-01-01", code="DATA", unit_type="practice")
    _people(told, first)
    _contracts(first)
    _work(told, first)
    _money(told, first)
    _later(told)
    return told


def _people(told: Firm, first: Any) -> None:
    first("resource", "certinia:main:c1", "2026-02-01", worker_type="employee")
    first("resource", "certinia:main:c2", "2026-02-01", worker_type="contractor")
    first(
        "resource", "bamboohr:main:e1", "2026-02-01", worker_type="employee", legal_entity_id=GB,
        practice_code="DATA", region_code="EU", hire_date=date(2025, 1, 1), fte=D(1), weekly_hours=D(40),
    )  # fmt: skip
    first(
        "cost_rate", "bamboohr:main:r1", "2026-02-01", resource_id="bamboohr:main:e1",
        valid_from=date(2025, 1, 1), rate=D("50.125"), currency_code="GBP",
    )  # fmt: skip
    told.plain["master__entity_xref"] = [
        {"entity_type": "resource", "left_key": "certinia:main:c1", "right_key": "bamboohr:main:e1",
         "known_from": instant("2026-02-01")}
    ]  # fmt: skip


def _contracts(first: Any) -> None:
    first(
        "contract", "netsuite:main:100", "2026-02-01", customer_id="netsuite:main:7", legal_entity_id=GB,
        currency_code="GBP", status="ACTIVE", signed_on=date(2026, 1, 5), billing_method="TM",
        opportunity_id="salesforce:main:O1", created_at=instant("2026-01-06T09:00"),
    )  # fmt: skip
    first(
        "contract_line", LINE, "2026-02-01", contract_id="netsuite:main:100", line_number=1,
        billing_method="TM", original_value=D(10000), practice_code="DATA", region_code="EU",
        currency_code="GBP",
    )  # fmt: skip
    first(
        "contract_line", EXPENSES, "2026-02-01", contract_id="netsuite:main:100", line_number=2,
        billing_method="EXPENSE", original_value=D(500), practice_code="DATA", region_code="EU",
        currency_code="GBP",
    )  # fmt: skip
    first(
        "contract", "netsuite:main:200", "2026-02-01", customer_id="netsuite:main:8", legal_entity_id=US,
        currency_code="EUR", status="ACTIVE", signed_on=date(2026, 1, 10), billing_method="FIXED_MILESTONE",
        created_at=instant("2026-01-10T09:00"),
    )  # fmt: skip
    first(
        "contract_line", FIXED, "2026-02-01", contract_id="netsuite:main:200", line_number=1,
        billing_method="FIXED_MILESTONE", original_value=D(900), practice_code="RISK", region_code="NA",
        currency_code="EUR",
    )  # fmt: skip
    first(
        "project", "certinia:main:P1", "2026-02-01", contract_line_id=LINE, expense_line_id=EXPENSES,
        customer_id="salesforce:main:A1", legal_entity_id=GB, currency_code="GBP", is_template=False,
        status="OPEN",
    )  # fmt: skip
    first(
        "project", "certinia:main:P2", "2026-02-01", contract_line_id=FIXED, legal_entity_id=US,
        currency_code="EUR", is_template=False, status="OPEN",
    )  # fmt: skip


def _work(told: Firm, first: Any) -> None:
    def entry(add: Any, number: int, known: str, day: date, hours: str, **values: Any) -> None:
        said = {
            "project_id": "certinia:main:P1", "resource_id": "certinia:main:c1", "work_date": day,
            "hours": D(hours), "status": "approved", "billable_amount": D(hours) * 125,
            "currency_code": "GBP", "approved_at": instant(f"{day}T10:00"),
            "submitted_at": instant(f"{day}T09:00"),
        }  # fmt: skip
        add("time_entry", f"certinia:main:s{number}-1", known, **(said | values))

    entry(first, 1, "2026-01-20", date(2026, 1, 12), "8")
    entry(first, 2, "2026-02-10", date(2026, 2, 3), "4")
    entry(first, 3, "2026-03-06", date(2026, 3, 2), "6", status="submitted", approved_at=None)
    entry(first, 4, "2026-02-20", date(2026, 2, 10), "6", resource_id="certinia:main:c2")
    entry(told.add, 5, SECOND, date(2026, 3, 30), "7.5", resource_id="certinia:main:c9", status="submitted",
          approved_at=None)  # fmt: skip
    first(
        "purchase_order_line", "netsuite:main:po1", "2026-02-01", project_id="certinia:main:P1",
        resource_id="certinia:main:c2", unit_price=D(80), currency_code="EUR",
    )  # fmt: skip
    first(
        "expense_line", "certinia:main:x1", "2026-03-01", project_id="certinia:main:P1",
        resource_id="certinia:main:c1", expense_date=date(2026, 2, 5), incurred_amount=D(100),
        incurred_currency_code="EUR", billing_amount=D(88), billing_currency_code="GBP", status="approved",
        approved_at=instant("2026-02-06"),
    )  # fmt: skip
    first(
        "milestone", "certinia:main:m1", "2026-03-01", project_id="certinia:main:P2", amount=D(300),
        currency_code="EUR", accepted_on=date(2026, 2, 20), is_cancelled=False,
    )  # fmt: skip


def _money(told: Firm, first: Any) -> None:
    def revenue(
        add: Any, number: int, known: str, line: str, day: date, amount: str, fc: str, code: str
    ) -> None:
        add(
            "revenue_entry", f"netsuite:main:r{number}", known, contract_line_id=line, amount=D(amount),
            amount_functional=D(fc), currency_code=code, accounting_date=day, entry_type="NORMAL",
            kind="recognised",
        )  # fmt: skip

    revenue(first, 1, "2026-02-04", LINE, date(2026, 1, 31), "1000", "1000", "GBP")
    revenue(first, 2, "2026-03-04", LINE, date(2026, 2, 28), "500.33", "500.33", "GBP")
    revenue(first, 3, "2026-03-04", FIXED, date(2026, 2, 28), "300", "330", "EUR")
    revenue(told.add, 4, SECOND, FIXED, date(2026, 3, 31), "500", "550", "EUR")
    # more than the line was ever worth
    revenue(told.add, 5, THIRD, LINE, date(2026, 4, 30), "9000", "9000", "GBP")
    _invoice(first, 1, "2026-02-03", date(2026, 1, 31), "8", "1000")
    first(
        "payment_application", "netsuite:main:ap1", "2026-03-02", invoice_id="netsuite:main:i1",
        applied_amount=D(700), applied_date=date(2026, 3, 1), kind="Payment", currency_code="GBP",
    )  # fmt: skip


def _invoice(add: Any, number: int, known: str, day: date, quantity: str, net: str, **values: Any) -> None:
    add(
        "invoice", f"netsuite:main:i{number}", known,
        **({"doc_type": "STANDARD", "document_type": "invoice", "customer_id": "netsuite:main:7",
            "legal_entity_id": GB, "contract_id": "netsuite:main:100", "invoice_date": day, "due_date": day,
            "currency_code": "GBP", "exchange_rate": D(1), "total_amount": D(net) * D("1.2"),
            "status": "open", "posted_at": instant(f"{day}T09:00")} | values),
    )  # fmt: skip
    add(
        "invoice_line", f"netsuite:main:il{number}", known, invoice_id=f"netsuite:main:i{number}",
        contract_line_id=LINE, source_type="TIME", source_key="certinia:main:s1-1", quantity=D(quantity),
        net_amount=D(net), currency_code="GBP",
    )  # fmt: skip


def _later(told: Firm) -> None:
    """What became known after the first load."""
    # corrections: an amount, a late approval, a customer, a restated rate
    told.change("revenue_entry", "netsuite:main:r2", SECOND, amount=D(600), amount_functional=D(600))
    told.change(
        "time_entry", "certinia:main:s3-1", SECOND, status="approved", approved_at=instant("2026-03-09")
    )
    told.change("contract", "netsuite:main:100", THIRD, customer_id="netsuite:main:9")
    told.change("exchange_rate", "netsuite:main:GBP-USD-2026-02-28", THIRD, rate=D("1.5"))
    # an entry deleted and restored
    told.change("time_entry", "certinia:main:s2-1", SECOND, deleted=True)
    told.change("time_entry", "certinia:main:s2-1", THIRD)
    # a change order, a credit and a rebill, a bill for what was accrued
    told.add(
        "contract_amendment", "netsuite:main:am1", SECOND, contract_id="netsuite:main:100",
        contract_line_id=LINE, delta_value=D(-200), signed_on=date(2026, 3, 20), status="SIGNED",
    )  # fmt: skip
    _invoice(
        told.add,
        2,
        SECOND,
        date(2026, 3, 10),
        "-8",
        "-1000",
        doc_type="CREDIT_NOTE",
        document_type="credit_memo",
    )
    _invoice(told.add, 3, THIRD, date(2026, 4, 10), "8", "1000")
    told.add("vendor_bill", "netsuite:main:vb1", SECOND, bill_date=date(2026, 3, 12), currency_code="EUR")
    told.add(
        "vendor_bill_line", "netsuite:main:vbl1", SECOND, vendor_bill_id="netsuite:main:vb1",
        project_id="certinia:main:P1", resource_id="certinia:main:c2", net_amount=D(490), currency_code="EUR",
        period_from=date(2026, 2, 1), period_to=date(2026, 2, 28), quantity=D(6),
    )  # fmt: skip
    # the fixed fee ends with 100 never earned; the person nobody knew turns out to be an employee
    told.change("contract", "netsuite:main:200", SECOND, status="COMPLETED", closed_on=date(2026, 3, 15))
    told.add("resource", "certinia:main:c9", THIRD, worker_type="employee")
    told.plain["master__entity_xref"].append(
        {"entity_type": "resource", "left_key": "certinia:main:c9", "right_key": "bamboohr:main:e1",
         "known_from": instant(THIRD)}
    )  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool], Path]:
    """(known at, from only what was loaded by then) -> folder of the build.

    dbt builds and tests the first; the others run the SQL it compiled.
    """
    folder = tmp_path_factory.mktemp("law")
    told, builds = firm(), dict[tuple[str, bool], Path]()
    for asked in ((THIRD, False), (SECOND, False), (SECOND, True), (FIRST, False), (FIRST, True)):
        known_at, only_loaded = asked
        place = builds[asked] = folder / f"{known_at[:10]}-{only_loaded}"
        place.mkdir()
        told.write(place / "build.duckdb", as_of=known_at[:10], known_at=known_at, only_loaded=only_loaded)
        if len(builds) == 1:
            done = dbt(make_project(folder), place, "build")
            assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        else:
            replay(builds[THIRD, False], place)
    return builds


def _table(place: Path, file: str, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(place / f"{file}.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("known_at", [FIRST, SECOND])
@pytest.mark.parametrize(
    "table",
    [
        "metric_value",
        "metric_drill",
        "backlog_rollforward",
        "wip_rollforward",
        "ar_rollforward",
        "ar_document",
        "ar_ageing",
        "backlog_bridge",
        "handoff_stage",
        "handoff_waiting",
        "handoff_cohort",
        "roi_measure",
        "cash_forecast",
        "kpi_series",
    ],
)
def test_a_build_from_what_was_loaded_is_the_build_of_everything_asked_for_then(
    built: dict[tuple[str, bool], Path], known_at: str, table: str
) -> None:
    sql = f"select * from marts.{table} order by all"
    assert _table(built[known_at, False], "serving", sql) == _table(built[known_at, True], "serving", sql)


@pytest.mark.parametrize("known_at", [FIRST, SECOND])
def test_the_journal_up_to_an_instant_is_the_journal_built_then(
    built: dict[tuple[str, bool], Path], known_at: str
) -> None:
    sql = (
        "select * exclude (movement_id) from ledger.fct_value_movement"
        f" where known_at <= timestamptz '{known_at}:00+00' order by all"
    )
    of_everything = _table(built[THIRD, False], "build", sql)
    assert of_everything == _table(built[known_at, True], "build", sql)
    assert len(of_everything) > 10


def _number(place: Path, metric: str, as_of: str, view: str = "RC", period: str = "MONTH") -> Any:
    found = _table(
        place, "serving",
        f"select value from marts.metric_value where metric_id = '{metric}' and as_of = '{as_of}'"
        f" and grain = 'FIRM' and currency_view = '{view}' and period_type = '{period}'"
        " and currency_code in ('USD', 'NA')",
    )  # fmt: skip
    return found[0][0] if found else None


def test_a_restatement_is_what_became_known_later(built: dict[tuple[str, bool], Path]) -> None:
    first, second, third = (built[at, False] for at in (FIRST, SECOND, THIRD))
    # 500.33 GBP and 300 EUR at spot; then 600 GBP; then the rate of that day is restated to 1.5
    assert _number(first, "recognised_revenue", "2026-02-28") == D("500.33") * D("1.25") + D(330)
    assert _number(second, "recognised_revenue", "2026-02-28") == D(600) * D("1.25") + D(330)
    assert _number(third, "recognised_revenue", "2026-02-28") == D(600) * D("1.5") + D(330)
    assert _number(third, "recognised_revenue", "2026-02-28", "CC") == D(600) * D("1.25") + D(330)


def test_an_unknown_worker_makes_cost_unknown_until_they_are_known(
    built: dict[tuple[str, bool], Path],
) -> None:
    assert _number(built[SECOND, False], "labour_cost", "2026-03-31") is None
    # 6 and 7.5 hours at 50.125 GBP, each rounded on its own
    cost = (D("300.75") * D("1.25")) + (D("375.9375") * D("1.25")).quantize(D("0.0001"))
    assert _number(built[THIRD, False], "labour_cost", "2026-03-31").quantize(D("0.01")) == cost.quantize(
        D("0.01")
    )


def test_a_bill_replaces_what_was_accrued_on_its_own_date(built: dict[tuple[str, bool], Path]) -> None:
    accrued = D(480) * D("1.1")
    assert _number(built[FIRST, False], "subcontractor_cost", "2026-02-28") == accrued
    assert _number(built[SECOND, False], "subcontractor_cost", "2026-02-28") == accrued
    assert _number(built[SECOND, False], "subcontractor_cost", "2026-03-31") == D(490) * D("1.1") - accrued


def test_credit_and_rebill_return_to_work_in_progress(built: dict[tuple[str, bool], Path]) -> None:
    place = built[THIRD, False]
    moves = _table(
        place, "build",
        "select business_date, movement_type, amount_tc from ledger.ledger__wip_event"
        " where item_key = 'certinia:main:s1-1' order by 1",
    )  # fmt: skip
    assert moves == [
        (date(2026, 1, 12), "performed", D(1000)),
        (date(2026, 1, 31), "wip_billed", D(-1000)),
        (date(2026, 3, 10), "reopened_by_credit_note", D(1000)),
        (date(2026, 4, 10), "wip_billed", D(-1000)),
    ]


def test_a_line_that_ends_leaves_the_backlog_by_what_was_never_earned(
    built: dict[tuple[str, bool], Path],
) -> None:
    rows = _table(
        built[SECOND, False], "serving",
        "select opening, booked, recognised, completed_under_run, closure_timing, closing, unexplained"
        f" from marts.backlog_rollforward where contract_line_id = '{FIXED}' and currency_view = 'TC'"
        " and as_of = '2026-03-31'",
    )  # fmt: skip
    # 900 signed, 300 earned before March; 500 posted after the end; 100 never
    assert rows == [(D(600), D(0), D(-500), D(-100), D(0), D(0), D(0))]


def test_revenue_above_a_lines_value_takes_nothing_out_of_backlog(
    built: dict[tuple[str, bool], Path],
) -> None:
    rows = _table(
        built[THIRD, False], "serving",
        "select opening, recognised, beyond_value, closing, unexplained"
        f" from marts.backlog_rollforward where contract_line_id = '{LINE}' and currency_view = 'TC'"
        " and as_of = '2026-04-30'",
    )  # fmt: skip
    # 10,000 less 200 of change and 1,600 earned; 9,000 more is 800 above it
    assert rows == [(D(8200), D(-9000), D(800), D(0), D(0))]
