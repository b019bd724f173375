"""Margin: where the firm makes and loses it, what moved it, and which projects leave least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboards import cases, data, names, numbers
from dashboards.components.cards import Kpi, kpi_card
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import Frame, empty, page_head
from dashboards.components.rows import rows_dialog
from dashboards.components.sums import sums_dialog
from dashboards.components.tie_out import tie_out_panel
from dashboards.figures.charts import bridge, ranked_bars, share_columns
from dashboards.filters import Filters, is_month_end
from dashboards.margin import (
    LABOUR,
    MARGIN,
    REVENUE,
    SUBCONTRACTORS,
    Made,
    bridge_steps,
    known_margin,
    made_by,
    part_sums,
)
from dashboards.readings import History
from dashboards.views.leakage import leakage_part
from dashboards.views.margin_projects import margin_projects
from dashboards.views.project_margins import project_margins_part

CARDS = (MARGIN, REVENUE, LABOUR, SUBCONTRACTORS)
MONTHS_SHOWN = 13
CLIENTS_SHOWN = 10


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    page_head("Margin", "Where do we make and lose margin, and what moved it?", frame)
    history = History(data.metric_rows(chosen.scope, chosen.period), data.as_of_dates())
    if not any(history.has(kpi.metric_id) for kpi in CARDS):
        empty("Nothing has been earned or spent yet in", chosen)
        return
    definitions = data.definitions()
    clients = made_by(chosen, "CUSTOMER")
    headline(chosen, history, clients)
    touching = cases.touching(cases.weighty(chosen.scope))
    compared = f"changes are from {numbers.day(chosen.compare_as_of)}"
    if chosen.is_running:
        compared = "the month is not over, so nothing compares with it"
    st.caption(f"{chosen.period_label}; {compared}.")
    with st.grid(4, min_column_width=230, gap="small", key="cards"):
        for kpi in CARDS:
            kpi_card(kpi, chosen, history, definitions, touching, _said(kpi, chosen, history))
    with st.grid(2, min_column_width=340, gap="small", key="charts"):
        _bridge(chosen, history, definitions)
        _months(chosen, history, definitions)
    _clients(chosen, clients, definitions)
    leakage_part(chosen, history, definitions)
    project_margins_part(chosen, definitions)
    margin_projects(chosen)
    tie_out_panel(chosen, "Revenue entries", ("REVENUE",))


def headline(chosen: Filters, history: History, clients: Sequence[Made]) -> None:
    """Two or three sentences from the same reads as the cards."""
    currency = data.currency()
    reading = history.at(MARGIN.metric_id, MARGIN.period(chosen), chosen.as_of)
    now, before = MARGIN.read(history, chosen), MARGIN.read(history, chosen, compare=True)
    said = []
    if reading is not None and now is not None:
        said.append(
            f"{numbers.money(reading.numerator, currency)} of {numbers.money(reading.denominator, currency)} "
            f"revenue is left, {numbers.percent(now)}"
        )
        if before is not None and not chosen.is_running and now != before:
            said[0] += f", {numbers.points(now - before)} against {numbers.day(chosen.compare_as_of)}"
        said[0] += "."
    elif reading is not None:
        said.append("A cost is unknown, so nobody can say what margin is.")
    losing = [one for one in clients if one.margin is not None and one.margin < 0]
    if losing:
        worst = min(losing, key=lambda one: one.margin or Decimal(0))
        client = names.of_key("customer", worst.key, names.names())
        verb = "costs" if len(losing) == 1 else "cost"
        said.append(
            f"{numbers.counted(len(losing), 'client')} {verb} more than earned; {client} most, "
            f"{numbers.money(worst.margin, currency)}."
        )
    if said:
        with st.container(key="headline"):
            st.markdown(numbers.md(" ".join(said)))


def _said(kpi: Kpi, chosen: Filters, history: History) -> str | None:
    """What a card's number is of the whole, in one sentence."""
    now, revenue = kpi.read(history, chosen), REVENUE.read(history, chosen)
    if now is None or kpi is REVENUE:
        return None
    if kpi is MARGIN:
        reading = history.at(kpi.metric_id, kpi.period(chosen), chosen.as_of)
        return f"{numbers.money(reading.numerator, data.currency())} is left." if reading else None
    if not revenue:
        return None
    of_revenue = f"{numbers.percent(now / revenue)} of revenue"
    # margin itself holds the labour of clients' projects only
    return f"{of_revenue}, internal work included." if kpi is LABOUR else f"{of_revenue}."


def _bridge(chosen: Filters, history: History, definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="bridge_place"):
        if chosen.is_running:
            empty("The month is not over: its margin has no like to be led from. Choose a month's end.")
            return
        steps = bridge_steps(chosen, history)
        if steps is None:
            empty("A cost is unknown, so what moved margin is unknown for", chosen)
            return
        opening, closing = steps[0][1], steps[-1][1]
        moved = max(steps[1:-1], key=lambda step: abs(step[1]), default=None)
        title = f"Margin stayed at {numbers.money(closing, currency)}"
        if closing != opening:
            way = "rose" if closing > opening else "fell"
            title = f"Margin {way} by {numbers.money(abs(closing - opening), currency)}"
        if moved is not None and closing != opening:
            title += f": {moved[0].lower()} {numbers.money(moved[1], currency, sign=True)}"
        span = f"{numbers.day(chosen.compare_as_of)} to {numbers.day(chosen.as_of)}"
        chart_card(
            "margin_bridge",
            title,
            f"Project gross margin of the periods to both dates, {currency}, {span}",
            bridge(steps, currency, MARGIN.meta(chosen)),
            [{"Step": label, f"Amount, {currency}": amount} for label, amount, _ in steps],
            f"Bridge from {numbers.money(opening, currency)} to {numbers.money(closing, currency)}.",
            lambda: sums_dialog(
                "What margin is made of",
                f"{chosen.scope.label} · {span}",
                "Part",
                part_sums(chosen),
                "margin_bridge",
            ),
            MARGIN.metric_id,
            definitions,
        )


def _months(chosen: Filters, history: History, definitions: Mapping[str, data.Row]) -> None:
    with st.container(key="months_place"):
        found = history.series(MARGIN.metric_id, "MONTH", chosen.as_of)[-MONTHS_SHOWN:]
        if not found:
            empty("Nothing has been earned yet in", chosen)
            return
        labels = [numbers.month(day) for day, _ in found]
        values = [MARGIN.value(reading) for _, reading in found]
        known = [(value, label) for value, label in zip(values, labels, strict=True) if value is not None]
        title = "Margin by month"
        if known:
            worst = min(known)
            title = f"The weakest month was {worst[1]} with {numbers.percent(worst[0], 0)}"
        chart_card(
            "margin_months",
            title,
            "Project gross margin as a share of revenue, by month",
            share_columns(
                labels, values, MARGIN.meta(chosen), last_is_partial=not is_month_end(found[-1][0])
            ),
            [
                {
                    "Month": label,
                    "Margin": reading.value,
                    "Revenue": reading.denominator,
                    "Share": None if value is None else numbers.percent(value),
                }
                for label, value, (_, reading) in zip(labels, values, found, strict=True)
            ],
            "Columns of margin as a share of revenue by month.",
            lambda: rows_dialog(MARGIN.metric_id, MARGIN.title, chosen, "MONTH", [day for day, _ in found]),
            MARGIN.metric_id,
            definitions,
        )


def _clients(chosen: Filters, clients: Sequence[Made], definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="clients_place"):
        if not clients:
            empty("Nothing has been earned or spent in", chosen)
            return
        if known_margin(clients) is None:
            empty("A client's cost is unknown, so what each of them leaves is unknown in", chosen)
            return
        ordered = sorted(clients, key=lambda one: (-(one.margin or Decimal(0)), one.key))
        shown, rest = ordered, []
        if len(ordered) > CLIENTS_SHOWN + 1:
            half = CLIENTS_SHOWN // 2
            # the best and the worst by name: between them nothing needs a decision
            shown, rest = [*ordered[:half], *ordered[-half:]], ordered[half:-half]
        known = names.names()
        bars = [(names.of_key("customer", one.key, known), one) for one in shown]
        if rest:
            between = Made("", sum((one.revenue for one in rest), Decimal(0)), known_margin(rest))
            bars.insert(CLIENTS_SHOWN // 2, (numbers.counted(len(rest), "client") + " between", between))
        amounts = [one.margin or Decimal(0) for _, one in bars]
        lowest = min(range(len(bars)), key=lambda at: amounts[at])
        chart_card(
            "margin_clients",
            f"{bars[0][0]} leaves most, {numbers.money(amounts[0], currency)}",
            f"Project gross margin by client, {currency}, {chosen.period_label}",
            ranked_bars(
                [name for name, _ in bars],
                amounts,
                currency,
                MARGIN.meta(chosen),
                highlight=lowest if amounts[lowest] < 0 else None,
            ),
            [
                {
                    "Client": name,
                    f"Revenue, {currency}": one.revenue,
                    f"Margin, {currency}": one.margin,
                    "Share": None if one.share is None else numbers.percent(one.share),
                }
                for name, one in bars
            ],
            f"Bars of margin per client, {bars[0][0]} on top.",
            lambda: rows_dialog(MARGIN.metric_id, MARGIN.title, chosen, MARGIN.period(chosen)),
            MARGIN.metric_id,
            definitions,
        )
