"""Records of a page, the largest first: each leads to its open case, and all of them are in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboards import data, numbers
from dashboards.components.links import link
from dashboards.components.rows import to_csv

LISTED = 200


def gravest(column: str) -> str:
    """A CTE ``told``: of each value of the exceptions' ``column`` the gravest open case and its control."""
    return f"""
with told as (
    select e.{column}, arg_min(e.exception_id, (e.severity, e.exception_id)) as exception_id,
        arg_min(c.name, (e.severity, e.exception_id)) as control_name
    from reconciliation.exception e
    left join reconciliation.recon__control c on c.control_id = e.control_id
    where e.outcome = 'EXCEPTION' and e.{column} is not null
    group by e.{column}
)"""


def first_of(sql: str, *parameters: object) -> tuple[data.Row, ...]:
    """The rows of an ordered read that are listed, and one more where there are more."""
    return data.rows(f"{sql} limit {LISTED + 1}", *parameters)


def case_list(
    key: str,
    found: Sequence[data.Row],
    cells: Callable[[data.Row], dict[str, object]],
    columns: Mapping[str, Any],
    alt: str,
    no_case: Callable[[data.Row], str],
    file: tuple[str, str],
    sql: str,
    parameters: Sequence[object],
) -> None:
    """The first rows of ``found`` as ``cells`` shows them, each with ``exception_id`` and ``control_name``.

    ``found`` may end behind them: see ``first_of``.
    ``no_case`` says what to tell of a row without one; ``file`` is a button's words and the file's name:
    it holds all rows of the read.
    """
    shown = found[:LISTED]
    event = st.dataframe(
        [cells(r) for r in shown],
        hide_index=True,
        key=f"{key}_table",
        on_select="rerun",
        selection_mode="single-row",
        placeholder=numbers.NO_VALUE,
        column_config=dict(columns),
        alt=alt,
    )
    if len(found) > LISTED:
        st.caption(f"The {LISTED} largest; the file holds all of them.")
    for at in event.selection.rows:
        if shown[at]["exception_id"]:
            link(
                "exceptions",
                f"Why: {shown[at]['control_name']}",
                ":material/arrow_forward:",
                {"exception": shown[at]["exception_id"]},
            )
        else:
            st.caption(no_case(shown[at]))
    publication = data.pinned()
    words, name = file
    st.download_button(
        words,
        data=lambda: to_csv(data.uncached_rows(publication, sql, *parameters)),
        file_name=name,
        mime="text/csv",
        key=f"{key}_csv",
        icon=":material/download:",
        on_click="ignore",
    )
