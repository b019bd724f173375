"""Every case that waits on the way from won deal to cash, the largest first, on the page of handoff lag."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st

from dashboards import cases, data, names, numbers
from dashboards.components.case_list import case_list, first_of, gravest
from dashboards.components.frame import empty
from dashboards.components.rows import count_columns, money_columns, record_name
from dashboards.filters import Filters

_CASES = (
    gravest("risk_object")
    + """
select w.stage, w.case_type, w.case_id, w.customer_id, w.legal_entity_id, w.practice_id, w.started_on,
    w.due_on, w.open_age, w.is_breached, w.amount_rc, told.control_name, told.exception_id
from marts.handoff_waiting w
left join told on told.risk_object = concat(lower(w.case_type), ':', w.case_id)
where true {narrow}
order by w.is_breached desc, w.amount_rc desc nulls last, w.stage, w.case_id
"""
)


_COUNTED = """
select w.is_breached, w.case_type = 'MONTH' as is_unposted, count(*) as cases, sum(w.amount_rc) as amount,
    count(*) - count(w.amount_rc) as unpriced
from marts.handoff_waiting w
where true {narrow}
group by all
order by all
"""


def statement(scope: data.Scope) -> tuple[str, tuple[str, ...]]:
    """The read of a scope's waiting cases, and its parameters."""
    narrow, member = data.narrowing(scope, "w.")
    return _CASES.format(narrow=narrow), member


def counted(scope: data.Scope) -> tuple[data.Row, ...]:
    """The same cases in groups: too long or not, and months of work whose revenue is not posted or others."""
    narrow, member = data.narrowing(scope, "w.")
    return data.rows(_COUNTED.format(narrow=narrow), *member)


def case_name(row: data.Row, known: names.Names) -> str:
    """The record, and of a month of work on a contract line the month too."""
    if row["case_type"] != "MONTH":
        return record_name(row["case_id"], known)
    line, _, month = row["case_id"].partition("|")
    return f"{record_name(line, known)}, {numbers.month(date.fromisoformat(f'{month}-01'))}"


def summary(found: Sequence[data.Row], currency: str) -> str:
    """How much waits, and what of it too long, from the cases in groups.

    The same work may wait to be invoiced and to be posted: its money is told once for each, never summed.
    """
    late = [r for r in found if r["is_breached"]]
    unposted = [r for r in late if r["is_unposted"]]
    elsewhere = [r for r in late if not r["is_unposted"]]
    said = f"{numbers.counted(cases.count(found), 'case')}, of which {cases.count(late)} too long"
    if elsewhere:
        said += f" with {numbers.money(cases.total(elsewhere), currency)}"
    if unposted:
        months = numbers.counted(cases.count(unposted), "month of work", "months of work")
        said += (
            f", {months} whose revenue is not posted with {numbers.money(cases.total(unposted), currency)}"
        )
    unpriced = sum(int(r["unpriced"]) for r in found)
    return f"{said}." + (
        f" {numbers.counted(unpriced, 'amount')} without an exchange rate." if unpriced else ""
    )


def waiting_cases(chosen: Filters) -> None:
    """What waits, late first and by amount; one that is chosen leads to its open exception."""
    currency = data.currency()
    with st.container(border=True, key="waiting_cases", gap="small"):
        st.subheader("What waits now", anchor=False)
        if not data.holds("handoff_waiting"):
            empty("This run was published before waiting cases were listed; the next run has them.")
            return
        sql, member = statement(chosen.scope)
        found = first_of(sql, *member)
        if not found:
            empty("Nothing waits on the way from won deal to cash in", chosen)
            return
        known = names.names()
        st.caption(numbers.md(summary(counted(chosen.scope), currency)))

        def cells(r: data.Row) -> dict[str, object]:
            return {
                "Stage": names.STAGES.get(r["stage"], r["stage"]),
                "Client": names.of_key("customer", r["customer_id"], known),
                "Case": case_name(r, known),
                "Since": r["started_on"],
                "Due": r["due_on"],
                "Waited": r["open_age"],
                "Too long": "Yes" if r["is_breached"] else "No",
                f"Waits, {currency}": numbers.plain(r["amount_rc"]),
                "Practice": r["practice_id"],
                "Entity": names.of_key("legal_entity", r["legal_entity_id"], known),
                "Open case": r["control_name"],
            }

        case_list(
            "waiting",
            found,
            cells,
            {**money_columns(f"Waits, {currency}"), **count_columns("Waited")},
            "Cases that wait, late ones first, the largest on top.",
            lambda _: "No control has anything against this case.",
            ("All cases as CSV", "waiting_cases.csv"),
            sql,
            member,
        )
