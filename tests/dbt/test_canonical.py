"""What the models make of landed rows: every number here is worked out by hand from the rows below.

Three loads: the first of each resource on 8 May, then 8 June and 8 July. The canonical tables are built after
the first and advanced over the other two; a second file builds them from all three at once.
"""

from __future__ import annotations

import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.raw_fixture import Load, Project, Raw, instant

MAY, JUNE, JULY = "2026-05-08T23:30:00", "2026-06-08T23:30:00", "2026-07-08T23:30:00"
HEAVY = ("time_entry", "billing_item", "invoice_line", "gl_journal_line", "assignment_schedule_day")
MODELS = ("codes", "staging", "mapping", "canonical", "master")
D = Decimal
# A split that is made anew at every approval, beside one (S4) of the same card and month that stays.
RENEWED = {"pse__timecard_header__c": "T2", "pse__start_date__c": date(2026, 5, 4)}


def reference(load: Load) -> None:
    load.add("netsuite.currency", id="1", symbol="USD", name="US Dollar", currencyprecision=2)
    load.add("netsuite.currency", id="2", symbol="EUR", name="Euro", currencyprecision=2)
    us = {"id": "1", "name": "US", "country": "US", "currency": "1", "custrecord_tl_entity_code": "US01"}
    de = {"id": "2", "name": "DE", "country": "DE", "currency": "2", "custrecord_tl_entity_code": "DE01"}
    load.add("netsuite.subsidiary", **us)
    load.add("netsuite.subsidiary", **de)
    load.add("certinia.work_calendar", id="C1", name="US01")
    holiday = {"name": "Independence Day", "pse__work_calendar__c": "C1", "pse__date__c": date(2026, 7, 3)}
    load.add("certinia.holiday", id="H1", **holiday)
    load.add("certinia.practice", id="P1", name="Data", code__c="DATA")
    load.add("certinia.region", id="R1", name="Europe", code__c="EU")
    for number, (day, rate) in enumerate(
        ((date(2026, 5, 1), "1.1"), (date(2026, 5, 5), "1.2"), (date(2026, 5, 20), "1.3")), 1
    ):
        pair = {"basecurrency": "1", "transactioncurrency": "2"}
        load.add("netsuite.currencyrate", id=str(number), exchangerate=D(rate), effectivedate=day, **pair)


def split(load: Load, days: dict[str, str], total: str, **values: Any) -> None:
    hours = {f"pse__{name}_hours__c": D(text) for name, text in days.items()}
    told: dict[str, Any] = {
        "id": "S1", "pse__timecard_header__c": "T1", "pse__project__c": "J1", "pse__resource__c": "W1",
        "pse__assignment__c": "A1", "pse__start_date__c": date(2026, 4, 27),
        "pse__end_date__c": date(2026, 4, 30), "pse__total_hours__c": sum(hours.values(), D(0)),
        "pse__total_billable_amount__c": D("1000"), "pse__total_cost__c": D(total), "pse__billable__c": True,
        "pse__status__c": "Submitted", "currency_iso_code": "EUR",
    }  # fmt: skip
    load.add("certinia.timecard_split", **{**told, **hours, **values}, updated="2026-05-04T17:00:00")


def card(load: Load, status: str, approved: str | None, updated: str) -> None:
    load.add(
        "certinia.timecard_header", id="T1", pse__project__c="J1", pse__resource__c="W1",
        pse__start_date__c=date(2026, 4, 27), pse__end_date__c=date(2026, 5, 3), pse__status__c=status,
        pse__bill_rate__c=D("31.7460"), submitted_at__c=instant("2026-05-04T16:00:00"),
        approved_at__c=instant(approved) if approved else None, updated=updated,
    )  # fmt: skip


def document(load: Load, native: str, kind: str, total: str, status: str, **values: Any) -> None:
    deleted = values.pop("deleted", None)
    told: dict[str, Any] = {
        "id": native, "type": kind, "tranid": f"N{native}", "trandate": date(2026, 4, 30), "entity": "77",
        "currency": "2", "exchangerate": D("1.1"), "foreigntotal": D(total), "status": status,
        "posting": True, "voided": False, "subsidiary": "2", "postingperiod": "9",
    }  # fmt: skip
    load.add("netsuite.transaction", **{**told, **values}, deleted=deleted)


def line(load: Load, native: str, owner: str, amount: str, quantity: str | None, **values: Any) -> None:
    load.add(
        "netsuite.transactionline", uniquekey=native, transaction=owner, id=native[-1],
        linesequencenumber=int(native[-1]), foreignamount=D(amount),
        quantity=D(quantity) if quantity else None, **{"mainline": False, "taxline": False, **values},
    )  # fmt: skip


def deal(load: Load, stage: str, *, won: bool) -> None:
    load.add(
        "salesforce.opportunity", id="O1", account_id="X1", name="Deal", stage_name=stage, is_won=won,
        is_closed=won, services_amount__c=D("1000"), close_date=date(2026, 4, 1), currency_iso_code="EUR",
        probability=D("80"), legal_entity__c="DE01", billing_method__c="T&M Capped", practice__c="XQ-77",
        payment_terms__c="Net 45",
    )  # fmt: skip


def schedule(load: Load, last_day: date) -> None:
    load.add(
        "certinia.schedule", id="K1", pse__start_date__c=date(2026, 7, 2), pse__end_date__c=last_day,
        pse__thursday_hours__c=D("4"), pse__friday_hours__c=D("8"), pse__saturday_hours__c=D("0"),
    )  # fmt: skip


def first_load(raw: Raw) -> None:
    load = raw.load(MAY, backfill=True)
    reference(load)
    split(load, {"monday": "8", "tuesday": "8", "wednesday": "8", "thursday": "7.5"}, "315")
    card(load, "Submitted", None, "2026-05-05T08:00:00")
    split(load, {"monday": "4"}, "40", **RENEWED, id="S7")
    split(load, {"monday": "5"}, "50", **RENEWED, id="S4")
    deal(load, "Commit", won=False)
    load.add("salesforce.account", id="X1", name="Acme, Inc.", tax_id__c="T1", updated="2026-05-02T10:00:00")
    load.add(
        "netsuite.customer", id="77", entityid="C77", companyname="ACME INC", custentity_tl_status="ACTIVE"
    )
    document(load, "500", "CustInvc", "273.97", "A", foreignamountunpaid=D("273.97"))
    line(load, "5000", "500", "273.97", None, mainline=True)
    source = {
        "custcol_tl_source_type": "TIME",
        "custcol_tl_source_id": "S1-1",
        "custcol_tl_contract_line": "91",
    }
    line(load, "5001", "500", "-253.97", "-8", rate=D("31.746"), **source)
    line(load, "5002", "500", "-20.00", None, taxline=True)
    document(load, "501", "CustCred", "273.97", "A", custbody_tl_applies_to="500")
    line(load, "5011", "501", "253.97", "8", rate=D("31.746"), **source)
    line(load, "5012", "501", "20.00", None, taxline=True)
    document(load, "90", "SalesOrd", "5000", "B", custbody_tl_opportunity="O1", custbody_tl_status="ACTIVE")
    terms = {"custcol_tl_original_value": D("5000"), "custcol_tl_billing_method": "TM_CAPPED"}
    line(load, "91", "90", "-5000", "-1", **terms)
    posting = {"transaction": "500", "transactionline": "1", "accountingbook": "1", "account": "40"}
    load.add("netsuite.transactionaccountingline", **posting, credit=D("279.37"), posting=True)
    load.add("netsuite.revenueelement", id="E1", source="90", custrecord_tl_contract_line="91", currency="2")
    load.add("netsuite.revenueplan", id="L1", createdfrom="E1")
    load.add(
        "netsuite.revenueplanplannedrevenue", id="V1", revenueplan="L1", amount=D("1000"),
        custrecord_tl_amount_base=D("1000"), custrecord_tl_accounting_date=date(2026, 4, 30),
        dateexecuted=instant("2026-05-05T12:00:00"), custrecord_tl_entry_type="NORMAL",
    )  # fmt: skip
    load.add(
        "netsuite.billing_item", id="B1", custrecord_tl_bi_source_type="TIME",
        custrecord_tl_bi_source_id="S1-1", custrecord_tl_bi_line="91", custrecord_tl_bi_quantity=D("8"),
        custrecord_tl_bi_eligible_at=instant("2026-05-06T03:00:00"), custrecord_tl_bi_status="OPEN",
    )  # fmt: skip
    load.add(
        "netsuite.billing_item", id="B2", custrecord_tl_bi_source_type="RETAINER",
        custrecord_tl_bi_source_id="91|2026-05", custrecord_tl_bi_line="91", custrecord_tl_bi_status="OPEN",
    )  # fmt: skip
    load.add(
        "certinia.assignment", id="A1", pse__project__c="J1", pse__resource__c="W1", pse__schedule__c="K1",
        pse__status__c="Tentative",
    )  # fmt: skip
    schedule(load, date(2026, 7, 4))


def later_loads(raw: Raw) -> None:
    june = raw.load(JUNE)
    split(june, {"monday": "4"}, "40", **RENEWED, id="S7", deleted="flag")
    split(june, {"monday": "6", "tuesday": "1"}, "70", **RENEWED, id="S8", created_date=instant(JUNE))
    card(june, "Approved", "2026-05-20T09:00:00", "2026-05-20T09:00:00")
    deal(june, "Closed Won", won=True)
    document(june, "500", "CustInvc", "273.97", "B", foreignamountunpaid=D("0"))
    document(june, "600", "CustPymt", "273.97", "C", trandate=date(2026, 6, 3))
    june.add(
        "netsuite.transactionlink", previousdoc="500", nextdoc="600", linktype="Payment",
        foreignamount=D("273.97"),
    )  # fmt: skip
    account = {"id": "X1", "name": "Acme, Inc.", "tax_id__c": "T1"}
    june.add("salesforce.account", **account, deleted="flag", updated="2026-06-01T10:00:00")
    schedule(june, date(2026, 7, 2))
    july = raw.load(JULY)
    split(july, {"monday": "6", "tuesday": "1"}, "70", **RENEWED, id="S8", deleted="flag")
    split(july, {"monday": "6.5"}, "65", **RENEWED, id="S6", created_date=instant(JULY))
    item = {"custrecord_tl_bi_source_type": "TIME", "custrecord_tl_bi_source_id": "S8-1"}
    july.add("netsuite.billing_item", id="B3", **item, custrecord_tl_bi_status="OPEN")
    july.add("salesforce.account", **account, updated="2026-07-01T10:00:00")
    deal(july, "Commit", won=False)
    split(july, {"monday": "8", "tuesday": "8", "thursday": "7.5"}, "235")
    document(july, "501", "CustCred", "273.97", "A", custbody_tl_applies_to="500", deleted="tombstone")
    posting = {"transaction": "500", "transactionline": "1", "accountingbook": "1", "account": "40"}
    july.add("netsuite.transactionaccountingline", **posting, credit=D("279.37"), posting=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    """The project advanced over three loads, and the same built at once."""
    folder = tmp_path_factory.mktemp("canonical")
    raw_file = folder / "raw.duckdb"
    raw = Raw(raw_file)
    first_load(raw)
    raw.close()
    heavy = tuple(f"canonical__{name}" for name in HEAVY)
    untested = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    advanced = Project(folder / "advanced", raw_file)
    advanced.prepare(as_of="2026-05-08", known_at=MAY)
    advanced.dbt("build", "--select", "codes", "staging", "mapping", *heavy, *untested)
    raw = Raw(raw_file)
    later_loads(raw)
    raw.close()
    at_once = Project(folder / "at_once", raw_file)
    at_once.prepare(as_of="2026-07-08", known_at=JULY)
    shutil.copytree(advanced.folder / "target", at_once.folder / "target")
    at_once.dbt("build", "--indirect-selection", "cautious", "--select", *MODELS)
    advanced.prepare(as_of="2026-07-08", known_at=JULY)
    advanced.dbt("run", "--select", "certinia__split_root", "netsuite__sales_sign", *heavy)
    return advanced, at_once


@pytest.fixture(scope="module")
def at_once(built: tuple[Project, Project]) -> Project:
    return built[1]


@pytest.mark.parametrize("name", HEAVY)
def test_advancing_by_load_equals_building_at_once(built: tuple[Project, Project], name: str) -> None:
    tables = []
    for project in built:
        tables.append(sorted(map(repr, project.rows(f"select * from canonical.canonical__{name}"))))
    assert tables[0] == tables[1]
    assert tables[0]


def test_what_the_first_load_knew_can_still_be_told(at_once: Project) -> None:
    known = at_once.rows(
        "select time_entry_id, status, billable_amount from canonical.canonical__time_entry"
        f" where known_from <= timestamptz '{MAY}Z' and (known_to is null or known_to > timestamptz '{MAY}Z')"
        " and not is_deleted order by 1"
    )
    assert known == [
        ("certinia:main:S1-1", "submitted", D("253.9683")),
        ("certinia:main:S1-2", "submitted", D("253.9683")),
        ("certinia:main:S1-3", "submitted", D("253.9683")),
        ("certinia:main:S1-4", "submitted", D("238.0951")),
        ("certinia:main:S4-1", "submitted", D("1000")),
        ("certinia:main:S7-1", "submitted", D("1000")),
    ]


def test_a_day_follows_its_card_and_its_split(at_once: Project) -> None:
    rows = at_once.rows(
        "select version_number, status, billable_amount, cost_amount, known_from, approved_at, is_deleted"
        " from canonical.canonical__time_entry where time_entry_id = 'certinia:main:S1-1' order by 1"
    )
    approved = instant("2026-05-20T09:00:00")
    # 8 of 31.5 hours of 1,000.00; after the Wednesday was taken off, 8 of 23.5.
    assert rows == [
        (1, "submitted", D("253.9683"), D("80"), instant("2026-05-04T17:00:00"), None, False),
        (2, "approved", D("253.9683"), D("80"), instant(JUNE), approved, False),
        (3, "approved", D("340.4255"), D("80"), instant(JULY), approved, False),
    ]


def test_a_day_whose_hours_were_taken_away_is_deleted(at_once: Project) -> None:
    rows = at_once.rows(
        "select version_number, hours, is_deleted, deletion_basis from canonical.canonical__time_entry"
        " where time_entry_id = 'certinia:main:S1-3' order by 1"
    )
    assert rows == [
        (1, D("8"), False, None),
        (2, D("8"), False, None),
        (3, D("0"), True, "snapshot_absence"),
    ]


def test_a_day_that_never_had_hours_is_no_entry(at_once: Project) -> None:
    assert at_once.rows(
        "select count(*) from canonical.canonical__time_entry where time_entry_id = 'certinia:main:S1-5'"
    ) == [(0,)]


def test_a_split_made_anew_keeps_the_keys_of_its_days(at_once: Project) -> None:
    rows = at_once.rows(
        "select time_entry_id, version_number, source_record_id, hours, is_deleted"
        " from canonical.canonical__time_entry where timesheet_id = 'certinia:main:T2' order by 1, 2"
    )
    # S7 became S8 and S8 became S6; S4 was there beside all of them. That S7 and S8 are deleted is told under
    # the keys that those after them do not use.
    assert rows == [
        ("certinia:main:S4-1", 1, "S4", D("5"), False),
        ("certinia:main:S6-1", 1, "S8", D("6"), True),
        ("certinia:main:S6-2", 1, "S8", D("1"), True),
        ("certinia:main:S7-1", 1, "S7", D("4"), False),
        ("certinia:main:S7-1", 2, "S8", D("6"), False),
        ("certinia:main:S7-1", 3, "S6", D("6.5"), False),
        ("certinia:main:S7-2", 1, "S8", D("1"), False),
        ("certinia:main:S7-2", 2, "S6", D("0"), True),
        ("certinia:main:S8-1", 1, "S7", D("4"), True),
    ]


def test_a_deal_that_goes_back_is_three_versions_and_its_words_are_translated(at_once: Project) -> None:
    rows = at_once.rows(
        "select version_number, stage, is_won, billing_method, payment_terms_days, probability,"
        " practice_code, legal_entity_id from canonical.canonical__opportunity order by 1"
    )
    told = ("TM_CAPPED", 45, D("0.8"), "UNMAPPED:XQ-77", "netsuite:main:2")
    assert rows == [
        (1, "COMMIT", False, *told),
        (2, "CLOSED_WON", True, *told),
        (3, "COMMIT", False, *told),
    ]


def test_a_deleted_account_comes_back(at_once: Project) -> None:
    rows = at_once.rows(
        "select version_number, is_deleted, deleted_at, known_from from canonical.canonical__customer"
        " where source_system = 'salesforce' order by 1"
    )
    assert rows == [
        (1, False, None, instant("2026-05-02T10:00:00")),
        (2, True, instant("2026-06-01T10:00:00"), instant(JUNE)),
        (3, False, None, instant(JULY)),
    ]


def test_an_account_is_linked_while_it_is_there(at_once: Project) -> None:
    rows = at_once.rows(
        "select left_key, right_key, match_rule, match_confidence, known_from, known_to"
        " from master.master__entity_xref where entity_type = 'customer' order by known_from"
    )
    link = ("salesforce:main:X1", "netsuite:main:77", "exact_name", D("0.9"))
    assert rows == [(*link, instant(MAY), instant(JUNE)), (*link, instant(JULY), None)]


def test_an_invoice_is_positive_and_a_credit_negative(at_once: Project) -> None:
    rows = at_once.rows(
        "select invoice_id, version_number, document_type, doc_type, total_amount, tax_amount, net_amount,"
        " amount_due, status, currency_code, is_deleted from canonical.canonical__invoice order by 1, 2"
    )
    bill = (D("273.97"), D("20"), D("253.97"))
    note = ("credit_memo", "CREDIT_NOTE", D("-273.97"), D("-20"), D("-253.97"), None, "open", "EUR")
    assert rows == [
        ("netsuite:main:500", 1, "invoice", "STANDARD", *bill, D("273.97"), "open", "EUR", False),
        ("netsuite:main:500", 2, "invoice", "STANDARD", *bill, D("0"), "paid", "EUR", False),
        ("netsuite:main:501", 1, *note, False),
        ("netsuite:main:501", 2, *note, True),
    ]


def test_lines_keep_their_version_when_only_the_header_is_paid_and_go_when_it_goes(at_once: Project) -> None:
    rows = at_once.rows(
        "select invoice_line_id, version_number, source_key, contract_line_id, quantity, net_amount,"
        " currency_code, is_deleted from canonical.canonical__invoice_line order by 1, 2"
    )
    told = ("certinia:main:S1-1", "netsuite:main:91")
    assert rows == [
        ("netsuite:main:5001", 1, *told, D("8"), D("253.97"), "EUR", False),
        ("netsuite:main:5011", 1, *told, D("-8"), D("-253.97"), "EUR", False),
        ("netsuite:main:5011", 2, *told, D("-8"), D("-253.97"), "EUR", True),
    ]


def test_a_posting_taken_back_is_deleted(at_once: Project) -> None:
    rows = at_once.rows(
        "select version_number, gl_account_id, credit_amount, currency_code, posting_date, is_deleted"
        " from canonical.canonical__gl_journal_line order by 1"
    )
    told = ("netsuite:main:40", D("279.37"), "EUR", date(2026, 4, 30))
    assert rows == [(1, *told, False), (2, *told, True)]


def test_a_payment_settles_on_its_own_date(at_once: Project) -> None:
    rows = at_once.rows(
        "select payment_application_id, invoice_id, customer_payment_id, credit_invoice_id, applied_amount,"
        " applied_date, currency_code from canonical.canonical__payment_application"
    )
    assert rows == [
        (
            "netsuite:main:500|600|Payment", "netsuite:main:500", "netsuite:main:600", None, D("273.97"),
            date(2026, 6, 3), "EUR",
        )
    ]  # fmt: skip


def test_revenue_finds_its_contract_line_through_plan_and_element(at_once: Project) -> None:
    rows = at_once.rows(
        "select contract_line_id, amount, currency_code, kind, entry_type"
        " from canonical.canonical__revenue_entry"
    )
    assert rows == [("netsuite:main:91", D("1000"), "EUR", "recognised", "NORMAL")]


def test_a_contract_line_has_its_contracts_currency(at_once: Project) -> None:
    rows = at_once.rows(
        "select contract_line_id, contract_id, original_value, currency_code, billing_method"
        " from canonical.canonical__contract_line"
    )
    assert rows == [("netsuite:main:91", "netsuite:main:90", D("5000"), "EUR", "TM_CAPPED")]


def test_a_billing_item_names_its_source(at_once: Project) -> None:
    rows = at_once.rows(
        "select billing_item_id, source_key, created_at from canonical.canonical__billing_item order by 1"
    )
    assert rows == [
        ("netsuite:main:B1", "certinia:main:S1-1", instant("2026-05-06T03:00:00")),
        ("netsuite:main:B2", "netsuite:main:91|2026-05", None),
        # Named by a split that was made anew: the day keeps the key it had (S7).
        ("netsuite:main:B3", "certinia:main:S7-1", None),
    ]


def test_the_days_of_a_schedule_follow_its_pattern(at_once: Project) -> None:
    rows = at_once.rows(
        "select work_date, scheduled_hours, is_hard, version_number, known_to is null"
        " from canonical.canonical__assignment_schedule_day order by 4, 1"
    )
    # Thursday 2 July and Friday 3 July, a holiday the pattern does not know; then the Thursday alone.
    assert rows == [
        (date(2026, 7, 2), D("4"), False, 1, False),
        (date(2026, 7, 3), D("8"), False, 1, False),
        (date(2026, 7, 2), D("4"), False, 2, True),
    ]


def test_working_days_skip_weekends_and_the_entitys_holidays(at_once: Project) -> None:
    rows = at_once.rows(
        "select legal_entity_id, calendar_id, next_working_day, working_day_number - lag(working_day_number)"
        " over (partition by legal_entity_id order by calendar_date)"
        " from master.master__calendar_day where calendar_date in (date '2026-07-02', date '2026-07-06')"
        " qualify calendar_date = date '2026-07-06' order by 1"
    )
    # From Thursday 2 July: one working day to Monday where Friday is a holiday, two where it is not.
    assert rows == [
        ("netsuite:main:1", "certinia:main:C1", date(2026, 7, 7), 1),
        ("netsuite:main:2", "UNMAPPED:netsuite:main:2", date(2026, 7, 7), 2),
    ]
    assert at_once.rows(
        "select legal_entity_id, next_working_day from master.master__calendar_day"
        " where calendar_date = date '2026-07-02' order by 1"
    ) == [("netsuite:main:1", date(2026, 7, 6)), ("netsuite:main:2", date(2026, 7, 3))]


def test_a_rate_stands_seven_days_and_then_is_unknown(at_once: Project) -> None:
    rows = dict(
        at_once.rows(
            "select rate_date, rate from master.master__exchange_rate_day"
            " where from_currency = 'EUR' and to_currency = 'USD'"
        )
    )
    assert rows[date(2026, 5, 4)] == D("1.1")
    assert rows[date(2026, 5, 5)] == D("1.2")
    assert rows[date(2026, 5, 12)] == D("1.2")
    assert date(2026, 5, 13) not in rows
    assert date(2026, 4, 30) not in rows
    assert rows[date(2026, 5, 27)] == D("1.3")
    assert at_once.rows(
        "select distinct rate from master.master__exchange_rate_day where from_currency = to_currency"
    ) == [(D("1"),)]


MACROS: tuple[tuple[str, Any], ...] = (
    ("mul_div('10', '1', '3')", D("3.3333")),
    ("mul_div('-10', '1', '3')", D("-3.3333")),
    ("mul_div('0.0001', '1', '2')", D("0.0001")),
    ("mul_div('-0.0001', '1', '2')", D("-0.0001")),
    ("mul_div('999999999999.9999', '1.0000000001', '1')", D("1000000000099.9999")),
    ("mul_div('1', '1', '0')", None),
    ("mul_div('12.3456', '7', '7')", D("12.3456")),
    ("mul_div('12.3456', '0', '7')", D("0")),
    ("mul_div('0', '0', '0')", None),
    ("mul_div('cast(null as decimal(19, 4))', '7', '7')", None),
    ("mul_div('10', '1', '4', 0)", D("3")),
    ("mul_div('10', '1', '3', 8)", D("3.33333333")),
    ("safe_divide('1', '3')", D("0.3333333333")),
    ("safe_divide('2', '3')", D("0.6666666667")),
    ("safe_divide('-2', '3')", D("-0.6666666667")),
    ("safe_divide('5', 'null')", None),
    ("days_between(\"date '2026-02-27'\", \"date '2026-03-01'\")", 2),
    ("month_end(\"date '2026-02-03'\")", date(2026, 2, 28)),
    ("month_text(\"date '2026-02-03'\")", "2026-02"),
    ("add_months_start(\"date '2026-01-31'\", 1)", date(2026, 2, 1)),
    ("evidence([('a', \"'x' || chr(34) || 'y'\"), ('b', 'cast(1.50 as decimal(9,2))'), ('c', 'null')])",
     '{"a": "x\\"y", "b": "1.50", "c": null}'),
)  # fmt: skip


@pytest.fixture(scope="module")
def macro_values(at_once: Project) -> tuple[Any, ...]:
    """Every expression of MACROS as rendered for this engine, evaluated."""
    inline = "select " + ", ".join("{{ " + macro + " }}" for macro, _ in MACROS)
    shown = at_once.dbt("compile", "--quiet", "--inline", inline).stdout
    row = duckdb.connect().execute(shown[shown.index("select") :]).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("position", range(len(MACROS)), ids=[macro for macro, _ in MACROS])
def test_portable_macros_are_exact(macro_values: tuple[Any, ...], position: int) -> None:
    found = macro_values[position]
    assert found == MACROS[position][1]
    assert not isinstance(found, float)


def test_instants_are_utc(at_once: Project) -> None:
    (row,) = at_once.rows(
        "select approved_at from canonical.canonical__time_entry"
        " where version_number = 2 and time_entry_id = 'certinia:main:S1-1'"
    )
    assert row[0] == datetime.fromisoformat("2026-05-20T09:00:00+00:00")


def test_the_fixture_refuses_columns_no_manifest_has(tmp_path: Path) -> None:
    raw = Raw(tmp_path / "raw.duckdb")
    with pytest.raises(KeyError, match="nonsense"):
        raw.load(MAY).add("certinia.proj", id="1", nonsense=1)
    raw.close()
