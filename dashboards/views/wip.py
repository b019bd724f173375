"""WIP and deferred revenue: what is earned and not billed, what is billed and not earned, how old it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboards import cases, data, numbers
from dashboards.clients import by_client
from dashboards.clients import labels as client_labels
from dashboards.components.cards import Kpi, kpi_card
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import Frame, empty, page_head
from dashboards.components.roll_forward_card import roll_forward_card
from dashboards.components.sums import sums_dialog
from dashboards.components.tie_out import tie_out_panel
from dashboards.figures.charts import stacked_bars
from dashboards.filters import Filters
from dashboards.margin import REVENUE
from dashboards.readings import History
from dashboards.views.contract_lines import contract_lines
from dashboards.views.unbilled_projects import unbilled_projects
from dashboards.wip import (
    ASSET,
    BILLED,
    BUCKETS,
    DAYS,
    DEFERRED,
    DEFERRED_ROLL_FORWARD,
    NET,
    OLD,
    UNBILLED,
    WIP,
    WIP_ROLL_FORWARD,
    ageing,
    bucket_sums,
    days_sums,
    in_buckets,
)

CARDS = (WIP, DAYS, UNBILLED, ASSET, DEFERRED, NET, REVENUE, BILLED)


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    page_head(
        "WIP and deferred revenue",
        "What have we earned and not billed, what have we billed and not earned, and how old is it?",
        frame,
    )
    if not data.holds("contract_position"):
        empty("This run was published before contracts' positions were kept; the next run has them.")
        return
    history = History(data.metric_rows(chosen.scope, chosen.period), data.as_of_dates())
    if not any(history.has(kpi.metric_id) for kpi in CARDS):
        empty("Nothing has been earned or billed yet in", chosen)
        return
    definitions = data.definitions()
    aged = ageing(chosen)
    headline(chosen, history, aged)
    touching = cases.touching(cases.weighty(chosen.scope))
    st.caption(f"{chosen.period_label}; changes are from {numbers.day(chosen.compare_as_of)}.")
    with st.grid(4, min_column_width=230, gap="small", key="cards"):
        for kpi in CARDS:
            kpi_card(
                kpi,
                chosen,
                history,
                definitions,
                touching,
                _said(kpi, chosen, history),
                _parts(kpi, chosen, history),
            )
    with st.grid(2, min_column_width=340, gap="small", key="charts"):
        roll_forward_card(
            WIP_ROLL_FORWARD, chosen, history, definitions, "Work done and not invoiced", _work_moved
        )
        roll_forward_card(
            DEFERRED_ROLL_FORWARD, chosen, history, definitions, "Deferred revenue", _deferred_moved, "none"
        )
    _ageing_chart(chosen, aged, definitions)
    unbilled_projects(chosen)
    contract_lines(chosen)
    tie_out_panel(chosen, "Revenue and billing", ("REVENUE", "BILLINGS"))


def headline(chosen: Filters, history: History, aged: Sequence[data.Row]) -> None:
    """Two or three sentences from the same reads as the cards."""
    currency = data.currency()
    now, before = WIP.read(history, chosen), WIP.read(history, chosen, compare=True)
    said = []
    if now is not None:
        change = numbers.than_before(now, before, currency, chosen.compare_as_of)
        said.append(f"{numbers.money(now, currency)} of approved work is not invoiced{change}.")
        old = in_buckets(aged, *OLD)
        if old:
            share = f" ({numbers.percent(old / now)})" if now > 0 else ""
            said.append(f"{numbers.money(old, currency)} of it{share} is older than 90 days.")
        elif old is not None and now:
            said.append("None of it is older than 90 days.")
    ahead = DEFERRED.read(history, chosen)
    if ahead is not None:
        said.append(
            f"Clients have been billed {numbers.money(ahead, currency)} ahead of what was earned."
            if ahead
            else "No contract is billed ahead of what was earned."
        )
    if said:
        with st.container(key="headline"):
            st.markdown(numbers.md(" ".join(said)))


def _said(kpi: Kpi, chosen: Filters, history: History) -> str | None:
    """What a card's number means, in one sentence."""
    now = kpi.read(history, chosen)
    if now is None:
        return None
    if kpi is DAYS:
        return "Of an average day's revenue in the last twelve whole months."
    if kpi is UNBILLED:
        return "Earned; only time keeps it from being billed." if now else "Nothing waits for time alone."
    if kpi is ASSET:
        return "Earned ahead of instalments or above a ceiling." if now else "Nothing waits for progress."
    if kpi is NET:
        return (
            "More is earned than billed." if now > 0 else "More is billed than earned." if now < 0 else None
        )
    return None


def _parts(kpi: Kpi, chosen: Filters, history: History) -> Callable[[], None] | None:
    """For the number that is no sum of rows: the two sums it is made of."""
    if kpi is not DAYS:
        return None
    where = f"{chosen.scope.label} · {numbers.day(chosen.as_of)}"
    return lambda: sums_dialog(kpi.title, where, "Part", days_sums(chosen, history), kpi.metric_id)


def _work_moved(moved: Mapping[str, Decimal]) -> str:
    currency = data.currency()
    done, billed = numbers.money(moved["performed"], currency), numbers.money(-moved["wip_billed"], currency)
    return f"{done} done against {billed} invoiced"


def _deferred_moved(moved: Mapping[str, Decimal]) -> str:
    currency = data.currency()
    billed, earned = numbers.money(moved["billed"], currency), numbers.money(-moved["released"], currency)
    return f"{billed} billed on contracts ahead of their work, {earned} of it earned"


def _ageing_chart(chosen: Filters, aged: Sequence[data.Row], definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="ageing_place"):
        if any(r["amount"] is None for r in aged):
            empty("A line has no exchange rate, so how old work is is unknown for", chosen)
            return
        clients = by_client(aged)
        if not clients:
            empty("All work is invoiced in", chosen)
            return
        labels = client_labels(clients, len({r["customer_id"] for r in aged}))
        shown = [(b, *look) for b, look in BUCKETS.items() if any(b in held for _, held in clients)]
        old = sum((held.get(bucket, Decimal(0)) for _, held in clients for bucket in OLD), Decimal(0))
        total = sum((sum(held.values()) for _, held in clients), Decimal(0))
        title = "All of it was done in the last 90 days"
        if old and total > 0:
            title = f"{numbers.percent(old / total, 0)} of it was done more than 90 days ago"
        chart_card(
            "wip_ageing",
            title,
            f"Work not invoiced by client and age, {currency}, {numbers.day(chosen.as_of)}",
            stacked_bars(
                labels,
                [
                    (name, colour, [held.get(bucket, Decimal(0)) for _, held in clients])
                    for bucket, name, colour in shown
                ],
                currency,
                WIP.meta(chosen),
            ),
            [
                {
                    "Client": label,
                    **{name: held.get(bucket, Decimal(0)) for bucket, name, _ in shown},
                    f"All, {currency}": sum(held.values(), Decimal(0)),
                }
                for label, (_, held) in zip(labels, clients, strict=True)
            ],
            f"Bars of work not invoiced per client, {labels[0]} on top, split by age.",
            lambda: sums_dialog(
                "Work not invoiced by age",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Age",
                bucket_sums(chosen, aged),
                "wip_ageing",
            ),
            WIP.metric_id,
            definitions,
        )
