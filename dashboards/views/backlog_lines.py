"""Contract lines with work left, the largest first, on the page of the backlog."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.frame import empty
from dashboards.components.links import link
from dashboards.components.rows import to_csv
from dashboards.filters import Filters

LISTED = 200

# the gravest open case of a line is shown
_LINES = """
with told as (
    select e.contract_line_id, arg_min(e.exception_id, (e.severity, e.exception_id)) as exception_id,
        arg_min(c.name, (e.severity, e.exception_id)) as control_name
    from reconciliation.exception e
    left join reconciliation.recon__control c on c.control_id = e.control_id
    where e.outcome = 'EXCEPTION' and e.contract_line_id is not null
    group by e.contract_line_id
)
select l.customer_id, l.project_id, l.contract_line_id, l.legal_entity_id, l.billing_method, l.signed_on,
    l.last_revenue_on, l.days_idle, l.currency_code, l.committed_tc, l.recognised_tc, l.amount_tc,
    l.amount_rc, l.scheduled_rc, l.soft_scheduled_rc, l.unscheduled_rc, told.control_name, told.exception_id
from marts.backlog_line l
left join told on told.contract_line_id = l.contract_line_id
where l.as_of = $1 {narrow}
order by l.amount_rc desc nulls last, l.contract_line_id
"""


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
        shown = found[:LISTED]
        amounts = [r["amount_rc"] for r in found]
        total = None if None in amounts else sum(map(Decimal, amounts), Decimal(0))
        st.caption(
            numbers.md(
                f"{numbers.counted(len(found), 'contract line')} with {numbers.money(total, currency)} left "
                f"at {numbers.day(chosen.as_of)}, the largest first."
            )
        )
        event = st.dataframe(
            [
                {
                    "Client": names.of_key("customer", r["customer_id"], known),
                    "Contract line": names.of_key("contract_line", r["contract_line_id"], known),
                    "Project": names.of_key("project", r["project_id"], known),
                    "Billed by": names.CODES.get(r["billing_method"], numbers.NO_VALUE),
                    f"Left, {currency}": _number(r["amount_rc"]),
                    f"Scheduled, {currency}": _number(r["scheduled_rc"]),
                    f"Tentatively, {currency}": _number(r["soft_scheduled_rc"]),
                    f"Not scheduled, {currency}": _number(r["unscheduled_rc"]),
                    "Signed": f"{numbers.full_money(r['committed_tc'])} {r['currency_code']}",
                    "Earned": _share(r["recognised_tc"], r["committed_tc"]),
                    "Last earned": r["last_revenue_on"],
                    "Days idle": r["days_idle"],
                    "Entity": names.of_key("legal_entity", r["legal_entity_id"], known),
                    "Open case": r["control_name"],
                }
                for r in shown
            ],
            hide_index=True,
            key="lines_table",
            on_select="rerun",
            selection_mode="single-row",
            placeholder=numbers.NO_VALUE,
            column_config={
                **{
                    f"{name}, {currency}": st.column_config.NumberColumn(format="%,.2f")
                    for name in ("Left", "Scheduled", "Tentatively", "Not scheduled")
                },
                "Earned": st.column_config.NumberColumn(format="percent"),
                "Days idle": st.column_config.NumberColumn(format="%,d"),
            },
            alt="Contract lines with work left, the largest first.",
        )
        if len(found) > LISTED:
            st.caption(f"The {LISTED} largest; the file holds all of them.")
        for at in event.selection.rows:
            if shown[at]["exception_id"]:
                link(
                    "exceptions",
                    f"Why: {shown[at]['control_name']}",
                    ":material/arrow_forward:",
                    {"exception": shown[at]["exception_id"]},
                )
            else:
                st.caption("No control has anything against this line.")
        publication = data.pinned()
        st.download_button(
            "All lines as CSV",
            data=lambda: to_csv(data.uncached_rows(publication, sql, chosen.as_of, *member)),
            file_name="backlog_lines.csv",
            mime="text/csv",
            key="lines_csv",
            icon=":material/download:",
            on_click="ignore",
        )


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _share(part: Decimal | None, whole: Decimal | None) -> float | None:
    return None if part is None or not whole else float(part / whole)
