"""Figures: bars from zero, meaning in colour set by us, a template named always."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dashboards.figures.base import PRINT, wrapped
from dashboards.figures.charts import bridge, ranked_bars, time_columns
from dashboards.theme import tokens

D = Decimal
META = {"metric": "m", "run_id": "r"}


def figures(surface: str = "screen") -> dict[str, Any]:
    return {
        "columns": time_columns(["Jan 26", "Feb 26"], [D(5), D(-3)], "USD", META, surface),
        "bars": ranked_bars(["A", "B"], [D(900), D(100)], "USD", META, surface),
        "bridge": bridge(
            [
                ("Open", D(100), "total"), ("Up", D(20), "step"),
                ("Down", D(-150), "step"), ("End", D(-30), "total"),
            ],
            "USD",
            META,
            surface,
        ),
    }  # fmt: skip


def value_axis(figure: Any) -> Any:
    return figure.layout.xaxis if figure.data[0].orientation == "h" else figure.layout.yaxis


@pytest.mark.parametrize("name", ["columns", "bars", "bridge"])
def test_bars_start_at_zero(name: str) -> None:
    axis = value_axis(figures()[name])
    if axis.range is None:
        assert axis.rangemode == "tozero"
    else:
        assert axis.range[0] <= 0 <= axis.range[1]


@pytest.mark.parametrize("name", ["columns", "bars", "bridge"])
def test_every_figure_names_what_it_shows_and_its_template(name: str) -> None:
    on_screen, printed = figures()[name], figures("print")[name]
    assert on_screen.layout.meta == META
    assert on_screen.layout.showlegend is False
    assert printed.layout.template.layout.colorway == tokens.LIGHT.categorical
    assert PRINT == "throughline_print"


def test_rise_and_fall_carry_our_colours() -> None:
    trace = figures()["bridge"].data[0]
    assert trace.increasing.marker.color == tokens.FAVOURABLE
    assert trace.decreasing.marker.color == tokens.ADVERSE
    assert trace.totals.marker.color == tokens.ACTUAL
    assert list(trace.text) == ["$100", "+$20", "−$150", "−$30"]


def test_where_less_is_better_a_fall_is_favourable() -> None:
    steps = [("Open", D(100), "total"), ("Paid", D(-50), "step"), ("End", D(50), "total")]
    trace = bridge(steps, "USD", META, good="down").data[0]
    assert trace.decreasing.marker.color == tokens.FAVOURABLE
    assert trace.increasing.marker.color == tokens.ADVERSE


def test_where_neither_is_better_rise_and_fall_are_no_judgement() -> None:
    steps = [("Open", D(100), "total"), ("Earned", D(-50), "step"), ("End", D(50), "total")]
    trace = bridge(steps, "USD", META, good="none").data[0]
    assert trace.decreasing.marker.color == trace.increasing.marker.color
    assert trace.increasing.marker.color not in (tokens.FAVOURABLE, tokens.ADVERSE)


def test_the_label_of_a_fall_that_ends_near_the_left_has_room_before_the_names() -> None:
    steps = [
        ("Open", D(33), "total"),
        ("Done", D(700), "step"),
        ("Billed", D(-714), "step"),
        ("End", D(19), "total"),
    ]
    low, high = bridge(steps, "USD", META).layout.xaxis.range
    assert 19 - low > 0.1 * (high - low)


def test_one_bar_is_highlighted() -> None:
    assert list(figures()["bars"].data[0].marker.color) == [tokens.ADVERSE, tokens.ACTUAL]


def test_a_month_that_is_not_over_is_hatched() -> None:
    whole = time_columns(["a", "b"], [D(1), D(2)], "USD", META)
    partial = time_columns(["a", "b"], [D(1), D(2)], "USD", META, last_is_partial=True)
    assert list(whole.data[0].marker.pattern.shape) == ["", ""]
    assert list(partial.data[0].marker.pattern.shape) == ["", "/"]


def test_many_columns_label_the_last_the_highest_and_the_lowest() -> None:
    values = [D(v) for v in (5, 4, 9, 3, 6, 5, 4, 7)]
    text = list(time_columns([str(v) for v in range(8)], values, "USD", META).data[0].text)
    assert text == ["", "", "$9", "$3", "", "", "", "$7"]


def test_the_year_stands_where_it_begins() -> None:
    figure = time_columns(["Nov 25", "Dec 25", "Jan 26"], [D(1)] * 3, "USD", META)
    assert list(figure.layout.xaxis.ticktext) == ["Nov<br>25", "Dec", "Jan<br>26"]


def test_of_two_years_every_second_month_is_named() -> None:
    months = [
        f"{name} {year}" for year in (25, 26) for name in ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul")
    ]
    figure = time_columns(months, [D(1)] * len(months), "USD", META)
    assert list(figure.layout.xaxis.ticktext) == [
        "Jan<br>25", "", "Mar", "", "May", "", "Jul", "", "Feb<br>26", "", "Apr", "", "Jun", "",
    ]  # fmt: skip


def test_a_gap_stays_a_gap() -> None:
    assert list(time_columns(["a", "b"], [D(1), None], "USD", META).data[0].y) == [1.0, None]


def test_long_labels_wrap() -> None:
    assert wrapped("Project with activity has no active contract line") == (
        "Project with activity<br>has no active contract<br>line"
    )


def test_categories_of_many_lines_have_room() -> None:
    def tall(label: str) -> int:
        return int(ranked_bars([label] * 5, [D(1)] * 5, "USD", META).layout.height)

    long = "Approved to billable: Approved billable item not transferred to billing"
    assert wrapped(long).count("<br>") == 3
    assert tall("A short one") == tall("Invoiced to paid: No control has anything against it") == 288
    assert tall(long) == 368
