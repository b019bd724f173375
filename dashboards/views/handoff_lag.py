"""Handoff lag: how long the way from won deal to cash takes, what waits on it, and what a day is worth."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import streamlit as st

from dashboards import data, numbers
from dashboards.components.address import pick_one
from dashboards.components.cards import kpi_card
from dashboards.components.frame import Frame, empty, page_head
from dashboards.components.rows import rows_dialog
from dashboards.components.sums import sums_dialog
from dashboards.filters import Filters, on_run_day
from dashboards.readings import History
from dashboards.views.handoff import STAGE_GRAINS, delayed, stage_sums, stages
from dashboards.views.handoff_delay import cohorts, reasons, recovery
from dashboards.views.handoff_return import handoff_return
from dashboards.views.waiting_cases import waiting_cases
from dashboards.waiting import (
    BILLED,
    LIMITS,
    SOONER,
    STAGES,
    Wait,
    capital,
    interest,
    sooner,
    sooner_sum,
    wait,
)


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = on_run_day(frame.filters)
    page_head(
        "Handoff lag",
        "How long from won deal to cash, where does it stall, and what does the wait cost?",
        frame,
    )
    history = History(data.metric_rows(chosen.scope, chosen.period), data.as_of_dates())
    firm = History(data.metric_rows(data.FIRM, chosen.period), data.as_of_dates())
    definitions = data.definitions()
    late = data.late_by_kind(chosen.scope)
    st.caption(
        f"State of {numbers.day(chosen.as_of)}, the run's own day, whatever date is chosen. "
        "Medians of what is done, in working days of the entity's calendar."
    )
    if chosen.scope.grain in STAGE_GRAINS:
        found = {r["stage"]: r for r in data.handoff_stages(chosen.scope)}
        where = f"{chosen.scope.label} · {numbers.day(chosen.as_of)}"
        with st.grid(4, min_column_width=230, gap="small", key="cards"):
            for stage, kpi in STAGES.items():
                row = found.get(stage)
                sums = [] if row is None else stage_sums(chosen.scope, [row])
                show = partial(sums_dialog, kpi.title, where, "Number", sums, kpi.metric_id)
                kpi_card(kpi, chosen, history, definitions, (), _said(row), show if sums else None)
    else:
        empty("How long stages take is measured for the firm, an entity or a practice, not by", chosen)
    with st.grid(2, min_column_width=340, gap="small", key="attention"):
        delayed(chosen, late, history)
        with st.container(gap="small"):
            rate = _what_if(chosen)
            if chosen.scope.grain in STAGE_GRAINS:
                _days_sooner(chosen, rate)
    stages(chosen)
    with st.grid(2, min_column_width=340, gap="small", key="delay"):
        cohorts(chosen)
        reasons(chosen)
    waiting_cases(chosen)
    recovery(chosen, firm)
    handoff_return(chosen, rate)


def _said(row: data.Row | None) -> str | None:
    """How many cases a stage's median is of, how slow the slowest tenth is, and what waits."""
    if row is None or not row["completed"]:
        return None
    said = f"Of {numbers.counted(row['completed'], 'case')}."
    if row["open_count"]:
        said += f" {numbers.counted(row['open_count'], 'case waits', 'cases wait')}."
    if row["completed"] < 20:
        said += " Fewer than 20: read with care."
    return said


def _days_sooner(chosen: Filters, rate: Decimal) -> None:
    """What a faster way to cash is worth: money that comes once, and its yearly cost, never added up."""
    currency = data.currency()
    with st.container(border=True, key="days_sooner", gap="small"):
        st.subheader("What days saved are worth", anchor=False)
        days = int(pick_one("Invoiced or paid sooner by", "sooner", SOONER, "5"))
        year = History(data.metric_rows(chosen.scope, "T12M"), data.as_of_dates())
        reading = year.at(BILLED, "T12M", chosen.as_of)
        if reading is None or reading.value is None:
            empty("Nothing was billed in twelve months, or an amount has no rate, in", chosen)
            return
        found = sooner(reading.value, days, rate)
        st.markdown(
            numbers.md(
                f"**{numbers.money(found.released, currency)}** comes in earlier, once. That saves "
                f"**{currency} {numbers.full_money(found.yearly)}** of interest a year."
            )
        )
        st.caption(
            numbers.md(
                f"{numbers.money(found.billed, currency)} billed in the last twelve months ÷ 365 × "
                f"{numbers.days(days)}, at {rate}% a year. Days saved and cost of capital are "
                "assumed by you; what is billed is measured. The two amounts are never added."
            )
        )
        if st.button("Rows", key="rows_days_sooner", type="tertiary", icon=":material/table_rows:"):
            rows_dialog(BILLED, "Billed in twelve months", chosen, "T12M")


def _what_if(chosen: Filters) -> Decimal:
    """What the wait costs, and what a limit to it would bring forward: no revenue that was not earned.

    Returns the cost of capital that is chosen, in per cent a year.
    """
    currency = data.currency()
    with st.container(border=True, key="what_if", gap="small"):
        st.subheader("What the wait costs", anchor=False)
        with st.grid(2, min_column_width=160, gap="small", key="asking"):
            with st.container(gap=None):
                rate = Decimal(pick_one("Cost of capital", "capital", *capital()))
            with st.container(gap=None):
                limit = int(pick_one("Beyond its due day at most", "limit", LIMITS, "10"))
        found = wait(chosen, limit)
        if found is None:
            empty("An amount has no exchange rate, so what the wait costs is unknown in", chosen)
            return rate
        if not found.cases:
            empty("No money waits beyond its due day in", chosen)
            return rate
        st.markdown(numbers.md(_cost(found, rate, limit, currency)))
        st.caption(
            f"Interest is amount × days late × {rate}% ÷ 365, of what waits today. Money that comes sooner "
            "is no more revenue; it is the same, earlier."
        )
        if found.cases_sooner and st.button(
            "Rows", key="rows_what_if", type="tertiary", icon=":material/table_rows:"
        ):
            sums_dialog(
                "What would not wait any more",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Number",
                [sooner_sum(chosen, limit, found.amount_sooner, found.cases_sooner)],
                "waits_longer",
            )
    return rate


def _cost(found: Wait, rate: Decimal, limit: int, currency: str) -> str:
    """The wait in two sentences."""
    so_far = f"{currency} {numbers.full_money(interest(found.money_days, rate))}"
    saved = f"{currency} {numbers.full_money(interest(found.money_days_sooner, rate))}"
    said = (
        f"**{numbers.money(found.amount, currency)}** that waits beyond its due day has cost "
        f"**{so_far}** of interest so far."
    )
    if not found.cases_sooner:
        return f"{said} Nothing of it waits longer than {numbers.days(limit)}."
    at_most = f"at most {numbers.days(limit)} beyond its due day" if limit else "not beyond its due day"
    return (
        f"{said} Had everything waited {at_most}, **{numbers.money(found.amount_sooner, currency)}** of it "
        f"({numbers.counted(found.cases_sooner, 'case')}) would be in, and "
        f"**{saved}** of the interest saved."
    )
