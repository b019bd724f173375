"""The head of every page: title, question, status strip, and the offer of a newer run."""

from __future__ import annotations

import streamlit as st

from dashboards import data, numbers
from dashboards.filters import Filters, is_month_end


def page_head(title: str, question: str, filters: Filters) -> None:
    """Title, the question the page answers, and what the numbers rest on."""
    st.title(title, anchor=False)
    st.caption(question)
    status_strip(filters)


def status_strip(filters: Filters) -> None:
    """Badges: data as of, run, open exceptions, what could not be checked, scope, a running month."""
    info = data.run_info()
    health = data.row(
        "select count(*) filter (where outcome = 'EXCEPTION') as open_count, "
        "count(*) filter (where outcome = 'EXCEPTION' and severity in ('S1', 'S2')) as blocking, "
        "count(*) filter (where outcome = 'NOT_EVALUABLE') as not_checked from reconciliation.exception"
    ) or {"open_count": 0, "blocking": 0, "not_checked": 0}
    known = info["known_at"]
    with st.container(horizontal=True, gap="small"):
        st.badge(
            f"Data to {numbers.day(info['as_of'])}, known at {known:%d %b %Y %H:%M} UTC",
            icon=":material/schedule:",
        )
        st.badge(f"Run {info['run_id']}", icon=":material/tag:", color="gray")
        st.badge(
            f"{health['blocking']} blocking / {health['open_count']} open exceptions",
            icon=":material/rule:",
            color="orange" if health["blocking"] else "gray",
        )
        if health["not_checked"]:
            st.badge(f"{health['not_checked']} checks could not run", icon=":material/help:", color="orange")
        if not is_month_end(filters.as_of):
            last = filters.as_of.replace(day=28)
            st.badge(
                f"Month to date, day {filters.as_of.day} ({last:%b %Y})",
                icon=":material/hourglass:",
                color="gray",
            )
        if filters.scope.grain != "FIRM":
            st.badge(filters.scope.label, icon=":material/filter_alt:", color="blue")
        st.badge("Preview, not signed off", icon=":material/draft:", color="gray")
    newer = data.latest()
    if newer.run_id != data.pinned().run_id:
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.info(f"Run {newer.run_id} is published. You still read {data.pinned().run_id}.")
        right.button("Read the new run", on_click=data.take_latest, key="take_latest")
