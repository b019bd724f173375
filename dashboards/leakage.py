"""What became of the worth of clients' work, as the pages read it: agreed, lost, billed, paid."""

from __future__ import annotations

from decimal import Decimal

from dashboards import data
from dashboards.components.cards import Kpi
from dashboards.components.sums import Sum
from dashboards.filters import Filters
from dashboards.readings import first_month

# younger work has had less time to be lost or paid, so one period's share says nothing of the other's
LEAKAGE = Kpi("leakage", "Lost of agreed value", is_balance=False, kind="share", good="down", run_day=True)
BILLED = Kpi("billing_realisation", "Billed of list value", is_balance=False, kind="share")
PAID = Kpi("collection_realisation", "Paid of what is billed", is_balance=False, kind="share", run_day=True)

AGREED, BILLED_TOTAL, CASH = "contract", "billed", "cash"
LOSS = "leakage"
# line of the bridge -> what it is called, in the bridge's order; each is taken from what was agreed
LOST = {
    "non_billable": "Not billable hours",
    "above_ceiling": "Above the ceiling",
    "unbilled_aged": "Not billed for over 90 days",
    "billed_below": "Billed for less",
    "credited": "Credited",
}
NOT_LOST = {
    "billed_above": "Billed for more",
    "credited_back": "Credited, to be billed again",
    "unbilled_late": "Not billed, late",
    "unbilled_timely": "Not billed yet",
}
OPEN = {"open": "Not paid yet"}
Steps = list[tuple[str, Decimal, str]]


def _where(chosen: Filters) -> tuple[str, tuple[object, ...]]:
    narrow, member = data.narrowing(chosen.scope)
    months = (first_month(chosen.as_of, chosen.period), chosen.as_of.replace(day=1))
    return f"month_start >= ? and month_start <= ? {narrow}", (*months, *member)


def amounts(chosen: Filters) -> dict[str, Decimal | None]:
    """Every line of the bridge for the work of the period, and what is lost in all.

    None where a part of it is unknown; empty without work.
    """
    where, parameters = _where(chosen)
    lines = (AGREED, *LOST, *NOT_LOST, BILLED_TOTAL, *OPEN, CASH, LOSS)
    asked = ", ".join(f"case when count(*) = count({c}_rc) then sum({c}_rc) end as {c}" for c in lines)
    found = data.row(f"select count(*) as n, {asked} from marts.leakage_bridge where {where}", *parameters)
    if found is None or not found["n"]:
        return {}
    return {line: None if found[line] is None else Decimal(found[line]) for line in lines}


def steps(found: dict[str, Decimal | None]) -> Steps | None:
    """The bridge from what was agreed to cash, lines that are nought left out; None where one is unknown."""
    known = {line: amount for line, amount in found.items() if amount is not None}
    if not known or len(known) < len(found):
        return None

    def moves(lines: dict[str, str]) -> Steps:
        return [(label, -known[line], "step") for line, label in lines.items() if known[line]]

    return [
        ("Agreed value", known[AGREED], "total"),
        *moves(LOST),
        *moves(NOT_LOST),
        ("Billed", known[BILLED_TOTAL], "total"),
        *moves(OPEN),
        ("Paid", known[CASH], "total"),
    ]


def sums(chosen: Filters) -> list[Sum]:
    """Every line with the months, projects and roles that add up to it."""
    where, parameters = _where(chosen)
    named = {
        AGREED: "Agreed value",
        LOSS: "Lost in all",
        **LOST,
        **NOT_LOST,
        BILLED_TOTAL: "Billed",
        **OPEN,
        CASH: "Paid",
    }
    return [
        Sum(
            named[line],
            "select month_start as happened_on, role as kind, customer_id, project_id, contract_line_id, "
            f"{line}_rc as amount from marts.leakage_bridge where {where} and {line}_rc <> 0",
            parameters,
            amount,
            data.currency(),
        )
        for line, amount in amounts(chosen).items()
        if amount
    ]
