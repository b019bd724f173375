"""KPI cards: value, change, trend, definition, and the rows behind the number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from dashboards import data, numbers
from dashboards.components.rows import rows_dialog
from dashboards.filters import Filters

SPARK_POINTS = 13


@dataclass(frozen=True)
class Kpi:
    """How a metric is shown: which part of its row, in which words, which direction is good."""

    metric_id: str
    title: str
    is_balance: bool
    kind: str  # money | ratio | days
    part: str = "value"  # value | ratio (numerator over denominator)
    good: str = "up"  # up | down | none


def value_of(kpi: Kpi, row: data.Row | None) -> Decimal | None:
    """The number a card shows; a ratio is numerator over denominator, never an average."""
    if row is None:
        return None
    if kpi.part == "ratio":
        if not row["denominator"] or row["value"] is None:
            return None
        return Decimal(row["numerator"]) / Decimal(row["denominator"])
    return None if row["value"] is None else Decimal(row["value"])


def read(kpi: Kpi, filters: Filters, compare: bool = False) -> Decimal | None:
    """The metric at the filters' as-of date, or at its comparison."""
    as_of = filters.compare_as_of if compare else filters.as_of
    return value_of(kpi, data.metric(kpi.metric_id, as_of, _period(kpi, filters), filters.scope, _view(kpi)))


def _period(kpi: Kpi, filters: Filters) -> str:
    return "POINT" if kpi.is_balance else filters.period


def _view(kpi: Kpi) -> str:
    return "NA" if kpi.kind == "days" or kpi.metric_id.startswith("billable_utilisation") else "RC"


def text(kpi: Kpi, value: Decimal | None, currency: str) -> str:
    """The value as it stands on the card."""
    formatters: dict[str, Callable[[Decimal | None], str]] = {
        "money": lambda v: numbers.money(v, currency),
        "ratio": numbers.percent,
        "days": numbers.days,
    }
    return formatters[kpi.kind](value)


def _delta(kpi: Kpi, now: Decimal | None, before: Decimal | None, currency: str) -> str | int | None:
    if now is None or before is None:
        return None
    change = now - before
    if change == 0:
        return 0
    if kpi.kind == "ratio":
        return numbers.points(change)
    if kpi.kind == "days":
        return f"{numbers.MINUS if change < 0 else '+'}{numbers.days(abs(change))}"
    words = numbers.money(change, currency, sign=True)
    return f"{words} ({numbers.percent(change / abs(before))})" if before else words


def kpi_card(kpi: Kpi, filters: Filters, currency: str) -> None:
    """One card. A number that does not exist is an en dash, never a zero."""
    now, before = read(kpi, filters), read(kpi, filters, compare=True)
    series = [
        value_of(kpi, r)
        for r in data.metric_series(kpi.metric_id, _period(kpi, filters), filters.scope, _view(kpi))
        if r["as_of"] <= filters.as_of
    ]
    spark = [float(v) for v in series[-SPARK_POINTS:] if v is not None]
    definition = data.definition(kpi.metric_id) or {}
    delta = _delta(kpi, now, before, currency)
    falls = isinstance(delta, str) and delta.startswith(numbers.MINUS)
    colour = {"up": "normal", "down": "inverse", "none": "off"}[kpi.good]
    with st.container(border=True, key=f"card_{kpi.metric_id}_{kpi.part}"):
        st.metric(
            kpi.title,
            text(kpi, now, currency),
            delta=delta.replace(numbers.MINUS, "-", 1) if falls and isinstance(delta, str) else delta,
            delta_color=colour,  # type: ignore[arg-type]
            delta_description=filters.compare_label if delta is not None else None,
            chart_data=spark if len(spark) > 1 else None,
            help=f"{definition.get('name', kpi.title)}: {definition.get('formula', '')}",
        )
        if st.button(
            "Rows", key=f"rows_{kpi.metric_id}_{kpi.part}", type="tertiary", icon=":material/table_rows:"
        ):
            rows_dialog(kpi.metric_id, kpi.title, filters, _period(kpi, filters))
