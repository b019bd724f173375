"""Contract lines with work left, the largest first, on the page of the backlog."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.case_list import case_list, gravest
from dashboards.components.frame import empty
from dashboards.components.rows import count_columns, money_columns
from dashboards.filters import Filters

_LINES = (
    gravest("contract_line_id")
    + """
select l.customer_id, l.project_id, l.contract_line_id, l.legal_entity_id, l.billing_method, l.signed_on,
    l.last_revenue_on, l.days_idle, l.currency_code, l.committed_tc, l.recognised_tc, l.amount_tc,
    l.amount_rc, l.scheduled_rc, l.soft_scheduled_rc, l.unscheduled_rc, told.control_name, told.exception_id
from marts.backlog_line l
left join told on told.contract_line_id = l.contract_line_id
where l.as_of = $1 {narrow}
order by l.amount_rc desc nulls last, l.contract_line_id
"""
)


def statement(scope: data.Scope) -> tuple[str, tuple[str, ...]]:
    """The read of a scope's lines, and its parameters behind the date."""
    narrow, member = data.narrowing(scope, "l.")
    return _LINES.format(narrow=narrow.replace("?", "$2")), member


def backlog_lines(chosen: Filters) -> None:
    """Lines with work left; one that is chosen leads to its open case."""
    currency = data.currency()
    sql, member = statement(chosen.scope)
    found = data.rows(sql, chosen.as_of, *member)
    known = names.names()
    with st.container(border=True, key="backlog_lines", gap="small"):
        st.subheader("Where the work is", anchor=False)
        if not found:
            empty("No contract line has work left in", chosen)
            return
        amounts = [r["amount_rc"] for r in found]
        total = None if None in amounts else sum(map(Decimal, amounts), Decimal(0))
        st.caption(
            numbers.md(
                f"{numbers.counted(len(found), 'contract line')} with {numbers.money(total, currency)} left "
                f"at {numbers.day(chosen.as_of)}, the largest first."
            )
        )

        def cells(r: data.Row) -> dict[str, object]:
            return {
                "Client": names.of_key("customer", r["customer_id"], known),
                "Contract line": names.of_key("contract_line", r["contract_line_id"], known),
                "Project": names.of_key("project", r["project_id"], known),
                "Billed by": names.CODES.get(r["billing_method"], numbers.NO_VALUE),
                f"Left, {currency}": numbers.plain(r["amount_rc"]),
                f"Scheduled, {currency}": numbers.plain(r["scheduled_rc"]),
                f"Tentatively, {currency}": numbers.plain(r["soft_scheduled_rc"]),
                f"Not scheduled, {currency}": numbers.plain(r["unscheduled_rc"]),
                "Signed": f"{numbers.full_money(r['committed_tc'])} {r['currency_code']}",
                "Earned": _share(r["recognised_tc"], r["committed_tc"]),
                "Last earned": r["last_revenue_on"],
                "Days idle": r["days_idle"],
                "Entity": names.of_key("legal_entity", r["legal_entity_id"], known),
                "Open case": r["control_name"],
            }

        money = (f"{name}, {currency}" for name in ("Left", "Scheduled", "Tentatively", "Not scheduled"))
        case_list(
            "lines",
            found,
            cells,
            {
                **money_columns(*money),
                **count_columns("Days idle"),
                "Earned": st.column_config.NumberColumn(format="percent"),
            },
            "Contract lines with work left, the largest first.",
            lambda _: "No control has anything against this line.",
            ("All lines as CSV", "backlog_lines.csv"),
            sql,
            (chosen.as_of, *member),
        )


def _share(part: Decimal | None, whole: Decimal | None) -> float | None:
    return None if part is None or not whole else float(part / whole)
