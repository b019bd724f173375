"""Every case that waits on the way from won deal to cash, the largest first, on the page of handoff lag."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.case_list import case_list, gravest
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


def statement(scope: data.Scope) -> tuple[str, tuple[str, ...]]:
    """The read of a scope's waiting cases, and its parameters."""
    narrow, member = data.narrowing(scope, "w.")
    return _CASES.format(narrow=narrow), member


def _case(row: data.Row, known: names.Names) -> str:
    """The record, and of a month of work on a contract line the month too."""
    line, _, month = (
        row["case_id"].partition("|") if row["case_type"] == "MONTH" else (row["case_id"], "", "")
    )
    return record_name(line, known) + (
        f", {numbers.month(date.fromisoformat(f'{month}-01'))}" if month else ""
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
        found = data.rows(sql, *member)
        if not found:
            empty("Nothing waits on the way from won deal to cash in", chosen)
            return
        known = names.names()
        late = [r for r in found if r["is_breached"]]
        unpriced = sum(1 for r in found if r["amount_rc"] is None)
        # the same work may wait to be invoiced and to be posted: its money is told once each, never summed
        unposted = [r for r in late if r["case_type"] == "MONTH"]
        amount, posting = (
            sum((Decimal(r["amount_rc"] or 0) for r in some), Decimal(0))
            for some in ([r for r in late if r["case_type"] != "MONTH"], unposted)
        )
        said = f"{numbers.counted(len(found), 'case')}, of which {len(late)} too long"
        said += f" with {numbers.money(amount, currency)}" if len(late) > len(unposted) else ""
        if unposted:
            months = numbers.counted(len(unposted), "month of work", "months of work")
            said += f", among them {months} whose revenue is not posted, {numbers.money(posting, currency)}"
        said += "."
        if unpriced:
            said += f" {numbers.counted(unpriced, 'amount')} without an exchange rate."
        st.caption(numbers.md(said))

        def cells(r: data.Row) -> dict[str, object]:
            return {
                "Stage": names.STAGES.get(r["stage"], r["stage"]),
                "Client": names.of_key("customer", r["customer_id"], known),
                "Case": _case(r, known),
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
