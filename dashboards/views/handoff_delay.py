"""Delay by month, by reason and by failed delivery, on the page of handoff lag."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from dashboards import data, delay, names, numbers
from dashboards.components.address import pick_one
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import empty
from dashboards.components.rows import to_csv
from dashboards.components.sums import sums_dialog
from dashboards.figures.charts import ranked_bars, share_columns
from dashboards.filters import Filters
from dashboards.readings import History
from dashboards.views.handoff import STAGE_GRAINS
from dashboards.waiting import STAGES

BARS = 8
# said by the chart, or seldom anything
FILE_ONLY = ("Share late", "In the wrong order")


def cohorts(chosen: Filters) -> None:
    """A stage by the month its cases belong to; what still waits stays in its month."""
    if not data.holds("handoff_cohort"):
        return
    scope = chosen.scope if chosen.scope.grain in STAGE_GRAINS else data.FIRM
    with st.container(key="cohort_place", gap="small"):
        stage = pick_one("Stage by month", "stage", names.STAGES, "t1_t3")
        found = delay.cohorts(scope, stage)
        if not found:
            empty("No case has come to this stage yet in", chosen)
            return
        deals = stage[:2] in ("t1", "t3", "t4")
        judged = [r for r in found if r["breach_rate"] is not None]
        worst = max(judged, key=lambda r: (r["breach_rate"], r["judged"]), default=None)
        title = f"“{names.STAGES[stage]}”: nothing took too long"
        if worst is not None and worst["breach_rate"]:
            title = (
                f"“{names.STAGES[stage]}” was late most often in {worst['cohort_month']:%B %Y}: "
                f"{worst['breached']} of {worst['judged']}"
            )
        belongs = "the month deals were won in" if deals else "the month it began"
        kpi = STAGES[stage]
        chart_card(
            "cohorts",
            title,
            f"{scope.label}, by {belongs}. Late of what is done or waits too long; what waits stays in its "
            "month, and makes its slowest tenth a lower bound.",
            share_columns(
                [numbers.month(r["cohort_month"]) for r in found],
                [r["breach_rate"] for r in found],
                kpi.meta(chosen),
            ),
            [_cohort(r) for r in found],
            "Columns of the share of cases that took or take too long, by month.",
            (
                lambda: sums_dialog(
                    f"{names.STAGES[stage]}, by month",
                    f"{scope.label} · {numbers.day(chosen.as_of)}",
                    "Month",
                    delay.cohort_sums(scope, stage, found),
                    "cohorts",
                )
            )
            if delay.waiting_listed()
            else None,
        )
        st.dataframe(
            [{k: v for k, v in _cohort(r).items() if k not in FILE_ONLY} for r in found],
            hide_index=True,
            key="cohort_table",
            placeholder=numbers.NO_VALUE,
            alt="Per month: cases done and waiting, median and slowest tenth in working days, share late.",
        )


def _cohort(r: data.Row) -> dict[str, object]:
    slow = numbers.quantity(r["p90_lag"])
    return {
        "Month": f"{r['cohort_month']:%b %Y}",
        "Done": r["completed"],
        "Waits": r["open_count"],
        "Late": f"{r['breached']} of {r['judged']}",
        "Median days": None if r["median_lag"] is None else float(r["median_lag"]),
        "Slowest tenth": f"at least {slow}" if r["open_count"] else slow,
        "Share late": numbers.percent(r["breach_rate"]),
        "In the wrong order": r["negative"],
    }


def reasons(chosen: Filters) -> None:
    """What is late, amount times days, by stage and reason, the largest first."""
    found = delay.by_reason(chosen.scope)
    if not found:
        return
    currency = data.currency()
    with st.container(key="reason_place"):
        if any(r["currency_days"] is None for r in found):
            empty("An amount has no exchange rate, so what delay rests on is unknown in", chosen)
            return
        total = sum((Decimal(r["currency_days"]) for r in found), Decimal(0))
        first = found[0]
        title = f"{delay.said(first)} is {numbers.percent(first['currency_days'] / total, 0)} of the delay"
        chart_card(
            "reasons",
            title,
            f"{chosen.scope.label}, {numbers.day(chosen.as_of)}. Amount × days late, {currency}-days, by "
            "stage and by the gravest open case against it",
            ranked_bars(
                [delay.said(r) for r in found[:BARS]],
                [r["currency_days"] for r in found[:BARS]],
                currency,
                STAGES["t1_t3"].meta(chosen) | {"metric": data.LATE},
            ),
            [
                {
                    "Stage": delay.stage_name(r["stage"]),
                    "Reason": r["reason"] or delay.NO_REASON,
                    "Cases": r["cases"],
                    f"Waits, {currency}": r["amount"],
                    f"{currency}-days": r["currency_days"],
                    "Share": numbers.percent(r["currency_days"] / total),
                }
                for r in found
            ],
            f"Bars of amount times days late by stage and reason, {delay.said(first)} on top.",
            lambda: sums_dialog(
                "Delayed revenue by stage and reason",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Stage and reason",
                delay.reason_sums(chosen, found),
                "delay_by_reason",
            ),
        )


def recovery(chosen: Filters, history: History) -> None:
    """Failed deliveries between systems and how fast they are mended; of the firm: events know no scope."""
    if not data.holds("event_recovery"):
        return
    with st.container(border=True, key="recovery", gap="small"):
        found = delay.recovered()
        if not found:
            st.subheader("No delivery between the systems has failed", anchor=False)
            return
        mended, waiting = sum(r["mended"] for r in found), sum(r["waiting"] for r in found)
        reading = history.at(delay.RECOVERY, "POINT", chosen.as_of)
        middle = None if reading is None else reading.value
        title = "No failed delivery has been mended yet"
        if middle is not None:
            title = f"Failed deliveries are mended after {numbers.days(middle, 'hour')}"
        st.subheader(title, anchor=False)
        st.caption(
            f"Whole firm. Median of {numbers.counted(mended, 'delivery', 'deliveries')} from the first "
            f"failure to success; {waiting:,} still wait."
        )
        st.dataframe(
            [
                {
                    "What was delivered": names.movement(r["event_type"].replace(".", "_")),
                    "Failed": r["failed"],
                    "Mended": r["mended"],
                    "Median hours": numbers.plain(r["middle"]),
                    "Waits": r["waiting"],
                    "Longest, hours": numbers.plain(r["longest"]),
                    "Withdrawn": r["withdrawn"],
                }
                for r in found
            ],
            hide_index=True,
            key="recovery_table",
            placeholder=numbers.NO_VALUE,
            column_config={
                name: st.column_config.NumberColumn(format="%,.1f")
                for name in ("Median hours", "Longest, hours")
            },
            alt="Failed deliveries by kind: how many are mended, how fast, and what still waits.",
        )
        publication = data.pinned()
        with st.container(horizontal=True, gap="small"):
            if st.button("Rows", key="rows_recovery", type="tertiary", icon=":material/table_rows:"):
                sums_dialog(
                    "Failed deliveries",
                    numbers.day(chosen.as_of),
                    "Number",
                    delay.recovery_sums(middle, mended),
                    "recovery",
                )
            st.download_button(
                "CSV",
                data=lambda: to_csv(data.uncached_rows(publication, delay.EVENTS)),
                file_name="failed_deliveries.csv",
                mime="text/csv",
                key="csv_recovery",
                type="tertiary",
                icon=":material/download:",
                on_click="ignore",
            )
