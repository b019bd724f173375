"""The chart forms of the pages: columns over time, bridge, ranked bars, steps of estimates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import plotly.graph_objects as go

from dashboards import numbers
from dashboards.figures.base import finish, wrapped
from dashboards.theme import tokens

ALL_LABELLED = 7
ROW_HEIGHT = 48
# of a category that takes more lines than fit a row
LINE_HEIGHT = 16


def time_columns(
    labels: Sequence[str],
    values: Sequence[Decimal | None],
    currency: str,
    meta: Mapping[str, object],
    surface: str = "screen",
    last_is_partial: bool = False,
) -> go.Figure:
    """Columns of actuals per month, from zero; a month that is not over is hatched.

    Few columns all carry their value; of many, the last, the highest and the lowest do.
    """

    def say(value: Decimal | None) -> str:
        return numbers.money(value, currency)

    return finish(_columns(labels, values, say, say, last_is_partial), meta, surface)


def share_columns(
    labels: Sequence[str],
    values: Sequence[Decimal | None],
    meta: Mapping[str, object],
    surface: str = "screen",
    last_is_partial: bool = False,
) -> go.Figure:
    """The same of shares."""

    def short(value: Decimal | None) -> str:
        return numbers.percent(value, 0)

    return finish(_columns(labels, values, short, numbers.percent, last_is_partial), meta, surface)


def _columns(
    labels: Sequence[str],
    values: Sequence[Decimal | None],
    short: Callable[[Decimal | None], str],
    full: Callable[[Decimal | None], str],
    last_is_partial: bool,
) -> go.Figure:
    shown = _labelled(values)
    figure = go.Figure(
        go.Bar(
            x=list(labels),
            y=[None if v is None else float(v) for v in values],
            marker={
                "color": tokens.ACTUAL,
                "pattern": {
                    "shape": [""] * (len(values) - 1) + (["/"] if last_is_partial else [""]),
                    "fillmode": "replace",
                    "size": 6,
                },
            },
            text=[short(v) if at in shown else "" for at, v in enumerate(values)],
            customdata=[full(v) for v in values],
            textposition="outside",
            textangle=0,
            constraintext="none",
            cliponaxis=False,
            hovertemplate="%{x}: %{customdata}<extra></extra>",
        )
    )
    figure.update_yaxes(visible=False, rangemode="tozero")
    figure.update_xaxes(
        showgrid=False,
        type="category",
        tickmode="array",
        tickvals=list(labels),
        ticktext=_ticks(labels),
        tickangle=0,
        tickfont={"size": 11},
    )
    return figure


def _ticks(labels: Sequence[str]) -> list[str]:
    """``May`` and its year below it, the year only where it begins: thirteen fit on a phone.

    Of more than thirteen every second or third is named.
    """
    step = -(-len(labels) // 13)
    ticks, year = [""] * len(labels), None
    for at in range(0, len(labels), step or 1):
        month, *of_year = labels[at].split()
        ticks[at] = month if of_year == year else "<br>".join((month, *of_year))
        year = of_year
    return ticks


def _labelled(values: Sequence[Decimal | None]) -> set[int]:
    known = [(value, at) for at, value in enumerate(values) if value is not None]
    if len(known) <= ALL_LABELLED:
        return {at for _, at in known}
    return {known[-1][1], max(known)[1], min(known)[1]}


def bridge(
    steps: Sequence[tuple[str, Decimal, str]],
    currency: str,
    meta: Mapping[str, object],
    surface: str = "screen",
    good: str = "up",
) -> go.Figure:
    """A waterfall of (label, amount, kind): kind ``total`` for the levels, ``step`` for the moves.

    Top to bottom, as structure is read; the colours of rise and fall are set here, no theme does. ``good``
    says which of them is favourable: up, down or none.
    """
    rise, fall = tokens.FAVOURABLE, tokens.ADVERSE
    if good == "down":
        rise, fall = fall, rise
    elif good == "none":
        rise = fall = tokens.SEQUENTIAL[4]
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            y=[wrapped(label) for label, _, _ in steps],
            x=[float(amount) for _, amount, _ in steps],
            measure=["absolute" if kind == "total" else "relative" for _, _, kind in steps],
            text=[numbers.money(amount, currency, sign=kind != "total") for _, amount, kind in steps],
            customdata=[numbers.full_money(amount) for _, amount, _ in steps],
            textposition="outside",
            cliponaxis=False,
            increasing={"marker": {"color": rise}},
            decreasing={"marker": {"color": fall}},
            totals={"marker": {"color": tokens.ACTUAL}},
            connector={"line": {"width": 1, "color": tokens.ACTUAL}},
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    )
    levels = _levels(steps)
    low, high = _room(levels)
    # the label of a fall stands left of where it ends, which may be close to the names of the steps
    ends = [
        float(level)
        for level, (_, amount, kind) in zip(levels[1:], steps, strict=True)
        if kind == "step" and amount < 0
    ]
    if ends:
        low = min(low, min(ends) - 0.18 * float(max(levels) - min(levels)))
    figure.update_xaxes(visible=False, range=[low, high])
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", automargin=True)
    return finish(figure, meta, surface)


def _levels(steps: Sequence[tuple[str, Decimal, str]]) -> list[Decimal]:
    """The cumulated level after each step, and zero."""
    level, levels = Decimal(0), [Decimal(0)]
    for _, amount, kind in steps:
        level = amount if kind == "total" else level + amount
        levels.append(level)
    return levels


def _room(levels: Sequence[Decimal]) -> list[float]:
    """A range from zero with room for the labels outside the bars, to either side."""
    low, high = float(min(levels)), float(max(levels))
    span = (high - low) or 1.0
    return [low - (0.18 * span if low < 0 else 0), high + 0.22 * span]


def ranked_bars(
    labels: Sequence[str],
    values: Sequence[Decimal],
    currency: str,
    meta: Mapping[str, object],
    surface: str = "screen",
    highlight: int | None = 0,
) -> go.Figure:
    """Horizontal bars from zero, in the order given; ``highlight`` is the one the title speaks of."""
    named = [wrapped(label) for label in labels]
    lines = max((name.count("<br>") + 1 for name in named), default=1)
    figure = go.Figure(
        go.Bar(
            y=named,
            x=[float(v) for v in values],
            orientation="h",
            marker_color=[tokens.ADVERSE if at == highlight else tokens.ACTUAL for at in range(len(values))],
            text=[numbers.money(v, currency) for v in values],
            customdata=[numbers.full_money(v) for v in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False, range=_room([Decimal(0), *values]))
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", automargin=True)
    row = max(ROW_HEIGHT, LINE_HEIGHT * lines)
    return finish(figure, meta, surface, height=max(160, 48 + row * len(values)))


def stacked_bars(
    labels: Sequence[str],
    series: Sequence[tuple[str, str, Sequence[Decimal]]],
    currency: str,
    meta: Mapping[str, object],
    surface: str = "screen",
) -> go.Figure:
    """Horizontal bars of (name, colour, a value per label), one behind the other, in the order given.

    Each bar ends with its sum; what is below zero stands to the left of it.
    """
    figure = go.Figure()
    for name, colour, values in series:
        figure.add_bar(
            y=[wrapped(label) for label in labels],
            x=[float(v) for v in values],
            name=name,
            orientation="h",
            marker_color=colour,
            customdata=[numbers.full_money(v) for v in values],
            hovertemplate=f"%{{y}}, {name.lower()}: %{{customdata}}<extra></extra>",
        )
    bars = list(zip(*(values for _, _, values in series), strict=True))
    ends = [sum((v for v in bar if v > 0), Decimal(0)) for bar in bars]
    lows = [sum((v for v in bar if v < 0), Decimal(0)) for bar in bars]
    figure.add_scatter(
        y=[wrapped(label) for label in labels],
        x=[float(end) for end in ends],
        mode="text",
        text=[f" {numbers.money(sum(bar, Decimal(0)), currency)}" for bar in bars],
        textposition="middle right",
        hoverinfo="skip",
        cliponaxis=False,
        showlegend=False,
    )
    figure.update_xaxes(visible=False, range=_room([Decimal(0), *ends, *lows]))
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", automargin=True)
    finish(figure, meta, surface, height=max(200, 96 + ROW_HEIGHT * len(labels)))
    figure.update_layout(
        barmode="relative",
        showlegend=True,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal"},
        margin_t=56,
    )
    return figure


def weeks_ahead(
    labels: Sequence[str],
    parts: Sequence[tuple[str, Sequence[Decimal]]],
    there: Sequence[Decimal],
    meta: Mapping[str, object],
    surface: str = "screen",
) -> go.Figure:
    """Stacked columns of booked hours by week, and a line of the hours people are there."""
    figure = go.Figure()
    colours = (tokens.SEQUENTIAL[6], tokens.ACTUAL, tokens.SEQUENTIAL[2])
    for (name, values), colour in zip(parts, colours, strict=True):
        figure.add_bar(
            x=list(labels),
            y=[float(v) for v in values],
            name=name,
            marker_color=colour,
            customdata=[numbers.count(v) for v in values],
            hovertemplate=f"%{{x}}, {name.lower()}: %{{customdata}} hours<extra></extra>",
        )
    figure.add_scatter(
        x=list(labels),
        y=[float(v) for v in there],
        name="There",
        mode="lines+markers",
        line={"color": tokens.ADVERSE, "width": 2},
        customdata=[numbers.count(v) for v in there],
        hovertemplate="%{x}, there: %{customdata} hours<extra></extra>",
    )
    figure.update_yaxes(rangemode="tozero", nticks=5)
    figure.update_xaxes(showgrid=False, type="category", tickangle=0, tickfont={"size": 11}, nticks=6)
    finish(figure, meta, surface)
    figure.update_layout(
        barmode="stack",
        showlegend=True,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal"},
        margin_t=56,
    )
    return figure


def year_path(
    labels: Sequence[str],
    parts: Sequence[tuple[str, Sequence[Decimal | None]]],
    plan: Sequence[Decimal | None],
    currency: str,
    meta: Mapping[str, object],
    surface: str = "screen",
) -> go.Figure:
    """Stacked columns by month, what was earned solid and what is expected hatched; the plan as a mark."""
    figure = go.Figure()
    colours = (
        tokens.ACTUAL,
        tokens.SEQUENTIAL[6],
        tokens.SEQUENTIAL[4],
        tokens.SEQUENTIAL[3],
        tokens.SEQUENTIAL[1],
    )
    for at, ((name, values), colour) in enumerate(zip(parts, colours, strict=True)):
        figure.add_bar(
            x=list(labels),
            y=[None if v is None else float(v) for v in values],
            name=name,
            marker={
                "color": colour,
                "pattern": {"shape": "/" if at else "", "fillmode": "overlay", "size": 5, "solidity": 0.2},
            },
            customdata=[numbers.money(v, currency) for v in values],
            hovertemplate=f"%{{x}}, {name.lower()}: %{{customdata}}<extra></extra>",
        )
    if any(v is not None for v in plan):
        figure.add_scatter(
            x=list(labels),
            y=[None if v is None else float(v) for v in plan],
            name="Plan",
            mode="markers",
            marker={
                "symbol": "line-ew-open",
                "size": 18,
                "color": tokens.ADVERSE,
                "line": {"width": 3, "color": tokens.ADVERSE},
            },
            customdata=[numbers.money(v, currency) for v in plan],
            hovertemplate="%{x}, plan: %{customdata}<extra></extra>",
        )
    figure.update_yaxes(rangemode="tozero", nticks=5, tickformat="~s")
    figure.update_xaxes(
        showgrid=False,
        type="category",
        tickmode="array",
        tickvals=list(labels),
        ticktext=[label.split()[0] for label in labels],
        tickangle=0,
        tickfont={"size": 11},
    )
    finish(figure, meta, surface)
    figure.update_layout(
        barmode="stack",
        showlegend=True,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal"},
        margin_t=72,
    )
    return figure


def estimate_path(
    days: Sequence[date],
    lines: Sequence[tuple[str, Sequence[Decimal | None]]],
    currency: str,
    meta: Mapping[str, object],
    surface: str = "screen",
) -> go.Figure:
    """Steps over days: each value stands until the next day; the first line is the one that is told."""
    figure = go.Figure()
    styles = ((tokens.ACTUAL, "solid", 3), (tokens.SEQUENTIAL[3], "solid", 2), (tokens.ADVERSE, "dash", 2))
    for (name, values), (colour, dash, width) in zip(lines, styles, strict=True):
        figure.add_scatter(
            x=list(days),
            y=[None if v is None else float(v) for v in values],
            name=name,
            mode="lines+markers",
            line={
                "shape": "linear" if name == "Cost to date" else "hv",
                "color": colour,
                "dash": dash,
                "width": width,
            },
            marker={"size": 8 if width == 3 else 5, "color": colour},
            customdata=[numbers.money(v, currency) for v in values],
            hovertemplate=f"%{{x|%d %b %Y}}, {name.lower()}: %{{customdata}}<extra></extra>",
        )
    figure.update_yaxes(rangemode="tozero", nticks=5, tickformat="~s")
    figure.update_xaxes(showgrid=False, type="date", tickformat="%d %b", nticks=8, tickfont={"size": 11})
    finish(figure, meta, surface)
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal"},
        margin_t=72,
    )
    return figure


def counted_bars(
    labels: Sequence[str], values: Sequence[int], meta: Mapping[str, object], surface: str = "screen"
) -> go.Figure:
    """Horizontal bars of how many, in the order given."""
    figure = go.Figure(
        go.Bar(
            y=[wrapped(label) for label in labels],
            x=list(values),
            orientation="h",
            marker_color=tokens.ACTUAL,
            text=[f"{value:,}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:,}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False, range=_room([Decimal(0), *map(Decimal, values)]))
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", automargin=True)
    return finish(figure, meta, surface, height=max(160, 48 + 36 * len(values)))
