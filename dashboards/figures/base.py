"""What all figures share: margins, hover, zero-based bars, meta, templates for screen and print."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
import plotly.io as pio

from dashboards.theme import tokens

HEIGHT = 320

PRINT_TEMPLATE = go.layout.Template(
    layout=go.Layout(
        colorway=list(tokens.LIGHT.categorical),
        paper_bgcolor=tokens.LIGHT.background,
        plot_bgcolor=tokens.LIGHT.background,
        font={"color": tokens.LIGHT.text},
    )
)
pio.templates["throughline_print"] = PRINT_TEMPLATE


def finish(figure: go.Figure, meta: Mapping[str, object], surface: str = "screen") -> go.Figure:
    """Applies the shared layout; print uses our own template, screen leaves colours to the app's theme."""
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=False,
        hoverlabel={"namelength": -1},
        meta=dict(meta),
        dragmode=False,
    )
    if surface == "print":
        figure.update_layout(template="throughline_print")
    return figure
