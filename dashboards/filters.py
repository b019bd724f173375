"""The global filters: as of, period, comparison, scope. They live in the entry script and in the URL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode

import streamlit as st

from dashboards import data, numbers
from dashboards.components.address import pick_one
from dashboards.readings import first_month

PERIODS = {
    "MONTH": "Month",
    "QUARTER": "Quarter to date",
    "YTD": "Year to date",
    "T3M": "Last 3 months",
    "T12M": "Last 12 months",
}
MONTHS_BACK = {"MONTH": 1, "QUARTER": 3, "YTD": 12, "T3M": 3, "T12M": 12}
COMPARISONS = {"PP": "Prior period", "PY": "Prior year"}
DEFAULT_PERIOD, DEFAULT_COMPARISON = "QUARTER", "PP"


@dataclass(frozen=True)
class Filters:
    """What every page is asked for."""

    as_of: date
    period: str
    compare: str
    scope: data.Scope

    @property
    def compare_as_of(self) -> date:
        """The as-of date of the comparison: month end one period (or a year) earlier."""
        return months_before(self.as_of, 12 if self.compare == "PY" else MONTHS_BACK[self.period])

    @property
    def period_label(self) -> str:
        """For subtitles: ``Quarter to date to 31 May 2026``."""
        return f"{PERIODS[self.period]} to {numbers.day(self.as_of)}"

    @property
    def compare_label(self) -> str:
        """``vs 28 Feb 2026``."""
        return f"vs {numbers.day(self.compare_as_of)}"

    @property
    def is_running(self) -> bool:
        """Whether the period ends within a month: what flowed in it compares with no whole period."""
        return not is_month_end(self.as_of)

    @property
    def starts_on(self) -> date:
        """First day of the period."""
        return first_month(self.as_of, self.period)

    def query(self, **more: str) -> str:
        """The filters as a query string, everything named, so that a link never shifts with the defaults."""
        named = {
            "asof": self.as_of.isoformat(),
            "period": self.period,
            "cmp": self.compare,
            "scope": self.scope.key,
        }
        return urlencode({**named, **more})


def on_run_day(chosen: Filters) -> Filters:
    """The filters at the run's own day, for what is known of no other."""
    return replace(chosen, as_of=data.run_info()["as_of"])


def months_before(day: date, months: int) -> date:
    """The month end ``months`` months before the month of ``day``."""
    position = day.year * 12 + day.month - months
    first_of_next = date(position // 12, position % 12 + 1, 1)
    return first_of_next - timedelta(days=1)


def is_month_end(day: date) -> bool:
    """Whether the next day begins a month."""
    return (day + timedelta(days=1)).day == 1


def default_as_of(dates: list[date]) -> date:
    """The last complete month; a running month is chosen on purpose, never by default."""
    return next((d for d in dates if is_month_end(d)), dates[0])


def _reset(*keys: str) -> None:
    for key in keys:
        st.session_state[key] = ""


def narrow(scope_key: str) -> None:
    """Narrows all pages to a scope; for callbacks."""
    st.session_state["scope"] = scope_key


NOT_MOVED = "This page shows the state of the run itself; the filter is kept for the other pages."


def render(timed: bool = True) -> Filters:
    """Draws the filter bar with a chip for every filter that is not at its default; returns what it holds.

    ``timed`` is False on a page that time filters do not move: there they are shown, kept and not offered.
    """
    told, still = (None, False) if timed else (NOT_MOVED, True)
    dates = data.as_of_dates()
    by_key = {s.key: s for s in data.scopes()}
    defaults = {
        "asof": default_as_of(dates).isoformat(),
        "period": DEFAULT_PERIOD,
        "cmp": DEFAULT_COMPARISON,
        "scope": data.FIRM.key,
    }
    with st.grid(4, min_column_width=160, gap="small", key="filter_bar"):
        with st.container(gap=None):
            as_of = pick_one(
                "As of",
                "asof",
                {d.isoformat(): _as_of_label(d) for d in dates},
                defaults["asof"],
                told,
                still,
            )
        with st.container(gap=None):
            period = pick_one("Period", "period", PERIODS, DEFAULT_PERIOD, told, still)
        with st.container(gap=None):
            compare = pick_one("Compare with", "cmp", COMPARISONS, DEFAULT_COMPARISON, told, still)
        with st.container(gap=None):
            scope = pick_one(
                "Scope",
                "scope",
                {key: s.label for key, s in by_key.items()},
                data.FIRM.key,
                help="Narrow every number to one entity, practice, region or client.",
            )
    chosen = Filters(date.fromisoformat(as_of), period, compare, by_key[scope])
    _chips(chosen, defaults if timed else {"scope": defaults["scope"]})
    return chosen


def _as_of_label(day: date) -> str:
    return numbers.day(day) if is_month_end(day) else f"{numbers.day(day)} (month not over)"


def _chips(chosen: Filters, defaults: dict[str, str]) -> None:
    held = {
        "asof": (chosen.as_of.isoformat(), f"As of {numbers.day(chosen.as_of)}"),
        "period": (chosen.period, PERIODS[chosen.period]),
        "cmp": (chosen.compare, f"Against {COMPARISONS[chosen.compare].lower()}"),
        "scope": (chosen.scope.key, chosen.scope.label),
    }
    active = {key: words for key, (value, words) in held.items() if value != defaults.get(key, value)}
    if not active:
        return
    with st.container(horizontal=True, gap="small", key="filter_chips"):
        for key, words in active.items():
            st.button(
                words,
                key=f"clear_{key}",
                icon=":material/close:",
                icon_position="right",
                help="Remove this filter",
                on_click=_reset,
                args=(key,),
            )
        if len(active) > 1:
            st.button("Clear all", key="clear_all", type="tertiary", on_click=_reset, args=tuple(active))
