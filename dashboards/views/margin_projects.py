"""Projects with what they earned and what is left of it, the least first, on the page of margin."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.case_list import case_list, gravest
from dashboards.components.frame import empty
from dashboards.components.rows import money_columns
from dashboards.filters import Filters
from dashboards.margin import UNKNOWN
from dashboards.readings import first_month

_PROJECTS = """,
made as (
    select m.project_id, m.customer_id, m.legal_entity_id, coalesce(sum(m.base), 0) as revenue,
        coalesce(-sum(m.amount_rc) filter (where m.movement_type = 'labour_cost'), 0) as labour,
        coalesce(-sum(m.amount_rc) filter (where m.movement_type not in ('labour_cost', 'recognised')), 0)
            as other_cost,
        max(unknown.hours) as unknown_hours,
        case when count(*) = count(m.amount_rc) and max(unknown.hours) is null then sum(m.amount_rc) end
            as margin
    from marts.metric_drill m
    left join unknown on unknown.key = m.project_id
    where m.metric_id = 'project_gross_margin' and m.period_month >= $1 and m.period_month <= $2 {narrow}
    group by m.project_id, m.customer_id, m.legal_entity_id
)
select made.*, told.control_name, told.exception_id
from made
left join told on told.project_id = made.project_id
order by made.margin nulls first, made.project_id, made.customer_id
"""


def statement(chosen: Filters) -> tuple[str, tuple[object, ...]]:
    """The read of the scope's projects in the period, and its parameters."""
    narrow, member = data.narrowing(chosen.scope, "m.")
    narrow = narrow.replace("?", "$3")
    months = (first_month(chosen.as_of, chosen.period), chosen.as_of.replace(day=1))
    unknown = UNKNOWN.format(column="project_id", narrow=narrow)
    return f"{gravest('project_id')},{unknown}{_PROJECTS.format(narrow=narrow)}", (*months, *member)


def margin_projects(chosen: Filters) -> None:
    """Every project, what it leaves; one that is chosen leads to its open case."""
    currency = data.currency()
    sql, parameters = statement(chosen)
    found = data.rows(sql, *parameters)
    known = names.names()
    with st.container(border=True, key="margin_projects", gap="small"):
        st.subheader("Project by project", anchor=False)
        if not found:
            empty("Nothing has been earned or spent on a project in", chosen)
            return
        losing = sum(1 for r in found if r["margin"] is not None and r["margin"] < 0)
        unknown = sum(1 for r in found if r["margin"] is None)
        said = [f"{numbers.counted(len(found), 'project')}, the least margin first."]
        if losing:
            said.append(f"{losing} cost more than they earned.")
        if unknown:
            said.append(f"Of {unknown} a cost is unknown: no margin is shown.")
        st.caption(numbers.md(f"{' '.join(said)} {chosen.period_label}."))

        def cells(r: data.Row) -> dict[str, object]:
            share = None if r["margin"] is None or not r["revenue"] else Decimal(r["margin"]) / r["revenue"]
            return {
                "Client": names.of_key("customer", r["customer_id"], known),
                "Project": names.of_key("project", r["project_id"], known),
                f"Revenue, {currency}": numbers.plain(r["revenue"]),
                f"Labour, {currency}": numbers.plain(r["labour"]),
                f"Other cost, {currency}": numbers.plain(r["other_cost"]),
                f"Margin, {currency}": numbers.plain(r["margin"]),
                "Share": numbers.plain(share),
                "Hours without a cost": numbers.plain(r["unknown_hours"]),
                "Entity": names.of_key("legal_entity", r["legal_entity_id"], known),
                "Open case": r["control_name"],
            }

        money = (f"{name}, {currency}" for name in ("Revenue", "Labour", "Other cost", "Margin"))
        case_list(
            "margins",
            found,
            cells,
            {
                **money_columns(*money, "Hours without a cost"),
                "Share": st.column_config.NumberColumn(format="percent"),
            },
            "Projects with revenue, cost and margin, the least margin first.",
            lambda _: "No control has anything against this project.",
            ("All projects as CSV", "project_margins.csv"),
            sql,
            parameters,
        )
