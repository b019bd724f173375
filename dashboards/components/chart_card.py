"""A chart with a message title, its table twin and its rows: the only caller of st.plotly_chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import plotly.graph_objects as go
import streamlit as st

from dashboards import data, numbers
from dashboards.components.cards import definition_popover
from dashboards.components.rows import to_csv

CONFIG = {"displayModeBar": False, "responsive": True}


def chart_card(
    key: str,
    title: str,
    subtitle: str,
    figure: go.Figure,
    table: Sequence[data.Row],
    alt: str,
    on_rows: Callable[[], None] | None = None,
    metric_id: str | None = None,
    definitions: Mapping[str, data.Row] | None = None,
) -> None:
    """Draws the card; ``table`` holds the same values as the figure, ``alt`` says them in a sentence."""
    with st.container(border=True, key=f"chart_{key}", gap="small"):
        st.subheader(numbers.md(title), anchor=False)
        st.caption(numbers.md(subtitle))
        if st.session_state.get(f"table_{key}", False):
            st.dataframe(
                [{name: _cell(value) for name, value in row.items()} for row in table],
                hide_index=True,
                key=f"twin_{key}",
                column_config={
                    name: st.column_config.NumberColumn(format="%,.2f")
                    for name, value in (table[0] if table else {}).items()
                    if isinstance(value, Decimal)
                },
                alt=alt,
            )
        else:
            st.plotly_chart(figure, theme="streamlit", key=f"figure_{key}", config=CONFIG, alt=alt)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
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
            if metric_id is not None:
                definition_popover(metric_id, definitions or {})


def _cell(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value
