"""Links between pages and links to share: the pages of this session, and addresses that name everything."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboards import data
from dashboards.filters import Filters

_PAGES = "pages"


def remember(**pages: StreamlitPage) -> None:
    """Keeps the pages by name, for links drawn anywhere."""
    st.session_state[_PAGES] = pages


def link(
    page: str, label: str, icon: str, key_values: dict[str, str] | None = None, help: str | None = None
) -> None:
    """A link to a page of the app; the global filters stay, ``key_values`` are the page's own."""
    st.page_link(st.session_state[_PAGES][page], label=label, icon=icon, query_params=key_values, help=help)


def share(filters: Filters, **page_parameters: str) -> None:
    """A popover with the address of exactly this view: filters, page parameters and run."""
    with st.popover("Copy link", icon=":material/link:", type="tertiary"):
        st.caption("Opens this page with these filters and this run.")
        st.code(address(filters, **page_parameters), language=None, wrap_lines=True)


def address(filters: Filters, **page_parameters: str) -> str:
    """The address of this view."""
    base = (st.context.url or "").split("?")[0]
    run = {data.RUN_PARAMETER: data.pinned().run_id}
    return f"{base}?{filters.query(**page_parameters, **run)}"
