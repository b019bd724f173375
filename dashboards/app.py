"""Entry of the dashboard: routes, global filters, then the page."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import data, filters
from dashboards.components.frame import Frame, guarded, unpublished
from dashboards.components.links import remember
from dashboards.theme.generate import ICON, LOGO, STYLE
from dashboards.views import (
    backlog,
    collections,
    definitions,
    executive_overview,
    handoff_lag,
    margin,
    period_close,
    reconciliation_exceptions,
    revenue,
    utilisation,
    wip,
)
from throughline.errors import ThroughlineError

Draw = Callable[[Frame], None]


def main() -> None:
    """Draws the app for one rerun."""
    st.set_page_config(page_title="Throughline", page_icon=ICON, layout="wide")
    st.html(STYLE)
    st.logo(LOGO, size="large")
    frames: list[Frame] = []

    def page_of(draw: Draw) -> Callable[[], None]:
        return lambda: draw(frames[0])

    overview = st.Page(
        page_of(executive_overview.render),
        title="Executive overview",
        url_path="home",
        icon=":material/monitoring:",
        default=True,
    )
    # the first page stands at the root; this is the address people write
    named = st.Page(
        page_of(executive_overview.render),
        title="Executive overview",
        url_path="overview",
        visibility="hidden",
    )
    sold = st.Page(
        page_of(backlog.render),
        title="Backlog",
        url_path="backlog",
        icon=":material/stacked_bar_chart:",
    )
    earned = st.Page(
        page_of(wip.render),
        title="WIP and deferred revenue",
        url_path="wip",
        icon=":material/pending_actions:",
    )
    kept = st.Page(
        page_of(margin.render),
        title="Margin",
        url_path="margin",
        icon=":material/percent:",
    )
    expected = st.Page(
        page_of(revenue.render),
        title="Revenue and forecast",
        url_path="revenue",
        icon=":material/trending_up:",
    )
    used = st.Page(
        page_of(utilisation.render),
        title="Utilisation and capacity",
        url_path="utilisation",
        icon=":material/groups:",
    )
    handed = st.Page(
        page_of(handoff_lag.render),
        title="Handoff lag",
        url_path="handoff",
        icon=":material/hourglass_top:",
    )
    owed = st.Page(
        page_of(collections.render),
        title="Collections",
        url_path="collections",
        icon=":material/account_balance_wallet:",
    )
    exceptions = st.Page(
        page_of(reconciliation_exceptions.render),
        title="Reconciliation exceptions",
        url_path="exceptions",
        icon=":material/rule:",
    )
    closed = st.Page(
        page_of(period_close.render),
        title="Period close",
        url_path="close",
        icon=":material/lock_clock:",
    )
    words = st.Page(
        page_of(definitions.render),
        title="Definitions",
        url_path="definitions",
        icon=":material/menu_book:",
    )
    remember(
        overview=overview,
        backlog=sold,
        wip=earned,
        margin=kept,
        revenue=expected,
        handoff=handed,
        utilisation=used,
        collections=owed,
        exceptions=exceptions,
        close=closed,
        definitions=words,
    )
    page = st.navigation(
        {
            "Performance": [overview, named, sold, earned, kept, expected, handed, used, owed],
            "Control": [exceptions, closed],
            "Reference": [words],
        }
    )
    with guarded():
        try:
            data.pinned()
        except ThroughlineError as problem:
            unpublished(problem)
            return
        head: DeltaGenerator = st.container(key="head", gap="small")
        frames.append(
            Frame(head, filters.render(timed=page.url_path not in (exceptions.url_path, closed.url_path)))
        )
        page.run()


main()
