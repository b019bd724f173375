"""What waits on the way from won deal to cash, as the pages read it, and what the wait costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from dashboards import data
from dashboards.components.cards import Kpi
from dashboards.components.sums import Sum
from dashboards.filters import Filters
from dashboards.roi import YEAR, worth_of_days

STAGES = {
    "t1_t2": Kpi("handoff_lag_t1_t2", "Won to contract", is_balance=True, kind="days", good="down"),
    "t1_t3": Kpi("handoff_lag_t1_t3", "Won to project", is_balance=True, kind="days", good="down"),
    "t3_t4": Kpi("handoff_lag_t3_t4", "Ready to staffed", is_balance=True, kind="days", good="down"),
    "t4_t5": Kpi("handoff_lag_t4_t5", "Staffed to first work", is_balance=True, kind="days", good="down"),
    "t6_t7": Kpi("handoff_lag_t6_t7", "Approved to billable", is_balance=True, kind="days", good="down"),
    "t7_t8": Kpi("handoff_lag_t7_t8", "Billable to invoiced", is_balance=True, kind="days", good="down"),
    "t6_t9": Kpi("handoff_lag_t6_t9", "Work to revenue posted", is_balance=True, kind="days", good="down"),
    "t8_t10": Kpi("handoff_lag_t8_t10", "Invoiced to paid", is_balance=True, kind="days", good="down"),
}
# a year's interest in per cent, and how long beyond its due day money may wait, as the page offers them
CAPITAL = {"4": "4% a year", "6": "6% a year", "8": "8% a year", "10": "10% a year", "12": "12% a year"}
LIMITS = {
    "0": "Not at all",
    "5": "5 days",
    "10": "10 days",
    "20": "20 days",
    "30": "30 days",
    "60": "60 days",
}
SOONER = {"1": "1 day", "3": "3 days", "5": "5 days", "10": "10 days", "15": "15 days", "30": "30 days"}
BILLED = "billed"


@dataclass(frozen=True)
class Wait:
    """What waits beyond its due day, and what of it would not if nothing waited longer than a limit.

    Amounts are in the reporting currency; money times days is what a day more costs interest on.
    """

    cases: int
    amount: Decimal
    money_days: Decimal
    cases_sooner: int
    amount_sooner: Decimal
    money_days_sooner: Decimal


def capital() -> tuple[dict[str, str], str]:
    """The costs of capital offered, and the one the run reckoned with: the firm's own, where it says one."""
    if not data.holds("roi_assumption"):
        return CAPITAL, "8"
    found = data.row("select base * 100 as rate from marts.roi_assumption where name = 'cost_of_capital'")
    own = f"{Decimal(found['rate']).normalize():f}" if found and found["rate"] is not None else "8"
    offered = CAPITAL if own in CAPITAL else {own: f"{own}% a year", **CAPITAL}
    return offered, own


def interest(money_days: Decimal, per_cent: Decimal) -> Decimal:
    """What money that stands idle costs: amount times days, at a rate a year."""
    return money_days * per_cent / 100 / YEAR


@dataclass(frozen=True)
class Sooner:
    """What it is worth that a year's billing becomes cash some days earlier, in reporting currency.

    ``released`` comes in once and is no yearly benefit; ``yearly`` is the interest on it. Nobody adds them.
    """

    billed: Decimal
    released: Decimal
    yearly: Decimal


def sooner(billed: Decimal, days: int, per_cent: Decimal) -> Sooner:
    """Working capital freed by ``days``: a year's billing by 365 times days, and its yearly interest."""
    return Sooner(billed, *worth_of_days(billed, Decimal(days), per_cent / 100))


def wait(chosen: Filters, limit: int) -> Wait | None:
    """What waits on the run's day, beside a limit in days beyond the due day; None: a part has no rate."""
    narrow, member = data.narrowing(chosen.scope)
    found = data.row(
        "with late as (select base, amount_rc, amount_rc / nullif(base, 0) as days from marts.metric_drill "
        f"where metric_id = '{data.LATE}' {narrow}) "
        "select count(*) as cases, coalesce(sum(base), 0) as amount, coalesce(sum(amount_rc), 0) as days, "
        "count(*) filter (where base is null) as unpriced, count(*) filter (where days > $limit) as sooner, "
        "coalesce(sum(base) filter (where days > $limit), 0) as amount_sooner, "
        "coalesce(sum(amount_rc - base * $limit) filter (where days > $limit), 0) as days_sooner "
        "from late".replace("$limit", str(limit)),
        *member,
    )
    assert found is not None, "an aggregate has a row"
    if found["unpriced"]:
        return None
    return Wait(
        int(found["cases"]),
        Decimal(found["amount"]),
        Decimal(found["days"]),
        int(found["sooner"]),
        Decimal(found["amount_sooner"]),
        Decimal(found["days_sooner"]),
    )


def sooner_sum(chosen: Filters, limit: int, expected: Decimal, cases: int) -> Sum:
    """What would not wait any more, case by case."""
    narrow, member = data.narrowing(chosen.scope)
    return Sum(
        f"Waits longer than {limit} days beyond its due day",
        "select movement_type as kind, business_date as due_on, customer_id, project_id, "
        "record_id as case_id, amount_rc as currency_days, base as amount from marts.metric_drill "
        f"where metric_id = '{data.LATE}' and amount_rc > base * {limit} {narrow}",
        member,
        expected,
        data.currency(),
        cases,
    )
