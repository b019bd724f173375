"""The chart forms of the pages: columns over time, bridge, ranked bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import plotly.graph_objects as go

from dashboards import numbers
from dashboards.figures.base import finish
from dashboards.theme import tokens


def time_columns(
    labels: Sequence[str],
    values: Sequence[Decimal | None],
    currency: str,
    meta: Mapping[str, object],
    surface: str = "screen",
) -> go.Figure:
    """Columns of actuals per month, from zero; labels on the columns, no legend."""
    figure = go.Figure(
        go.Bar(
            x=list(labels),
            y=[None if v is None else float(v) for v in values],
            marker_color=tokens.ACTUAL,
            text=[numbers.money(v, currency) for v in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(visible=False, rangemode="tozero")
    figure.update_xaxes(showgrid=False, type="category")
    return finish(figure, meta, surface)


def bridge(
    steps: Sequence[tuple[str, Decimal, str]],
    currency: str,
    meta: Mapping[str, object],
    surface: str = "screen",
) -> go.Figure:
    """A waterfall of (label, amount, kind): kind ``total`` for the levels, ``step`` for the moves."""
    figure = go.Figure(
        go.Waterfall(
            x=[label for label, _, _ in steps],
            y=[float(amount) for _, amount, _ in steps],
            measure=["absolute" if kind == "total" else "relative" for _, _, kind in steps],
            text=[numbers.money(amount, currency, sign=kind != "total") for _, amount, kind in steps],
            textposition="outside",
            cliponaxis=False,
            increasing={"marker": {"color": tokens.FAVOURABLE}},
            decreasing={"marker": {"color": tokens.ADVERSE}},
            totals={"marker": {"color": tokens.ACTUAL}},
            connector={"line": {"width": 1}},
            hovertemplate="%{x}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(visible=False, rangemode="tozero")
    figure.update_xaxes(showgrid=False, type="category")
    return finish(figure, meta, surface)


def ranked_bars(
    labels: Sequence[str],
    values: Sequence[Decimal],
    currency: str,
    meta: Mapping[str, object],
    colour: str = tokens.ACTUAL,
    surface: str = "screen",
) -> go.Figure:
    """Horizontal bars, largest on top, from zero."""
    figure = go.Figure(
        go.Bar(
            y=list(labels),
            x=[float(v) for v in values],
            orientation="h",
            marker_color=colour,
            text=[numbers.money(v, currency) for v in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_xaxes(visible=False, rangemode="tozero")
    return finish(figure, meta, surface)
