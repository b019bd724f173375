"""What of receivables is expected in the next thirteen weeks, on the page of collections."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboards import data, numbers
from dashboards.cash_ahead import ahead, apart_said, sums
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import empty
from dashboards.components.sums import sums_dialog
from dashboards.figures.charts import time_columns
from dashboards.filters import Filters, on_run_day
from dashboards.receivables import OPEN

MONTH = 4


def cash_forecast(filters: Filters, definitions: Mapping[str, data.Row]) -> None:
    """Columns by week; nothing in runs published before it was made."""
    if not data.holds("cash_forecast"):
        return
    chosen, currency = on_run_day(filters), data.currency()
    with st.container(key="cash_forecast", gap="small"):
        found = ahead(chosen)
        if found is None:
            empty("A document has no exchange rate, so what will come in is unknown for", chosen)
            return
        if not found.open and not found.apart:
            return
        comes, stands = numbers.money(found.expected, currency), numbers.money(found.open, currency)
        slow, fast = (numbers.money(found.until(MONTH, of), currency) for of in ("slow", "fast"))
        said = (
            f"{chosen.scope.label}, {numbers.day(chosen.as_of)}, the run's own day. By how late each payer "
            f"paid in the last twelve months. In four weeks {slow} if all pay slowly, {fast} if all pay "
            "fast. Only what is invoiced; no source tells promises or disputes."
        )
        if found.apart:
            said += f" In no week: {apart_said(found.apart, currency)}."
        chart_card(
            "cash_ahead",
            f"{comes} of {stands} is expected within thirteen weeks",
            said,
            time_columns(
                [week.label for week in found.weeks],
                [week.expected for week in found.weeks],
                currency,
                OPEN.meta(chosen),
            ),
            [
                {
                    "Week from": week.first.isoformat(),
                    f"Expected, {currency}": week.expected,
                    "If paid fast": week.fast,
                    "If paid slowly": week.slow,
                    "Documents": week.documents,
                }
                for week in found.weeks
            ],
            f"Columns by week: {comes} of {stands} within thirteen weeks.",
            lambda: sums_dialog(
                "Cash expected",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Week",
                sums(chosen, found),
                "cash_forecast",
            ),
            OPEN.metric_id,
            definitions,
        )
