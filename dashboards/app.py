"""Entry of the dashboard: routes, global filters, then the page."""

from __future__ import annotations

import streamlit as st

from dashboards import data, filters
from dashboards.pages import executive_overview, reconciliation_exceptions
from throughline.errors import ThroughlineError


def main() -> None:
    """Draws the app for one rerun."""
    st.set_page_config(page_title="Throughline", layout="wide", initial_sidebar_state="auto")
    overview = st.Page(
        _overview, title="Executive overview", url_path="overview", icon=":material/monitoring:", default=True
    )
    exceptions = st.Page(
        _exceptions, title="Reconciliation exceptions", url_path="exceptions", icon=":material/rule:"
    )
    st.session_state["overview_page"] = overview
    st.session_state["exceptions_page"] = exceptions
    page = st.navigation({"Performance": [overview], "Control": [exceptions]})
    try:
        data.pinned()
        chosen = filters.render()
    except ThroughlineError as problem:
        st.warning(f"{problem.code}: {problem.what}")
        st.caption("Run `throughline run` to publish a first set of numbers, then reload this page.")
        return
    st.session_state["filters"] = chosen
    page.run()


def _currency() -> str:
    found = data.row("select currency_code from marts.metric_value where currency_view = 'RC' limit 1")
    return str(found["currency_code"]) if found else "USD"


def _overview() -> None:
    executive_overview.render(st.session_state["filters"], _currency())


def _exceptions() -> None:
    reconciliation_exceptions.render(st.session_state["filters"], _currency())


main()
