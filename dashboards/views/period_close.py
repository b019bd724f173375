"""Period close: which months are closed, what became known of them since, and whether reports still hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st

from dashboards import closes, data, names, numbers
from dashboards.closes import Standing
from dashboards.components.address import pick_one
from dashboards.components.frame import Frame, empty, page_head
from dashboards.components.rows import CAP, money_columns, record_name, to_csv
from dashboards.filters import Filters


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    page_head("Period close", "Which months are closed, and what became known of them afterwards?", frame)
    if not data.holds("period_close", "reconciliation"):
        empty("This run was published before closes were kept; the next run has them.")
        return
    if chosen.scope.grain not in ("FIRM", "LEGAL_ENTITY"):
        empty("Books are closed by legal entity: choose one, or the firm.")
        return
    found = closes.standings(chosen.scope)
    if not found:
        empty("Nothing has moved yet in", chosen)
        return
    changed = closes.changed_periods(found)
    _headline(chosen, found, changed)
    _states(found)
    _since(chosen, changed)


def _month(period: str) -> str:
    return f"{date.fromisoformat(period + '-01'):%B %Y}"


def _headline(chosen: Filters, found: Sequence[Standing], changed: Sequence[str]) -> None:
    """Up to when the books are closed, and what that did not hold."""
    until = closes.closed_until(found)
    said = f"Everything up to {_month(until)} is closed." if until else "No month is closed everywhere."
    if changed:
        lines = sum(one.restatements for one in found)
        of = _month(changed[0])
        if len(changed) > 1:
            of = f"{numbers.counted(len(changed), 'closed month')}, last of {of}"
        said += f" Since then {numbers.counted(lines, 'change', 'changes')} became known of {of}."
        revenue = closes.changed_by(closes.bridge(chosen.scope, changed[0]), "recognised_revenue")
        if revenue:
            moved = numbers.money(revenue, data.currency(), sign=True)
            said += f" Its revenue is {moved} from what was reported."
    elif until:
        said += " Nothing became known of a closed month since."
    with st.container(key="headline"):
        st.markdown(numbers.md(said))
    proofs = {proof for one in found for proof in one.proofs}
    if "DIFFERS" in proofs:
        where = [f"{_month(one.period)}" for one in found if "DIFFERS" in one.proofs]
        st.warning(
            f"What was reported of {names.joined_words(sorted(set(where)))} is not what the journal gives "
            "for that day any more. Sources cannot do that; a change of definitions can.",
            icon=":material/difference:",
        )
    elif "REPRODUCED" in proofs:
        st.badge("What was reported is reproduced to the cent", icon=":material/check:", color="green")
    else:
        st.badge("Closed in the ERP only: no sums were stored", icon=":material/info:", color="gray")


def _states(found: Sequence[Standing]) -> None:
    known = names.names()
    months = sorted({one.period for one in found}, reverse=True)[: closes.MONTHS_SHOWN]
    entities = sorted({one.legal_entity_id for one in found})
    held = {(one.period, one.legal_entity_id): one for one in found}
    table = []
    for month in months:
        row: dict[str, object] = {"Month": _month(month)}
        for entity in entities:
            one = held.get((month, entity))
            late = f" · {numbers.counted(one.restatements, 'change')}" if one and one.restatements else ""
            row[names.of_key("legal_entity", entity, known)] = f"{one.word}{late}" if one else None
        table.append(row)
    with st.container(border=True, key="close_states", gap="small"):
        st.subheader("Where the months stand", anchor=False)
        st.dataframe(
            table,
            hide_index=True,
            key="close_states_table",
            placeholder=numbers.NO_VALUE,
            alt="Months by legal entity, newest first.",
        )
        st.caption(
            "Closed softly: changes restate the month. Closed: they belong to the current one. "
            "`throughline close soft`, `hard` and `reopen` decide; what the ERP closed counts too."
        )


def _since(chosen: Filters, changed: Sequence[str]) -> None:
    currency = data.currency()
    with st.container(border=True, key="close_since", gap="small"):
        st.subheader("What became known since", anchor=False)
        if not changed:
            empty("Nothing became known of a closed month since it was closed in", chosen)
            return
        period = pick_one("Closed month", "closed", {one: _month(one) for one in changed}, changed[0])
        definitions = data.definitions()
        rows = closes.bridge(chosen.scope, period)
        amounts = {"as_reported": "Reported", **closes.CAUSES, "as_now_known": "Known now"}
        shown = [name for name in amounts if name not in closes.CAUSES or any(row[name] for row in rows)]
        if rows:
            st.dataframe(
                [
                    {
                        "Metric": definitions[row["metric_id"]]["name"],
                        **{amounts[name]: numbers.plain(row[name]) for name in shown},
                    }
                    for row in rows
                ],
                hide_index=True,
                key="close_bridge_table",
                column_config=money_columns(*amounts.values()),
                alt="Metrics of the month from what was reported to what is known.",
            )
            st.caption(f"{currency}. Reported plus what became known is what is known now, metric by metric.")
        _records(chosen, period, currency)


def _records(chosen: Filters, period: str, currency: str) -> None:
    known = names.names()
    sql, parameters = closes.records(chosen.scope, period)
    total = data.row(f"select count(*) as n from ({sql}) as listed", *parameters)
    assert total is not None, "a count has a row"
    found = data.rows(f"{sql} limit {CAP}", *parameters)
    st.dataframe(
        [
            {
                "What": names.movement(row["movement_type"]),
                "Change": closes.CHANGES[row["change"]],
                "Why": closes.CAUSES[str(row["cause"]).lower()],
                "Client": names.of_key("customer", row["customer_id"], known),
                "Project": names.of_key("project", row["project_id"], known),
                "Record": record_name(row["record_id"], known),
                "Of": row["business_date"],
                "Made": row["recorded_at"],
                "Known": row["detected_at"],
                "In its currency": numbers.plain(row["delta_tc"]),
                "Currency": row["currency_code"],
                currency: numbers.plain(row["delta_rc"]),
                "Treatment": closes.TREATMENTS[row["treatment"]],
            }
            for row in found
        ],
        hide_index=True,
        key="close_records_table",
        height=min(420, 38 + 35 * len(found)),
        placeholder=numbers.NO_VALUE,
        column_config={
            "What": st.column_config.TextColumn(width=220),
            **money_columns("In its currency", currency),
        },
        alt="Records that changed the closed month, largest first.",
    )
    if total["n"] > CAP:
        st.caption(f"The {CAP:,} largest of {total['n']:,} lines; the file holds all of them.")
    publication = data.pinned()
    st.download_button(
        "All lines as CSV",
        data=lambda: to_csv(data.uncached_rows(publication, sql, *parameters)),
        file_name=f"restatements_{period}.csv",
        mime="text/csv",
        key="close_records_csv",
        icon=":material/download:",
        on_click="ignore",
    )
