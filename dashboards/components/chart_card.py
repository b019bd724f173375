"""A chart with a message title, its table twin and its rows: the only caller of st.plotly_chart."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

import plotly.graph_objects as go
import streamlit as st

from dashboards import data

CONFIG = {"displayModeBar": False, "responsive": True}


def chart_card(
    key: str,
    title: str,
    subtitle: str,
    figure: go.Figure,
    table: Sequence[data.Row],
    alt: str,
    on_rows: Callable[[], None] | None = None,
) -> None:
    """Draws the card; ``table`` holds the same values as the figure, ``alt`` says them in a sentence."""
    with st.container(border=True, key=f"chart_{key}"):
        st.subheader(title, anchor=False)
        st.caption(subtitle)
        as_table = st.session_state.get(f"table_{key}", False)
        if as_table:
            st.dataframe(list(table), hide_index=True, key=f"twin_{key}")
        else:
            st.plotly_chart(figure, theme="streamlit", key=f"figure_{key}", config=CONFIG, alt=alt)
        with st.container(horizontal=True, gap="small"):
            st.toggle("Table", key=f"table_{key}")
            if on_rows is not None and st.button(
                "Rows", key=f"chart_rows_{key}", type="tertiary", icon=":material/table_rows:"
            ):
                on_rows()
            st.download_button(
                "CSV",
                data=lambda: to_csv(table),
                file_name=f"{key}.csv",
                mime="text/csv",
                key=f"csv_{key}",
                type="tertiary",
                icon=":material/download:",
                on_click="ignore",
            )


def to_csv(table: Sequence[data.Row]) -> str:
    """CSV with dot decimals and ISO dates; text that a spreadsheet could run as a formula is quoted inert."""
    if not table:
        return ""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(table[0]))
    writer.writeheader()
    for row in table:
        writer.writerow({name: _inert(value) for name, value in row.items()})
    return buffer.getvalue()


def _inert(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
