"""Utilisation and capacity: who is over and under used, and what people are booked for in the weeks ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.address import pick_one
from dashboards.components.cards import Kpi, kpi_card
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import Frame, empty, page_head
from dashboards.components.rows import count_columns, money_columns, rows_dialog, to_csv
from dashboards.components.sums import sums_dialog
from dashboards.figures.charts import counted_bars, share_columns, weeks_ahead
from dashboards.filters import Filters, is_month_end, on_run_day
from dashboards.people import (
    AHEAD,
    BANDS,
    BOOKED,
    DENOMINATORS,
    bands,
    by_person,
    share,
    unbooked,
    week_sums,
    weeks,
)
from dashboards.readings import History

MONTHS_SHOWN = 13
LISTED = 200


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    page_head("Utilisation and capacity", "Who is over or under used, and is the work ahead staffed?", frame)
    if not data.holds("capacity_week"):
        empty("This run was published before people's weeks ahead were kept; the next run has them.")
        return
    history = History(data.metric_rows(chosen.scope, chosen.period), data.as_of_dates())
    kpi, against = _denominator()
    if not data.measured(kpi.metric_id, chosen.scope):
        empty("Hours are people's, whoever the client was: they are not measured by", chosen)
        return
    if not history.has(kpi.metric_id):
        empty("Nobody was there to be booked in", chosen)
        return
    definitions = data.definitions()
    idle = unbooked(chosen)
    headline(chosen, history, kpi, against, idle)
    st.caption(
        f"{chosen.period_label}; changes are from {numbers.day(chosen.compare_as_of)}. "
        f"What is booked ahead is always told for {numbers.day(on_run_day(chosen).as_of)}."
    )
    with st.grid(4, min_column_width=230, gap="small", key="cards"):
        kpi_card(kpi, chosen, history, definitions, (), _said(kpi, chosen, history, idle))
        for one in AHEAD.values():
            ahead = on_run_day(chosen)
            kpi_card(one, ahead, history, definitions, (), _said(one, ahead, history, idle))
    with st.grid(2, min_column_width=340, gap="small", key="charts"):
        _months_chart(chosen, history, kpi, definitions)
        _weeks_chart(chosen, definitions)
    people = by_person(chosen, kpi.metric_id)
    _bands_chart(chosen, kpi, people, definitions)
    _people_list(chosen, kpi, people)


def _denominator() -> tuple[Kpi, str]:
    """What billable hours are set against: one definition on the page at a time."""
    with st.container(key="denominator_place", width=320):
        code = pick_one(
            "Billable hours set against",
            "against",
            {code: words for code, (_, words) in DENOMINATORS.items()},
            "net",
            help="One definition stands on the page at a time. Weeks ahead are of hours people are there.",
        )
    return DENOMINATORS[code]


def headline(chosen: Filters, history: History, kpi: Kpi, against: str, idle: tuple[int, int] | None) -> None:
    """Two or three sentences from the same reads as the cards."""
    now, before = kpi.read(history, chosen), kpi.read(history, chosen, compare=True)
    if now is None:
        return
    said = [f"{numbers.percent(now)} of people's hours were billable"]
    if before is not None and kpi.compares(chosen) and before != now:
        said[0] += f", {numbers.points(now - before)} against {numbers.day(chosen.compare_as_of)}"
    said[0] += f" ({against[0].lower()}{against[1:]})."
    run_day = on_run_day(chosen)
    ahead = AHEAD[4].read(history, run_day)
    if ahead is not None:
        after = numbers.day(run_day.as_of)
        said.append(f"{numbers.percent(ahead, 0)} of the four weeks after {after} are firmly booked.")
    if idle is not None and idle[0]:
        verb = "has" if idle[0] == 1 else "have"
        said.append(
            f"{numbers.counted(idle[0], 'person', 'people')} of {idle[1]} {verb} no firm billable booking."
        )
    with st.container(key="headline"):
        st.markdown(numbers.md(" ".join(said)))


def _said(kpi: Kpi, chosen: Filters, history: History, idle: tuple[int, int] | None) -> str | None:
    """What a card's number is made of, in one sentence."""
    reading = history.at(kpi.metric_id, kpi.period(chosen), chosen.as_of)
    if reading is None or kpi.value(reading) is None:
        return None
    counted, against = numbers.count(reading.numerator), numbers.count(reading.denominator)
    if kpi not in AHEAD.values():
        return f"{counted} billable of {against} hours."
    said = f"{counted} firmly booked of {against} hours."
    if kpi is AHEAD[4] and idle is not None and not idle[0]:
        said += " Everybody has a booking."
    return said


def _months_chart(chosen: Filters, history: History, kpi: Kpi, definitions: Mapping[str, data.Row]) -> None:
    with st.container(key="months_place"):
        found = history.series(kpi.metric_id, "MONTH", chosen.as_of)[-MONTHS_SHOWN:]
        if not found:
            empty("Nobody was there in", chosen)
            return
        labels = [numbers.month(day) for day, _ in found]
        values = [kpi.value(reading) for _, reading in found]
        known = [(value, label) for value, label in zip(values, labels, strict=True) if value is not None]
        title = "Billable utilisation by month"
        if known:
            best = max(known)
            title = f"The best month was {best[1]} with {numbers.percent(best[0], 0)}"
        chart_card(
            "utilisation_months",
            title,
            f"Billable utilisation, {DENOMINATORS[_code_of(kpi)][1].lower()}, by month",
            share_columns(labels, values, kpi.meta(chosen), last_is_partial=not is_month_end(found[-1][0])),
            [
                {
                    "Month": label,
                    "Billable hours": reading.numerator,
                    "Set against": reading.denominator,
                    "Share": None if value is None else numbers.percent(value),
                }
                for label, value, (_, reading) in zip(labels, values, found, strict=True)
            ],
            "Columns of the share of billable hours by month.",
            lambda: rows_dialog(kpi.metric_id, kpi.title, chosen, "MONTH", [day for day, _ in found]),
            kpi.metric_id,
            definitions,
        )


def _code_of(kpi: Kpi) -> str:
    return next(code for code, (one, _) in DENOMINATORS.items() if one is kpi)


def _weeks_chart(chosen: Filters, definitions: Mapping[str, data.Row]) -> None:
    with st.container(key="weeks_place"):
        found = weeks(chosen)
        if not found:
            empty("Nobody is there in the twelve weeks ahead in", chosen)
            return
        if any(r["available_hours"] is None for r in found):
            empty("An entity has no calendar that far, so the hours ahead are unknown in", chosen)
            return
        labels = [f"{r['first_day'].day} {r['first_day']:%b}" for r in found]
        there = [Decimal(r["available_hours"]) for r in found]
        parts = [(name, [Decimal(r[column]) for r in found]) for column, name in BOOKED.items()]
        firm = sum((Decimal(r["firm_billable_hours"]) for r in found), Decimal(0))
        total = sum(there, Decimal(0))
        title = "Nobody is there in the twelve weeks ahead"
        if total:
            title = f"{numbers.percent(firm / total, 0)} of the next twelve weeks is firmly booked"
        chart_card(
            "weeks_ahead",
            title,
            f"Hours by week from {numbers.day(found[0]['first_day'])}: booked, and people there",
            weeks_ahead(labels, parts, there, AHEAD[12].meta(on_run_day(chosen))),
            [
                {"Week from": r["first_day"], "There": r["available_hours"]}
                | {name: r[column] for column, name in BOOKED.items()}
                for r in found
            ],
            "Columns of booked hours by week beside a line of the hours people are there for.",
            lambda: sums_dialog(
                "Hours in the weeks ahead",
                f"{chosen.scope.label} · after {numbers.day(on_run_day(chosen).as_of)}",
                "Part",
                week_sums(chosen, found),
                "weeks_ahead",
            ),
            AHEAD[12].metric_id,
            definitions,
        )


def _bands_chart(
    chosen: Filters, kpi: Kpi, people: Sequence[data.Row], definitions: Mapping[str, data.Row]
) -> None:
    with st.container(key="bands_place"):
        counted = bands(people)
        total = sum(count for _, count in counted)
        if not total:
            empty("Nobody was there in", chosen)
            return
        low = sum(count for (_, count), (start, _) in zip(counted, BANDS, strict=True) if start < 50)
        title = (
            f"{low} of {numbers.counted(total, 'person', 'people')} were billable less than half their hours"
        )
        if total == 1:
            title = "One person was there"
        chart_card(
            "people_by_utilisation",
            title,
            f"People by billable utilisation, {chosen.period_label}",
            counted_bars([name for name, _ in counted], [count for _, count in counted], kpi.meta(chosen)),
            [{"Billable": name, "People": count} for name, count in counted],
            "Bars of how many people were how far billable.",
            lambda: rows_dialog(kpi.metric_id, kpi.title, chosen, kpi.period(chosen)),
            kpi.metric_id,
            definitions,
        )


def _people_list(chosen: Filters, kpi: Kpi, people: Sequence[data.Row]) -> None:
    """Everybody with hours in the period, the least used first."""
    known = names.names()
    ordered = sorted(people, key=lambda r: (share(r) is None, share(r) or 0, r["resource_id"]))
    with st.container(border=True, key="people_list", gap="small"):
        st.subheader("Person by person", anchor=False)
        st.caption(
            f"{numbers.counted(len(ordered), 'person', 'people')}, the least used first. "
            f"{chosen.period_label}."
        )
        st.dataframe(
            [
                {
                    "Person": names.of_key("resource", r["resource_id"], known),
                    "Practice": r["practice_id"],
                    "Entity": names.of_key("legal_entity", r["legal_entity_id"], known),
                    "Billable hours": numbers.plain(r["counted"]),
                    "Set against": numbers.plain(r["set_against"]),
                    "Share": numbers.plain(share(r)),
                }
                for r in ordered[:LISTED]
            ],
            hide_index=True,
            key="people_table",
            placeholder=numbers.NO_VALUE,
            column_config={
                **money_columns("Billable hours", "Set against"),
                **count_columns(),
                "Share": st.column_config.NumberColumn(format="percent"),
            },
            alt="People with their hours, the least used first.",
        )
        if len(ordered) > LISTED:
            st.caption(f"The first {LISTED}; the file holds all of them.")
        st.download_button(
            "All people as CSV",
            data=lambda: to_csv(ordered),
            file_name=f"people_{kpi.metric_id}_{chosen.as_of}.csv",
            mime="text/csv",
            key="people_csv",
            icon=":material/download:",
            on_click="ignore",
        )
