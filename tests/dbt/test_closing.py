"""Closed periods through the models: what was reported stays, what came after is told record by record.

Four legal entities have the same books, and each closes March in its own way on what was known on 8 April.
Afterwards an entry is made late, one is landed late, one is corrected, one is moved to April, one goes away,
a rate is restated and a line changes its practice; each by an amount that can be added up by hand.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.ledger_support import CLOSING, Firm, calendar, dbt, instant, make_project, rates

pytestmark = pytest.mark.slow
D = Decimal
# closed softly; with a content that is not the journal's; softly, then hard; by the ERP alone
US, DE, GB, FR = ENTITIES = tuple(f"netsuite:main:{number}" for number in (1, 2, 3, 4))
FIRST, CLOSE, LATER, NOW = "2026-03-08T23:30", "2026-04-08T23:30", "2026-04-20T23:30", "2026-05-08T23:30"


def firm() -> Firm:
    told = Firm()
    rates(told, date(2026, 2, 1), date(2026, 5, 9), {"USD": "1", "EUR": "1.1"}, "2026-03-01")
    calendar(
        told, {key: f"certinia:main:c{key[-1]}" for key in ENTITIES}, date(2026, 1, 1), date(2026, 6, 30)
    )
    for key in ENTITIES:
        books(told, key)
    told.change("exchange_rate", f"netsuite:main:EUR-USD-{date(2026, 3, 20)}", LATER, rate=D("1.2"))
    told.inputs["prior_run"] = [
        {"run_id": f"r-{at}", "as_of": instant(at).date(), "known_at": instant(at)}
        for at in (FIRST, CLOSE, LATER)
    ]
    return told


def books(told: Firm, entity: str) -> None:
    """Three lines of `entity`, what they recognised in March, and what came after the close."""
    told.add(
        "legal_entity", entity, "2026-01-01", backfill=True, entity_code=f"E{entity[-1]}",
        functional_currency="USD", is_elimination=False,
    )  # fmt: skip
    dollar, euro, moved = (f"{entity}0{number}" for number in (1, 2, 3))
    for line, currency in ((dollar, "USD"), (euro, "EUR"), (moved, "USD")):
        contract = line + "0"
        told.add(
            "contract", contract, "2026-02-01", backfill=True, customer_id="netsuite:main:7",
            legal_entity_id=entity, currency_code=currency, status="ACTIVE", signed_on=date(2026, 2, 10),
            billing_method="TM", created_at=instant("2026-02-10T09:00"),
        )  # fmt: skip
        told.add(
            "contract_line", line, "2026-02-01", backfill=True, contract_id=contract, line_number=1,
            billing_method="TM", original_value=D(10000), practice_code="DATA", region_code="NA",
            currency_code=currency,
        )  # fmt: skip

    def entry(number: int, known: str, line: str, amount: str, made: str = "2026-04-01T08:00") -> None:
        told.add(
            "revenue_entry", f"{entity}r{number}", known, made=made, contract_line_id=line, amount=D(amount),
            currency_code="EUR" if line == euro else "USD", accounting_date=date(2026, 3, 20),
            entry_type="NORMAL", kind="recognised",
        )  # fmt: skip

    entry(1, CLOSE, dollar, "1000")
    entry(2, CLOSE, dollar, "400")
    entry(3, CLOSE, dollar, "90")
    entry(4, CLOSE, euro, "200")
    entry(5, CLOSE, moved, "70")
    # what came after the close
    entry(6, LATER, dollar, "55", made="2026-04-10T08:00")
    entry(7, LATER, dollar, "33", made="2026-04-03T08:00")
    # there before the close, taken back by then, and done for good after it
    entry(8, FIRST, dollar, "11", made="2026-03-05T08:00")
    told.change("revenue_entry", f"{entity}r8", CLOSE, deleted=True)
    told.change("revenue_entry", f"{entity}r8", LATER)
    told.change("revenue_entry", f"{entity}r1", LATER, amount=D(980))
    told.change("revenue_entry", f"{entity}r2", LATER, accounting_date=date(2026, 4, 2))
    told.change("revenue_entry", f"{entity}r3", NOW, deleted=True)
    told.change("contract_line", moved, NOW, practice_code="CLOUD")


def erp_period(told: Firm, month: int, known: str, *, backfill: bool = False, **values: Any) -> None:
    first = date(2026, month, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    told.add(
        "accounting_period", f"netsuite:main:p{month}", known, backfill=backfill,
        period_name=f"2026-0{month}", start_date=first, end_date=last, is_adjustment=False,
        **({"is_closed": False, "is_ar_closed": False, "is_ap_closed": False} | values),
    )  # fmt: skip


def close(
    told: Firm,
    number: int,
    entity: str,
    kind: str,
    known: str | None,
    at: str,
    area: str = "ALL",
    period: str = "2026-03",
) -> None:
    told.inputs.setdefault("period_close", []).append(
        {"event_id": number, "legal_entity_id": entity, "period": period, "area": area, "close_type": kind,
         "known_at": instant(known) if known else None, "decided_at": instant(at), "actor": "ann"}
    )  # fmt: skip


CONTENT = ("area", "movement_type", "is_increase", "currency_code", "functional_currency", "amount_tc",
           "amount_fc", "amount_rc", "hours", "rows_standing")  # fmt: skip
RECOGNISED = {"USD": D("1560.0000"), "EUR": D("220.0000")}


class Built:
    """A build of the firm at one pair of clocks."""

    def __init__(self, folder: Path, told: Firm, as_of: str, known_at: str) -> None:
        folder.mkdir()
        project = make_project(folder, CLOSING)
        told.write(folder / "build.duckdb", as_of=as_of, known_at=known_at)
        done = dbt(project, folder, "build", "--select", "+period_close", "+close_bridge",
                   "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        self._path = folder / "serving.duckdb"

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self._path), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """What the run that was closed said of March, of one of the entities: they were the same."""
    built = Built(tmp_path_factory.mktemp("closing") / "then", firm(), "2026-04-08", CLOSE)
    found = {
        entity: built.ask(
            f"select {', '.join(CONTENT)} from reconciliation.close_content"
            f" where legal_entity_id = '{entity}' and period = '2026-03' order by all"
        )
        for entity in ENTITIES
    }
    # 1,000 + 400 + 90 + 70 in dollars, and 200 euro at 1.1
    assert {row[3]: row[7] for row in found[US] if row[1] == "recognised"} == RECOGNISED
    assert all(found[entity] == found[US] for entity in ENTITIES)
    return found[US]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, reported: list[tuple[Any, ...]]) -> Built:
    """March closed in the four ways; the ERP closed February before the first load."""
    told = firm()
    shut = {"is_closed": True, "is_ar_closed": True, "is_ap_closed": True}
    erp_period(told, 2, "2026-03-05", backfill=True, **shut)
    erp_period(told, 3, "2026-03-05", backfill=True)
    erp_period(told, 4, "2026-03-05", backfill=True)
    # closed on 10 April, landed on 20 April: what was published then is what was reported
    erp_period(told, 3, LATER, **shut)
    # receivables of April are closed on a day of their own
    erp_period(told, 4, "2026-05-06", is_ar_closed=True)
    close(told, 1, US, "SOFT", CLOSE, "2026-04-09")
    close(told, 2, DE, "SOFT", CLOSE, "2026-04-09")
    close(told, 3, GB, "SOFT", CLOSE, "2026-04-09")
    close(told, 4, GB, "HARD", LATER, "2026-04-21")
    # receivables are opened again
    close(told, 5, GB, "REOPEN", None, "2026-04-25", area="AR")
    # bills of four months that had none
    for number, period in enumerate(("2025-11", "2025-12", "2026-01", "2026-02"), start=6):
        close(told, number, FR, "SOFT", CLOSE, "2026-04-09", area="AP", period=period)
    contents = {1: reported, 2: [tampered(row) for row in reported], 3: reported}
    told.inputs["close_content"] = [
        {"event_id": number, **dict(zip(CONTENT, row, strict=True))}
        for number, rows in contents.items()
        for row in rows
    ]
    return Built(tmp_path_factory.mktemp("closing") / "now", told, "2026-05-08", NOW)


def tampered(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a close stored, with 10 dollars more of recognised revenue than there were."""
    more = 10 if (row[1], row[3]) == ("recognised", "USD") else 0
    return (*row[:5], *(amount + more for amount in row[5:8]), *row[8:])


def test_each_late_change_of_a_closed_month_is_told_with_its_cause_and_its_amount(closed: Built) -> None:
    told = closed.ask(
        "select source_record_id, cause, change, practice_id, delta_tc, delta_rc, delta_rows"
        " from reconciliation.restatement where period = '2026-03'"
        f" and legal_entity_id = '{US}' order by 1, 4"
    )
    key = f"{US}r"
    assert told == [
        (f"{key}1", "CORRECTION", "CHANGED", "DATA", D("-20.0000"), D("-20.0000"), 0),
        (f"{key}2", "CORRECTION", "TAKEN_BACK", "DATA", D("-400.0000"), D("-400.0000"), -1),
        (f"{key}3", "CORRECTION", "TAKEN_BACK", "DATA", D("-90.0000"), D("-90.0000"), -1),
        (f"{key}4", "FX", "CHANGED", "DATA", D("0.0000"), D("20.0000"), 0),
        (f"{key}5", "MAPPING", "CHANGED", "CLOUD", D("70.0000"), D("70.0000"), 1),
        (f"{key}5", "MAPPING", "CHANGED", "DATA", D("-70.0000"), D("-70.0000"), -1),
        (f"{key}6", "LATE_ENTRY", "ADDED", "DATA", D("55.0000"), D("55.0000"), 1),
        (f"{key}7", "LATE_LOAD", "ADDED", "DATA", D("33.0000"), D("33.0000"), 1),
        (f"{key}8", "LATE_ENTRY", "ADDED", "DATA", D("11.0000"), D("11.0000"), 1),
    ]


def bridge(closed: Built, entity: str) -> tuple[Any, ...]:
    [told] = closed.ask(
        "select as_reported, late_entry, late_load, correction, fx, mapping, definition, as_now_known"
        " from reconciliation.close_bridge where metric_id = 'recognised_revenue' and period = '2026-03'"
        f" and currency_view = 'RC' and legal_entity_id = '{entity}'"
    )
    return told


def test_the_bridge_leads_from_what_was_reported_to_what_is_known(closed: Built) -> None:
    # 1,560 + 220 were reported; 1,780 + 66 + 33 - 510 + 20 are known
    assert bridge(closed, US) == tuple(D(n) for n in ("1780", "66", "33", "-510", "20", "0", "0", "1389"))


def areas(closed: Built, entity: str, columns: str) -> list[tuple[Any, ...]]:
    return closed.ask(
        f"select period, area, {columns} from reconciliation.period_close"
        f" where legal_entity_id = '{entity}' order by 1, 2"
    )


def test_what_was_reported_is_reproduced_and_open_periods_stand_beside_closed_ones(closed: Built) -> None:
    assert areas(closed, US, "state, decided_in, proof, restatements") == [
        ("2026-02", "AP", "HARD_CLOSED", "ERP", "NOT_STORED", 0),
        ("2026-02", "AR", "HARD_CLOSED", "ERP", "NOT_STORED", 0),
        ("2026-02", "GL", "HARD_CLOSED", "ERP", "NOT_STORED", 2),  # the line that moved was booked then
        ("2026-03", "AP", "SOFT_CLOSED", "PEOPLE", "REPRODUCED", 0),
        ("2026-03", "AR", "SOFT_CLOSED", "PEOPLE", "REPRODUCED", 0),
        ("2026-03", "GL", "SOFT_CLOSED", "PEOPLE", "REPRODUCED", 9),
        ("2026-04", "AP", "OPEN", None, "NOT_CLOSED", 0),
        ("2026-04", "AR", "HARD_CLOSED", "ERP", "NOT_STORED", 0),
        ("2026-04", "GL", "OPEN", None, "NOT_CLOSED", 0),
    ]


def test_a_close_whose_content_the_journal_no_longer_gives_says_so(closed: Built) -> None:
    assert [row[1:] for row in areas(closed, DE, "proof") if row[0] == "2026-03"] == [
        ("AP", "REPRODUCED"), ("AR", "REPRODUCED"), ("GL", "DIFFERS"),
    ]  # fmt: skip
    assert bridge(closed, DE) == tuple(D(n) for n in ("1790", "66", "33", "-510", "20", "0", "-10", "1389"))


def test_a_second_close_takes_in_what_came_between_and_a_reopened_one_restates(closed: Built) -> None:
    assert closed.ask(
        "select close_id, is_last, treatment, list(source_record_id order by source_record_id, practice_id)"
        " from reconciliation.restatement where period = '2026-03'"
        f" and legal_entity_id = '{GB}' group by 1, 2, 3 order by 1"
    ) == [
        (f"{GB}|2026-03|GL|1", False, "RESTATE", [f"{GB}r{n}" for n in (1, 2, 4, 6, 7, 8)]),
        (f"{GB}|2026-03|GL|2", True, "CURRENT_PERIOD_CATCH_UP", [f"{GB}r{n}" for n in (3, 5, 5)]),
    ]
    assert [row[1:] for row in areas(closed, GB, "state, closings") if row[0] == "2026-03"] == [
        ("AP", "HARD_CLOSED", 2), ("AR", "REOPENED", 2), ("GL", "HARD_CLOSED", 2),
    ]  # fmt: skip


def test_the_last_three_closes_are_proved_and_the_fourth_back_is_not(closed: Built) -> None:
    told = areas(closed, FR, "decided_in, proof")
    assert [row for row in told if row[1] == "AP" and row[0] < "2026-03"] == [
        ("2025-11", "AP", "PEOPLE", "NOT_STORED"),
        ("2025-12", "AP", "PEOPLE", "REPRODUCED"),
        ("2026-01", "AP", "PEOPLE", "REPRODUCED"),
        ("2026-02", "AP", "PEOPLE", "REPRODUCED"),
    ]


def test_the_erp_closes_a_month_with_the_first_run_published_after_it(closed: Built) -> None:
    assert [row[1:] for row in areas(closed, FR, "closed_known_at, state, decided_in")
            if row[0] == "2026-03" and row[1] == "GL"] == [
        ("GL", instant(LATER), "HARD_CLOSED", "ERP"),
    ]  # fmt: skip
    assert closed.ask(
        "select sum(delta_rc) from reconciliation.restatement where period = '2026-03'"
        f" and legal_entity_id = '{FR}'"
    ) == [(D("-90.0000"),)]
