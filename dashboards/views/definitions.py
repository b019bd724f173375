"""Definitions: what every number means, from what it is made, whose it is, and what it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.address import pick_one
from dashboards.components.frame import Frame, empty, page_head
from dashboards.components.rows import rows_dialog, to_csv
from dashboards.filters import PERIODS, Filters
from dashboards.readings import History

# kinds of metric whose rows are published; a median's, a stock's and a rate's parts stand on their own pages
LISTED = ("flow", "balance", "margin")
DIRECTIONS = {"up": "More is better", "down": "Less is better", "none": "Neither way is better"}
KINDS = {
    "flow": "What flowed in a period",
    "balance": "What stands on a date",
    "margin": "What is left of revenue",
    "ratio": "One sum over another",
    "ahead": "One sum over another, of the time to come",
    "days": "Days of billing",
    "median": "The middle of all cases",
    "stock": "What is open on a date",
}


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    page_head("Definitions", "What does each number mean, and what is it now?", frame)
    known = data.registry()
    by_id = {r["metric_id"]: r for r in known}
    # some metrics have no other period than three or twelve months
    told = [*data.metric_rows(chosen.scope, chosen.period), *data.metric_rows(chosen.scope, "T3M")]
    history = History(told, data.as_of_dates())
    with st.grid(2, min_column_width=340, gap="small", key="asking"):
        with st.container(gap=None):
            asked = st.text_input(
                "Search", key="q", bind="query-params", placeholder="A name, a word of a formula, an owner"
            )
        with st.container(gap=None):
            metric = pick_one(
                "Metric", "metric", {r["metric_id"]: str(r["name"]) for r in known}, known[0]["metric_id"]
            )
    found = matching(known, asked)
    detail(by_id[metric], chosen, history)
    with st.container(border=True, key="registry", gap="small"):
        st.subheader(
            f"{numbers.counted(len(found), 'metric')} {'found' if asked else 'in the registry'}", anchor=False
        )
        st.caption(numbers.md(f"Values of {chosen.scope.label}. Choose a row to read it above."))
        if not found:
            empty(f"No metric says “{asked}”.")
            return
        st.dataframe(
            [
                {
                    "Metric": r["name"],
                    "Value": shown(r, chosen, history),
                    "When": when(r, chosen),
                    "What it is": r["formula"],
                    "Owner": names.role(r["owner"]),
                    "Id": r["metric_id"],
                }
                for r in found
            ],
            hide_index=True,
            key="definition_table",
            on_select=lambda: _picked(found),
            selection_mode="single-row",
            column_config={"What it is": st.column_config.TextColumn(width="large")},
            alt="Every metric with its value, its formula and its owner.",
        )
        st.download_button(
            "Registry as CSV",
            data=lambda: to_csv(found),
            file_name="metrics.csv",
            mime="text/csv",
            key="registry_csv",
            icon=":material/download:",
            on_click="ignore",
        )


def matching(known: Sequence[data.Row], asked: str) -> list[data.Row]:
    """The metrics in which every word asked for stands: in name, id, formula, sources or owner."""
    words = asked.lower().split()
    return [
        r
        for r in known
        if all(
            word in f"{r['name']} {r['metric_id']} {r['formula']} {r['sources']} {r['owner']}".lower()
            for word in words
        )
    ]


def _picked(found: Sequence[data.Row]) -> None:
    rows = st.session_state["definition_table"]["selection"]["rows"]
    if rows:
        st.session_state["metric"] = found[rows[0]]["metric_id"]


def period_of(metric: Mapping[str, object], chosen: Filters) -> str:
    """The period type a metric is read at: the one asked for where it has it, else its own first."""
    own = [part.strip() for part in str(metric["period_types"]).split(",")]
    return chosen.period if chosen.period in own else own[0]


def day_of(metric: Mapping[str, object], chosen: Filters) -> date:
    """The day a metric is read on: lags, what waits and what is to come are known for the run's day only."""
    run_day: date = data.run_info()["as_of"]
    return run_day if metric["kind"] in ("ahead", "median", "stock") else chosen.as_of


def when(metric: Mapping[str, object], chosen: Filters) -> str:
    """``30 Jun 2026`` or ``Quarter to date to 30 Jun 2026``."""
    day, period = numbers.day(day_of(metric, chosen)), period_of(metric, chosen)
    return day if period == "POINT" else f"{PERIODS[period]} to {day}"


def shown(metric: Mapping[str, object], chosen: Filters, history: History) -> str:
    """The metric's number at the filters, in its unit; an en dash where there is none."""
    metric_id, unit, currency = str(metric["metric_id"]), metric["unit"], data.currency()
    # of money nothing is a zero, where it is measured at all
    measured = unit == "money" and data.measured(metric_id, chosen.scope)
    at = history.money_at if measured else history.at
    found = at(metric_id, period_of(metric, chosen), day_of(metric, chosen))
    value = found.value if found else None
    if value is None:
        return numbers.NO_VALUE
    if unit == "money":
        return numbers.money(value, currency)
    if unit == "money an hour":
        return f"{numbers.full_money(value)} {currency} an hour"
    if unit == "ratio":
        return numbers.percent(value)
    if unit == "times":
        return numbers.times(value)
    if unit == "months":
        return numbers.months(value)
    if unit == "money x days":
        return f"{numbers.money(value, currency)}-days"
    return numbers.days(value, "working day" if unit == "working days" else "day")


def detail(metric: Mapping[str, object], chosen: Filters, history: History) -> None:
    """One metric: its number, its words, and the rows behind it where they are published."""
    name, metric_id = str(metric["name"]), str(metric["metric_id"])
    with st.container(border=True, key="definition", gap="small"):
        st.metric(f"{name} · {when(metric, chosen)}", shown(metric, chosen, history), width="content")
        st.markdown(numbers.md(str(metric["formula"])))
        lines = (
            ("Kind", KINDS[str(metric["kind"])]),
            ("Unit", str(metric["unit"])),
            ("Direction", DIRECTIONS[str(metric["good_direction"])]),
            ("Blank when", str(metric["blank_when"])),
            ("Shown by", _words(metric["grains"])),
            (
                "Periods",
                ", ".join(
                    PERIODS.get(p.strip(), "On a date") for p in str(metric["period_types"]).split(",")
                ),
            ),
            ("Made from", _words(metric["sources"])),
            ("Owner", names.role(str(metric["owner"]))),
            ("Id and version", f"{metric_id}, version {metric['version']}"),
        )
        st.caption(numbers.md("  \n".join(f"**{label}** {words}" for label, words in lines)))
        listed = metric["kind"] in LISTED and data.measured(metric_id, chosen.scope)
        if listed and st.button("Rows", key="definition_rows", type="tertiary", icon=":material/table_rows:"):
            rows_dialog(metric_id, name, chosen, period_of(metric, chosen))


def _words(codes: object) -> str:
    return ", ".join(part.strip().replace("_", " ").lower() for part in str(codes).split(","))
