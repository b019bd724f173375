"""The head of every page, the offer of a newer run, and what is shown when something cannot be shown."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import cases, data, names, numbers
from dashboards.components.address import joined
from dashboards.components.links import link, share
from dashboards.filters import Filters
from throughline import clock
from throughline.errors import ThroughlineError

LOG = logging.getLogger("throughline.dashboard")


@dataclass(frozen=True)
class Frame:
    """What the entry script gives a page: the place above the filters, and what they hold."""

    head: DeltaGenerator
    filters: Filters


def page_head(title: str, question: str, frame: Frame, **page_parameters: str) -> None:
    """Above the filters: title, the question the page answers, its link, what the numbers rest on."""
    with frame.head:
        _head(title, question, frame.filters, **page_parameters)


def _head(title: str, question: str, filters: Filters, **page_parameters: str) -> None:
    with (
        st.container(gap=None, key="page_title"),
        st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"),
    ):
        st.title(title, anchor=False, width="content")
        share(filters, **page_parameters)
    st.caption(f"{question} Amounts in {data.currency()}.")
    status_strip(filters)
    newer_run()


def status_strip(filters: Filters) -> None:
    """Badges: what the numbers rest on, open exceptions, what could not run, a running month, scope."""
    info = data.run_info()
    health = data.health()
    published = data.published_at(str(info["run_id"]))
    when = f"published {_instant(published)}" if published else "an earlier run, by link"
    sources = data.freshness()
    failed = [r for r in sources if r["failed"]]
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="status_strip"):
        st.badge(
            f"Data to {numbers.day(info['as_of'])}",
            icon=":material/schedule:",
            help=f"Everything the source systems held by {clock.iso(info['known_at'])[:16].replace('T', ' ')}"
            f" UTC. Last load of each: {_loads(sources)}.",
        )
        if failed:
            st.badge(
                f"{names.joined_words([names.system(r['source_system']) for r in failed])} not whole",
                icon=":material/sync_problem:",
                color="orange",
                help="Not everything of it arrived in this run; what rests on it could not be checked.",
            )
        st.badge(f"Run {info['run_id']}, {when}", icon=":material/tag:", color="gray")
        link(
            "exceptions",
            f"{health['blocking']:,} blocking of {health['open_count']:,} open exceptions",
            ":material/rule:",
            {"sev": joined(cases.BLOCKING)} if health["blocking"] else None,
            help="Severity S1 and S2 block a sign-off. Whole firm. Opens the queue.",
        )
        if health["not_checked"]:
            st.badge(
                f"{numbers.counted(health['not_checked'], 'check')} could not run",
                icon=":material/help:",
                color="orange",
                help="An input is missing or incomplete, so nothing is known there: not good, not bad.",
            )
        if filters.is_running:
            st.badge(
                f"Month to date, day {filters.as_of.day} of {filters.as_of:%b %Y}",
                icon=":material/hourglass:",
                color="orange",
                help="What flowed in part of a month has no like to compare with; balances have.",
            )
        if filters.scope.grain != "FIRM":
            st.badge(filters.scope.label, icon=":material/filter_alt:", color="blue")
        st.badge("Preview, not signed off", icon=":material/draft:", color="gray")


def newer_run() -> None:
    """The offer of a run published since; the session keeps its numbers until the reader takes it."""
    newer = data.latest()
    if newer.run_id == data.pinned().run_id:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="newer_run"):
        st.info(
            f"Run {newer.run_id} is published. This page still shows {data.pinned().run_id}.",
            icon=":material/update:",
        )
        st.button("Show the new run", on_click=data.take_latest, key="take_latest", type="primary")


def _loads(sources: Sequence[data.Row]) -> str:
    """``NetSuite 8 Jul 2026 23:30 UTC``, one after the other."""
    return ", ".join(
        f"{names.system(r['source_system'])} "
        + (f"{numbers.day(r['newest'].date())} {r['newest']:%H:%M} UTC" if r["newest"] else "never")
        for r in sources
    )


def _instant(text: str) -> str:
    at = clock.parse_instant(text)
    return f"{numbers.day(at.date())} {at:%H:%M} UTC"


def empty(words: str, filters: Filters | None = None) -> None:
    """Nothing to show, said in words; with ``filters`` they end in "in" or "for", and the scope follows."""
    if filters is not None and filters.scope.grain != "FIRM":
        words = f"{words} {filters.scope.label}."
    elif filters is not None:
        words = f"{words.removesuffix(' in').removesuffix(' for')}."
    st.info(words, icon=":material/info:")


def unpublished(problem: ThroughlineError) -> None:
    """Nothing is published yet: what to do."""
    st.title("Nothing is published yet", anchor=False)
    st.info(
        "The first numbers appear once a run has been published. Start one with `throughline run`, "
        "then reload this page.",
        icon=":material/hourglass_empty:",
    )
    st.caption(f"Reference {problem.code}")


@contextmanager
def guarded() -> Iterator[None]:
    """Turns a failure into a friendly panel with a reference; the details go to the log only."""
    try:
        yield
    except Exception as problem:
        reference = secrets.token_hex(4)
        LOG.exception("page failed, reference %s", reference)
        st.error("This part of the page could not be shown.", icon=":material/error:")
        code = f" · {problem.code}" if isinstance(problem, ThroughlineError) else ""
        st.caption(
            f"Reference {reference}{code}. The published numbers are not affected. Reload the page; if it "
            "stays, give the reference to whoever runs the warehouse."
        )


def trust_note(held: Sequence[data.Row], currency: str, watched: bool) -> None:
    """On a card: the open blocking cases that touch its number, what they are worth, and the way to them."""
    if not held:
        words = "No blocking case touches it" if watched else "No control watches it yet"
        st.caption(f":material/{'check' if watched else 'visibility_off'}: {words}")
        return
    amount = cases.once(held)
    link(
        "exceptions",
        numbers.md(f"±{numbers.money(amount, currency)} · {numbers.counted(len(held), 'blocking case')}"),
        ":material/warning:",
        {
            "control": joined(sorted({case["control_id"] for case in held})),
            "sev": joined(cases.BLOCKING),
        },
        help="Open S1 and S2 exceptions touch this number; it may be off by their amount, each risk once.",
    )
