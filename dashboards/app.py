"""Entry of the dashboard: routes, global filters, then the page."""

from __future__ import annotations

import streamlit as st

from dashboards import data, filters
from dashboards.components.frame import guarded, unpublished
from dashboards.components.links import remember
from dashboards.pages import executive_overview, reconciliation_exceptions
from throughline.errors import ThroughlineError


def main() -> None:
    """Draws the app for one rerun."""
    st.set_page_config(page_title="Throughline", page_icon=":material/water:", layout="wide")
    overview = st.Page(
        _overview, title="Executive overview", url_path="overview", icon=":material/monitoring:", default=True
    )
    exceptions = st.Page(
        _exceptions, title="Reconciliation exceptions", url_path="exceptions", icon=":material/rule:"
    )
    remember(overview=overview, exceptions=exceptions)
    page = st.navigation({"Performance": [overview], "Control": [exceptions]})
    with guarded():
        try:
            data.pinned()
        except ThroughlineError as problem:
            unpublished(problem)
            return
        st.session_state["filters"] = filters.render()
        page.run()


def _overview() -> None:
    executive_overview.render(st.session_state["filters"])


def _exceptions() -> None:
    reconciliation_exceptions.render(st.session_state["filters"])


main()
