"""What all figures share: margins, hover, zero-based bars, meta, templates for screen and print."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
import plotly.io as pio

from dashboards.theme import tokens

HEIGHT = 320
PRINT = "throughline_print"
_WRAP = 22

pio.templates[PRINT] = go.layout.Template(
    layout=go.Layout(
        colorway=list(tokens.LIGHT.categorical),
        paper_bgcolor=tokens.LIGHT.background,
        plot_bgcolor=tokens.LIGHT.background,
        font={"color": tokens.LIGHT.text},
    )
)


def finish(
    figure: go.Figure, meta: Mapping[str, object], surface: str = "screen", height: int = HEIGHT
) -> go.Figure:
    """Applies the shared layout; print uses our own template, screen leaves colours to the app's theme."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 16, "b": 8, "autoexpand": True},
        showlegend=False,
        hoverlabel={"namelength": -1},
        meta=dict(meta),
        dragmode=False,
        bargap=0.35,
        template=PRINT if surface == "print" else "streamlit",
    )
    return figure


def wrapped(label: str) -> str:
    """A long category on several lines, so that the marks keep their room on a phone."""
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _WRAP:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)
