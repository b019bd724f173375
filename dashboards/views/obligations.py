"""Remaining performance obligations on the page of the backlog: what of it is disclosed, and by when."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.backlog import BACKLOG
from dashboards.components.cards import kpi_card
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import empty
from dashboards.components.rows import money_columns, to_csv
from dashboards.components.sums import sums_dialog
from dashboards.figures.charts import bridge, ranked_bars
from dashboards.filters import Filters, on_run_day
from dashboards.obligations import (
    BANDS,
    DISCLOSED,
    LEFT_OUT,
    RPO,
    RPO_YEAR,
    Obligations,
    band_sums,
    bridge_sums,
    line_rows,
    obligations,
    steps,
)
from dashboards.readings import History

LISTED = 200
MONEY = ("Backlog", "Disclosed", "Within 12 months", "13–24 months", "Later", "No date", "Left out")


def obligations_part(chosen: Filters, history: History, definitions: Mapping[str, data.Row]) -> None:
    """Cards, bridge, bands and lines, for the run's day; nothing where the run was published before them."""
    if not data.holds("remaining_performance_obligation"):
        return
    at = on_run_day(chosen)
    with st.container(key="obligations", gap="small"):
        st.subheader("Remaining performance obligations", anchor=False)
        st.caption(
            f"What of backlog the notes to the accounts disclose, always for {numbers.day(at.as_of)}: "
            "bookings of earlier days are not kept."
        )
        found = obligations(at)
        if not found.held:
            empty("No contract line has work left in", at)
            return
        with st.grid(2, min_column_width=230, gap="small", key="obligation_cards"):
            for kpi in (RPO, RPO_YEAR):
                kpi_card(kpi, at, history, definitions, (), _said(kpi.metric_id, at, history, found))
        with st.grid(2, min_column_width=340, gap="small", key="obligation_charts"):
            _bridge(at, history, found, definitions)
            _bands(at, found, definitions)
        _lines(at)


def _said(metric_id: str, chosen: Filters, history: History, found: Obligations) -> str | None:
    """What the number is of, and what the firm might leave out besides."""
    now, backlog = found.of(DISCLOSED), BACKLOG.read(history, chosen)
    if metric_id == RPO_YEAR.metric_id:
        year = RPO_YEAR.read(history, chosen)
        return f"{numbers.percent(year / now)} of what is disclosed." if year is not None and now else None
    if now is None or not backlog:
        return None
    said = f"{numbers.percent(now / backlog)} of backlog."
    if found.short:
        short = numbers.money(found.short, data.currency())
        said += f" {short} of it stands in contracts of a year or less, which a firm may leave out."
    return said


def _bridge(
    chosen: Filters, history: History, found: Obligations, definitions: Mapping[str, data.Row]
) -> None:
    currency = data.currency()
    with st.container(key="obligation_bridge_place"):
        backlog = BACKLOG.read(history, chosen)
        told = None if backlog is None else steps(found, backlog)
        if told is None:
            empty("A rate is missing, so what is disclosed of backlog is unknown in", chosen)
            return
        left, disclosed = numbers.money(told[0][1], currency), numbers.money(told[-1][1], currency)
        chart_card(
            "obligation_bridge",
            f"Of {left} of backlog {disclosed} is disclosed",
            f"From backlog to remaining performance obligations, {currency}, {numbers.day(chosen.as_of)}",
            bridge(told, currency, RPO.meta(chosen), good="none"),
            [{"Step": label, f"Amount, {currency}": amount} for label, amount, _ in told],
            f"Bridge from {left} of backlog to {disclosed} disclosed.",
            lambda: sums_dialog(
                "From backlog to what is disclosed",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Step",
                bridge_sums(chosen, found, backlog),
                "obligation_bridge",
            ),
            RPO.metric_id,
            definitions,
        )


def _bands(chosen: Filters, found: Obligations, definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="obligation_bands_place"):
        total, within = found.of(DISCLOSED), found.of(DISCLOSED, "1-12")
        held = [(BANDS[band], found.of(DISCLOSED, band), found.of(None, band)) for band in found.bands]
        if total is None or within is None or any(None in amounts for _, *amounts in held):
            empty("A rate is missing, so when what is disclosed comes is unknown in", chosen)
            return
        bars = [(name, disclosed or Decimal(0), whole or Decimal(0)) for name, disclosed, whole in held]
        title = "Nothing is disclosed"
        if total:
            share = "All" if within == total else numbers.percent(within / total)
            title = f"{share} of it comes within twelve months"
        chart_card(
            "obligation_bands",
            title,
            f"Disclosed, by when it is expected to be revenue, {currency}, from {numbers.day(chosen.as_of)}",
            ranked_bars(
                [name for name, _, _ in bars],
                [disclosed for _, disclosed, _ in bars],
                currency,
                RPO.meta(chosen),
                highlight=None,
            ),
            [
                {
                    "Expected": name,
                    f"Disclosed, {currency}": disclosed,
                    f"Left out, {currency}": whole - disclosed,
                    f"Backlog, {currency}": whole,
                }
                for name, disclosed, whole in bars
            ],
            "Bars of what is disclosed, by how many months ahead it is expected to be revenue.",
            lambda: sums_dialog(
                "Disclosed, by when it is expected",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Expected",
                band_sums(chosen, found),
                "obligation_bands",
            ),
            RPO_YEAR.metric_id,
            definitions,
        )


def _lines(chosen: Filters) -> None:
    """Contract lines with work left, most disclosed first, and why the rest is left out."""
    currency = data.currency()
    sql, member = line_rows(chosen)
    found = data.rows(sql, *member)
    known = names.names()
    with st.container(border=True, key="obligation_lines", gap="small"):
        st.subheader("What is disclosed of each contract line", anchor=False)
        st.dataframe(
            [
                {
                    "Client": names.of_key("customer", r["customer_id"], known),
                    "Contract line": names.of_key("contract_line", r["contract_line_id"], known),
                    "Billed by": names.CODES.get(r["billing_method"], numbers.NO_VALUE),
                    f"Backlog, {currency}": numbers.plain(r["backlog"]),
                    f"Disclosed, {currency}": numbers.plain(r["disclosed"]),
                    f"Within 12 months, {currency}": numbers.plain(r["within_12"]),
                    f"13–24 months, {currency}": numbers.plain(r["within_24"]),
                    f"Later, {currency}": numbers.plain(r["later"]),
                    f"No date, {currency}": numbers.plain(r["undated"]),
                    f"Left out, {currency}": numbers.plain(r["left_out"]),
                    "Why": ", ".join(LEFT_OUT[one] for one in r["why"].split(", ")) if r["why"] else None,
                    "Term ends": r["term_to"],
                    "A year or less": r["is_one_year_or_less"],
                    "Bound until": r["noncancellable_to"],
                }
                for r in found[:LISTED]
            ],
            hide_index=True,
            key="obligation_table",
            placeholder=numbers.NO_VALUE,
            column_config=money_columns(*(f"{name}, {currency}" for name in MONEY)),
            alt="Contract lines with what of their backlog is disclosed, by when, and what is left out.",
        )
        if len(found) > LISTED:
            st.caption(f"The first {LISTED} of {len(found):,} lines; the file holds all of them.")
        publication = data.pinned()
        st.download_button(
            "All lines as CSV",
            data=lambda: to_csv(data.uncached_rows(publication, sql, *member)),
            file_name=f"remaining_performance_obligations_{chosen.as_of}.csv",
            mime="text/csv",
            key="obligation_csv",
            icon=":material/download:",
            on_click="ignore",
        )
