"""Colours: contrast, difference for colour-blind eyes, the generated theme, and no hex outside the tokens."""

from __future__ import annotations

import itertools
import math
import re
import tomllib
from pathlib import Path

import pytest

from dashboards.theme import generate, tokens

DASHBOARDS = Path(__file__).resolve().parent.parent.parent / "dashboards"
HEX = re.compile(r"#[0-9A-Fa-f]{6}\b|#[0-9A-Fa-f]{3}\b")
PALETTES = {"light": tokens.LIGHT, "dark": tokens.DARK}
Rgb = tuple[float, float, float]

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
VISIONS: dict[str, tuple[Rgb, Rgb, Rgb]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(colour: str) -> Rgb:
    """sRGB hex to linear RGB."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return red, green, blue


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, vision: str) -> Rgb:
    """CIE L*a*b* (D65) of a colour as an eye with that vision sees it."""
    seen = linear(colour)
    red, green, blue = (
        min(1.0, max(0.0, sum(weight * part for weight, part in zip(row, seen, strict=True))))
        for row in VISIONS[vision]
    )
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def ciede2000(one: Rgb, other: Rgb) -> float:
    """CIEDE2000 colour difference."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean_c = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean_c**7 / (mean_c**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 if (a or b) else 0.0 for a, b in ((a1, b1), (a2, b2)))
    dl, dc = l2 - l1, c2 - c1
    dh = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    dh_term = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2))
    ml, mc = (l1 + l2) / 2, (c1 + c2) / 2
    if c1 * c2 == 0:
        mh = h1 + h2
    elif abs(h1 - h2) <= 180:
        mh = (h1 + h2) / 2
    else:
        mh = (h1 + h2 + 360) / 2 if h1 + h2 < 360 else (h1 + h2 - 360) / 2
    t = (
        1
        - 0.17 * math.cos(math.radians(mh - 30))
        + 0.24 * math.cos(math.radians(2 * mh))
        + 0.32 * math.cos(math.radians(3 * mh + 6))
        - 0.20 * math.cos(math.radians(4 * mh - 63))
    )
    sl = 1 + 0.015 * (ml - 50) ** 2 / math.sqrt(20 + (ml - 50) ** 2)
    sc, sh = 1 + 0.045 * mc, 1 + 0.015 * mc * t
    turn = 60 * math.exp(-(((mh - 275) / 25) ** 2))
    rt = -math.sin(math.radians(turn)) * 2 * math.sqrt(mc**7 / (mc**7 + 25**7))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh_term / sh) ** 2 + rt * (dc / sc) * (dh_term / sh))


def least_difference(colours: tuple[str, ...]) -> float:
    """Over all pairs and all four visions."""
    return min(
        ciede2000(lab(one, vision), lab(other, vision))
        for vision in VISIONS
        for one, other in itertools.combinations(colours, 2)
    )


def test_the_difference_formula_on_published_pairs() -> None:
    """From the test data of Sharma, Wu and Dalal (2005)."""
    pairs = [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ]
    for one, other, difference in pairs:
        assert ciede2000(one, other) == pytest.approx(difference, abs=1e-4)


def test_the_contrast_formula() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", PALETTES)
def test_text_can_be_read(mode: str) -> None:
    palette = PALETTES[mode]
    for surface in (palette.background, palette.card):
        for text in (palette.text, palette.muted, palette.link):
            assert contrast(text, surface) >= 4.5, (text, surface)
    assert contrast("#FFFFFF", palette.primary) >= 4.5
    assert contrast(palette.watch_text, palette.watch_fill) >= 4.5


@pytest.mark.parametrize("mode", PALETTES)
def test_marks_stand_out_from_the_page(mode: str) -> None:
    palette = PALETTES[mode]
    for mark in (tokens.FAVOURABLE, tokens.ADVERSE, tokens.ACTUAL, *palette.categorical):
        assert contrast(mark, palette.background) >= 3.0, mark


@pytest.mark.parametrize("mode", PALETTES)
def test_categories_differ_for_every_eye(mode: str) -> None:
    assert least_difference(PALETTES[mode].categorical) >= 15.0


def test_good_and_bad_differ_for_every_eye() -> None:
    assert least_difference((tokens.FAVOURABLE, tokens.ADVERSE)) >= 45.0
    assert least_difference(("#2E8B57", "#C0392B")) < 45.0, "green and red would fail this test"


def test_the_sequence_darkens_evenly() -> None:
    lightness = [lab(colour, "normal")[0] for colour in tokens.SEQUENTIAL]
    assert lightness == sorted(lightness, reverse=True)
    assert min(a - b for a, b in itertools.pairwise(lightness)) > 3


def test_the_theme_file_is_what_the_tokens_say() -> None:
    assert generate.TARGET.read_text(encoding="utf-8") == generate.render()


def test_the_theme_file_is_understood_and_quiet() -> None:
    theme = tomllib.loads(generate.render())
    assert theme["browser"]["gatherUsageStats"] is False
    assert theme["client"]["showErrorDetails"] == "none"
    assert theme["server"]["address"] == "127.0.0.1"
    for mode in PALETTES:
        assert len(theme["theme"][mode]["chartCategoricalColors"]) == 10
        assert theme["theme"][mode]["greenColor"] == tokens.FAVOURABLE
        assert theme["theme"][mode]["redColor"] == tokens.ADVERSE


def test_no_colour_outside_the_tokens() -> None:
    found = {
        str(path.relative_to(DASHBOARDS)): HEX.findall(path.read_text(encoding="utf-8"))
        for path in DASHBOARDS.rglob("*.py")
        if path.name != "tokens.py"
    }
    assert {name: colours for name, colours in found.items() if colours} == {}
    assert HEX.findall((DASHBOARDS / "theme" / "tokens.py").read_text(encoding="utf-8"))


def test_one_place_draws_charts() -> None:
    callers = {
        str(path.relative_to(DASHBOARDS))
        for path in DASHBOARDS.rglob("*.py")
        if re.search(r"\.plotly_chart\(|import plotly_chart", path.read_text(encoding="utf-8"))
    }
    assert callers == {"components/chart_card.py"}


def test_no_folder_beside_the_entry_is_called_pages() -> None:
    """Streamlit would route it by itself, and the first visitor would read "Page not found"."""
    assert not (DASHBOARDS / "pages").exists()
