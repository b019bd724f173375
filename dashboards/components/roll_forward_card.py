"""A roll-forward as a bridge from one date's balance to the other's, with the rows behind each bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import streamlit as st

from dashboards import data, numbers
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import empty
from dashboards.components.sums import sums_dialog
from dashboards.figures.charts import bridge
from dashboards.filters import Filters
from dashboards.readings import History
from dashboards.roll_forward import RollForward


def roll_forward_card(
    roll: RollForward,
    chosen: Filters,
    history: History,
    definitions: Mapping[str, data.Row],
    subject: str,
    title: Callable[[Mapping[str, Decimal]], str],
    good: str = "down",
) -> None:
    """The bridge of ``subject``; ``title`` makes its message of what moved, by step; ``good``: up or down."""
    currency = data.currency()
    with st.container(key=f"{roll.table}_place"):
        shown = roll.shown(chosen, history)
        if shown is None:
            empty(
                f"A part of it has no exchange rate, so what moved {subject.lower()} is unknown for", chosen
            )
            return
        if not any(amount for _, amount, _ in shown):
            empty(f"{subject}: nothing stood and nothing moved in", chosen)
            return
        moved = {step: amount or Decimal(0) for step, amount in roll.moved(chosen).items()}
        span = f"{numbers.day(chosen.compare_as_of)} to {numbers.day(chosen.as_of)}"
        opening, closing = (numbers.money(shown[at][1], currency) for at in (0, -1))
        chart_card(
            roll.table,
            title(moved),
            f"{subject}, {currency}, {span}",
            bridge(shown, currency, roll.kpi.meta(chosen), good=good),
            [{"Step": label, f"Amount, {currency}": amount} for label, amount, _ in shown],
            f"Bridge from {opening} to {closing}.",
            lambda: sums_dialog(
                f"{roll.kpi.title} roll-forward",
                f"{chosen.scope.label} · {span}",
                "Step",
                roll.sums(chosen, history),
                roll.table,
            ),
            roll.kpi.metric_id,
            definitions,
        )
