"""Projects with their margin as sold, budgeted, at completion and actual, and the bridge of one or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboards import data, names, numbers, project_margins
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import empty
from dashboards.components.rows import money_columns, to_csv
from dashboards.components.sums import sums_dialog
from dashboards.figures.charts import bridge
from dashboards.filters import Filters
from dashboards.margin import MARGIN
from dashboards.project_margins import FOUR

LISTED = 200


def project_margins_part(chosen: Filters, definitions: Mapping[str, data.Row]) -> None:
    """The list and the bridge; nothing where the run was published before they were made."""
    if not data.holds("project_margin"):
        return
    sql, parameters = project_margins.statement(chosen)
    found = data.rows(sql, *parameters)
    picked: data.Row | None = None
    with st.container(border=True, key="project_margins", gap="small"):
        st.subheader(_title(found), anchor=False)
        st.caption(
            "Each project from its beginning to the run's own day, whatever period is chosen, the one that "
            "loses most of its margin's share first. Sold, budgeted and estimated services count at the "
            "rates of the constant-currency day, what is actual at its own and with expenses. "
            "Choose a project to see its way from sold to actual."
        )
        if not found:
            empty("No project was sold or worked on in", chosen)
            return
        picked = _list(found)
        publication = data.pinned()
        st.download_button(
            "All projects as CSV",
            data=lambda: to_csv(data.uncached_rows(publication, sql, *parameters)),
            file_name="project_margins_four.csv",
            mime="text/csv",
            key="project_margins_csv",
            icon=":material/download:",
            on_click="ignore",
        )
        if picked is not None:
            _four(picked)
    _bridge(chosen, picked, definitions)


def _title(found: Sequence[data.Row]) -> str:
    judged = [row for row in found if row["erosion"] is not None]
    losing = [row for row in judged if row["erosion"] < 0]
    if not judged:
        return "Margin as sold, budgeted, at completion and actual"
    of_all = f"Of {numbers.counted(len(judged), 'project')} "
    if not losing:
        return f"{of_all}none is expected to leave less of its revenue than it was sold with"
    verb = "is" if len(losing) == 1 else "are"
    return f"{of_all}{len(losing)} {verb} expected to leave less of revenue than sold"


def _list(found: Sequence[data.Row]) -> data.Row | None:
    """The projects; the one that is chosen."""
    currency = data.currency()
    known = names.names()
    shown = found[:LISTED]
    event = st.dataframe(
        [
            {
                "Project": project_margins.name(row, known),
                "Client": names.of_key("customer", row["customer_id"], known),
                "Erosion": None if row["erosion"] is None else numbers.points(row["erosion"]),
                **{f"{said}, {currency}": numbers.plain(row[f"{one}_margin"]) for one, said in FOUR.items()},
                **{f"{said}, share": numbers.plain(row[f"{one}_share"]) for one, said in FOUR.items()},
                "Estimated on": row["estimated_on"],
                "To look at": project_margins.remarks(row),
            }
            for row in shown
        ],
        hide_index=True,
        key="project_margins_table",
        on_select="rerun",
        selection_mode="single-row",
        placeholder=numbers.NO_VALUE,
        column_config={
            **money_columns(*(f"{said}, {currency}" for said in FOUR.values())),
            **{f"{said}, share": st.column_config.NumberColumn(format="percent") for said in FOUR.values()},
        },
        alt="Projects with their margin as sold, budgeted, at completion and actual, most erosion first.",
    )
    if len(found) > LISTED:
        st.caption(f"The first {LISTED} of {len(found)}; the file holds all of them.")
    rows = [at for at in event.selection.rows if at < len(shown)]
    return shown[rows[0]] if rows else None


def _four(row: data.Row) -> None:
    """Revenue, cost and margin of one project four times."""
    currency = data.currency()
    st.markdown(numbers.md(f"**{project_margins.name(row, names.names())}**"))
    st.dataframe(
        [
            {
                "": said,
                f"Revenue, {currency}": numbers.plain(row[f"{one}_revenue"]),
                f"Cost, {currency}": numbers.plain(row[f"{one}_cost"]),
                f"Margin, {currency}": numbers.plain(row[f"{one}_margin"]),
                "Share": numbers.plain(row[f"{one}_share"]),
            }
            for one, said in FOUR.items()
        ],
        hide_index=True,
        key="project_margins_four",
        placeholder=numbers.NO_VALUE,
        column_config={
            **money_columns(*(f"{word}, {currency}" for word in ("Revenue", "Cost", "Margin"))),
            "Share": st.column_config.NumberColumn(format="percent"),
        },
        alt="Revenue, cost and margin of the project as sold, budgeted, at completion and actual.",
    )


def _bridge(chosen: Filters, row: data.Row | None, definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="sold_to_actual_place"):
        project_id = None if row is None else str(row["project_id"])
        where = chosen.scope.label if row is None else project_margins.name(row, names.names())
        found = project_margins.amounts(chosen, project_id)
        if not found:
            if row is not None and row["gap"]:
                empty(
                    f"{project_margins.gap(row)}: the way from sold to actual of {where} is unknown in",
                    chosen,
                )
            else:
                empty("No project has both a plan and known costs in", chosen)
            return
        steps = project_margins.steps(found)
        opening, closing = steps[0][1], steps[-1][1]
        title = (
            f"Sold with a margin of {numbers.money(opening, currency)}, "
            f"made {numbers.money(closing, currency)}"
        )
        moved = max(steps[1:-1], key=lambda step: abs(step[1]), default=None)
        if moved is not None:
            title += f": {moved[0].lower()} {numbers.money(moved[1], currency, sign=True)}"
        whose = where
        if row is None:
            count = data.row(
                "select count(distinct project_id) as n from marts.margin_bridge where true "
                + data.narrowing(chosen.scope)[0],
                *data.narrowing(chosen.scope)[1],
            )
            whose = f"{where}, {numbers.counted(count['n'] if count else 0, 'project')} of which all is known"
        chart_card(
            "sold_to_actual",
            title,
            f"Margin from sold to actual, {currency}, {whose}, to the run's own day",
            bridge(steps, currency, MARGIN.meta(chosen)),
            [{"Step": label, f"Amount, {currency}": amount} for label, amount, _ in steps],
            f"Bridge from {numbers.money(opening, currency)} as sold to {numbers.money(closing, currency)}.",
            lambda: sums_dialog(
                "From margin as sold to actual",
                where,
                "Step",
                project_margins.sums(chosen, project_id),
                "sold_to_actual",
            ),
            MARGIN.metric_id,
            definitions,
        )
