"""Collections: who owes the firm, how late, how fast it pays, and which documents to ask for first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboards import cases, data, names, numbers
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
from dashboards.readings import History
from dashboards.receivables import (
    BEST,
    BUCKETS,
    DELINQUENT,
    DSO,
    EFFECTIVENESS,
    LATE,
    LONG,
    OPEN,
    OVERDUE,
    RECEIVED,
    ROLL_FORWARD,
    UNAPPLIED,
    ageing,
    bucket_sums,
    in_buckets,
    most_overdue,
    parts,
)
from dashboards.views.cash_forecast import cash_forecast
from dashboards.views.work_list import work_list

CARDS = (OPEN, OVERDUE, DSO, BEST, DELINQUENT, EFFECTIVENESS, RECEIVED, UNAPPLIED)


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    page_head("Collections", "Who owes us, how late, and whom do we ask first?", frame)
    if not data.holds("ar_document"):
        empty("This run was published before documents were listed; the next run has them.")
        return
    history = History(data.metric_rows(chosen.scope, chosen.period), data.as_of_dates())
    definitions = data.definitions()
    if not data.measured(OPEN.metric_id, chosen.scope):
        empty("Receivables are the customer's, whatever the work was: they are not measured by", chosen)
        return
    if not any(history.has(kpi.metric_id) for kpi in CARDS):
        empty("Nothing has been invoiced yet in", chosen)
        return
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
        _ageing_chart(chosen, aged, definitions)
        roll_forward_card(ROLL_FORWARD, chosen, history, definitions, "Receivables, tax included", _moved)
    cash_forecast(chosen, definitions)
    work_list(chosen)
    tie_out_panel(chosen, "Receivables", ("AR_CONTROL", "AR_AGEING"))


def headline(chosen: Filters, history: History, aged: Sequence[data.Row]) -> None:
    """Two or three sentences from the same reads as the cards."""
    currency = data.currency()
    now, before = OPEN.read(history, chosen), OPEN.read(history, chosen, compare=True)
    if now is None:
        return
    change = numbers.than_before(now, before, currency, chosen.compare_as_of)
    said = [f"Clients owe {numbers.money(now, currency)}{change}."]
    late, long = in_buckets(aged, *LATE), in_buckets(aged, *LONG)
    if late and long is not None:
        share = f" ({numbers.percent(late / now)})" if now > 0 else ""
        said.append(f"{numbers.money(late, currency)} of it{share} is overdue")
        said[-1] += (
            f", {numbers.money(long, currency)} for more than 60 days."
            if long
            else ", nothing for more than 60 days."
        )
    elif late is not None:
        said.append("Nothing of it is overdue.")
    worst = most_overdue(aged)
    if worst is not None and late:
        client, amount = worst
        known = names.of_key("customer", client, names.names())
        said.append(f"{known} owes the largest part of what is late, {numbers.money(amount, currency)}.")
    with st.container(key="headline"):
        st.markdown(numbers.md(" ".join(said)))


def _said(kpi: Kpi, chosen: Filters, history: History) -> str | None:
    """What a card's number means, in one sentence."""
    now = kpi.read(history, chosen)
    if now is None:
        return None
    if kpi is BEST:
        return "Of 90 days' billing, if nothing were overdue."
    if kpi is DELINQUENT:
        return "What being overdue adds to it."
    if kpi is EFFECTIVENESS:
        return f"Of what could be collected in {chosen.as_of:%B %Y}."
    if kpi is UNAPPLIED and not now:
        return "Every payment is applied to documents."
    return None


def _parts(kpi: Kpi, chosen: Filters, history: History) -> Callable[[], None] | None:
    """For a number that is no sum of rows: the sums it is made of, each with its rows."""
    if kpi not in (DSO, BEST, DELINQUENT, EFFECTIVENESS):
        return None
    where = f"{chosen.scope.label} · {numbers.day(chosen.as_of)}"
    return lambda: sums_dialog(kpi.title, where, "Part", parts(kpi, chosen, history), kpi.metric_id)


def _ageing_chart(chosen: Filters, aged: Sequence[data.Row], definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="ageing_place"):
        if any(r["amount"] is None for r in aged):
            empty("A document has no exchange rate, so the ageing is unknown for", chosen)
            return
        clients = by_client(aged, ("UNAPPLIED_CASH",))
        if not clients:
            empty("Nothing stands open in", chosen)
            return
        labels = client_labels(clients, len({r["customer_id"] for r in aged}))
        shown = [
            (bucket, *look) for bucket, look in BUCKETS.items() if any(bucket in held for _, held in clients)
        ]
        late = sum((held.get(bucket, Decimal(0)) for _, held in clients for bucket in LATE), Decimal(0))
        total = sum((sum(held.values()) for _, held in clients), Decimal(0))
        title = "Nothing is overdue"
        if late and total > 0:
            title = f"{numbers.percent(late / total, 0)} of receivables are overdue"
        chart_card(
            "ageing",
            title,
            f"Receivables by client and days late, {currency}, {numbers.day(chosen.as_of)}",
            stacked_bars(
                labels,
                [
                    (name, colour, [held.get(bucket, Decimal(0)) for _, held in clients])
                    for bucket, name, colour in shown
                ],
                currency,
                OPEN.meta(chosen),
            ),
            [
                {
                    "Client": label,
                    **{name: held.get(bucket, Decimal(0)) for bucket, name, _ in shown},
                    f"All, {currency}": sum(held.values(), Decimal(0)),
                }
                for label, (_, held) in zip(labels, clients, strict=True)
            ],
            f"Bars of receivables per client, {labels[0]} on top, split by days late.",
            lambda: sums_dialog(
                "Receivables by days late",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Days late",
                bucket_sums(chosen, aged),
                "ageing",
            ),
            OVERDUE.metric_id,
            definitions,
        )


def _moved(moved: Mapping[str, Decimal]) -> str:
    """The message of the roll-forward."""
    currency = data.currency()
    came, went = numbers.money(-moved["collected"], currency), numbers.money(moved["invoiced"], currency)
    return f"{came} collected against {went} invoiced"
