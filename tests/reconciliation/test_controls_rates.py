"""MDM-003 on exchange rates: a rate that an amount needed and that does not exist is an exception, never 1.

The amounts stand in the ledger's tables by hand; what is expected is reckoned from them.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from tests.reconciliation.firm import AS_OF, GB, RATES, US, Firm, Row

# (from, to, day): what the firm knows beside the rates of the run's own day
KNOWN = [("EUR", "USD", "2026-06-01"), ("GBP", "USD", "2026-06-01"), ("GBP", "EUR", "2026-06-01")]
TO_DOLLAR, TO_EURO = "exchange_rate|SPOT|EUR|USD", "exchange_rate|SPOT|GBP|EUR"


@pytest.fixture
def rated(firm: Firm) -> Firm:
    """A firm that knows a few rates; the constant-currency day is 31 December 2025."""
    for currency, rate in RATES.items():
        firm.add(
            "master__exchange_rate_day", from_currency=currency, to_currency="USD", rate_date=AS_OF, rate=rate
        )
    for source, target, day in [*KNOWN, ("EUR", "USD", "2025-12-31"), ("GBP", "USD", "2025-12-31")]:
        firm.add(
            "master__exchange_rate_day", from_currency=source, to_currency=target, rate_date=day, rate="1.2"
        )
    return firm


def moved(firm: Firm, number: int, **values: object) -> None:
    """A movement in the journal as known: labour of a German in a dollar firm unless told otherwise."""
    row: Row = {
        "movement_id": f"m{number}", "movement_type": "labour_cost", "business_date": "2026-06-20",
        "legal_entity_id": US, "currency_code": "EUR", "functional_currency": "USD",
        "amount_tc": "100", "amount_fc": None, "amount_rc": None, "amount_cc": "110", **values,
    }  # fmt: skip
    firm.add("ledger__movement_as_known", **row)
    lacks = {f"unconverted_{view}": int(row[f"amount_{view}"] is None) for view in ("fc", "rc", "cc")}
    firm.add(
        "ledger__movement_month", movement_type=row["movement_type"], currency_code=row["currency_code"],
        functional_currency=row["functional_currency"], amount_rc=row["amount_rc"] or 0,
        rows_standing=1, **lacks,
    )  # fmt: skip


def rates_of(firm: Firm) -> dict[str, Row]:
    return {key: row for key, row in firm.control("MDM-003").items() if key.startswith("exchange_rate|")}


def test_a_missing_rate_into_the_reporting_currency_is_one_exception_of_unknown_worth(rated: Firm) -> None:
    moved(rated, 1, business_date="2026-06-22", amount_tc="100")
    moved(rated, 2, business_date="2026-07-01", amount_tc="-40.50")
    found = rates_of(rated)
    assert set(found) == {TO_DOLLAR}
    row = found[TO_DOLLAR]
    # the euro has a rate today, but these amounts are of days that have none: nobody knows their worth
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", None)
    assert (row["amount_at_risk_tc"], row["currency_code"]) == (Decimal("140.50"), "EUR")
    # one working day of grace after Monday 22 June: an exception from Wednesday, graver than a small amount
    assert (row["becomes_exception_on"], row["severity"]) == (date(2026, 6, 24), "S2")
    assert (row["legal_entity_id"], row["risk_object"]) == (US, "rate:SPOT|EUR|USD")
    evidence = json.loads(str(row["evidence"]))
    assert evidence["what"] == (
        "No spot rate from EUR to USD between 2026-06-22 and 2026-07-01; 2 amounts need it"
    )
    told = ("rate_type", "from_currency", "to_currency", "first_date", "last_date", "row_count", "amount_tc")
    assert [evidence[name] for name in told] == [
        "SPOT", "EUR", "USD", "2026-06-22", "2026-07-01", "2", "140.5000",
    ]  # fmt: skip
    assert evidence["fix"] == "Enter the spot rate EUR/USD in the ERP for these days, then load it again"


def test_one_into_an_entitys_own_currency_leaves_the_worth_in_dollars_known(rated: Firm) -> None:
    moved(rated, 1, currency_code="GBP", functional_currency="EUR", legal_entity_id=GB, amount_rc="125")
    row = rates_of(rated)[TO_EURO]
    # 100 pounds at today's 1.25
    assert (row["outcome"], row["amount_at_risk"], row["amount_at_risk_tc"]) == (
        "EXCEPTION", Decimal(125), Decimal(100),
    )  # fmt: skip
    assert rates_of(rated)["exchange_rate|SPOT|GBP|USD"]["outcome"] == "PASS"


def test_a_pair_whose_rates_are_there_passes_with_what_was_looked_at(rated: Firm) -> None:
    moved(rated, 1, amount_fc="110", amount_rc="110")
    row = rates_of(rated)[TO_DOLLAR]
    assert (row["outcome"], row["population_amount"]) == ("PASS", Decimal(220))


@pytest.mark.parametrize(
    "values",
    [
        # the ERP posted its own currency, and what it posted is the reporting currency
        {"amount_fc": "9", "amount_rc": "9", "amount_cc": "9"},
        # nobody knows the amount, so no rate is missing
        {"amount_tc": None, "amount_cc": None},
        # of an unknown entity nobody knows the currency
        {"functional_currency": "NONE", "amount_rc": "110"},
        # after the run's date
        {"business_date": "2026-07-09"},
        # there is a rate for that day: what is missing is something else
        {"business_date": "2026-06-01"},
        # a movement no flow metric adds up
        {"movement_type": "performed"},
        # its own currency
        {"currency_code": "USD", "amount_cc": None},
    ],
)
def test_no_rate_is_missed_where_none_is_needed(rated: Firm, values: dict[str, object]) -> None:
    moved(rated, 1, **values)
    assert {row["outcome"] for row in rates_of(rated).values()} <= {"PASS"}


def test_the_constant_currency_twin_needs_the_rate_of_its_one_day(rated: Firm) -> None:
    rated.tables["master__exchange_rate_day"] = [
        row for row in rated.tables["master__exchange_rate_day"] if row["rate_date"] != "2025-12-31"
    ]
    moved(rated, 1, amount_fc="110", amount_rc="110", amount_cc=None)
    evidence = json.loads(str(rates_of(rated)[TO_DOLLAR]["evidence"]))
    assert (evidence["first_date"], evidence["last_date"]) == ("2025-12-31", "2025-12-31")


def test_a_balance_counts_once_with_its_largest_amount(rated: Firm) -> None:
    place: Row = {
        "metric_id": "total_backlog", "record_id": "L1", "legal_entity_id": US, "region_id": "NA",
        "practice_id": "DATA", "customer_id": "C", "project_id": "P", "contract_line_id": "L1",
        "currency_code": "EUR", "functional_currency": "USD", "amount_cc": "1",
    }  # fmt: skip
    for day, amount in (("2026-05-31", "500"), ("2026-06-30", "700"), ("2026-07-08", "300")):
        worth = None if day != "2026-07-08" else "330"
        rated.add(
            "ledger__metric_balance", as_of=day, amount_tc=amount, amount_fc=worth, amount_rc=worth, **place
        )
    row = rates_of(rated)[TO_DOLLAR]
    assert (row["amount_at_risk_tc"], json.loads(str(row["evidence"]))["row_count"]) == (Decimal(700), "1")


def test_a_rate_that_may_come_tomorrow_is_pending(rated: Firm) -> None:
    moved(rated, 1, business_date="2026-07-07")
    # Tuesday 7 July, one working day of grace: Thursday
    row = rates_of(rated)[TO_DOLLAR]
    assert (row["outcome"], row["becomes_exception_on"]) == ("PENDING", date(2026, 7, 9))
