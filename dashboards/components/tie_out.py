"""A page's numbers beside what the systems themselves say of them, and what a difference consists of."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.frame import empty
from dashboards.components.rows import to_csv
from dashboards.filters import Filters
from dashboards.tie_outs import EXPLAINED, STATEMENTS, STATUS, against, items, lines, unexplained

_ITEM_AMOUNTS = ("Throughline", "The other side", "Difference", "Entered later")
_AMOUNT = st.column_config.NumberColumn(format="%,.2f")


def tie_out_panel(chosen: Filters, subject: str, statements: Sequence[str]) -> None:
    """The statements on ``subject`` at the page's date; a line that is chosen shows what it differs by."""
    with st.container(border=True, key="tie_out", gap="small"):
        if not data.holds("tie_out", "reconciliation"):
            st.subheader("Tie-out", anchor=False)
            empty("This run was published before tie-outs were kept; the next run has them.")
            return
        if chosen.scope.grain not in ("FIRM", "LEGAL_ENTITY"):
            st.subheader("Tie-out", anchor=False)
            empty("Books are kept by legal entity: choose one, or the firm, to see whether they tie.")
            return
        found = lines(chosen, statements)
        if not found:
            st.subheader("Tie-out", anchor=False)
            empty("No system says anything to hold the numbers against in", chosen)
            return
        rest = unexplained(found)
        st.subheader(f"{subject} {'do not ' if rest else ''}tie to the {against(found)}", anchor=False)
        if rest:
            st.badge(
                f"{len(rest)} of {numbers.counted(len(found), 'line')} not explained",
                icon=":material/priority_high:",
                color="orange",
            )
        else:
            st.badge("Nothing unexplained", icon=":material/check:", color="green")
        _table(found)


def _table(found: Sequence[data.Row]) -> None:
    known = names.names()
    shown = [
        {
            "Held against": STATEMENTS[r["statement_id"]].title,
            "Day": r["as_of"],
            "Entity": names.of_key("legal_entity", r["legal_entity_id"], known),
            "Currency": r["currency_code"],
            "Throughline": numbers.plain(r["amount"]),
            "The other side": numbers.plain(r["other_amount"]),
            "Difference": numbers.plain(r["difference"]),
            "Entered later": numbers.plain(r["entered_later"]),
            "Not explained": numbers.plain(r["unexplained"]),
            "Result": STATUS[r["status"]],
        }
        for r in found
    ]
    event = st.dataframe(
        shown,
        hide_index=True,
        key="tie_out_table",
        on_select="rerun",
        selection_mode="single-row",
        placeholder=numbers.NO_VALUE,
        column_config=dict.fromkeys((*_ITEM_AMOUNTS, "Not explained"), _AMOUNT),
        alt="Each entity's number beside the other side's, with the difference.",
    )
    sides = [STATEMENTS[one] for one in dict.fromkeys(r["statement_id"] for r in found)]
    said = [f"{one.title}: {one.ours} against {one.theirs}." for one in sides]
    if any(r["printed_at"] is not None for r in found):
        said.append("Entered later: in our number, but put into the system after its report was printed.")
    st.caption(numbers.md(" ".join(said)))
    for at in event.selection.rows:
        _items(found[at], known)
    st.download_button(
        "Tie-out as CSV",
        data=lambda: to_csv(found),
        file_name="tie_out.csv",
        mime="text/csv",
        key="tie_out_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _items(line: data.Row, known: names.Names) -> None:
    """What a line's difference consists of."""
    of_line = items(line)
    if not of_line:
        same = line["status"] in EXPLAINED
        st.caption("Both sides say the same of every one." if same else STATUS[line["status"]])
        return
    member = STATEMENTS[line["statement_id"]].member
    st.dataframe(
        [
            {
                "What": names.of_key(member, r["member_id"], known),
                "Throughline": numbers.plain(r["amount"]),
                "The other side": numbers.plain(r["other_amount"]),
                "Difference": numbers.plain(r["difference"]),
                "Entered later": numbers.plain(r["entered_later"]),
            }
            for r in of_line
        ],
        hide_index=True,
        key="tie_out_items",
        placeholder=numbers.NO_VALUE,
        column_config=dict.fromkeys(_ITEM_AMOUNTS, _AMOUNT),
        alt="What the difference consists of, the largest first.",
    )
