"""From the agreed value of clients' work to cash, on the page of margin, and what is lost on the way."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboards import data, leakage, numbers
from dashboards.components.cards import kpi_card
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import empty
from dashboards.components.sums import sums_dialog
from dashboards.figures.charts import bridge
from dashboards.filters import Filters
from dashboards.leakage import BILLED, LEAKAGE, PAID
from dashboards.readings import History

CARDS = (LEAKAGE, BILLED, PAID)


def leakage_part(chosen: Filters, history: History, definitions: Mapping[str, data.Row]) -> None:
    """Cards and bridge; nothing where the run was published before they were made."""
    if not data.holds("leakage_bridge"):
        return
    with st.grid(3, min_column_width=230, gap="small", key="leakage_cards"):
        for kpi in CARDS:
            kpi_card(kpi, chosen, history, definitions, (), _said(kpi.metric_id))
    _bridge(chosen, definitions)


def _said(metric_id: str) -> str:
    """What the share is of."""
    return {
        LEAKAGE.metric_id: "Of the work of the period, followed until the run's own day.",
        BILLED.metric_id: "Of the same hours at list prices; above 100% where more is billed than listed.",
        PAID.metric_id: "Of what was billed of that work; of younger work less is due yet.",
    }[metric_id]


def _bridge(chosen: Filters, definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="leakage_place"):
        found = leakage.amounts(chosen)
        if not found:
            empty("No work billed by the hour was done in", chosen)
            return
        steps = leakage.steps(found)
        gone = found[leakage.LOSS]
        if steps is None or gone is None:
            empty("A price or a rate is unknown, so what became of the work is unknown in", chosen)
            return
        agreed, paid = numbers.money(steps[0][1], currency), numbers.money(steps[-1][1], currency)
        title = f"None of {agreed} of agreed work is lost"
        if gone:
            title = f"Of {agreed} of agreed work {numbers.money(gone, currency)} is lost"
            if steps[0][1]:
                title += f", {numbers.percent(gone / steps[0][1])} of it"
        chart_card(
            "leakage_bridge",
            title,
            f"Work billed by the hour, {currency}, {chosen.period_label}, followed until the run's own day",
            bridge(steps, currency, LEAKAGE.meta(chosen)),
            [{"Step": label, f"Amount, {currency}": amount} for label, amount, _ in steps],
            f"Bridge from {agreed} agreed to {paid} paid.",
            lambda: sums_dialog(
                "From agreed value to cash",
                f"{chosen.scope.label} · {chosen.period_label}",
                "Line",
                leakage.sums(chosen),
                "leakage_bridge",
            ),
            LEAKAGE.metric_id,
            definitions,
        )
