"""KPI cards: value, change, trend, definition, and the rows behind the number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.frame import trust_note
from dashboards.components.rows import rows_dialog
from dashboards.filters import Filters
from dashboards.readings import History, Reading

SPARK_POINTS = 13


@dataclass(frozen=True)
class Kpi:
    """How a metric is shown: in which words, as money or as a share, which direction is good."""

    metric_id: str
    title: str
    is_balance: bool
    kind: str  # money | share (numerator over denominator)
    good: str = "up"  # up | down
    controls: tuple[str, ...] = ()  # whose exceptions touch the number

    def period(self, filters: Filters) -> str:
        """The period type it is read at."""
        return "POINT" if self.is_balance else filters.period

    def value(self, reading: Reading | None) -> Decimal | None:
        """The number shown; a share is numerator over denominator, never an average."""
        if reading is None or reading.value is None:
            return None
        if self.kind == "money":
            return reading.value
        if not reading.denominator or reading.numerator is None:
            return None
        return reading.numerator / reading.denominator

    def read(self, history: History, filters: Filters, compare: bool = False) -> Decimal | None:
        """The number at the filters' as-of date, or at its comparison."""
        as_of = filters.compare_as_of if compare else filters.as_of
        at = history.money_at if self.kind == "money" else history.at
        return self.value(at(self.metric_id, self.period(filters), as_of))

    def text(self, value: Decimal | None, currency: str) -> str:
        """The number as it stands on the card."""
        return numbers.money(value, currency) if self.kind == "money" else numbers.percent(value)

    def change(self, now: Decimal | None, before: Decimal | None, currency: str) -> str | None:
        """The change in words: money with its share of what was, points for a share; None without both."""
        if now is None or before is None:
            return None
        if self.kind == "share":
            return numbers.points(now - before)
        words = numbers.money(now - before, currency, sign=True)
        return f"{words} ({numbers.percent((now - before) / abs(before))})" if before else words

    def trend(self, history: History, filters: Filters) -> list[float]:
        """Up to 13 points to the as-of date: month by month, or the balance at each month end."""
        if self.is_balance or self.kind == "share":
            found = history.series(self.metric_id, "POINT" if self.is_balance else "MONTH", filters.as_of)
        else:
            found = history.months(self.metric_id, filters.as_of)
        values = [self.value(reading) for _, reading in found[-SPARK_POINTS:]]
        return [float(v) for v in values if v is not None]


def kpi_card(
    kpi: Kpi,
    filters: Filters,
    history: History,
    definitions: Mapping[str, data.Row],
    blocking: Mapping[str, int],
) -> None:
    """One card. A number that does not exist is an en dash, never a zero."""
    currency = data.currency()
    now, before = kpi.read(history, filters), kpi.read(history, filters, compare=True)
    change = kpi.change(now, before, currency)
    unchanged = now is not None and now == before
    spark = kpi.trend(history, filters)
    with st.container(border=True, key=f"card_{kpi.metric_id}", gap="small", height="stretch"):
        st.metric(
            kpi.title,
            kpi.text(now, currency),
            # a fall is told to the widget by a leading hyphen; a zero as the number keeps the arrow away
            delta=0 if unchanged else change.replace(numbers.MINUS, "-", 1) if change else None,
            delta_color="normal" if kpi.good == "up" else "inverse",
            delta_description=filters.compare_label if change else None,
            chart_data=spark if len(spark) > 1 else None,
        )
        if now is None:
            st.caption(_why_missing(kpi, definitions, filters))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if st.button("Rows", key=f"rows_{kpi.metric_id}", type="tertiary", icon=":material/table_rows:"):
                rows_dialog(kpi.metric_id, kpi.title, filters, kpi.period(filters))
            definition_popover(kpi.metric_id, definitions)
            held = [control for control in kpi.controls if blocking.get(control)]
            trust_note(sum(blocking[control] for control in held), held)


def _why_missing(kpi: Kpi, definitions: Mapping[str, data.Row], filters: Filters) -> str:
    found = definitions.get(kpi.metric_id, {})
    if filters.scope.grain not in str(found.get("grains", filters.scope.grain)):
        return f"Not measured by {filters.scope.label.split(':')[0].lower()}."
    blank = found.get("blank_when")
    reason = f" It stays blank when {blank}." if blank else ""
    return f"No value at {numbers.day(filters.as_of)}.{reason}"


def definition_popover(metric_id: str, definitions: Mapping[str, data.Row]) -> None:
    """What the metric means, from what, whose it is."""
    found = definitions.get(metric_id)
    if found is None:
        return
    with st.popover("Definition", type="tertiary", icon=":material/info:"):
        st.markdown(f"**{found['name']}**")
        st.markdown(numbers.md(found["formula"]))
        lines: list[tuple[str, Callable[[], str]]] = [
            ("Made from", lambda: found["sources"].replace("_", " ")),
            ("Blank when", lambda: found["blank_when"]),
            ("Owner", lambda: names.role(found["owner"])),
            ("Version", lambda: str(found["version"])),
        ]
        st.caption("  \n".join(f"{label}: {words()}" for label, words in lines))
