"""Backlog: how much contracted work is left, what moved it, what of it has a date, and what stands still."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboards import cases, data, numbers
from dashboards.backlog import (
    AGES,
    BACKLOG,
    BURN,
    COVER,
    DELIVERED,
    FUNDED,
    IDLE,
    PARTS,
    SCHEDULED,
    SIGNED,
    SOFT,
    STALE,
    STALLED,
    TAKEN_BACK,
    UNBILLED,
    UNSCHEDULED,
    age_sums,
    ages,
    burn_sums,
    by_client,
    client_sums,
    cover_sums,
    idle,
    idle_sums,
    shown_clients,
    stale,
)
from dashboards.clients import labels as client_labels
from dashboards.components.cards import Kpi, kpi_card
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import Frame, empty, page_head
from dashboards.components.sums import sums_dialog
from dashboards.figures.charts import ranked_bars, stacked_bars
from dashboards.filters import Filters
from dashboards.readings import History
from dashboards.views.backlog_bridge import bridge_card, bridge_steps
from dashboards.views.backlog_lines import backlog_lines
from dashboards.views.obligations import obligations_part

CARDS = (
    BACKLOG, SCHEDULED, SOFT, UNSCHEDULED, FUNDED, STALLED, UNBILLED, COVER, SIGNED, TAKEN_BACK, DELIVERED,
    BURN,
)  # fmt: skip


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    page_head("Backlog", "How much work is left, what moved it, and what of it stands still?", frame)
    if not data.holds("backlog_line"):
        empty("This run was published before backlog was listed by line; the next run has it.")
        return
    history = History(data.metric_rows(chosen.scope, chosen.period), data.as_of_dates())
    if not any(history.has(kpi.metric_id) for kpi in (BACKLOG, SIGNED)):
        empty("Nothing has been signed yet in", chosen)
        return
    definitions = data.definitions()
    still = idle(chosen)
    headline(chosen, history, still)
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
        bridge_card(chosen, history, bridge_steps(chosen, history), definitions)
        _clients_chart(chosen, by_client(chosen), definitions)
    with st.grid(2, min_column_width=340, gap="small", key="time_charts"):
        _idle_chart(chosen, still, definitions)
        _age_chart(chosen, ages(chosen), definitions)
    backlog_lines(chosen)
    obligations_part(chosen, history, definitions)


def headline(chosen: Filters, history: History, still: Sequence[data.Row]) -> None:
    """Two or three sentences from the same reads as the cards."""
    currency = data.currency()
    now, before = BACKLOG.read(history, chosen), BACKLOG.read(history, chosen, compare=True)
    if now is None:
        return
    change = numbers.than_before(now, before, currency, chosen.compare_as_of)
    said = [f"Clients have {numbers.money(now, currency)} of signed work to come{change}."]
    scheduled, rest = SCHEDULED.read(history, chosen), UNSCHEDULED.read(history, chosen)
    if scheduled is not None and rest is not None and now > 0:
        said.append(
            f"{numbers.percent(scheduled / now, 0)} of it is scheduled; {numbers.money(rest, currency)} has "
            "neither people nor a date."
        )
    months = COVER.read(history, chosen)
    if months is not None:
        said.append(f"At the pace of the last three months it lasts {numbers.months(months)}.")
    waiting = stale(still)
    if waiting:
        said.append(f"{numbers.money(waiting, currency)} of it has earned nothing for more than 90 days.")
    with st.container(key="headline"):
        st.markdown(numbers.md(" ".join(said)))


def _said(kpi: Kpi, chosen: Filters, history: History) -> str | None:
    """What a card's number means, in one sentence."""
    now, whole = kpi.read(history, chosen), BACKLOG.read(history, chosen)
    if now is None:
        return None
    if kpi in (SCHEDULED, SOFT, UNSCHEDULED, FUNDED, STALLED):
        return f"{numbers.percent(now / whole)} of backlog." if whole else None
    if kpi is UNBILLED:
        return "Signed less billed, another measure than backlog: that is signed less earned."
    if kpi is COVER:
        return "Backlog over an average month of the last three whole ones."
    if kpi is BURN:
        return (
            "Revenue of the period over the backlog before it; above 100% where new work was earned at once."
        )
    if kpi is TAKEN_BACK and not now:
        return "Nothing was cancelled or cut."
    return None


def _parts(kpi: Kpi, chosen: Filters, history: History) -> Callable[[], None] | None:
    """For a number that is no sum of rows: the two sums it is made of."""
    made_of = {COVER: cover_sums, BURN: burn_sums}.get(kpi)
    if made_of is None:
        return None
    where = f"{chosen.scope.label} · {numbers.day(chosen.as_of)}"
    return lambda: sums_dialog(kpi.title, where, "Part", made_of(chosen, history), kpi.metric_id)


def _clients_chart(chosen: Filters, clients: Sequence[data.Row], definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="clients_place"):
        if not clients:
            empty("No contract line has work left in", chosen)
            return
        if any(r[part] is None for r in clients for part in PARTS):
            empty("A rate is missing, so nobody can say how much of the backlog is scheduled in", chosen)
            return
        shown = shown_clients(clients)
        labels = client_labels(shown, len(clients))
        total = sum((sum(held.values()) for _, held in shown), Decimal(0))
        first = sum(shown[0][1].values())
        title = f"{labels[0]} holds {numbers.percent(first / total, 0)} of backlog" if total else "Backlog"
        chart_card(
            "backlog_by_client",
            title,
            f"Backlog by client and how it is scheduled, {currency}, {numbers.day(chosen.as_of)}",
            stacked_bars(
                labels,
                [(name, colour, [held[part] for _, held in shown]) for part, (name, colour) in PARTS.items()],
                currency,
                BACKLOG.meta(chosen),
            ),
            [
                {
                    "Client": label,
                    **{name: held[part] for part, (name, _) in PARTS.items()},
                    f"All, {currency}": sum(held.values(), Decimal(0)),
                }
                for label, (_, held) in zip(labels, shown, strict=True)
            ],
            f"Bars of backlog per client, {labels[0]} on top, split by how it is scheduled.",
            lambda: sums_dialog(
                "Backlog by how it is scheduled",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Part",
                client_sums(chosen, clients),
                "backlog_by_client",
            ),
            SCHEDULED.metric_id,
            definitions,
        )


def _idle_chart(chosen: Filters, found: Sequence[data.Row], definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    held = {str(r["idle_bucket"]): r["amount"] for r in found}
    with st.container(key="idle_place"):
        if not held:
            return
        if None in held.values():
            empty("A line has no exchange rate, so it is unknown what stands still in", chosen)
            return
        shown = [(name, Decimal(held[bucket])) for bucket, name in IDLE.items() if bucket in held]
        waiting, total = stale(found) or Decimal(0), sum((amount for _, amount in shown), Decimal(0))
        title = "All of it earned something in the last 90 days"
        if waiting and total:
            title = f"{numbers.percent(waiting / total, 0)} of backlog earned nothing for more than 90 days"
        worst = next((at for at, bucket in enumerate(b for b in IDLE if b in held) if bucket in STALE), None)
        chart_card(
            "idle_backlog",
            title,
            f"Backlog by when its line last earned, or was signed, {currency}, {numbers.day(chosen.as_of)}",
            ranked_bars(
                [name for name, _ in shown],
                [amount for _, amount in shown],
                currency,
                BACKLOG.meta(chosen),
                highlight=worst,
            ),
            [{"Last earned": name, f"Backlog, {currency}": amount} for name, amount in shown],
            "Bars of backlog by how long its contract lines have earned nothing.",
            lambda: sums_dialog(
                "Backlog by when its line last earned",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Last earned",
                idle_sums(chosen, found),
                "idle_backlog",
            ),
            BACKLOG.metric_id,
            definitions,
        )


def _age_chart(chosen: Filters, found: Sequence[data.Row], definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    held = {str(r["age_bucket"]): r["amount"] for r in found}
    with st.container(key="age_place"):
        if not held:
            return
        if None in held.values():
            empty("A line has no exchange rate, so it is unknown how old the backlog is in", chosen)
            return
        shown = [(name, Decimal(held[bucket])) for bucket, name in AGES.items() if bucket in held]
        old, total = Decimal(held.get(">365", 0)), sum((amount for _, amount in shown), Decimal(0))
        title = "None of it was signed more than a year ago"
        if old and total:
            title = f"{numbers.percent(old / total, 0)} of backlog was signed more than a year ago"
        chart_card(
            "backlog_age",
            title,
            f"Backlog by when its line was signed, {currency}, {numbers.day(chosen.as_of)}",
            ranked_bars(
                [name for name, _ in shown],
                [amount for _, amount in shown],
                currency,
                BACKLOG.meta(chosen),
                highlight=next((at for at, (name, _) in enumerate(shown) if name == AGES[">365"]), None),
            ),
            [{"Signed": name, f"Backlog, {currency}": amount} for name, amount in shown],
            "Bars of backlog by how long ago its contract lines were signed.",
            lambda: sums_dialog(
                "Backlog by when its line was signed",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Signed",
                age_sums(chosen, found),
                "backlog_age",
            ),
            BACKLOG.metric_id,
            definitions,
        )
