"""Design tokens: colours checked for contrast and colour-blind difference, in light and dark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Surfaces and text of one appearance, and its categorical colours in fixed order."""

    background: str
    card: str
    text: str
    muted: str
    border: str
    primary: str
    link: str
    watch_text: str
    watch_fill: str
    categorical: tuple[str, ...]


LIGHT = Palette(
    background="#FFFFFF",
    card="#F4F6F8",
    text="#1B2530",
    muted="#55616E",
    border="#D5DBE1",
    primary="#0B5CAD",
    link="#0B5CAD",
    watch_text="#8A5F00",
    watch_fill="#FFF3EA",
    categorical=("#0B5CAD", "#9B300E", "#389475", "#BF75B4", "#94912D", "#393F45"),
)
DARK = Palette(
    background="#0F1720",
    card="#18222E",
    text="#E6EDF3",
    muted="#9DA9B5",
    border="#2E3B49",
    primary="#1F6FB5",
    link="#6CB4FF",
    watch_text="#FFB27A",
    watch_fill="#3A2413",
    categorical=("#6CB4FF", "#EE8022", "#3E977A", "#AA70A6", "#ECE64A", "#D8E4F6"),
)

# The same in both appearances: set in Python on marks, because their meaning must not change with the mode.
FAVOURABLE = "#2F7FC4"
ADVERSE = "#CF5A17"
ACTUAL = "#6B7785"
OTHER = "#6B7785"

SEQUENTIAL = (
    "#EAF3FC",
    "#CFE3F6",
    "#B0D0EF",
    "#8DBAE6",
    "#69A3DB",
    "#478BCC",
    "#2C74BA",
    "#185EA2",
    "#0B4A86",
    "#05376A",
)
DIVERGING = (
    "#8A3409",
    "#B8480C",
    "#D9783F",
    "#EBA77C",
    "#F6D5BE",
    "#CFE1F2",
    "#9CC3E6",
    "#5F9FD4",
    "#1F6FB5",
    "#0B4A86",
)


def chart_colours(palette: Palette) -> tuple[str, ...]:
    """Exactly ten: the six categorical ones, then the grey of "Other" four times."""
    return palette.categorical + (OTHER,) * (10 - len(palette.categorical))
