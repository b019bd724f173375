"""How far projects were expected to go, estimate by estimate, on the page of revenue."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards import data, estimates, names, numbers
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import empty
from dashboards.components.rows import money_columns, to_csv
from dashboards.components.sums import sums_dialog
from dashboards.figures.charts import estimate_path
from dashboards.filters import Filters

LISTED = 100


def estimates_part(chosen: Filters) -> None:
    """The projects and one project's path; nothing in runs that were published without it."""
    if not data.holds("estimate_vintage"):
        return
    sql, parameters = estimates.statement(chosen)
    found = data.rows(sql, *parameters)
    with st.container(border=True, key="estimates", gap="small"):
        risen = sum(1 for row in found if (row["changed"] or 0) > 0)
        counted = numbers.counted(len(found), "project")
        verb = "is" if risen == 1 else "are"
        st.subheader(f"Of {counted} {risen} {verb} expected to cost more than first said", anchor=False)
        st.caption(
            "Every estimate at completion that is known, to the run's own day whatever date is chosen, "
            "in the contract's currency; the project whose estimate moved furthest first. What was said and "
            "replaced before the first load is not known. Choose a project to see its path."
        )
        if not found:
            empty("No project has an estimate at completion in", chosen)
            return
        picked = _list(found)
        publication = data.pinned()
        every = "select * from marts.estimate_vintage where true "
        narrow, member = data.narrowing(chosen.scope)
        st.download_button(
            "All estimates as CSV",
            data=lambda: to_csv(
                data.uncached_rows(
                    publication, f"{every}{narrow} order by project_id, vintage_number", *member
                )
            ),
            file_name="estimate_vintages.csv",
            mime="text/csv",
            key="estimates_csv",
            icon=":material/download:",
            on_click="ignore",
        )
    _path(chosen, picked)


def _list(found: Sequence[data.Row]) -> data.Row:
    """The projects; the one that is chosen, or the first."""
    known = names.names()
    shown = found[:LISTED]
    event = st.dataframe(
        [
            {
                "Project": names.of_key("project", row["project_id"], known),
                "Client": names.of_key("customer", row["customer_id"], known),
                "Currency": row["currency_code"],
                "Estimates": row["estimates"],
                "First known": numbers.plain(row["first_cost"]),
                "Newest": numbers.plain(row["newest_cost"]),
                "Changed by": numbers.plain(row["changed"]),
                "On revenue to date": numbers.plain(row["revenue_effect"]),
                "Made on": row["estimated_on"],
                "To look at": estimates.remarks(row),
            }
            for row in shown
        ],
        hide_index=True,
        key="estimates_table",
        on_select="rerun",
        selection_mode="single-row",
        placeholder=numbers.NO_VALUE,
        column_config=money_columns("First known", "Newest", "Changed by", "On revenue to date"),
        alt="Projects with their first and newest estimate of cost at completion, largest change first.",
    )
    if len(found) > LISTED:
        st.caption(f"The first {LISTED} of {len(found)}; the file holds all of them.")
    rows = [at for at in event.selection.rows if at < len(shown)]
    return shown[rows[0] if rows else 0]


def _path(chosen: Filters, row: data.Row) -> None:
    """What one project was expected to cost, from estimate to estimate, beside its cost and its price."""
    told = data.rows(estimates.PATH, row["project_id"])
    currency = str(row["currency_code"])
    with st.container(key="estimate_path_place"):
        chart_card(
            "estimate_path",
            estimates.title(row),
            f"Cost at completion by the day of each estimate, {currency}, with cost to date and price",
            estimate_path(
                [one["estimated_on"] for one in told],
                [
                    ("Cost at completion", [one["eac_cost_tc"] for one in told]),
                    ("Cost to date", [one["cost_to_date_tc"] for one in told]),
                    ("Price", [one["transaction_price_tc"] for one in told]),
                ],
                currency,
                {"as_of": str(chosen.as_of), "metric": "estimate_vintage"},
            ),
            [
                {
                    "Made on": one["estimated_on"],
                    "Learned after": numbers.days(one["learned_after_days"]),
                    "Cost at completion": one["eac_cost_tc"],
                    "Changed by": one["eac_cost_change_tc"],
                    "Hours": one["eac_hours"],
                    "Cost to date": one["cost_to_date_tc"],
                    "Complete": numbers.percent(one["percent_complete"]),
                    "Before": numbers.percent(one["percent_complete_before"]),
                    "On revenue to date": one["revenue_effect_tc"],
                    "On margin at completion": one["margin_effect_tc"],
                    "Price": one["transaction_price_tc"],
                    "Days stood": one["days_stood"],
                    "To look at": ", ".join(
                        words
                        for words, holds in (
                            ("passed", one["is_passed"]),
                            ("stood too long", one["is_stale"]),
                        )
                        if holds
                    ),
                }
                for one in told
            ],
            f"Steps of {estimates.name(str(row['project_id']))}'s cost at completion over time.",
            lambda: sums_dialog(
                "What estimates moved",
                estimates.name(str(row["project_id"])),
                "Moved",
                estimates.sums(row),
                "estimate_vintage",
            ),
        )
