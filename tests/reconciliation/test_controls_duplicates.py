"""MDM-002: what is held twice is one exception per group; what only looks alike is none.

As of Wednesday 8 July 2026. Ten working days of grace after Monday 1 June end with Monday 15 June on both
calendars, so Tuesday 16 June is the first day of an exception.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.reconciliation.firm import GB, Firm, Row

HERE, THERE = "salesforce:main:O1", "salesforce:acquired:O9"


def deal(firm: Firm, key: str, **values: object) -> None:
    """A deal of Acme over 100,000, known since 1 June, closing on 1 August."""
    firm.add(
        "opportunity", opportunity_id=key, source_system="salesforce", source_instance=key.split(":")[1],
        **{
            "customer_id": "salesforce:main:A1", "name": "Acme data platform", "amount": "100000",
            "close_date": "2026-08-01", "created_at": "2026-06-01 09:00:00+00", "is_won": False,
            "is_closed": False, **values,
        },
    )  # fmt: skip


@pytest.fixture
def both(firm: Firm) -> Firm:
    """One customer with an account in each CRM; the crosswalk ties both to the ERP's."""
    firm.add("customer")
    firm.add("legal_entity")
    for account, instance in (("salesforce:main:A1", "main"), ("salesforce:acquired:A1", "acquired")):
        firm.add("customer", customer_id=account, source_system="salesforce", source_instance=instance)
        firm.add("master__entity_xref", left_key=account)
    deal(firm, HERE)
    return firm


def broken(firm: Firm) -> dict[str, Row]:
    return {key: row for key, row in firm.control("MDM-002").items() if row["outcome"] != "PASS"}


def test_one_deal_in_two_crms_is_one_group_and_the_smaller_amount_counts_twice(both: Firm) -> None:
    deal(
        both, THERE, customer_id="salesforce:acquired:A1", amount="99500", close_date="2026-08-11",
        name="ACME data platform (joint)",
    )  # fmt: skip
    found = broken(both)
    assert set(found) == {f"OPPORTUNITY|{THERE}"}
    row = found[f"OPPORTUNITY|{THERE}"]
    assert (row["outcome"], row["becomes_exception_on"]) == ("EXCEPTION", date(2026, 6, 16))
    assert (row["value_a"], row["value_b"]) == (Decimal("100000"), Decimal("199500"))
    assert (row["facts"]["members"], row["amount_at_risk"]) == ("2", Decimal("99500"))
    # half for 18 letters of 26, 0.3 for 99.5 %, 0.2 for 10 days of 100
    assert Decimal(row["facts"]["score"]) == pytest.approx(Decimal("0.8246538"), abs=Decimal("0.0001"))
    assert row["facts"]["decision"] == "review"
    assert row["facts"]["cluster_members"] == f"{THERE}, {HERE}"


@pytest.mark.parametrize(
    "values",
    [
        {"amount": "98900"},  # 1.1 % apart
        {"close_date": "2026-09-01"},  # 31 days: next year's deal, or another one
        {"currency_code": "EUR"},
        {"name": "Risk review"},
        {"is_closed": True},  # lost
        {"customer_id": "salesforce:acquired:A2"},  # another customer
    ],
)
def test_what_differs_in_one_of_these_is_another_deal(both: Firm, values: Row) -> None:
    deal(both, THERE, **{"customer_id": "salesforce:acquired:A1", "amount": "99500", **values})
    assert broken(both) == {}


def test_the_same_deal_at_the_edge_of_each_measure_is_found(both: Firm) -> None:
    deal(
        both, THERE, customer_id="salesforce:acquired:A1", amount="99000", close_date="2026-08-31",
        is_won=True, is_closed=True,
    )  # fmt: skip
    assert set(broken(both)) == {f"OPPORTUNITY|{THERE}"}


def test_lots_of_one_tender_stand_in_one_crm(both: Firm) -> None:
    deal(both, "salesforce:main:O2")
    assert broken(both) == {}


def test_sister_companies_bear_one_name_and_two_tax_ids(firm: Firm) -> None:
    firm.add("customer", customer_id="netsuite:main:K1", tax_id="US1", normalised_name="ACME")
    firm.add(
        "customer", customer_id="netsuite:main:K2", tax_id="DE2", normalised_name="ACME",
        source_created_at="2026-06-22 09:00:00+00",
    )  # fmt: skip
    assert broken(firm) == {}
    firm.tables["canonical__customer"][1]["tax_id"] = None
    assert set(broken(firm)) == {"CUSTOMER|netsuite:main:K1"}
    firm.tables["canonical__customer"][1].update(tax_id="US1", normalised_name="ACME HOLDING")
    row = broken(firm)["CUSTOMER|netsuite:main:K1"]
    assert (row["severity"], row["amount_at_risk"], row["facts"]["decision"]) == ("S4", 0, "merge")
    # the other ERP's record of the customer is tied by the crosswalk, not merged
    firm.tables["canonical__customer"][1]["source_instance"] = "acquired"
    assert broken(firm) == {}


def test_two_projects_of_one_line_count_the_smaller_budget_twice(firm: Firm) -> None:
    later = {"legal_entity_id": GB, "currency_code": "GBP", "created_at": "2026-06-01 12:00:00+00"}
    firm.add("project", **{**later, "budget_revenue": "5000", "created_at": "2026-05-29 09:00:00+00"})
    firm.add("project", project_id="certinia:main:P2", **later, budget_revenue="4000")
    row = broken(firm)["PROJECT|certinia:main:P1"]
    assert (row["amount_at_risk_tc"], row["amount_at_risk"]) == (Decimal("4000"), Decimal("5000"))
    assert row["becomes_exception_on"] == date(2026, 6, 16)
    firm.tables["canonical__project"][1]["status"] = "CANCELLED"
    assert broken(firm) == {}


def test_two_suppliers_of_one_name_are_one(firm: Firm) -> None:
    for key, name in (("netsuite:main:V1", "Delta Nine Ltd."), ("netsuite:main:V2", "DELTA NINE LIMITED")):
        firm.add("vendor", vendor_id=key, name=name, is_active=True, source_system="netsuite")
    assert set(broken(firm)) == {"VENDOR|netsuite:main:V1"}
    firm.tables["canonical__vendor"][1]["name"] = "Delta Ten Ltd."
    assert broken(firm) == {}


def test_three_records_of_one_customer_are_one_group(firm: Firm) -> None:
    firm.add("customer", customer_id="netsuite:main:K1", tax_id="US1", normalised_name="ACME")
    firm.add("customer", customer_id="netsuite:main:K2", tax_id="US1", normalised_name="ACME EAST")
    firm.add("customer", customer_id="netsuite:main:K3", tax_id=None, normalised_name="ACME EAST")
    found = broken(firm)
    assert set(found) == {"CUSTOMER|netsuite:main:K1"}
    assert found["CUSTOMER|netsuite:main:K1"]["facts"]["members"] == "3"


def test_a_key_that_leads_to_another_customers_deal_is_listed(firm: Firm) -> None:
    firm.standard()
    firm.add("customer", customer_id="netsuite:acquired:K7", source_instance="acquired")
    firm.add(
        "contract", contract_id="netsuite:acquired:C7", customer_id="netsuite:acquired:K7",
        source_instance="acquired", source_system="netsuite",
    )  # fmt: skip
    firm.add(
        "contract_line", contract_line_id="netsuite:acquired:L7", contract_id="netsuite:acquired:C7",
        original_value="900",
    )  # fmt: skip
    key = "contract.opportunity_id|salesforce:main:O1"
    row = firm.control("MDM-003")[key]
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", Decimal("900"))
    assert "is no deal of the contract's customer" in row["facts"]["what"]
    firm.tables["canonical__contract"][1]["customer_id"] = "netsuite:main:K1"
    assert firm.control("MDM-003")[key]["outcome"] == "PASS"
