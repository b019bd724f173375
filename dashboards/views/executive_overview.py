"""Executive overview: are we on track, what changed, what needs a decision, can the numbers be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboards import cases, data, names, numbers, sentences
from dashboards.backlog import BACKLOG
from dashboards.components.cards import Kpi, kpi_card
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import Frame, empty, page_head
from dashboards.components.links import link
from dashboards.components.rows import rows_dialog
from dashboards.figures.charts import ranked_bars, time_columns
from dashboards.filters import Filters, is_month_end
from dashboards.margin import MARGIN, REVENUE
from dashboards.people import DENOMINATORS
from dashboards.readings import History
from dashboards.views.backlog_bridge import bridge_card, bridge_steps
from dashboards.views.handoff import delayed, stages
from dashboards.views.practices import practices
from dashboards.wip import WIP

BOOKINGS = Kpi(
    "net_bookings", "Net bookings", is_balance=False, kind="money", controls=("CRM-ERP-001", "CRM-ERP-003")
)
UTILISATION = DENOMINATORS["net"][0]
RECEIVABLES = Kpi(
    "ar_gross", "Invoiced, not paid", is_balance=True, kind="money", good="down", controls=("BIL-010",)
)
CARDS = (REVENUE, MARGIN, BOOKINGS, BACKLOG, WIP, RECEIVABLES, UTILISATION)
KPIS = {kpi.metric_id: kpi for kpi in CARDS}
# the page that says more of a card's number
PAGES = {
    REVENUE: "margin",
    MARGIN: "margin",
    BOOKINGS: "backlog",
    BACKLOG: "backlog",
    WIP: "wip",
    RECEIVABLES: "collections",
    UTILISATION: "utilisation",
}
MONTHS_SHOWN = 13
# a change below this share is not news
MATERIAL = Decimal("0.005")
RISKS_SHOWN = 6
# the queue as the money at risk counts it
COUNTED_ONCE = {"once": "yes"}


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    page_head("Executive overview", "Are we on track, what moved, and what needs a decision?", frame)
    history = History(data.metric_rows(chosen.scope, chosen.period), data.as_of_dates())
    definitions = data.definitions()
    risks = cases.by_control(chosen.scope)
    if not any(history.has(kpi.metric_id) for kpi in CARDS):
        empty("Nothing has been signed, worked or invoiced yet in", chosen)
    headline(chosen, history, risks)
    steps = bridge_steps(chosen, history)
    weighty = cases.weighty(chosen.scope)
    touching = cases.touching(weighty)
    run_day = data.run_info()["as_of"]
    late = data.late_by_kind(chosen.scope)
    told = sentences.Told(chosen, history, steps[1:-1], risks, late, run_day)
    said = sentences.of_cards(told, KPIS)
    compared = f"changes are from {numbers.day(chosen.compare_as_of)}"
    if chosen.is_running:
        compared += " and shown for balances only, the month not being over"
    st.caption(f"{chosen.period_label}; {compared}.")
    with st.grid(4, min_column_width=230, gap="small", key="cards"):
        for kpi in CARDS:
            sentence = said.get(kpi.metric_id)
            kpi_card(kpi, chosen, history, definitions, touching, sentence, page=PAGES[kpi])
        trust(chosen, risks)
    with st.grid(2, min_column_width=340, gap="small", key="charts"):
        _revenue_chart(chosen, history, definitions)
        bridge_card(chosen, history, steps, definitions)
    practices(chosen, KPIS)
    with st.grid(2, min_column_width=340, gap="small", key="attention"):
        delayed(chosen, late, history)
        _decisions(cases.largest(weighty))
    stages(chosen)
    _risk(chosen, risks)


def headline(chosen: Filters, history: History, risks: Sequence[data.Row]) -> None:
    """Two or three sentences from the same reads as the cards, each number with the way to its rows."""
    currency = data.currency()
    said: list[str] = []
    behind: list[Kpi] = []
    now, before = BACKLOG.read(history, chosen), BACKLOG.read(history, chosen, compare=True)
    if now is not None and before is not None:
        said.append(_moved("Backlog", now, before, currency, chosen))
        behind.append(BACKLOG)
    elif now is not None:
        said.append(f"Backlog stands at {numbers.money(now, currency)}.")
        behind.append(BACKLOG)
    revenue, bookings = REVENUE.read(history, chosen), BOOKINGS.read(history, chosen)
    if revenue is not None and bookings is not None and revenue > 0:
        said.append(
            f"{numbers.money(revenue, currency)} of revenue met {numbers.money(bookings, currency)} of net "
            f"bookings, a book-to-bill of {numbers.times(bookings / revenue)}."
        )
        behind += [REVENUE, BOOKINGS]
    count = sum(int(r["cases"]) for r in risks)
    if count:
        amount = sum((Decimal(r["amount"]) for r in risks), Decimal(0))
        said.append(
            f"{numbers.counted(count, 'open exception')} between the systems "
            f"{'puts' if count == 1 else 'put'} {numbers.money(amount, currency)} at risk."
        )
    if not said:
        return
    with st.container(key="headline_place", gap="xsmall"):
        with st.container(key="headline"):
            st.markdown(numbers.md(" ".join(said)))
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key="headline_rows"):
            st.caption("Rows behind these sentences", width="content")
            for kpi in behind:
                if st.button(kpi.title, key=f"said_{kpi.metric_id}", type="tertiary"):
                    rows_dialog(kpi.metric_id, kpi.title, chosen, kpi.period(chosen))
            if count:
                link("exceptions", "Open exceptions", ":material/rule:", COUNTED_ONCE)


def trust(chosen: Filters, risks: Sequence[data.Row]) -> None:
    """Whether the numbers can be trusted: what is open, what could run, what arrived, what was kept."""
    currency = data.currency()
    count = sum(int(r["cases"]) for r in risks)
    blocking = sum(int(r["blocking"]) for r in risks)
    amount = sum((Decimal(r["amount"]) for r in risks), Decimal(0))
    health, sources = data.health(), data.freshness()
    datasets = sum(int(r["datasets"]) for r in sources)
    arrived = datasets - sum(int(r["failed"]) for r in sources)
    with st.container(border=True, key="trust", gap="small", height="stretch"):
        st.markdown("**Can these numbers be trusted?**")
        st.markdown(
            numbers.md(
                f"- **{numbers.counted(count, 'open exception')}** worth "
                f"**{numbers.money(amount, currency)}**, {blocking:,} of them blocking\n"
                f"- {health['ran']:,} of {numbers.counted(health['controls'], 'control')} could run\n"
                f"- {arrived:,} of {numbers.counted(datasets, 'data set')} "
                "arrived whole\n"
                f"- {health['conserved']:,} of {numbers.counted(health['kept'], 'landed total')} kept to the "
                "last row and cent"
            )
        )
        if chosen.scope.grain != "FIRM":
            st.caption(f"Exceptions of {chosen.scope.label}; the rest is of the whole firm.")
        link("exceptions", "The cases behind it", ":material/arrow_forward:", COUNTED_ONCE)


def _moved(name: str, now: Decimal, before: Decimal, currency: str, chosen: Filters) -> str:
    change = now - before
    if not change:
        return f"{name} stayed at {numbers.money(now, currency)}."
    verb = "rose" if change > 0 else "fell"
    share = f" ({numbers.percent(abs(change) / abs(before))})" if before else ""
    return (
        f"{name} {verb} {numbers.money(abs(change), currency)}{share} to {numbers.money(now, currency)} "
        f"since {numbers.day(chosen.compare_as_of)}."
    )


def _revenue_chart(chosen: Filters, history: History, definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    series = history.months(REVENUE.metric_id, chosen.as_of)[-MONTHS_SHOWN:]
    with st.container(key="revenue_place"):
        if not series:
            empty(f"No revenue up to {numbers.day(chosen.as_of)}.")
            return
        values = [reading.value for _, reading in series]
        partial = not is_month_end(series[-1][0])
        whole = [reading.value for day, reading in series if is_month_end(day)]
        title = "Revenue by month"
        if len(whole) > 1 and whole[-1] is not None and whole[-2]:
            change = (whole[-1] - whole[-2]) / abs(whole[-2])
            last = [day for day, _ in series if is_month_end(day)][-1]
            title = f"{last:%B} revenue about the same as the month before"
            if abs(change) >= MATERIAL:
                verb = "up" if change > 0 else "down"
                title = f"{last:%B} revenue {verb} {numbers.percent(abs(change))} on the month before"
        note = "; the hatched month is not over" if partial else ""
        chart_card(
            "revenue_by_month",
            title,
            f"Revenue, {currency}, months to {numbers.day(chosen.as_of)}{note}",
            time_columns(
                [numbers.month(day) for day, _ in series],
                values,
                currency,
                REVENUE.meta(chosen),
                last_is_partial=partial,
            ),
            [{"Month": numbers.month(day), f"Revenue, {currency}": r.value} for day, r in series],
            f"Columns of revenue per month; the last is {numbers.money(values[-1], currency)}.",
            lambda: rows_dialog(
                REVENUE.metric_id, "Revenue", chosen, "MONTH", tuple(day for day, _ in series)
            ),
            REVENUE.metric_id,
            definitions,
        )


def _decisions(top: Sequence[data.Row]) -> None:
    currency = data.currency()
    known = names.names()
    with st.container(border=True, key="decisions", gap="small"):
        st.subheader("Decisions waiting", anchor=False)
        if not top:
            empty("No open exception in this run.")
            return
        st.caption(numbers.md(f"The five largest open exceptions, each risk once, {currency}."))
        for r in top:
            what = names.readable(r["what"] or r["control_name"], known)
            with st.container(gap=None, key=f"decision_{r['exception_id']}"):
                link(
                    "exceptions",
                    numbers.md(f"**{numbers.money(r['amount_at_risk'], currency)}** · {r['control_name']}"),
                    ":material/arrow_forward:",
                    {"exception": r["exception_id"]},
                )
                st.caption(
                    numbers.md(
                        f"{what}. {names.SEVERITIES.get(r['severity'], r['severity'])}, open "
                        f"{numbers.days(r['age_days'])}, {names.role(r['owner'])}."
                    )
                )


def _risk(chosen: Filters, risks: Sequence[data.Row]) -> None:
    currency = data.currency()
    weighty = [r for r in risks if r["amount"]]
    if not weighty:
        return
    head, tail = weighty[:RISKS_SHOWN], weighty[RISKS_SHOWN:]
    labels = [r["control_name"] or r["control_id"] for r in head]
    values = [Decimal(r["amount"]) for r in head]
    if tail:
        labels.append(numbers.counted(len(tail), "other control"))
        values.append(sum((Decimal(r["amount"]) for r in tail), Decimal(0)))
    total = sum(values, Decimal(0))
    chart_card(
        "risk_by_control",
        f"{labels[0]}: {numbers.percent(values[0] / total, 0)} of the money at risk",
        f"Open amount by control, {currency}, each risk once, {numbers.day(data.run_info()['as_of'])}",
        ranked_bars(
            labels,
            values,
            currency,
            {"metric": "amount_at_risk", "grain": chosen.scope.grain, "run_id": data.pinned().run_id},
        ),
        [
            {"Control": r["control_name"], "Id": r["control_id"], "Cases": r["cases"], "Amount": r["amount"]}
            for r in weighty
        ],
        f"Horizontal bars of open amount at risk per control, largest first, {labels[0]} on top.",
        link_to_queue,
    )


def link_to_queue() -> None:
    """Rows of the money at risk are the cases themselves, each risk once."""
    st.switch_page(st.session_state["pages"]["exceptions"], query_params=COUNTED_ONCE)
