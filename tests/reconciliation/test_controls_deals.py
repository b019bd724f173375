"""CRM to ERP and PSA: contracts, projects, values, terms, customers. Outcomes are counted by hand.

As of Wednesday 8 July 2026; Friday 3 July is a holiday of the American entity. Two working days of grace
after a win on Thursday 2 July end with Tuesday 7 July (6 and 7), so 8 July is the first day of an exception.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.reconciliation.firm import AS_OF, GB, Firm, working_days


def won(firm: Firm, day: str, **deal: object) -> Firm:
    """A firm with one deal won on `day` and nothing behind it."""
    firm.add("opportunity", **deal)
    firm.add("opportunity_stage_event", changed_at=f"{day} 18:00:00+00")
    firm.add("master__entity_xref")
    return firm


@pytest.mark.parametrize(
    ("day", "outcome", "first"),
    [
        ("2026-07-02", "EXCEPTION", date(2026, 7, 8)),
        ("2026-07-03", "EXCEPTION", date(2026, 7, 8)),
        ("2026-07-06", "PENDING", date(2026, 7, 9)),
        ("2026-07-08", "PENDING", date(2026, 7, 13)),
    ],
)
def test_a_won_deal_without_contract_breaks_when_its_grace_is_over(
    firm: Firm, day: str, outcome: str, first: date
) -> None:
    row = won(firm, day).one("CRM-ERP-001")
    assert (row["outcome"], row["becomes_exception_on"]) == (outcome, first)
    assert row["becomes_exception_on"] == working_days("netsuite:main:1", date.fromisoformat(day), 3)
    assert row["amount_at_risk"] == row["amount_at_risk_tc"] == Decimal("80000")
    assert row["risk_object"] == "deal:salesforce:main:O1"
    assert "Deal one" in row["facts"]["what"]


def test_grace_is_counted_on_the_entitys_own_calendar(firm: Firm) -> None:
    won(firm, "2026-07-02", legal_entity_id=GB, legal_entity_code="GB01", currency_code="GBP")
    row = firm.one("CRM-ERP-001")
    # no holiday in Britain: 3, 6, 7 July, so the exception is a day older
    assert row["becomes_exception_on"] == date(2026, 7, 7)
    assert row["amount_at_risk"] == Decimal("100000")
    assert row["amount_at_risk_tc"] == Decimal("80000")
    assert row["severity"] == "S1"


def test_severity_rises_once_the_planned_start_has_come(firm: Firm) -> None:
    assert won(firm, "2026-07-02", planned_start="2026-07-09").one("CRM-ERP-001")["severity"] == "S2"
    firm.tables["canonical__opportunity"][0]["planned_start"] = AS_OF
    assert firm.one("CRM-ERP-001")["severity"] == "S1"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("ACTIVE", "PASS"),
        ("ON_HOLD", "PASS"),
        ("COMPLETED", "PASS"),
        ("DRAFT", "EXCEPTION"),
        ("CANCELLED", "EXCEPTION"),
    ],
)
def test_only_a_live_contract_counts(firm: Firm, status: str, outcome: str) -> None:
    won(firm, "2026-06-01").add("contract", status=status)
    assert firm.one("CRM-ERP-001")["outcome"] == outcome


@pytest.mark.parametrize(
    ("status", "outcome"), [("SIGNED", "PASS"), ("DRAFT", "PASS"), ("REJECTED", "EXCEPTION")]
)
def test_a_renewal_delivered_as_an_amendment_needs_neither_contract_nor_project(
    firm: Firm, status: str, outcome: str
) -> None:
    won(firm, "2026-06-01").add("contract_amendment", opportunity_id="salesforce:main:O1", status=status)
    assert firm.one("CRM-ERP-001")["outcome"] == outcome
    assert firm.one("CRM-PSA-001")["outcome"] == outcome


def test_a_child_deal_rides_on_its_parents_contract(firm: Firm) -> None:
    won(firm, "2026-06-01", parent_opportunity_id="salesforce:main:O0")
    assert firm.one("CRM-ERP-001")["outcome"] == "EXCEPTION"
    firm.add("contract", opportunity_id="salesforce:main:O0")
    assert firm.one("CRM-ERP-001")["outcome"] == "PASS"
    # where the parent has no project either, nobody can book time for the child
    assert firm.one("CRM-PSA-001")["outcome"] == "EXCEPTION"
    firm.add("contract_line")
    firm.add("project", opportunity_id=None)
    assert firm.one("CRM-PSA-001")["outcome"] == "PASS"


@pytest.mark.parametrize(
    "deal", [{"is_contract_required": False}, {"services_amount": "0"}, {"is_won": False, "is_closed": False}]
)
def test_deals_that_need_no_contract_are_not_looked_at(firm: Firm, deal: dict[str, object]) -> None:
    assert won(firm, "2026-06-01", **deal).control("CRM-ERP-001") == {}


def test_what_is_not_known_yet_does_not_count(firm: Firm) -> None:
    won(firm, "2026-06-01").add("contract", known_from="2026-07-08 23:30:00.000001+00")
    assert firm.one("CRM-ERP-001")["outcome"] == "EXCEPTION"
    firm.tables["canonical__contract"][0]["known_from"] = "2026-07-08 23:30:00+00"
    assert firm.one("CRM-ERP-001")["outcome"] == "PASS"
    firm.tables["canonical__contract"][0]["is_deleted"] = True
    assert firm.one("CRM-ERP-001")["outcome"] == "EXCEPTION"


def test_a_contract_without_a_calendar_cannot_be_judged(firm: Firm) -> None:
    row = won(firm, "2026-06-01", legal_entity_id=None).one("CRM-ERP-001")
    assert row["outcome"] == "NOT_EVALUABLE"


def test_an_amount_without_a_rate_is_never_a_small_one(firm: Firm) -> None:
    row = won(firm, "2026-07-02", currency_code="JPY").one("CRM-ERP-001")
    assert (row["outcome"], row["amount_at_risk"], row["severity"]) == ("EXCEPTION", None, "S2")


def test_parameters_come_from_the_table(firm: Firm) -> None:
    firm.parameters["CRM-ERP-001", "grace"] = 5
    row = won(firm, "2026-07-02").one("CRM-ERP-001")
    assert (row["outcome"], row["becomes_exception_on"]) == ("PENDING", date(2026, 7, 13))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("PLANNED", "PASS"), ("ON_HOLD", "PASS"), ("CLOSED", "PASS"), ("CANCELLED", "EXCEPTION")],
)
def test_a_won_deal_needs_a_project_that_lives(firm: Firm, status: str, outcome: str) -> None:
    won(firm, "2026-06-01").add("project", status=status, contract_line_id=None)
    assert firm.one("CRM-PSA-001")["outcome"] == outcome


def test_a_template_is_no_project_and_a_link_through_the_contract_is_one(firm: Firm) -> None:
    won(firm, "2026-06-01").add("project", is_template=True)
    row = firm.one("CRM-PSA-001")
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", Decimal("20000"))
    firm.add("contract")
    firm.add("contract_line")
    firm.add("project", project_id="certinia:main:P2", opportunity_id=None)
    assert firm.one("CRM-PSA-001")["outcome"] == "PASS"


def test_a_far_start_waits_until_twenty_working_days_before_it(firm: Firm) -> None:
    # won 30 June, start Monday 5 October: 97 days ahead; 20 working days before it is Monday 7 September
    row = won(firm, "2026-06-30", planned_start="2026-10-05").one("CRM-PSA-001")
    assert (row["outcome"], row["becomes_exception_on"]) == ("PENDING", date(2026, 9, 7))
    # sixty days ahead is not far: the ordinary grace holds
    firm.tables["canonical__opportunity"][0]["planned_start"] = "2026-08-29"
    row = firm.one("CRM-PSA-001")
    assert (row["outcome"], row["becomes_exception_on"]) == ("EXCEPTION", date(2026, 7, 6))


@pytest.mark.parametrize(("start", "severity"), [("2026-07-15", "S2"), ("2026-07-16", "S3")])
def test_a_start_within_five_working_days_raises_the_floor(firm: Firm, start: str, severity: str) -> None:
    row = won(firm, "2026-07-02", planned_start=start).one("CRM-PSA-001")
    assert row["severity"] == severity


@pytest.mark.parametrize(
    ("value", "outcome", "severity"),
    [
        ("80400", "PASS", None),  # 0.5 % of 80,400 is 402, the difference 400
        ("79601", "EXCEPTION", "S4"),  # 0.5 % of 79,601 is 398.005, the difference 399
        ("80000", "PASS", None),
        ("70000", "EXCEPTION", "S3"),
    ],
)
def test_contract_value_may_differ_by_half_a_percent(
    firm: Firm, value: str, outcome: str, severity: str
) -> None:
    firm.standard().tables["canonical__contract_line"][0]["original_value"] = value
    firm.tables["canonical__contract"][0]["created_at"] = "2026-06-30 09:00:00+00"
    row = firm.one("CRM-ERP-003")
    assert (row["outcome"], row["severity"]) == (outcome, severity)
    if outcome == "EXCEPTION":
        assert row["amount_at_risk"] == abs(Decimal(80000) - Decimal(value))
        assert row["difference"] == Decimal(80000) - Decimal(value)


def test_a_large_contracts_small_share_is_still_ten_thousand(firm: Firm) -> None:
    # 0.5 % of 4,000,000 would allow 20,000
    firm.standard().tables["canonical__opportunity"][0]["services_amount"] = "3990000"
    firm.tables["canonical__contract_line"][0]["original_value"] = "3999999.99"
    assert firm.one("CRM-ERP-003")["outcome"] == "PASS"
    firm.tables["canonical__contract_line"][0]["original_value"] = "4000000"
    assert firm.one("CRM-ERP-003")["outcome"] == "EXCEPTION"


def test_expenses_are_no_part_of_the_contracts_value(firm: Firm) -> None:
    firm.standard().add(
        "contract_line", contract_line_id="netsuite:main:L2", billing_method="EXPENSE", original_value="9000"
    )
    assert firm.one("CRM-ERP-003")["outcome"] == "PASS"


def test_one_deal_in_two_contracts_is_compared_as_a_whole(firm: Firm) -> None:
    firm.standard().tables["canonical__contract_line"][0]["original_value"] = "50000"
    firm.add("contract", contract_id="netsuite:main:C2", contract_number="SO2")
    firm.add(
        "contract_line",
        contract_line_id="netsuite:main:L2",
        contract_id="netsuite:main:C2",
        original_value="30000",
    )
    row = firm.one("CRM-ERP-003")
    assert (row["grain_key"], row["outcome"]) == ("netsuite:main:C1", "PASS")


def test_values_in_different_currencies_are_left_to_the_terms(firm: Firm) -> None:
    firm.standard().tables["canonical__contract"][0]["currency_code"] = "EUR"
    assert firm.control("CRM-ERP-003") == {}
    assert firm.control("CRM-ERP-004")["netsuite:main:C1|CURRENCY"]["outcome"] == "EXCEPTION"


def test_value_differences_have_three_days_from_the_later_of_win_and_contract(firm: Firm) -> None:
    firm.standard().tables["canonical__contract_line"][0]["original_value"] = "60000"
    firm.tables["canonical__contract"][0]["created_at"] = "2026-07-02 09:00:00+00"
    row = firm.one("CRM-ERP-003")
    # 6, 7, 8 July are grace
    assert (row["outcome"], row["becomes_exception_on"]) == ("PENDING", date(2026, 7, 9))
    firm.tables["canonical__contract"][0]["created_at"] = "2026-07-01 09:00:00+00"
    assert firm.one("CRM-ERP-003")["outcome"] == "EXCEPTION"


def test_each_differing_term_is_a_grain_of_its_own(firm: Firm) -> None:
    firm.standard()
    assert {row["outcome"] for row in firm.control("CRM-ERP-004").values()} == {"PASS"}
    firm.tables["canonical__contract"][0].update(
        legal_entity_id=GB, currency_code="EUR", billing_method="TM_CAPPED", payment_terms_days=60,
        effective_from="2026-06-02", effective_to="2027-01-01", created_at="2026-07-01 09:00:00+00",
    )  # fmt: skip
    firm.add("legal_entity", legal_entity_id=GB, entity_code="GB01")
    firm.add("contract_amendment", delta_value="20000")
    firm.add("contract_amendment", contract_amendment_id="a2", delta_value="5000", effective_on="2026-07-09")
    firm.add("invoice", net_amount="30000", currency_code="EUR")
    firm.add("invoice_line", net_amount="30000", currency_code="EUR")
    found = firm.control("CRM-ERP-004")
    assert {key.split("|")[1]: row["outcome"] for key, row in found.items()} == dict.fromkeys(
        ("ENTITY", "CURRENCY", "BILLING_METHOD", "PAYMENT_TERMS", "TERM_START", "TERM_END"), "EXCEPTION"
    )
    # 80,000 + 20,000 in force - 30,000 billed, in EUR at 1.10
    entity = found["netsuite:main:C1|ENTITY"]
    assert (entity["amount_at_risk_tc"], entity["amount_at_risk"]) == (Decimal("70000"), Decimal("77000"))
    assert (entity["severity"], found["netsuite:main:C1|TERM_END"]["severity"]) == ("S2", "S4")
    # 30,000 more were billed before there were invoices, 5,000 of another line, 7,000 are of tomorrow
    firm.add("opening_balance")
    firm.add("opening_balance", opening_balance_id="erp:files:OB2", contract_line_id="x", amount="5000")
    firm.add("opening_balance", opening_balance_id="erp:files:OB3", balance_date="2026-07-09", amount="7000")
    firm.add("opening_balance", opening_balance_id="erp:files:OB4", kind="REVENUE_TO_DATE", amount="9000")
    assert firm.control("CRM-ERP-004")["netsuite:main:C1|ENTITY"]["amount_at_risk_tc"] == Decimal("40000")
    # 30 days more on 100,000 at 8 % a year
    terms = found["netsuite:main:C1|PAYMENT_TERMS"]
    assert terms["amount_at_risk_tc"] == Decimal("657.5342")
    assert (terms["value_a"], terms["value_b"]) == (30, 60)
    assert found["netsuite:main:C1|TERM_START"]["amount_at_risk"] == 0


def test_shorter_payment_terms_cost_nothing_and_a_missing_term_is_not_compared(firm: Firm) -> None:
    firm.standard().tables["canonical__contract"][0].update(payment_terms_days=15, effective_to=None)
    found = firm.control("CRM-ERP-004")
    assert found["netsuite:main:C1|PAYMENT_TERMS"]["outcome"] == "EXCEPTION"
    assert found["netsuite:main:C1|PAYMENT_TERMS"]["amount_at_risk"] == 0
    assert found["netsuite:main:C1|TERM_END"]["outcome"] == "NOT_EVALUABLE"
    firm.tables["canonical__opportunity"][0]["term_end"] = None
    assert firm.control("CRM-ERP-004")["netsuite:main:C1|TERM_END"]["outcome"] == "PASS"


@pytest.mark.parametrize(
    ("until", "outcome"), [(None, "PASS"), ("2026-07-08", "PASS"), ("2026-07-07", "EXCEPTION")]
)
def test_an_affiliate_that_invoices_by_design_is_left_alone(
    firm: Firm, until: str | None, outcome: str
) -> None:
    firm.standard().tables["canonical__contract"][0]["legal_entity_id"] = GB
    firm.add("legal_entity", legal_entity_id=GB, entity_code="GB01")
    firm.add(
        "entity_whitelist", control_id="CRM-ERP-004", legal_entity_id_a="US01", legal_entity_id_b="GB01",
        valid_from="2026-01-01", valid_to=until,
    )  # fmt: skip
    assert firm.control("CRM-ERP-004")["netsuite:main:C1|ENTITY"]["outcome"] == outcome


def pair(firm: Firm) -> dict[str, str]:
    return {key.rsplit("|", 1)[1]: row["outcome"] for key, row in firm.control("MDM-001").items()}


def test_a_validated_customer_passes_on_every_attribute(firm: Firm) -> None:
    assert pair(firm.standard()) == dict.fromkeys(
        ("CUSTOMER", "STATUS", "TAX_PROFILE", "BILL_TO", "CREDIT"), "PASS"
    )


@pytest.mark.parametrize(
    ("change", "attribute"),
    [
        ({"status": "PENDING"}, "STATUS"),
        ({"tax_profile": " "}, "TAX_PROFILE"),
        ({"is_bill_to_complete": False}, "BILL_TO"),
        ({"credit_status": "OPEN"}, "CREDIT"),
    ],
)
def test_each_missing_attribute_of_the_customer_is_found(
    firm: Firm, change: dict[str, object], attribute: str
) -> None:
    firm.standard().tables["canonical__customer"][0].update(change)
    found = firm.control("MDM-001")
    broken = [row for row in found.values() if row["outcome"] == "EXCEPTION"]
    assert [row["grain_key"] for row in broken] == [f"salesforce:main:A1|US01|{attribute}"]
    # the deal has contract and project: nothing waits, so nothing is at risk and no floor holds
    assert (broken[0]["amount_at_risk"], broken[0]["severity"]) == (0, "S4")
    assert broken[0]["risk_object"] == "customer:salesforce:main:A1"


def test_an_entity_the_customer_is_not_released_for_is_found(firm: Firm) -> None:
    firm.standard().tables["canonical__customer_entity"][0]["legal_entity_id"] = GB
    assert pair(firm)["STATUS"] == "EXCEPTION"


def test_without_an_erp_customer_only_that_is_said_and_the_waiting_deals_are_at_risk(firm: Firm) -> None:
    won(firm, "2026-07-07").add("opportunity", opportunity_id="salesforce:main:O2", currency_code="EUR",
                                services_amount="1000.00")  # fmt: skip
    firm.add("opportunity_stage_event", event_id="h2", opportunity_id="salesforce:main:O2",
             changed_at="2026-07-08 09:00:00+00")  # fmt: skip
    firm.tables["master__entity_xref"].clear()
    row = firm.one("MDM-001")
    assert (row["grain_key"], row["outcome"]) == ("salesforce:main:A1|US01|CUSTOMER", "EXCEPTION")
    assert row["becomes_exception_on"] == date(2026, 7, 7)
    assert (row["amount_at_risk"], row["amount_at_risk_tc"]) == (Decimal("81100"), None)
    assert (row["severity"], row["risk_object"]) == ("S2", "deal:salesforce:main:O1")
    assert row["facts"]["waiting_opportunities"] == "salesforce:main:O1, salesforce:main:O2"


@pytest.mark.parametrize(("probability", "found"), [("0.8", True), ("0.7999", False)])
def test_before_the_win_a_likely_deal_is_pending(firm: Firm, probability: str, found: bool) -> None:
    firm.add("opportunity", is_won=False, is_closed=False, probability=probability, close_date="2026-07-01")
    rows = firm.control("MDM-001")
    assert bool(rows) == found
    for row in rows.values():
        # its close date has passed, but only winning it makes an exception
        assert (row["outcome"], row["becomes_exception_on"]) == ("PENDING", date(2026, 7, 1))
        assert (row["amount_at_risk"], row["risk_object"]) == (0, "customer:salesforce:main:A1")
