"""KPI cards: value, change, trend, definition, and the rows behind the number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.frame import trust_note
from dashboards.components.links import link
from dashboards.components.rows import rows_dialog
from dashboards.filters import Filters, is_month_end
from dashboards.readings import History, Reading

SPARK_POINTS = 13


@dataclass(frozen=True)
class Kpi:
    """How a metric is shown: in which words, as money or as a share, which direction is good."""

    metric_id: str
    title: str
    is_balance: bool
    kind: str  # money | share (numerator over denominator) | times | days | months
    good: str = "up"  # up | down | none: neither is better
    controls: tuple[str, ...] = ()  # whose exceptions touch the number
    run_day: bool = False  # told as the run's own day knows it, so that there is nothing to compare with
    only: str | None = None  # the one period it is shown for, whatever period is asked for

    def period(self, filters: Filters) -> str:
        """The period type it is read at."""
        return self.only or ("POINT" if self.is_balance else filters.period)

    def value(self, reading: Reading | None) -> Decimal | None:
        """The number shown; a share is numerator over denominator, never an average."""
        if reading is None or reading.value is None:
            return None
        if self.kind in ("money", "days", "months"):
            return reading.value
        if not reading.denominator or reading.numerator is None:
            return None
        return reading.numerator / reading.denominator

    def read(self, history: History, filters: Filters, compare: bool = False) -> Decimal | None:
        """The number at the filters' as-of date, or at its comparison."""
        if not data.measured(self.metric_id, filters.scope):
            return None
        as_of = filters.compare_as_of if compare else filters.as_of
        at = history.money_at if self.kind == "money" else history.at
        return self.value(at(self.metric_id, self.period(filters), as_of))

    def text(self, value: Decimal | None, currency: str) -> str:
        """The number as it stands on the card."""
        if self.kind == "days":
            return numbers.days(value)
        if self.kind == "months":
            return numbers.months(value)
        if self.kind == "times":
            return numbers.times(value)
        return numbers.money(value, currency) if self.kind == "money" else numbers.percent(value)

    def compares(self, filters: Filters) -> bool:
        """Whether the comparison is of like with like: what flowed in part of a month is not."""
        return not self.run_day and (self.is_balance or not filters.is_running)

    def change(self, now: Decimal | None, before: Decimal | None, currency: str) -> str | None:
        """The change in words: money with its share of what was, points for a share; None without both."""
        if now is None or before is None:
            return None
        if self.kind == "share":
            return numbers.points(now - before)
        if self.kind == "days":
            return numbers.more_days(now - before)
        if self.kind == "months":
            return numbers.more_months(now - before)
        if self.kind == "times":
            return numbers.more_times(now - before)
        words = numbers.money(now - before, currency, sign=True)
        return f"{words} ({numbers.percent((now - before) / abs(before))})" if before else words

    def colour(self, now: Decimal | None, before: Decimal | None) -> Literal["green", "red", "gray"]:
        """The theme's favourable ("green", drawn blue) or adverse ("red", drawn orange); else grey."""
        if now is None or before is None or now == before or self.good == "none":
            return "gray"
        return "green" if (now > before) == (self.good == "up") else "red"

    def meta(self, filters: Filters) -> dict[str, object]:
        """What a figure of the metric was drawn from."""
        return {
            "metric": self.metric_id,
            "grain": filters.scope.grain,
            "filters": filters.query(),
            "run_id": data.pinned().run_id,
        }

    def trend(self, history: History, filters: Filters) -> list[float]:
        """Up to 13 points to the as-of date: month by month, or the balance at each month end."""
        if self.is_balance or self.kind == "share":
            found = history.series(self.metric_id, "POINT" if self.is_balance else "MONTH", filters.as_of)
        else:
            found = history.months(self.metric_id, filters.as_of)
        if not self.is_balance:
            found = [(day, reading) for day, reading in found if is_month_end(day)]
        values = [self.value(reading) for _, reading in found[-SPARK_POINTS:]]
        return [float(v) for v in values if v is not None]


def kpi_card(
    kpi: Kpi,
    filters: Filters,
    history: History,
    definitions: Mapping[str, data.Row],
    touching: Sequence[data.Row],
    sentence: str | None = None,
    on_rows: Callable[[], None] | None = None,
    page: str | None = None,
) -> None:
    """One card: value, change and what it was, trend, one sentence, rows, definition, trust mark.

    A number that does not exist is an en dash, never a zero. ``touching`` are the open blocking cases. Of a
    number that is no sum, ``on_rows`` shows what it is made of. ``page`` is the page that says more of it.
    """
    currency = data.currency()
    now, before = kpi.read(history, filters), kpi.read(history, filters, compare=True)
    if not kpi.compares(filters):
        before = None
    change = kpi.change(now, before, currency)
    unchanged = now is not None and now == before
    spark = kpi.trend(history, filters)
    with st.container(border=True, key=f"card_{kpi.metric_id}", gap="small", height="stretch"):
        st.metric(
            kpi.title,
            kpi.text(now, currency),
            # a zero as the number keeps the arrow away; else arrow and colour are set here, because the
            # widget knows a fall by a hyphen only
            delta=0 if unchanged else change,
            delta_color=kpi.colour(now, before),
            delta_arrow="off" if unchanged else "up" if _rose(now, before) else "down",
            delta_description=f"from {kpi.text(before, currency)}" if change else None,
            chart_data=spark if len(spark) > 1 else None,
            help=_plain(kpi, definitions),
        )
        if now is None:
            st.caption(_why_missing(kpi, definitions, filters))
        elif sentence:
            st.caption(numbers.md(sentence))
        st.space("stretch")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if data.measured(kpi.metric_id, filters.scope) and st.button(
                "Rows", key=f"rows_{kpi.metric_id}", type="tertiary", icon=":material/table_rows:"
            ):
                if on_rows is not None:
                    on_rows()
                else:
                    rows_dialog(kpi.metric_id, kpi.title, filters, kpi.period(filters))
            definition_popover(kpi.metric_id, definitions)
            if page is not None:
                link(page, "More", ":material/arrow_forward:", help=f"More on {kpi.title.lower()}")
        with st.container(gap=None, key=f"trust_{kpi.metric_id}"):
            held = [case for case in touching if case["control_id"] in kpi.controls]
            trust_note(held, currency, watched=bool(kpi.controls))


def _rose(now: Decimal | None, before: Decimal | None) -> bool:
    return now is not None and before is not None and now > before


def _plain(kpi: Kpi, definitions: Mapping[str, data.Row]) -> str | None:
    """The definition, for the question mark beside the title."""
    found = definitions.get(kpi.metric_id)
    return numbers.md(str(found["formula"])) if found else None


def _why_missing(kpi: Kpi, definitions: Mapping[str, data.Row], filters: Filters) -> str:
    found = definitions.get(kpi.metric_id, {})
    if not data.measured(kpi.metric_id, filters.scope):
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
