"""The global filters: as of, period, comparison, scope. They live in the entry script and in the URL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import streamlit as st

from dashboards import data, numbers

PERIODS = {
    "MONTH": "Month",
    "QUARTER": "Quarter to date",
    "YTD": "Year to date",
    "T3M": "Last 3 months",
    "T12M": "Last 12 months",
}
MONTHS_BACK = {"MONTH": 1, "QUARTER": 3, "YTD": 12, "T3M": 3, "T12M": 12}
COMPARISONS = {"PP": "Prior period", "PY": "Prior year"}


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


def render() -> Filters:
    """Draws the filter bar and returns what it holds."""
    dates = data.as_of_dates()
    scopes = data.scopes()
    by_key = {f"{s.grain}:{s.member}": s for s in scopes}
    options = [d.isoformat() for d in dates]
    columns = st.columns([1.2, 1.2, 1.2, 2.4], vertical_alignment="bottom")
    with columns[0]:
        chosen = st.selectbox(
            "As of",
            options,
            index=options.index(default_as_of(dates).isoformat()),
            key="asof",
            bind="query-params",
            format_func=lambda text: numbers.day(date.fromisoformat(text)),
        )
    with columns[1]:
        period = st.selectbox(
            "Period",
            list(PERIODS),
            index=1,
            key="period",
            bind="query-params",
            format_func=lambda key: PERIODS[key],
        )
    with columns[2]:
        compare = st.selectbox(
            "Compare with",
            list(COMPARISONS),
            key="cmp",
            bind="query-params",
            format_func=lambda key: COMPARISONS[key],
        )
    with columns[3]:
        scope = st.selectbox(
            "Scope",
            list(by_key),
            key="scope",
            bind="query-params",
            format_func=lambda key: by_key[key].label,
            help="Narrow every number to one entity, practice, region or client.",
        )
    return Filters(
        as_of=date.fromisoformat(str(chosen)),
        period=str(period),
        compare=str(compare),
        scope=by_key.get(str(scope), data.FIRM),
    )
