"""PSA to ERP and billing: projects, transfers, invoices, codes. Counted by hand as of 8 July 2026."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.reconciliation.firm import Firm

ITEM = "certinia:main:T1-1"


@pytest.fixture
def working(firm: Firm) -> Firm:
    """The standard firm with one approved time entry, transferred but not billed."""
    firm.standard().add("time_entry")
    firm.add("billing_item")
    return firm


def test_work_without_a_contract_line_is_leaking(working: Firm) -> None:
    assert working.one("ERP-PSA-001")["outcome"] == "PASS"
    working.tables["canonical__project"][0]["contract_line_id"] = None
    working.add("time_entry", time_entry_id="t2", status="submitted", billable_amount="400", approved_at=None)
    working.add("time_entry", time_entry_id="t3", status="rejected", billable_amount="9999")
    working.add("time_entry", time_entry_id="t4", is_billable=False, billable_amount="0")
    working.add("expense_line", billing_amount="100")
    row = working.one("ERP-PSA-001")
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", Decimal("2100"))
    # submitted on Friday 19 June: Monday and Tuesday are grace
    assert row["becomes_exception_on"] == date(2026, 6, 24)
    assert row["risk_object"] == "deal:salesforce:main:O1"
    working.tables["canonical__project"][0]["opportunity_id"] = None
    assert working.one("ERP-PSA-001")["risk_object"] == "project:certinia:main:P1"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("ACTIVE", "PASS"), ("COMPLETED", "PASS"), ("ON_HOLD", "EXCEPTION"), ("CANCELLED", "EXCEPTION")],
)
def test_the_lines_contract_must_be_active(working: Firm, status: str, outcome: str) -> None:
    working.tables["canonical__contract"][0]["status"] = status
    assert working.one("ERP-PSA-001")["outcome"] == outcome


def test_internal_work_and_idle_projects_are_not_looked_at(working: Firm) -> None:
    working.tables["canonical__project"][0].update(is_billable=False, contract_line_id=None)
    working.add("project", project_id="certinia:main:P2", contract_line_id=None)
    assert working.control("ERP-PSA-001") == {}


def test_a_project_set_up_by_another_method_is_found_with_its_open_and_planned_money(working: Firm) -> None:
    assert {row["outcome"] for row in working.control("ERP-PSA-002").values()} == {"PASS"}
    working.tables["canonical__project"][0].update(billing_method="FIXED_MILESTONE")
    working.add("assignment")
    for day in ("2026-07-08", "2026-07-09", "2026-08-07", "2026-08-08"):
        working.add("assignment_schedule_day", work_date=day)
    working.add("assignment", assignment_id="soft", is_hard=False)
    working.add("assignment_schedule_day", assignment_id="soft")
    found = working.control("ERP-PSA-002")
    row = found["certinia:main:P1|BILLING_METHOD"]
    # 1,600 unbilled and two days of 8 hours at 200 after as_of and within 30 days
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", Decimal("4800"))
    assert (row["facts"]["value_a"], row["facts"]["value_b"]) == ("TM", "FIXED_MILESTONE")
    assert found["certinia:main:P1|CURRENCY"]["outcome"] == "PASS"
    working.add("invoice")
    working.add("invoice_line")
    assert working.control("ERP-PSA-002")["certinia:main:P1|BILLING_METHOD"]["amount_at_risk"] == Decimal(
        "3200"
    )


@pytest.mark.parametrize(
    ("cap", "outcome", "amount"),
    [("101001", "PASS", 0), ("101001.01", "EXCEPTION", "1.01"), (None, "EXCEPTION", "101000")],
)
def test_a_cap_may_differ_by_one(firm: Firm, cap: str | None, outcome: str, amount: str | int) -> None:
    firm.standard().tables["canonical__contract_line"][0].update(billing_method="TM_CAPPED", ceiling="100000")
    # 1,000 signed and in force; 500 signed for later
    firm.add("contract_amendment", delta_ceiling="1000")
    firm.add("contract_amendment", contract_amendment_id="a2", delta_ceiling="500", effective_on="2026-08-01")
    firm.tables["canonical__project"][0].update(billing_method="TM_CAPPED", cap_amount=cap)
    cap_row = firm.control("ERP-PSA-002")["certinia:main:P1|CEILING"]
    assert cap_row["value_a"] == 101000
    # (the cap above by exactly 1.00 passes, a cent more does not)
    assert (cap_row["outcome"], cap_row["amount_at_risk"]) == (outcome, Decimal(amount))


def test_a_fresh_change_order_gives_the_psa_two_working_days(firm: Firm) -> None:
    firm.standard().tables["canonical__contract_line"][0].update(billing_method="TM_CAPPED", ceiling="100000")
    firm.tables["canonical__project"][0].update(billing_method="TM_CAPPED", cap_amount="100000")
    firm.add("contract_amendment", delta_ceiling="1000", signed_on="2026-07-06", effective_on="2026-07-06")
    row = firm.control("ERP-PSA-002")["certinia:main:P1|CEILING"]
    assert (row["outcome"], row["becomes_exception_on"]) == ("PENDING", date(2026, 7, 9))


@pytest.mark.parametrize(
    ("shares", "outcome"),
    [(("0.6", "0.4"), "PASS"), (("0.6", "0.4001"), "PASS"), (("0.6", "0.41"), "EXCEPTION")],
)
def test_the_shares_of_a_line_add_up_to_one(firm: Firm, shares: tuple[str, str], outcome: str) -> None:
    firm.standard()
    for number, share in enumerate(shares):
        firm.add("contract_line_share", contract_line_share_id=f"s{number}", share=share)
    assert firm.control("ERP-PSA-002")["certinia:main:P1|SPLIT"]["outcome"] == outcome


@pytest.mark.parametrize(
    ("approved", "outcome", "first"),
    [
        ("2026-07-06", "EXCEPTION", date(2026, 7, 8)),
        ("2026-07-07", "PENDING", date(2026, 7, 9)),
    ],
)
def test_approved_work_has_one_day_to_reach_billing(
    firm: Firm, approved: str, outcome: str, first: date
) -> None:
    firm.standard().add("time_entry", approved_at=f"{approved} 16:00:00+00")
    row = firm.one("PSA-ERP-001")
    assert (row["grain_key"], row["outcome"], row["becomes_exception_on"]) == (ITEM, outcome, first)
    assert (row["amount_at_risk"], row["risk_object"]) == (Decimal("1600"), f"item:{ITEM}")


def test_transferred_unapproved_and_fixed_fee_work_is_in_order(working: Firm) -> None:
    assert working.one("PSA-ERP-001")["outcome"] == "PASS"
    working.tables["canonical__time_entry"][0]["status"] = "submitted"
    assert working.control("PSA-ERP-001") == {}
    working.tables["canonical__time_entry"][0]["status"] = "approved"
    working.tables["canonical__contract_line"][0]["billing_method"] = "FIXED_MILESTONE"
    assert working.control("PSA-ERP-001") == {}


def test_expenses_are_transferred_by_their_own_line(firm: Firm) -> None:
    firm.standard().tables["canonical__contract_line"][0]["billing_method"] = "RETAINER"
    firm.add("expense_line")
    assert firm.control("PSA-ERP-001") == {}
    firm.tables["canonical__project"][0]["expense_line_id"] = "netsuite:main:L9"
    firm.add("contract_line", contract_line_id="netsuite:main:L9", billing_method="EXPENSE")
    row = firm.one("PSA-ERP-001")
    assert (row["grain_key"], row["outcome"]) == ("certinia:main:E1", "EXCEPTION")
    assert row["contract_line_id"] == "netsuite:main:L9"


@pytest.mark.parametrize(
    ("change", "broken", "amount"),
    [
        ({}, set(), "0"),
        ({"amount": "1600.05"}, set(), "0"),
        ({"amount": "1600.06"}, {"AMOUNT"}, "0.06"),
        ({"quantity": "8.01"}, set(), "0"),
        ({"quantity": "8.02"}, {"QUANTITY"}, "0"),
        ({"unit_price": "200.1"}, set(), "0"),
        ({"unit_price": "200.11"}, {"UNIT_PRICE"}, "0"),
        ({"unit_price": "1600", "amount": "12800"}, {"UNIT_PRICE", "AMOUNT"}, "11200"),
        ({"currency_code": "EUR"}, {"CURRENCY"}, "0"),
        ({"work_date": "2026-06-16"}, {"WORK_DATE"}, "0"),
        ({"is_billable": False}, {"BILLABLE"}, "0"),
    ],
)
def test_an_item_altered_on_its_way_is_found_by_attribute(
    working: Firm, change: dict[str, object], broken: set[str], amount: str
) -> None:
    working.tables["canonical__billing_item"][0].update(change)
    found = working.control("PSA-ERP-002")
    assert set(found) == {
        f"{ITEM}|{name}" for name in ("QUANTITY", "UNIT_PRICE", "AMOUNT", "CURRENCY", "BILLABLE", "WORK_DATE")
    }
    wrong = {key.split("|")[1]: row for key, row in found.items() if row["outcome"] != "PASS"}
    assert set(wrong) == broken
    for row in wrong.values():
        assert (row["outcome"], row["amount_at_risk_tc"]) == ("EXCEPTION", Decimal(amount))
        assert row["becomes_exception_on"] == date(2026, 6, 25)  # eligible 23 June, one day of grace


def test_milestones_and_expenses_are_compared_as_one_piece(firm: Firm) -> None:
    firm.standard().add("milestone")
    firm.add("billing_item", source_type="MILESTONE", source_key="certinia:main:M1", quantity="1",
             unit_price="5000.01", amount="5000.01")  # fmt: skip
    firm.add("billing_item", billing_item_id="b2", source_type="EXPENSE", source_key="certinia:main:E1",
             quantity="1", unit_price="120", amount="130")  # fmt: skip
    firm.add("expense_line")
    broken = [key for key, row in firm.control("PSA-ERP-002").items() if row["outcome"] == "EXCEPTION"]
    assert broken == ["certinia:main:E1|AMOUNT"]


@pytest.mark.parametrize(
    ("eligible", "outcome", "first", "risk"),
    [
        # June's items are due by the fifth working day of July: 1, 2, 6, 7, 8 (the 3rd is a holiday)
        ("2026-06-23", "PENDING", date(2026, 7, 9), "TIMING"),
        ("2026-07-03", "PENDING", date(2026, 8, 8), "TIMING"),
        # May's by 5 June, so late from 6 June
        ("2026-05-31", "EXCEPTION", date(2026, 6, 6), "TIMING"),
        # February's by 6 March, 123 days late; March's by 7 April, late from 8 April, 91 days
        ("2026-02-10", "EXCEPTION", date(2026, 3, 7), "LEAKAGE"),
        ("2026-03-31", "EXCEPTION", date(2026, 4, 8), "LEAKAGE"),
    ],
)
def test_work_is_due_on_an_invoice_five_days_after_its_month(
    working: Firm, eligible: str, outcome: str, first: date, risk: str
) -> None:
    working.tables["canonical__billing_item"][0]["eligible_at"] = f"{eligible} 03:00:00+00"
    row = working.one("BIL-001")
    assert (row["outcome"], row["becomes_exception_on"], row["risk_type"]) == (outcome, first, risk)
    assert row["amount_at_risk"] == Decimal("1600")


def test_ninety_days_late_is_still_timing(working: Firm) -> None:
    working.tables["canonical__billing_item"][0]["eligible_at"] = "2026-03-31 03:00:00+00"
    working.as_of = date(2026, 7, 7)
    assert working.one("BIL-001")["risk_type"] == "TIMING"


def billed(firm: Firm, number: int, **values: object) -> Firm:
    """One more invoice with one line."""
    header = {name: values.pop(name) for name in list(values) if name in (
        "doc_type", "status", "posted_at", "invoice_date", "related_invoice_id", "period_from", "period_to",
        "contract_id", "customer_id")}  # fmt: skip
    net = values.get("net_amount", "1600")
    key = f"netsuite:main:I{number}"
    firm.add("invoice", invoice_id=key, invoice_number=f"INV{number}", net_amount=net, **header)
    firm.add("invoice_line", invoice_line_id=f"il{number}", invoice_id=key, **values)
    return firm


@pytest.mark.parametrize(
    ("invoice", "outcome"),
    [
        ({}, "PASS"),
        ({"status": "draft", "posted_at": None}, "EXCEPTION"),
        ({"status": "void"}, "EXCEPTION"),
        ({"invoice_date": "2026-07-09"}, "EXCEPTION"),
    ],
)
def test_only_a_posted_invoice_bills(working: Firm, invoice: dict[str, object], outcome: str) -> None:
    working.tables["canonical__billing_item"][0]["eligible_at"] = "2026-05-20 03:00:00+00"
    assert billed(working, 1, **invoice).one("BIL-001")["outcome"] == outcome


def test_credited_work_is_to_be_billed_again_and_rebilled_work_is_billed(working: Firm) -> None:
    working.tables["canonical__billing_item"][0]["eligible_at"] = "2026-05-20 03:00:00+00"
    billed(working, 1)
    billed(
        working,
        2,
        doc_type="CREDIT_NOTE",
        quantity="-8",
        net_amount="-1600",
        related_invoice_id="netsuite:main:I1",
    )
    assert working.one("BIL-001")["outcome"] == "EXCEPTION"
    billed(working, 3)
    assert working.one("BIL-001")["outcome"] == "PASS"
    # invoice, credit and invoice again is neither billed twice nor a duplicate
    assert working.one("BIL-003")["outcome"] == "PASS"
    assert {row["outcome"] for row in working.control("BIL-010").values()} == {"PASS"}


@pytest.mark.parametrize("change", [{"hold_reason": "PO"}, {"amount": "1.00"}, {"is_billable": False}])
def test_held_trivial_and_unbillable_items_are_not_late(working: Firm, change: dict[str, object]) -> None:
    working.tables["canonical__billing_item"][0].update(eligible_at="2026-05-20 03:00:00+00", **change)
    assert working.control("BIL-001") == {}


def test_fixed_fee_items_are_no_matter_of_this_control(working: Firm) -> None:
    working.tables["canonical__contract_line"][0]["billing_method"] = "RETAINER"
    assert working.control("BIL-001") == {}


@pytest.mark.parametrize(
    ("lines", "outcome", "amount"),
    [
        ([("8", "1600")], "PASS", "0"),
        ([("5", "1000"), ("3", "600")], "PASS", "0"),
        ([("4.8", "960"), ("3.2", "640")], "PASS", "0"),
        ([("8", "1608")], "PASS", "0"),
        ([("8", "1608.01")], "EXCEPTION", "8.01"),
        ([("8.01", "1600")], "PASS", "0"),
        ([("8.02", "1600")], "EXCEPTION", "0"),
        ([("8", "1600"), ("8", "1600")], "EXCEPTION", "1600"),
        ([("8", "1600"), ("8", "1600"), ("0", "-1600")], "EXCEPTION", "0"),
    ],
)
def test_a_source_is_billed_once(
    working: Firm, lines: list[tuple[str, str]], outcome: str, amount: str
) -> None:
    for number, (quantity, net) in enumerate(lines, start=1):
        billed(working, number, quantity=quantity, net_amount=net, posted_at=f"2026-07-0{number} 10:00:00+00")
    row = working.one("BIL-003")
    assert (row["outcome"], row["amount_at_risk"]) == (outcome, Decimal(amount))
    if outcome == "EXCEPTION":
        assert row["severity"] == "S3"
        # since the last charge; a credit in money alone is none
        charges = [one for one in lines if one[0] != "0"]
        assert row["becomes_exception_on"] == date(2026, 7, len(charges))


def test_a_tolerance_of_one_covers_small_sources(working: Firm) -> None:
    working.tables["canonical__time_entry"][0].update(billable_amount="100", hours="8")
    billed(working, 1, net_amount="101")
    assert working.one("BIL-003")["outcome"] == "PASS"
    billed(working, 2, quantity="0", net_amount="0.01")
    assert working.one("BIL-003")["outcome"] == "EXCEPTION"


def test_a_retainers_period_is_measured_by_its_billing_item_and_manual_lines_by_nothing(firm: Firm) -> None:
    firm.standard().add(
        "billing_item", source_type="RETAINER", source_key="L1|2026-06", quantity="1", amount="500"
    )
    billed(firm, 1, source_type="RETAINER", source_key="L1|2026-06", quantity="1", net_amount="500")
    billed(firm, 2, source_type="MANUAL", source_key="x", quantity="1", net_amount="900")
    assert firm.one("BIL-003")["outcome"] == "PASS"
    billed(firm, 3, source_type="RETAINER", source_key="L1|2026-06", quantity="1", net_amount="500")
    assert firm.one("BIL-003")["amount_at_risk"] == Decimal("500")


JUNE = {"period_from": "2026-06-01", "period_to": "2026-06-30", "source_type": "RETAINER", "quantity": "1"}
JULY = {"period_from": "2026-07-01", "period_to": "2026-07-31", "source_type": "RETAINER", "quantity": "1"}


def test_equal_retainers_of_different_months_are_not_duplicates(firm: Firm) -> None:
    firm.standard()
    billed(firm, 1, source_key="L1|2026-06", **JUNE)
    billed(firm, 2, source_key="L1|2026-07", **JULY)
    assert {row["outcome"] for row in firm.control("BIL-010").values()} == {"PASS"}


def test_the_same_sources_or_the_same_period_make_a_duplicate(firm: Firm) -> None:
    firm.standard()
    billed(firm, 1, source_key="L1|2026-06", posted_at="2026-06-01 09:00:00+00", **JUNE)
    billed(firm, 2, source_key="L1|2026-06b", posted_at="2026-06-20 09:00:00+00", **JUNE)
    billed(
        firm, 3, source_key="L1|2026-06b", posted_at="2026-07-01 09:00:00+00", **{**JULY, "contract_id": None}
    )
    billed(firm, 4, source_key="other", customer_id="netsuite:main:K2", **JUNE)
    found = firm.control("BIL-010")
    # 1 and 2 share the period, 2 and 3 the source: one group of three; another customer stands apart
    assert {key: row["outcome"] for key, row in found.items()} == {
        "netsuite:main:I1": "EXCEPTION",
        "netsuite:main:I4": "PASS",
    }
    row = found["netsuite:main:I1"]
    assert (row["amount_at_risk"], row["severity"]) == (Decimal("3200"), "S3")
    assert row["becomes_exception_on"] == date(2026, 6, 20)


def test_a_partial_credit_leaves_the_duplicate_standing(firm: Firm) -> None:
    firm.standard()
    billed(firm, 1)
    billed(firm, 2)
    billed(
        firm,
        3,
        doc_type="CREDIT_NOTE",
        quantity="-4",
        net_amount="-800",
        related_invoice_id="netsuite:main:I2",
    )
    assert firm.control("BIL-010")["netsuite:main:I1"]["outcome"] == "EXCEPTION"
    billed(
        firm,
        4,
        doc_type="CREDIT_NOTE",
        quantity="-4",
        net_amount="-800",
        related_invoice_id="netsuite:main:I2",
    )
    assert {row["outcome"] for row in firm.control("BIL-010").values()} == {"PASS"}


def test_an_unmapped_code_and_an_orphan_key_are_listed_by_value(working: Firm) -> None:
    assert {row["outcome"] for row in working.control("MDM-003").values()} == {"PASS"}
    working.tables["canonical__project"][0]["service_line_code"] = "XQ-77"
    working.add("time_entry", time_entry_id="t2", resource_id="certinia:main:R9", billable_amount="-200",
                currency_code="EUR", submitted_at="2026-07-07 16:00:00+00", status="submitted")  # fmt: skip
    broken = {key: row for key, row in working.control("MDM-003").items() if row["outcome"] != "PASS"}
    assert set(broken) == {"project.service_line_code|XQ-77", "time_entry.resource_id|certinia:main:R9"}
    code = broken["project.service_line_code|XQ-77"]
    # 1,600 USD and 200 EUR at 1.10: no single currency
    assert (code["outcome"], code["amount_at_risk"]) == ("EXCEPTION", Decimal("1820"))
    assert code["risk_object"] == "code:project.service_line_code|XQ-77"
    contact = broken["time_entry.resource_id|certinia:main:R9"]
    # submitted on 7 July: tomorrow's load may bring the record, so one day of grace
    assert (contact["outcome"], contact["becomes_exception_on"]) == ("PENDING", date(2026, 7, 9))
    assert (contact["amount_at_risk"], contact["amount_at_risk_tc"]) == (Decimal("220"), None)


@pytest.mark.parametrize("code", ["data", " DATA "])
def test_case_and_blanks_do_not_make_a_code_unknown(firm: Firm, code: str) -> None:
    firm.standard().tables["canonical__project"][0]["service_line_code"] = code
    assert firm.control("MDM-003")["project.service_line_code|DATA"]["outcome"] == "PASS"


def test_a_word_nobody_mapped_is_found_by_its_raw_form(firm: Firm) -> None:
    firm.standard().tables["canonical__project"][0].update(billing_method=None, billing_method_raw="Barter")
    assert firm.control("MDM-003")["project.billing_method|Barter"]["outcome"] == "EXCEPTION"
    # and the set-up control says that it cannot tell, or that it differs
    assert firm.control("ERP-PSA-002")["certinia:main:P1|BILLING_METHOD"]["outcome"] == "EXCEPTION"


@pytest.mark.parametrize("line", [None, "netsuite:main:nobody"])
def test_an_item_whose_line_is_not_known_cannot_be_called_in_time(working: Firm, line: str | None) -> None:
    working.tables["canonical__billing_item"][0].update(
        eligible_at="2026-05-20 03:00:00+00", contract_line_id=line
    )
    row = working.one("BIL-001")
    assert (row["outcome"], row["amount_at_risk_tc"]) == ("NOT_EVALUABLE", Decimal(1600))
