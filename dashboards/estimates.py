"""Estimates at completion as the page reads them: which projects moved, and each project's path."""

from __future__ import annotations

from dashboards import data, names, numbers
from dashboards.components.sums import Sum
from dashboards.filters import Filters

PATH = (
    "select estimated_on, learned_at, learned_after_days, is_current, eac_cost_tc, eac_cost_before_tc, "
    "eac_cost_change_tc, eac_hours, eac_hours_change, transaction_price_tc, cost_to_date_tc, "
    "percent_complete, percent_complete_before, revenue_effect_tc, margin_at_completion_tc, "
    "margin_effect_tc, is_passed, days_stood, is_stale, currency_code, load_id "
    "from marts.estimate_vintage where project_id = ? order by vintage_number"
)
_MOVED = (
    "select project_id, customer_id, method, currency_code, count(*) as estimates, "
    "max(case when vintage_number = 1 then eac_cost_tc end) as first_cost, "
    "max(case when is_current then eac_cost_tc end) as newest_cost, "
    "max(case when is_current then estimated_on end) as estimated_on, "
    "max(case when is_current then margin_at_completion_tc end) as margin, "
    "sum(eac_cost_change_tc) as changed, sum(revenue_effect_tc) as revenue_effect, "
    "count(revenue_effect_tc) as effects, "
    "bool_or(is_current and is_passed) as is_passed, bool_or(is_current and is_stale) as is_stale "
    "from marts.estimate_vintage where contract_line_id <> 'NONE' {narrow} group by all "
    "order by abs(changed) desc nulls last, project_id"
)
_STEPS = (
    "select estimated_on as happened_on, customer_id, project_id, {amount} as amount "
    "from marts.estimate_vintage where project_id = ? and {amount} <> 0"
)


def statement(chosen: Filters) -> tuple[str, tuple[str, ...]]:
    """The read of all projects, the one whose estimate moved furthest first."""
    narrow, member = data.narrowing(chosen.scope)
    return _MOVED.format(narrow=narrow), member


def moved(chosen: Filters) -> tuple[data.Row, ...]:
    """Projects with an estimate in the scope."""
    sql, parameters = statement(chosen)
    return data.rows(sql, *parameters)


def remarks(row: data.Row) -> str:
    """What to look at of a project's newest estimate."""
    found = []
    if row["margin"] is not None and row["margin"] < 0:
        found.append("Will lose money")
    if row["is_passed"]:
        found.append("Passed when it was made")
    if row["is_stale"]:
        found.append("Old")
    return ", ".join(found)


def name(project_id: str) -> str:
    """What a project is called."""
    return names.of_key("project", project_id, names.names())


def sums(row: data.Row) -> list[Sum]:
    """What the estimates of a project moved, each from the one before."""
    found = []
    for label, column, total in (
        ("Cost at completion", "eac_cost_change_tc", row["changed"]),
        ("Revenue to date", "revenue_effect_tc", row["revenue_effect"]),
    ):
        if total is not None:
            sql = _STEPS.format(amount=column)
            found.append(Sum(label, sql, (row["project_id"],), total, str(row["currency_code"])))
    return found


def title(row: data.Row) -> str:
    """What happened to a project's estimate, in one sentence."""
    said = f"{name(str(row['project_id']))}: "
    changed, currency = row["changed"], str(row["currency_code"])
    if changed is None:
        return f"{said}one estimate is known"
    said += f"cost at completion {numbers.money(changed, currency, sign=True)}"
    if row["effects"]:
        said += f", revenue to date {numbers.money(row['revenue_effect'], currency, sign=True)}"
    return said
