"""Margin as sold, budgeted, estimated and actual, as the pages read it, and what led from sold to actual."""

from __future__ import annotations

from decimal import Decimal

from dashboards import data, names
from dashboards.components.sums import Sum
from dashboards.filters import Filters

# prefix of the mart's columns -> what the margin is called, in the order of a project's life
FOUR = {"sold": "As sold", "budget": "Budget", "eac": "At completion", "actual": "Actual"}
OPENING = "as_sold"
# step of the bridge -> what it is called, in the bridge's order
STEPS = {
    "change_orders": "Change orders",
    "still_to_come": "Work still to come",
    "planned_rates": "Price of the plan",
    "volume": "More or fewer hours",
    "mix": "Mix of roles",
    "bill_rate": "Bill rates",
    "revenue": "Revenue of the fee",
    "cost_rate": "Cost rates",
    "non_billable": "Not billable hours",
    "discount": "Billed for less",
    "write_off": "Credited",
    "subcontractors": "Subcontractors",
    "expenses": "Expenses, net",
    "not_as_worked": "Posted differently",
    "exchange": "Exchange rates",
}
# what a bridge lacks -> how the page says it
GAPS = {
    "CARRIED_OVER": "Begun before its history here",
    "NO_DEAL": "No deal says what it was sold for",
    "NO_PLAN": "No plan by role",
    "NO_PLANNED_COST": "No list cost for a planned role",
    "NO_HOURS": "No hours planned or estimated",
    "NO_ROLE_PRICE": "No list cost for a role that worked",
    "NO_BILL_RATE": "A rate is unknown",
    "NO_COST": "A cost is unknown",
    "NO_RATE": "An exchange rate is unknown",
}
_PROJECTS = (
    "select project_id, contract_line_id, customer_id, legal_entity_id, billing_method, status, "
    "sold_revenue_cc as sold_revenue, sold_cost_cc as sold_cost, sold_margin_cc as sold_margin, sold_share, "
    "budget_revenue_cc as budget_revenue, budget_cost_cc as budget_cost, budget_margin_cc as budget_margin, "
    "budget_share, eac_revenue_cc as eac_revenue, eac_cost_cc as eac_cost, eac_margin_cc as eac_margin, "
    "eac_share, estimated_on, actual_revenue_rc as actual_revenue, actual_cost_rc as actual_cost, "
    "actual_margin_rc as actual_margin, actual_share, erosion, is_estimate_passed, is_estimate_older, gap "
    "from marts.project_margin where true {narrow} "
    # nothing sold and nothing done: the firm's own projects and lines without work
    "and (sold_revenue_cc is not null or actual_revenue_rc <> 0 or actual_margin_rc is null "
    "or actual_margin_rc <> 0) "
    "order by erosion nulls last, project_id, contract_line_id"
)
Steps = list[tuple[str, Decimal, str]]


def statement(chosen: Filters) -> tuple[str, tuple[str, ...]]:
    """The read of the scope's projects, the one that lost most of its share first, and its parameters."""
    narrow, member = data.narrowing(chosen.scope)
    return _PROJECTS.format(narrow=narrow), member


def remarks(row: data.Row) -> str:
    """What a reader should know of a project's four margins."""
    said = [gap(row)] if row["gap"] else []
    if row["is_estimate_passed"]:
        said.append("Cost has passed the estimate")
    if row["is_estimate_older"]:
        said.append("Estimate knows nothing of the last change order")
    return "; ".join(said)


def gap(row: data.Row) -> str:
    """What keeps a project's bridge from being built."""
    return GAPS.get(str(row["gap"]), str(row["gap"]))


def _where(chosen: Filters, project_id: str | None) -> tuple[str, tuple[str, ...]]:
    narrow, member = data.narrowing(chosen.scope)
    if project_id is None:
        return f"true {narrow}", member
    return f"project_id = ? {narrow}", (project_id, *member)


def amounts(chosen: Filters, project_id: str | None) -> dict[str, Decimal]:
    """Every step of the bridge of one project, or of all that have one; empty without any."""
    where, parameters = _where(chosen, project_id)
    found = {
        str(r["step"]): Decimal(r["amount"])
        for r in data.rows(
            f"select step, sum(amount_rc) as amount from marts.margin_bridge where {where} group by step",
            *parameters,
        )
    }
    return {step: found[step] for step in (OPENING, *STEPS) if step in found}


def steps(found: dict[str, Decimal]) -> Steps:
    """The bridge from the margin as sold to the actual one, steps that are nought left out."""
    moves = [(STEPS[step], amount, "step") for step, amount in found.items() if step in STEPS and amount]
    return [
        (FOUR["sold"], found[OPENING], "total"),
        *moves,
        (FOUR["actual"], sum(found.values(), Decimal(0)), "total"),
    ]


def sums(chosen: Filters, project_id: str | None) -> list[Sum]:
    """Every step with the projects and roles that add up to it, and the actual margin with its own rows."""
    where, parameters = _where(chosen, project_id)
    found = amounts(chosen, project_id)
    currency = data.currency()
    listed = [
        Sum(
            FOUR["sold"] if step == OPENING else STEPS[step],
            "select as_of as happened_on, case when role = 'NONE' then 'project' else role end as kind, "
            "customer_id, project_id, contract_line_id, amount_rc as amount from marts.margin_bridge "
            f"where {where} and step = ?",
            (*parameters, step),
            amount,
            currency,
        )
        for step, amount in found.items()
        if amount or step == OPENING
    ]
    listed.append(
        Sum(
            FOUR["actual"],
            "select business_date as happened_on, movement_type as kind, customer_id, project_id, "
            "contract_line_id, record_id as case_id, amount_rc as amount from marts.metric_drill "
            "where metric_id = 'project_gross_margin' and project_id in "
            f"(select project_id from marts.margin_bridge where {where})",
            parameters,
            sum(found.values(), Decimal(0)),
            currency,
        )
    )
    return listed


def name(row: data.Row, known: names.Names) -> str:
    """A project's name, or its contract line's where revenue has no project."""
    if row["project_id"] == "NONE":
        return names.of_key("contract_line", row["contract_line_id"], known)
    return names.of_key("project", row["project_id"], known)
