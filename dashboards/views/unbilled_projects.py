"""Projects with work that is not invoiced, the largest first, on the page of WIP."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.case_list import case_list, gravest
from dashboards.components.frame import empty
from dashboards.components.rows import count_columns, money_columns
from dashboards.filters import Filters

_PROJECTS = (
    gravest("project_id")
    + """,
held as (
    select w.project_id, w.customer_id, w.legal_entity_id, min(w.oldest_on) as oldest_on,
        sum(w.items) as items,
        case when count(*) = count(w.amount_rc) then sum(w.amount_rc) end as amount_rc,
        case when count(*) = count(w.amount_rc)
            then coalesce(sum(w.amount_rc) filter (where w.bucket in ('31-60', '61-90')), 0) end as late_rc,
        case when count(*) = count(w.amount_rc)
            then coalesce(sum(w.amount_rc) filter (where w.bucket in ('91-120', '>120')), 0) end as old_rc
    from marts.wip_ageing w
    where w.as_of = $1 {narrow}
    group by w.project_id, w.customer_id, w.legal_entity_id
)
select held.*, date_diff('day', held.oldest_on, cast($1 as date)) as oldest_days, told.control_name,
    told.exception_id
from held
left join told on told.project_id = held.project_id
order by held.amount_rc desc nulls last, held.project_id
"""
)


def statement(scope: data.Scope) -> tuple[str, tuple[str, ...]]:
    """The read of a scope's projects, and its parameters behind the date."""
    narrow, member = data.narrowing(scope, "w.")
    return _PROJECTS.format(narrow=narrow.replace("?", "$2")), member


def unbilled_projects(chosen: Filters) -> None:
    """Projects with work to invoice; one that is chosen leads to its open case."""
    currency = data.currency()
    sql, member = statement(chosen.scope)
    found = data.rows(sql, chosen.as_of, *member)
    known = names.names()
    with st.container(border=True, key="unbilled_projects", gap="small"):
        st.subheader("What to invoice first", anchor=False)
        if not found:
            empty("All work is invoiced in", chosen)
            return
        amounts = [r["amount_rc"] for r in found]
        total = None if None in amounts else sum(map(Decimal, amounts), Decimal(0))
        st.caption(
            numbers.md(
                f"{numbers.counted(len(found), 'project')} with {numbers.money(total, currency)} not "
                f"invoiced at {numbers.day(chosen.as_of)}, the largest first."
            )
        )

        def cells(r: data.Row) -> dict[str, object]:
            return {
                "Client": names.of_key("customer", r["customer_id"], known),
                "Project": names.of_key("project", r["project_id"], known),
                f"Not invoiced, {currency}": numbers.plain(r["amount_rc"]),
                f"31–90 days, {currency}": numbers.plain(r["late_rc"]),
                f"Over 90 days, {currency}": numbers.plain(r["old_rc"]),
                "Oldest": r["oldest_on"],
                "Days": r["oldest_days"],
                "Items": int(r["items"]),
                "Entity": names.of_key("legal_entity", r["legal_entity_id"], known),
                "Open case": r["control_name"],
            }

        money = (f"{name}, {currency}" for name in ("Not invoiced", "31–90 days", "Over 90 days"))
        case_list(
            "unbilled",
            found,
            cells,
            {**money_columns(*money), **count_columns("Days", "Items")},
            "Projects with work that is not invoiced, the largest first.",
            lambda _: "No control has anything against this project.",
            ("All projects as CSV", "unbilled_projects.csv"),
            sql,
            (chosen.as_of, *member),
        )
