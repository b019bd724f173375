"""The evidence of one case: what each side says, by which rule, since when, and how to follow it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboards import cases, data, names, numbers
from dashboards.components.actions import actions
from dashboards.components.links import link
from throughline.state import Event

# links to what a case causes; a missing customer can cause thousands
CHILDREN = 20
# said elsewhere in the panel
_SAID = ("what", "system_a", "system_b", "value_a", "value_b")
_EVENTS = {
    "comment": ("Comment", "text"),
    "assignment": ("Assigned to", "owner"),
    "acknowledgement": ("Acknowledged", "reason"),
    "state": ("State", "state"),
    "waiver": ("Waived", "reason"),
}


def evidence_panel(case: data.Row | None, *, is_empty: bool) -> None:
    """The panel beside the queue, which may be empty."""
    with st.container(border=True, key="evidence", gap="small"):
        if case is None:
            st.subheader("Evidence", anchor=False)
            st.caption("No case to show." if is_empty else "Choose a case to see what each side says.")
            return
        known = names.names()
        facts = cases.evidence(case)
        st.subheader(case["control_name"] or case["control_id"], anchor=False)
        with st.container(horizontal=True, gap="small"):
            st.badge(
                names.SEVERITIES.get(str(case["severity"]), str(case["severity"])),
                color="orange" if case["severity"] in cases.BLOCKING else "gray",
                icon=":material/flag:",
            )
            st.badge(names.OUTCOMES.get(str(case["outcome"]), str(case["outcome"])), color="blue")
            st.badge(names.role(case["owner"]), color="gray", icon=":material/person:")
        st.markdown(numbers.md(cases.sentence({**case, "what": facts.get("what")}, data.currency(), known)))
        _sides(case, facts, known)
        _chain(case)
        st.markdown(f"**Why it matters.** {numbers.md(case['risk'] or '')}")
        st.markdown(f"**What to do.** {numbers.md(case['fix'] or '')}")
        events = data.people(case["exception_id"])
        actions(case, events)
        _history(case, events)
        with st.expander("The rule, its tolerance and the fields behind it", icon=":material/rule:"):
            st.markdown(numbers.md(case["rule"] or ""))
            st.caption(_tolerance(case))
            _fields(case, facts, known)
        with st.expander("Follow it to the source records", icon=":material/account_tree:"):
            _trace(case, facts)


def _sides(case: data.Row, facts: dict[str, Any], known: names.Names) -> None:
    """Both sides, their difference, and what it puts at risk."""
    currency = case["currency_code"]
    money = case["break_type"] in ("AMOUNT_DIFFERS", "MISSING_IN_A", "MISSING_IN_B", "DUPLICATE")
    unit = f"{currency} " if money and currency and currency != "NA" else ""
    sides = [
        {
            "System": names.system(str(facts.get("system_a") or "Side A")),
            "Value": _side(case, facts, "a", unit, known),
        },
        {
            "System": names.system(str(facts.get("system_b") or "Side B")),
            "Value": _side(case, facts, "b", unit, known),
        },
    ]
    if case["difference"] is not None:
        sides.append({"System": "Difference", "Value": f"{unit}{numbers.full_money(case['difference'])}"})
    sides.append(
        {"System": "At risk", "Value": f"{data.currency()} {numbers.full_money(case['amount_at_risk'])}"}
        if case["amount_at_risk"] is not None
        else {"System": "At risk", "Value": "Not a money difference"}
    )
    if sides[0]["System"] == sides[1]["System"]:
        sides[0]["System"], sides[1]["System"] = (
            f"{sides[0]['System']}, first",
            f"{sides[1]['System']}, second",
        )
    st.dataframe(
        sides,
        hide_index=True,
        key="sides",
        column_config={
            "System": st.column_config.TextColumn(width=150),
            "Value": st.column_config.TextColumn(width=260),
        },
        alt="What each side says, the difference, and the amount at risk.",
    )


def _side(case: data.Row, facts: dict[str, Any], side: str, unit: str, known: names.Names) -> str:
    """A side's value: the word in the evidence for attributes, else the number; missing is said."""
    number: Decimal | None = case[f"value_{side}"]
    if number is not None:
        return f"{unit}{numbers.full_money(number)}" if unit else numbers.quantity(number)
    word = facts.get(f"value_{side}")
    if word and facts.get("attribute") == "ENTITY":
        return names.of_key("legal_entity", str(word), known)
    if word not in (None, ""):
        return names.readable(str(word), known)
    return "Nothing there" if case["break_type"] == f"MISSING_IN_{side.upper()}" else numbers.NO_VALUE


def _chain(case: data.Row) -> None:
    """The case that caused it, and those it causes: the money counts at the root."""
    root = case["root_exception_id"]
    if root:
        cause = cases.one(root)
        name = cause["control_name"] if cause else root
        link("exceptions", f"Caused by: {name} (counted there)", ":material/north_west:", {"exception": root})
    children = cases.caused_by(case["exception_id"])
    for child in children[:CHILDREN]:
        link(
            "exceptions",
            f"Causes: {child['control_name'] or child['control_id']}",
            ":material/south_east:",
            {"exception": child["exception_id"]},
        )
    if len(children) > CHILDREN:
        st.caption(f"And {numbers.counted(len(children) - CHILDREN, 'more case')} that it causes.")
    if same := cases.beside(case):
        st.caption(f"{numbers.counted(same, 'other open case')} of this control on the same project.")


def _history(case: data.Row, events: Sequence[Event]) -> None:
    """First seen, in how many runs, how it moved, and what people said."""
    lines = []
    if case["first_seen_on"]:
        lines.append(
            f"First seen {numbers.day(case['first_seen_on'])}, in "
            f"{numbers.counted(int(case['occurrences'] or 1), 'run')}."
        )
    if case["prior_amount_at_risk"] is not None and case["change_of_amount"] is not None:
        moved = case["change_of_amount"]
        before = numbers.full_money(case["prior_amount_at_risk"])
        lines.append(
            f"Unchanged since the run before ({data.currency()} {before})."
            if not moved
            else f"{data.currency()} {before} in the run before; "
            f"{'up' if moved > 0 else 'down'} by {numbers.full_money(abs(moved))} since."
        )
    elif case["is_new"]:
        lines.append("New in this run.")
    if case["outcome"] == "PENDING" and case["becomes_exception_on"]:
        lines.append(f"An exception from {numbers.day(case['becomes_exception_on'])}.")
    st.markdown(f"**History.** {numbers.md(' '.join(lines))}")
    for event in events:
        st.caption(_event(event))


def _event(event: Event) -> str:
    label, name = _EVENTS.get(event.kind, (event.kind.capitalize(), "text"))
    said = numbers.md(str(event.payload.get(name) or ""))
    for word in ("until", "due"):
        if event.payload.get(word):
            said += f", {word} {numbers.day(date.fromisoformat(str(event.payload[word])[:10]))}"
    return f"{numbers.day(event.at.date())} {event.at:%H:%M} UTC · {event.actor} · {label} {said}"


def _tolerance(case: data.Row) -> str:
    parts = []
    if case["abs_tol"] is not None:
        parts.append(f"{numbers.quantity(case['abs_tol'])}")
    if case["rel_tol"] is not None:
        parts.append(f"{numbers.quantity(case['rel_tol'] * 100)}% of the first side")
    tolerance = f"Tolerance: the larger of {' and '.join(parts)}" if len(parts) > 1 else ""
    tolerance = tolerance or (f"Tolerance: {parts[0]}" if parts else "No tolerance")
    grace = f"; grace: {case['grace']} {case['grace_unit']}" if case["grace"] else "; no grace"
    return f"{tolerance}{grace}."


def _fields(case: data.Row, facts: dict[str, Any], known: names.Names) -> None:
    keys = {
        "Entity": "legal_entity",
        "Client": "customer",
        "Project": "project",
        "Contract": "contract",
        "Contract line": "contract_line",
    }
    table = [
        {"Field": label, "Value": names.of_key(kind, case[f"{kind}_id"], known)}
        for label, kind in keys.items()
        if case[f"{kind}_id"] not in (None, "", "NONE")
    ]
    table += [
        {"Field": names.field(name), "Value": names.readable(str(value), known)}
        for name, value in facts.items()
        if name not in _SAID and value not in (None, "")
    ]
    st.dataframe(table, hide_index=True, key="evidence_fields", alt="What the control looked at.")


def _trace(case: data.Row, facts: dict[str, Any]) -> None:
    """Commands that lead from here to the records and the loads that brought them."""
    keys = [str(part) for part in (*case["grain_key"].split("|"), facts.get("document_no")) if part]
    records = dict.fromkeys(key for key in keys if key.count(":") >= 2 and " " not in key)
    lines = [f"throughline recon show {case['exception_id']}"]
    lines += [f"throughline trace {key}" for key in records]
    st.caption("Exception id, and the commands that list its records version by version:")
    st.code(case["exception_id"], language=None)
    st.code("\n".join(lines), language=None, wrap_lines=True)
