"""Revenue and forecast: where the year lands, against plan, what it rests on, and how good forecasts were."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial

import streamlit as st

from dashboards import data, names, numbers, outlook
from dashboards.components.cards import Kpi, kpi_card
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import Frame, empty, page_head
from dashboards.components.rows import count_columns, money_columns, record_name, to_csv
from dashboards.components.sums import sums_dialog
from dashboards.figures.charts import bridge, share_columns, year_path
from dashboards.filters import Filters, on_run_day
from dashboards.margin import REVENUE
from dashboards.outlook import (
    BOOKED_TO_PLAN,
    COVERAGE,
    NEXT_YEAR,
    PARTS,
    PIPELINE,
    TO_COME,
    TO_PLAN,
    WIN_RATE,
    Year,
)
from dashboards.readings import History
from dashboards.views.estimates import estimates_part
from dashboards.views.expected_revenue import expected_revenue

LISTED = 100
RATIOS = (TO_PLAN, BOOKED_TO_PLAN, COVERAGE, WIN_RATE)


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    page_head("Revenue and forecast", "Where will the year land, and how good were our forecasts?", frame)
    if not data.holds("revenue_outlook"):
        empty("This run was published before the outlook was kept; the next run has it.")
        return
    found = (*data.metric_rows(chosen.scope, chosen.period), *data.metric_rows(chosen.scope, "T12M"))
    history = History(found, data.as_of_dates())
    if not found:
        empty("Nothing was sold, planned or earned in", chosen)
        return
    definitions = data.definitions()
    told = outlook.year(chosen.scope, on_run_day(chosen).as_of)
    _headline(chosen, told)
    st.caption(
        f"{chosen.period_label}; changes are from {numbers.day(chosen.compare_as_of)}. "
        f"What is to come is always told for {numbers.day(on_run_day(chosen).as_of)}; "
        "the year and the plan are at budget rates."
    )
    with st.grid(4, min_column_width=230, gap="small", key="cards"):
        for kpi in (REVENUE, TO_PLAN, TO_COME, NEXT_YEAR, PIPELINE, COVERAGE, WIN_RATE, BOOKED_TO_PLAN):
            _card(kpi, chosen, history, definitions)
    with st.grid(2, min_column_width=340, gap="small", key="charts"):
        _path_chart(chosen, told, definitions)
        _made_of_chart(chosen, told, definitions)
    _accuracy_chart(chosen)
    _largest(chosen)
    expected_revenue(chosen, history, definitions)
    estimates_part(chosen)


def _card(kpi: Kpi, chosen: Filters, history: History, definitions: Mapping[str, data.Row]) -> None:
    at = on_run_day(chosen) if kpi in (TO_COME, NEXT_YEAR) else chosen
    on_rows = None
    if kpi in RATIOS:
        on_rows = partial(_ratio_dialog, kpi, at, history)
    kpi_card(kpi, at, history, definitions, (), _said(kpi, at, history), on_rows)


def _ratio_dialog(kpi: Kpi, chosen: Filters, history: History) -> None:
    sums_dialog(
        kpi.title,
        f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
        "Side",
        outlook.ratio_sums(kpi, chosen, history),
        kpi.metric_id,
    )


def _said(kpi: Kpi, chosen: Filters, history: History) -> str | None:
    """What a ratio is made of, in one sentence."""
    reading = history.at(kpi.metric_id, kpi.period(chosen), chosen.as_of)
    if kpi not in RATIOS or reading is None or reading.value is None:
        return None
    currency = data.currency()
    above, below = numbers.money(reading.numerator, currency), numbers.money(reading.denominator, currency)
    words = {
        TO_PLAN.metric_id: f"{above} of {below} planned.",
        BOOKED_TO_PLAN.metric_id: f"{above} of {below} planned.",
        WIN_RATE.metric_id: f"{above} won of {below} decided.",
        COVERAGE.metric_id: f"{above} open for {below} still to be booked this quarter.",
    }
    return words[kpi.metric_id]


def _headline(chosen: Filters, told: Year) -> None:
    """Where the year lands, against plan, and what of it is sure."""
    currency = data.currency()
    lands, plan, earned = told.outlook, told.plan, told.part(outlook.ACTUAL)
    year = on_run_day(chosen).as_of.year
    if lands is None:
        said = f"Where {year} lands is unknown: a booking, a deal or a currency has no rate."
    else:
        said = f"{year} is expected to land at {numbers.money(lands, currency)}"
        if plan:
            gap = lands - plan
            word = "above" if gap >= 0 else "short of"
            said += (
                f", {numbers.money(abs(gap), currency)} {word} the plan of {numbers.money(plan, currency)}"
            )
        said += "."
        likely = told.part("PIPELINE")
        if earned is not None and lands:
            said += f" {numbers.percent(earned / lands, 0)} of it is earned"
            said += f", {numbers.percent(likely / lands, 0)} has yet to be won." if likely else "."
    with st.container(key="headline"):
        st.markdown(numbers.md(said))


def _rows_of_year(chosen: Filters, told: Year) -> None:
    sums_dialog(
        "The year, part by part",
        f"{chosen.scope.label} · {on_run_day(chosen).as_of.year}",
        "Part",
        outlook.year_sums(chosen, told),
        "revenue_outlook",
    )


def _path_chart(chosen: Filters, told: Year, definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="path_place"):
        labels = [numbers.month(month.first_day) for month in told.months]
        parts = [
            (words, [month.parts.get(part, Decimal(0)) for month in told.months])
            for part, words in PARTS.items()
        ]
        plan = [month.plan for month in told.months]
        missed = [
            month
            for month in told.months
            if month.plan
            and month.first_day < on_run_day(chosen).as_of.replace(day=1)
            and (month.parts.get(outlook.ACTUAL) or Decimal(0)) < month.plan
        ]
        over = sum(1 for m in told.months if m.plan and m.first_day < on_run_day(chosen).as_of.replace(day=1))
        title = "The year by month"
        if over:
            title = f"{len(missed)} of {numbers.counted(over, 'whole month')} fell short of plan"
        chart_card(
            "year_path",
            title,
            f"Revenue by month, {currency} at budget rates: earned, expected (hatched), planned (mark)",
            year_path(labels, parts, plan, currency, TO_COME.meta(on_run_day(chosen))),
            [
                {
                    "Month": label,
                    **{words: values[at] for words, values in parts},
                    "Plan": plan[at],
                }
                for at, label in enumerate(labels)
            ],
            "Stacked columns of revenue by month, earned and expected, with a mark for the plan.",
            partial(_rows_of_year, chosen, told),
            TO_COME.metric_id,
            definitions,
        )


def _made_of_chart(chosen: Filters, told: Year, definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="made_of_place"):
        amounts = {part: told.part(part) for part in PARTS}
        if any(amount is None for amount in amounts.values()) or told.outlook is None:
            empty("A booking, a deal or a currency has no rate, so the year is unknown in", chosen)
            return
        steps = [
            (words, amounts[part] or Decimal(0), "step" if part != outlook.ACTUAL else "total")
            for part, words in PARTS.items()
            if amounts[part] or part == outlook.ACTUAL
        ]
        steps.append(("Expected for the year", told.outlook, "total"))
        title = "What the year is made of"
        if told.plan is not None:
            steps += [("To the plan", told.plan - told.outlook, "step"), ("Plan", told.plan, "total")]
            gap = told.outlook - told.plan
            title = f"{numbers.money(abs(gap), currency)} {'above' if gap >= 0 else 'short of'} plan"
        later = []
        if told.beyond:
            later.append(f"{numbers.money(told.beyond, currency)} come after this year")
        if told.undated:
            later.append(f"{numbers.money(told.undated, currency)} have no end to come")
        chart_card(
            "made_of",
            title,
            f"{currency} at budget rates" + (f"; {names.joined_words(later)}" if later else ""),
            bridge(steps, currency, TO_COME.meta(on_run_day(chosen)), good="none"),
            [{"Part": label, currency: amount} for label, amount, _ in steps],
            "A bridge from what was earned to what is expected for the year, and to the plan.",
            partial(_rows_of_year, chosen, told),
            TO_COME.metric_id,
            definitions,
        )


def _accuracy_chart(chosen: Filters) -> None:
    with st.container(key="accuracy_place"):
        judged = [row for row in outlook.accuracy(chosen.scope) if row["wape"] is not None]
        whole = [row for row in judged if row["measure"] == "REVENUE"]
        if not whole:
            with st.container(border=True, key="no_accuracy", gap="small"):
                st.subheader("How good forecasts were", anchor=False)
                st.caption(
                    "Every run keeps what it expected. A forecast is judged when a whole month has passed "
                    "after it; none has met its month here yet."
                )
            return
        shown = [_right(row) for row in whole]
        first = whole[0]
        lean = "too much" if first["bias"] > 0 else "too little"
        told = [
            f"{outlook.FORECASTS[row['measure']].lower()} {numbers.percent(_right(row), 0)}"
            for row in judged
            if row["measure"] != "REVENUE" and row["horizon"] == first["horizon"]
        ]
        chart_card(
            "accuracy",
            f"The latest forecasts were {numbers.percent(shown[0], 0)} right, by"
            f" {numbers.percent(abs(Decimal(first['bias'])))} {lean}",
            "Accuracy: 1 less the sum of errors without sign over actual revenue, last twelve whole months"
            + (f"; {names.joined_words(told)}" if told else ""),
            share_columns([_ahead(row) for row in whole], shown, TO_COME.meta(chosen)),
            [
                {
                    "Forecast": outlook.FORECASTS[row["measure"]],
                    "Ahead": _ahead(row),
                    "Months judged": row["months"],
                    "Errors": row["absolute_error"],
                    "Actual": row["absolute_actual"],
                    "Accuracy": numbers.percent(_right(row)),
                    "Bias": numbers.percent(Decimal(row["bias"])),
                    "Forecasts of cases": f"{row['forecasts']} of {row['cases']}",
                }
                for row in judged
            ],
            "Columns of how accurate forecasts were by how many months ahead they were made.",
            partial(
                sums_dialog,
                "Forecasts, month by month",
                f"{chosen.scope.label} · {data.currency()} at budget rates",
                "Forecast",
                outlook.accuracy_sums(chosen.scope, judged, data.currency()),
                "forecast_vintage",
            ),
        )


def _right(row: data.Row) -> Decimal:
    """How accurate: never below nothing, however wrong."""
    return max(Decimal(1) - Decimal(row["wape"]), Decimal(0))


def _ahead(row: data.Row) -> str:
    return f"{numbers.counted(row['horizon'], 'month')} ahead"


def _largest(chosen: Filters) -> None:
    """The contract lines and deals with most to come."""
    found = outlook.largest(chosen.scope, LISTED)
    if not found:
        return
    known = names.names()
    currency = data.currency()
    with st.container(border=True, key="to_come_list", gap="small"):
        st.subheader("What the forecast rests on", anchor=False)
        st.caption(f"Contract lines and deals, most to come first; {currency} at budget rates.")
        st.dataframe(
            [
                {
                    "Client": names.of_key("customer", r["customer_id"], known),
                    "What": "Deal" if r["is_deal"] else "Contract line",
                    "Record": record_name(r["record_id"], known)
                    if r["is_deal"]
                    else names.of_key("contract_line", r["record_id"], known),
                    "Practice": r["practice_id"],
                    "This year": numbers.plain(r["this_year"]),
                    "Later": numbers.plain(r["later"]),
                    "No end to come": numbers.plain(r["undated"]),
                    "Until": r["last_month"],
                }
                for r in found
            ],
            hide_index=True,
            key="to_come_table",
            placeholder=numbers.NO_VALUE,
            column_config={
                **money_columns("This year", "Later", "No end to come"),
                **count_columns(),
                "Until": st.column_config.DateColumn(format="MMM YYYY"),
            },
            alt="Contract lines and deals with what is expected of them.",
        )
        publication = data.pinned()
        sql, parameters = outlook.all_rows(chosen.scope)
        st.download_button(
            "All rows as CSV",
            data=lambda: to_csv(data.uncached_rows(publication, sql, *parameters)),
            file_name=f"revenue_outlook_{on_run_day(chosen).as_of}.csv",
            mime="text/csv",
            key="to_come_csv",
            icon=":material/download:",
            on_click="ignore",
        )
