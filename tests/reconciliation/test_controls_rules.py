"""Rules that the catalogue states and that a control can share a misreading of with its own truth.

Each expected figure is worked out by hand from the rule's text. As of Wednesday 8 July 2026; in the hand-made
calendar Friday 3 July is a holiday of the American entity, and nothing else is one in June or July.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.reconciliation.firm import GB, US, Firm
from tests.reconciliation.test_controls_deals import won
from tests.reconciliation.test_controls_work import ITEM, JUNE, billed

MAY = "2026-05-20 03:00:00+00"  # billable in May: to be invoiced by 5 June, late from 6 June


@pytest.fixture
def working(firm: Firm) -> Firm:
    """The standard firm with one approved time entry, transferred but not billed."""
    firm.standard().add("time_entry")
    firm.add("billing_item")
    return firm


# ---- severity rises with age: more than twice the time to mend (S1/S2/S3/S4: 2/5/10/20 working days) ----


@pytest.mark.parametrize(
    ("as_of", "severity"),
    [
        # an exception since Thursday 4 June; ten working days later is Thursday 18 June
        (date(2026, 6, 4), "S2"),
        (date(2026, 6, 18), "S2"),
        (date(2026, 6, 19), "S1"),
        (date(2026, 7, 8), "S1"),
    ],
)
def test_an_exception_older_than_twice_its_time_to_mend_is_one_level_graver(
    firm: Firm, as_of: date, severity: str
) -> None:
    firm.as_of = as_of
    row = won(firm, "2026-06-01").one("CRM-ERP-001")
    assert (row["outcome"], row["becomes_exception_on"]) == ("EXCEPTION", date(2026, 6, 4))
    assert (row["amount_at_risk"], row["severity"]) == (Decimal(80000), severity)


@pytest.mark.parametrize(
    ("amount", "as_of", "severity"),
    [
        # since 4 June: 8 July is 23 working days on (18 in June, 5 in July); S4 has forty, S3 twenty
        ("4000", date(2026, 7, 8), "S4"),
        ("20000", date(2026, 7, 2), "S3"),
        ("20000", date(2026, 7, 6), "S2"),
        ("200000", date(2026, 7, 8), "S1"),
    ],
)
def test_each_level_has_its_own_time_and_age_raises_by_one_only(
    firm: Firm, amount: str, as_of: date, severity: str
) -> None:
    firm.as_of = as_of
    assert won(firm, "2026-06-01", services_amount=amount).one("CRM-ERP-001")["severity"] == severity


@pytest.mark.parametrize(("day", "severity"), [("2026-06-24", "S2"), ("2026-06-23", "S1")])
def test_what_belongs_to_no_entity_ages_monday_to_friday(firm: Firm, day: str, severity: str) -> None:
    # Wednesday to Wednesday is ten days Monday to Friday, the holiday included; Tuesday to Wednesday eleven
    firm.tables["landing.extract_run"] = [
        {"source_system": "salesforce", "source_instance": "main", "resource": "account", "load_id": "L",
         "started_at": f"{day} 23:30:00+00", "status": "OK"}
    ]  # fmt: skip
    row = firm.control("INT-003")["salesforce_main.account|L|STALE"]
    assert (row["outcome"], row["becomes_exception_on"]) == ("EXCEPTION", date.fromisoformat(day))
    assert row["severity"] == severity


@pytest.mark.parametrize(
    ("window", "outcome"),
    [
        ("2026-07-07 23:30:00+00", "PASS"),
        ("2026-07-07 22:30:00+00", "PASS"),
        ("2026-07-07 23:30:00.000001+00", "EXCEPTION"),
        (None, None),
    ],
)
def test_a_window_begins_where_the_loads_before_it_ended(
    firm: Firm, window: str | None, outcome: str | None
) -> None:
    def load(name: str, at: str, **values: object) -> None:
        firm.tables.setdefault("landing.extract_run", []).append(
            {"source_system": "salesforce", "source_instance": "main", "resource": "account",
             "load_id": name, "started_at": at, "status": "OK", **values}
        )  # fmt: skip

    load("L1", "2026-07-06 23:30:00+00", cursor_to="2026-07-07 23:30:00+00")
    # what a failed load has read is not there
    load("L2", "2026-07-07 23:30:00+00", cursor_to="2026-07-08 12:00:00+00", status="FAILED")
    load("L3", "2026-07-08 23:30:00+00", cursor_from=window, cursor_to="2026-07-08 23:00:00+00")
    row = firm.control("INT-003").get("salesforce_main.account|L3|GAP")
    assert (row and row["outcome"]) == outcome


# ---- parameters hold by date --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "first"), [(date(2026, 6, 30), date(2026, 6, 29)), (date(2026, 7, 1), date(2026, 7, 2))]
)
def test_a_parameter_holds_from_its_date_and_not_before(firm: Firm, as_of: date, first: date) -> None:
    # won on Wednesday 24 June; two days of grace until July, from July on five
    firm.as_of = as_of
    firm.dated["CRM-ERP-001", "grace"] = [(2, "2000-01-01"), (5, "2026-07-01")]
    row = won(firm, "2026-06-24").one("CRM-ERP-001")
    assert row["becomes_exception_on"] == first
    assert row["outcome"] == ("EXCEPTION" if first <= as_of else "PENDING")


def test_the_time_to_mend_is_a_parameter_too(firm: Firm) -> None:
    firm.parameters["CRM-ERP-001", "sla"] = "2/50/100/200"
    assert won(firm, "2026-06-01").one("CRM-ERP-001")["severity"] == "S2"


# ---- CRM-ERP-001, CRM-PSA-001: changes go by their amendment, other children by their parent --------------


@pytest.mark.parametrize(
    ("kind", "outcome"), [("change", "EXCEPTION"), ("renewal", "EXCEPTION"), ("new", "PASS")]
)
def test_a_change_is_matched_by_its_amendment_and_not_by_its_parents_contract(
    firm: Firm, kind: str, outcome: str
) -> None:
    won(firm, "2026-06-01", parent_opportunity_id="salesforce:main:O0", opportunity_type=kind)
    firm.add("contract", opportunity_id="salesforce:main:O0")
    firm.add("contract_line")
    firm.add("project", opportunity_id="salesforce:main:O0")
    assert firm.one("CRM-ERP-001")["outcome"] == outcome
    assert firm.one("CRM-PSA-001")["outcome"] == outcome
    firm.add("contract_amendment", opportunity_id="salesforce:main:O1")
    assert firm.one("CRM-ERP-001")["outcome"] == "PASS"
    assert firm.one("CRM-PSA-001")["outcome"] == "PASS"


@pytest.mark.parametrize(
    ("table", "change", "reason"),
    [
        ("canonical__opportunity", {"legal_entity_id": None}, "G1"),
        ("canonical__customer_entity", {"status": "PENDING"}, "G2"),
        ("canonical__customer_entity", {"legal_entity_id": GB}, "G2"),
        ("canonical__customer", {"status": "BLOCKED"}, "G2"),
        ("canonical__customer", {"tax_profile": None}, "G3"),
        ("canonical__customer", {"credit_status": "OPEN"}, "G4"),
        ("canonical__opportunity", {"payment_terms_days": None}, "G6"),
        ("canonical__opportunity", {}, None),
    ],
)
def test_the_first_guard_that_says_no_is_the_reason(
    firm: Firm, table: str, change: dict[str, object], reason: str | None
) -> None:
    firm.standard().tables[table][0].update(change)
    for name in ("contract", "contract_line", "project"):
        firm.tables[f"canonical__{name}"].clear()
    for control in ("CRM-ERP-001", "CRM-PSA-001"):
        found = firm.one(control)["facts"]["block_reason"]
        assert (found and found[:2]) == reason


def test_what_waits_is_told_in_money_times_days(firm: Firm) -> None:
    # won on 1 June, due by 4 June: 34 days at 20,000, the planned revenue of the first 30 days
    row = won(firm, "2026-06-01").one("CRM-PSA-001")
    assert row["amount_at_risk"] == Decimal(20000)
    assert Decimal(row["facts"]["currency_days"]) == Decimal(680000)


# ---- CRM-ERP-003: both sides over everything sold under one contract ----------------------------------


def child(firm: Firm, number: int, amount: str, **values: object) -> None:
    key = f"salesforce:main:O{number}"
    firm.add("opportunity", opportunity_id=key, parent_opportunity_id="salesforce:main:O1",
             services_amount=amount, **values)  # fmt: skip
    firm.add("opportunity_stage_event", event_id=f"h{number}", opportunity_id=key)


def test_several_deals_under_one_contract_are_compared_as_a_whole(firm: Firm) -> None:
    firm.standard().tables["canonical__contract_line"][0]["original_value"] = "95000"
    assert firm.one("CRM-ERP-003")["amount_at_risk"] == Decimal(15000)
    child(firm, 2, "15000", opportunity_type="new")
    assert firm.one("CRM-ERP-003")["outcome"] == "PASS"
    # a change comes in by its amendment and an open deal not at all
    child(firm, 3, "7000", opportunity_type="change")
    child(firm, 4, "9000", opportunity_type="new", is_won=False, is_closed=False)
    assert firm.one("CRM-ERP-003")["outcome"] == "PASS"
    child(firm, 5, "2000", opportunity_type="new")
    row = firm.one("CRM-ERP-003")
    assert (row["outcome"], row["value_a"], row["value_b"]) == ("EXCEPTION", 95000, 97000)
    assert row["facts"]["child_opportunities"] == "salesforce:main:O2, salesforce:main:O5"


@pytest.mark.parametrize(
    ("value", "outcome"),
    # half a percent of 80,000 is 400: within it the cap in the reporting currency would have the last word
    [("80000", "PASS"), ("80300", "NOT_EVALUABLE"), ("90000", "EXCEPTION")],
)
def test_without_a_rate_a_small_share_is_neither_right_nor_wrong(
    firm: Firm, value: str, outcome: str
) -> None:
    firm.standard().tables["canonical__contract_line"][0]["original_value"] = value
    for table in ("contract", "opportunity"):
        firm.tables[f"canonical__{table}"][0]["currency_code"] = "JPY"
    assert firm.one("CRM-ERP-003")["outcome"] == outcome


# ---- CRM-ERP-004 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crm", "erp", "outcome"),
    [
        ("2026-12-10", "2026-12-31", "PASS"),
        ("2026-12-10", "2026-12-30", "EXCEPTION"),
        ("2026-12-10", "2027-01-31", "EXCEPTION"),
        ("2026-12-31", "2026-12-10", "EXCEPTION"),
    ],
)
def test_an_erp_term_rounded_to_its_months_end_is_the_same_term(
    firm: Firm, crm: str, erp: str, outcome: str
) -> None:
    firm.standard().tables["canonical__opportunity"][0]["term_end"] = crm
    firm.tables["canonical__contract"][0]["effective_to"] = erp
    assert firm.control("CRM-ERP-004")["netsuite:main:C1|TERM_END"]["outcome"] == outcome


def test_billing_beyond_the_value_leaves_nothing_exposed(firm: Firm) -> None:
    firm.standard().tables["canonical__contract"][0]["billing_method"] = "RETAINER"
    firm.add("invoice", net_amount="90000")
    firm.add("invoice_line", net_amount="90000")
    row = firm.control("CRM-ERP-004")["netsuite:main:C1|BILLING_METHOD"]
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", 0)


# ---- ERP-PSA-001, PSA-ERP-001 -----------------------------------------------------------------------


def test_money_of_two_currencies_meets_in_the_reporting_currency_only(working: Firm) -> None:
    working.tables["canonical__project"][0]["contract_line_id"] = None
    working.add("expense_line", billing_amount="100", billing_currency_code="EUR")
    row = working.one("ERP-PSA-001")
    # 1,600 USD and 100 EUR at 1.10
    assert (row["amount_at_risk"], row["amount_at_risk_tc"], row["currency_code"]) == (
        Decimal(1710),
        None,
        None,
    )
    working.tables["canonical__expense_line"][0]["billing_currency_code"] = "JPY"
    assert working.one("ERP-PSA-001")["amount_at_risk"] is None


def test_of_work_billed_in_part_the_rest_is_unbilled(working: Firm) -> None:
    working.tables["canonical__contract"][0]["status"] = "ON_HOLD"
    billed(working, 1, quantity="5", net_amount="1000")
    assert working.one("ERP-PSA-001")["amount_at_risk"] == Decimal(600)


def test_time_on_an_expense_line_is_transferred_and_another_source_is_no_transfer(firm: Firm) -> None:
    firm.standard().tables["canonical__contract_line"][0]["billing_method"] = "EXPENSE"
    firm.add("time_entry")
    assert firm.one("PSA-ERP-001")["outcome"] == "EXCEPTION"
    firm.add("billing_item", source_type="EXPENSE")
    assert firm.one("PSA-ERP-001")["outcome"] == "EXCEPTION"
    firm.add("billing_item", billing_item_id="netsuite:main:B2")
    assert firm.one("PSA-ERP-001")["outcome"] == "PASS"


# ---- BIL-001, BIL-003, BIL-010 ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "outcome", "amount"),
    [("5", "EXCEPTION", "600"), ("7.99", "EXCEPTION", "2"), ("7.995", "PASS", "0"), ("8", "PASS", "0")],
)
def test_of_an_item_billed_in_part_the_rest_is_late(
    working: Firm, quantity: str, outcome: str, amount: str
) -> None:
    working.tables["canonical__billing_item"][0]["eligible_at"] = MAY
    billed(working, 1, quantity=quantity, net_amount=str(Decimal(quantity) * 200))
    row = working.one("BIL-001")
    assert (row["outcome"], row["amount_at_risk"]) == (outcome, Decimal(amount))


def test_a_concession_in_money_makes_nothing_unbilled(working: Firm) -> None:
    working.tables["canonical__billing_item"][0]["eligible_at"] = MAY
    billed(working, 1)
    billed(working, 2, doc_type="CREDIT_NOTE", quantity="0", net_amount="-300",
           related_invoice_id="netsuite:main:I1")  # fmt: skip
    assert working.one("BIL-001")["outcome"] == "PASS"


def test_a_later_credit_does_not_make_a_double_charge_younger(working: Firm) -> None:
    for number in (1, 2):
        billed(working, number, posted_at=f"2026-07-0{number} 10:00:00+00")
    billed(working, 3, doc_type="CREDIT_NOTE", quantity="-2", net_amount="-400",
           related_invoice_id="netsuite:main:I2", posted_at="2026-07-06 10:00:00+00")  # fmt: skip
    row = working.one("BIL-003")
    assert (row["becomes_exception_on"], row["amount_at_risk"]) == (date(2026, 7, 2), Decimal(1200))


def test_too_many_hours_for_too_little_money_put_nothing_at_risk(working: Firm) -> None:
    billed(working, 1, quantity="16", net_amount="1500")
    row = working.one("BIL-003")
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", 0)


def test_two_entities_that_bill_their_own_share_bill_nothing_twice(working: Firm) -> None:
    billed(working, 1, quantity="4", net_amount="800")
    billed(working, 2, quantity="4", net_amount="800")
    assert {row["outcome"] for row in working.control("BIL-010").values()} == {"EXCEPTION"}
    working.tables["canonical__invoice"][1]["legal_entity_id"] = GB
    assert [row["outcome"] for row in working.control("BIL-010").values()] == ["PASS", "PASS"]
    assert working.one("BIL-003")["outcome"] == "PASS"


def test_the_same_amount_for_two_lines_of_a_contract_is_no_duplicate(firm: Firm) -> None:
    firm.standard()
    billed(firm, 1, source_key="L1|2026-06", **JUNE)
    billed(firm, 2, source_key="L2|2026-06", contract_line_id="netsuite:main:L2", **JUNE)
    assert [row["outcome"] for row in firm.control("BIL-010").values()] == ["PASS", "PASS"]
    billed(firm, 3, source_key="L1|2026-06b", **JUNE)
    found = firm.control("BIL-010")
    assert {key: row["outcome"] for key, row in found.items()} == {
        "netsuite:main:I1": "EXCEPTION",
        "netsuite:main:I2": "PASS",
    }


# ---- MDM-003 ----------------------------------------------------------------------------------------


def lost(firm: Firm) -> dict[str, dict[str, object]]:
    return {key: row for key, row in firm.control("MDM-003").items() if row["outcome"] != "PASS"}


@pytest.mark.parametrize(
    ("valid", "outcome"),
    [
        # the project is of 2 June
        ({"valid_from": "2026-01-01", "valid_to": "2026-06-02"}, None),
        ({"valid_from": "2026-06-02", "valid_to": None}, None),
        ({"valid_from": "2026-01-01", "valid_to": "2026-06-01"}, "EXCEPTION"),
        ({"valid_from": "2026-06-03", "valid_to": None}, "EXCEPTION"),
    ],
)
def test_a_code_is_looked_up_on_the_day_of_the_fact(
    firm: Firm, valid: dict[str, object], outcome: str | None
) -> None:
    firm.standard().tables["master__code"][0].update(valid)
    found = lost(firm)
    assert set(found) == ({"project.service_line_code|DATA"} if outcome else set())
    assert all(row["outcome"] == outcome for row in found.values())


def test_only_the_rows_that_found_no_meaning_are_at_risk(firm: Firm) -> None:
    firm.standard().tables["master__code"][0]["valid_to"] = "2026-06-30"
    firm.add("time_entry")
    firm.add("project", project_id="certinia:main:P2", created_at="2026-07-01 09:00:00+00")
    firm.add("time_entry", time_entry_id="t2", project_id="certinia:main:P2", billable_amount="300")
    row = lost(firm)["project.service_line_code|DATA"]
    # two working days after the first project that found nothing: 2 July and, the 3rd a holiday, the 6th
    assert (row["amount_at_risk"], row["becomes_exception_on"]) == (Decimal(300), date(2026, 7, 6))


def test_an_orphan_of_no_known_entity_is_an_exception_all_the_same(working: Firm) -> None:
    working.add("time_entry", time_entry_id="t2", project_id="certinia:main:P9",
                submitted_at="2026-07-02 15:00:00+00")  # fmt: skip
    row = lost(working)["time_entry.project_id|certinia:main:P9"]
    # Thursday 2 July, two days Monday to Friday on: nobody knows whose holiday the 3rd would be
    assert (row["outcome"], row["becomes_exception_on"]) == ("EXCEPTION", date(2026, 7, 6))
    assert row["amount_at_risk"] == Decimal(1600)


@pytest.mark.parametrize(
    ("table", "values", "grain", "amount"),
    [
        ("expense_line", {"project_id": "P9"}, "expense_line.project_id|P9", "120"),
        ("expense_line", {"resource_id": "R9"}, "expense_line.resource_id|R9", "120"),
        ("milestone", {"project_id": "P9"}, "milestone.project_id|P9", "5000"),
        ("billing_item", {"contract_line_id": "L9", "created_at": "2026-06-23 03:00:00+00"},
         "billing_item.contract_line_id|L9", "1600"),
        ("revenue_entry", {"contract_line_id": "L9"}, "revenue_entry.contract_line_id|L9", "500"),
        ("contract_amendment", {"contract_line_id": "L9", "delta_value": "-700"},
         "contract_amendment.contract_line_id|L9", "700"),
        ("opportunity", {"opportunity_id": "O9", "legal_entity_code": "XX01", "legal_entity_id": None},
         "opportunity.legal_entity_code|XX01", "80000"),
        ("project", {"project_id": "P9", "currency_code": "XXX"}, "project.currency_code|XXX", "0"),
    ],
)  # fmt: skip
def test_every_key_and_code_that_carries_money_is_looked_up(
    firm: Firm, table: str, values: dict[str, object], grain: str, amount: str
) -> None:
    firm.standard().add(table, **values)
    found = lost(firm)
    assert set(found) == {grain}
    assert (found[grain]["outcome"], found[grain]["amount_at_risk"]) == ("EXCEPTION", Decimal(amount))


@pytest.mark.parametrize(
    ("worker", "grain"),
    [
        ({"legal_entity_code": "XX01"}, "resource.legal_entity_code|XX01"),
        ({"legal_entity_code": None}, "resource.legal_entity_code|NONE"),
        ({"legal_entity_code": "FR01", "legal_entity_id": "netsuite:main:9"},
         "work_calendar.legal_entity_id|netsuite:main:9"),
        ({"legal_entity_code": "US01", "legal_entity_id": US}, None),
        # nobody counts their hours
        ({"legal_entity_code": "XX01", "is_time_required": False}, None),
        ({"legal_entity_code": "XX01", "worker_type": "contractor"}, None),
    ],
)  # fmt: skip
def test_an_employee_whose_hours_nobody_can_count_is_named(
    firm: Firm, worker: dict[str, object], grain: str | None
) -> None:
    firm.standard().add(
        "resource",
        **{"resource_id": "bamboohr:main:E1", "source_system": "bamboohr", "worker_type": "employee",
           "is_time_required": True, "hire_date": "2026-06-01", **worker},
    )  # fmt: skip
    found = lost(firm)
    assert set(found) == ({grain} if grain else set())
    # hired on Monday 1 June: an exception from Wednesday, and hours hold no money
    told = {(row["outcome"], row["becomes_exception_on"], row["amount_at_risk"]) for row in found.values()}
    assert told == ({("EXCEPTION", date(2026, 6, 3), Decimal(0))} if grain else set())


def test_the_grain_of_an_item_is_its_source(working: Firm) -> None:
    assert set(working.control("BIL-001")) == {ITEM}


# ---- days are the entity's own ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "won_at", "first"),
    [
        # half past two of 2 July in UTC is the evening of 1 July in New York: 2, 6 and 7 July, the 3rd off
        ("America/New_York", "2026-07-02 02:30:00+00", date(2026, 7, 7)),
        ("UTC", "2026-07-02 02:30:00+00", date(2026, 7, 8)),
        (None, "2026-07-02 02:30:00+00", date(2026, 7, 8)),
        # four in the afternoon of 1 July in UTC is 2 July in Auckland
        ("Pacific/Auckland", "2026-07-01 16:00:00+00", date(2026, 7, 8)),
    ],
)
def test_a_deal_is_won_on_the_day_it_was_in_its_entity(
    firm: Firm, zone: str | None, won_at: str, first: date
) -> None:
    won(firm, "2026-07-01").tables["canonical__opportunity_stage_event"][0]["changed_at"] = won_at
    if zone:
        firm.add("master__entity_zone", legal_entity_id="netsuite:main:1", time_zone=zone)
    for control in ("CRM-ERP-001", "CRM-PSA-001"):
        assert firm.one(control)["becomes_exception_on"] == first


def test_approval_transfer_and_billing_are_dated_in_the_entity_too(working: Firm) -> None:
    working.add("master__entity_zone", legal_entity_id="netsuite:main:1", time_zone="America/New_York")
    # billable at three in the morning of 1 June in UTC: in New York it is May, late from 6 June
    working.tables["canonical__billing_item"][0]["eligible_at"] = "2026-06-01 03:00:00+00"
    assert working.one("BIL-001")["becomes_exception_on"] == date(2026, 6, 6)
    working.tables["canonical__billing_item"][0]["amount"] = "1700"
    # on Sunday 31 May: one day of grace is Monday, so Tuesday
    altered = working.control("PSA-ERP-002")[f"{ITEM}|AMOUNT"]
    assert altered["becomes_exception_on"] == date(2026, 6, 2)
    working.tables["canonical__billing_item"].clear()
    working.tables["canonical__time_entry"][0]["approved_at"] = "2026-06-23 01:00:00+00"
    # approved on Monday 22 June: one day of grace is Tuesday, so Wednesday
    assert working.one("PSA-ERP-001")["becomes_exception_on"] == date(2026, 6, 24)
