"""The backlog's bridge: what led from one date's backlog to the other's, with the rows behind each bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.backlog import BACKLOG
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import empty
from dashboards.components.sums import Sum, sums_dialog
from dashboards.figures.charts import bridge
from dashboards.filters import Filters
from dashboards.readings import History

# steps of the bridge below this share of the level are drawn as one; the table lists them all
TRIFLE = Decimal("0.005")

# Movements in the order of the bridge; what is not named here follows.
STEPS = (
    "opening_balance",
    "booked",
    "amended",
    "recognised",
    "cancelled",
    "completed_under_run",
    "beyond_value",
    "fx_translation",
)


def in_order(amounts: Mapping[str, Decimal | None]) -> list[tuple[str, Decimal]]:
    """The kinds of movement that moved a known amount, in the order of the bridge."""
    order = [*STEPS, *sorted(kind for kind in amounts if kind not in STEPS)]
    return [(kind, amount) for kind in order if (amount := amounts.get(kind))]


def bridge_steps(chosen: Filters, history: History) -> list[tuple[str, Decimal, str]]:
    """Opening, movements, what they do not explain or nobody can convert (never left out), closing.

    A level that is unknown stands as 0, and nothing is reckoned from it: the bridge is then not drawn.
    """
    opening, closing = _levels(chosen, history)
    amounts = data.backlog_steps(chosen.scope, chosen.compare_as_of, chosen.as_of)
    moves = [(names.movement(kind), amount, "step") for kind, amount in in_order(amounts)]
    if opening is not None and closing is not None:
        rest = closing - opening - sum((amount for _, amount, _ in moves), Decimal(0))
        if abs(rest) >= Decimal("0.005"):
            moves.append(("No exchange rate" if None in amounts.values() else "Not explained", rest, "step"))
    return [
        (numbers.day(chosen.compare_as_of), opening or Decimal(0), "total"),
        *moves,
        (numbers.day(chosen.as_of), closing or Decimal(0), "total"),
    ]


def _levels(chosen: Filters, history: History) -> tuple[Decimal | None, Decimal | None]:
    """The backlog compared with and the one shown; 0 before the first number, None where it is unknown."""

    def level(day: date, compare: bool) -> Decimal | None:
        is_there = history.at(BACKLOG.metric_id, "POINT", day) is not None
        return BACKLOG.read(history, chosen, compare=compare) if is_there else Decimal(0)

    return level(chosen.compare_as_of, True), level(chosen.as_of, False)


def drawn(steps: Sequence[tuple[str, Decimal, str]]) -> list[tuple[str, Decimal, str]]:
    """The steps as the chart shows them: two or more trifles become one bar, so that the sum still holds."""
    level = max(abs(steps[0][1]), abs(steps[-1][1]))
    small = [step for step in steps[1:-1] if abs(step[1]) < TRIFLE * level]
    if len(small) < 2:
        return list(steps)
    rest = sum((amount for _, amount, _ in small), Decimal(0))
    kept = [step for step in steps[1:-1] if step not in small]
    others = (numbers.counted(len(small), "small movement"), rest, "step")
    return [steps[0], *kept, others, steps[-1]]


def bridge_title(steps: Sequence[tuple[str, Decimal, str]], currency: str) -> str:
    """What moved the backlog, in one line: its change, and the largest movement each way."""
    opening, closing = steps[0][1], steps[-1][1]
    change = closing - opening
    moved = f"Backlog stayed at {numbers.money(closing, currency)}"
    if change:
        by = (
            f"{numbers.percent(abs(change) / abs(opening))}"
            if opening
            else numbers.money(abs(change), currency)
        )
        moved = f"Backlog {'rose' if change > 0 else 'fell'} {by}"
    moves = steps[1:-1]
    up = max((step for step in moves if step[1] > 0), key=lambda step: step[1], default=None)
    down = min((step for step in moves if step[1] < 0), key=lambda step: step[1], default=None)
    told = [step for step in ((down, up) if change < 0 else (up, down)) if step is not None]
    parts = [f"{numbers.money(abs(amount), currency)} {label.lower()}" for label, amount, _ in told]
    return f"{moved}: {', '.join(parts)}" if parts else moved


def bridge_card(
    chosen: Filters,
    history: History,
    steps: Sequence[tuple[str, Decimal, str]],
    definitions: Mapping[str, data.Row],
) -> None:
    currency = data.currency()
    with st.container(key="bridge_place"):
        if not history.has(BACKLOG.metric_id):
            empty("No backlog in", chosen)
            return
        if None in _levels(chosen, history):
            empty("A part of the backlog has no exchange rate, so its bridge is unknown for", chosen)
            return
        opening, closing = steps[0][1], steps[-1][1]
        span = f"{numbers.day(chosen.compare_as_of)} to {numbers.day(chosen.as_of)}"
        chart_card(
            "backlog_bridge",
            bridge_title(steps, currency),
            f"Backlog bridge, {currency}, {span}",
            bridge(drawn(steps), currency, BACKLOG.meta(chosen)),
            [{"Step": label, f"Amount, {currency}": amount} for label, amount, _ in steps],
            f"Bridge from {numbers.money(opening, currency)} to {numbers.money(closing, currency)}.",
            lambda: sums_dialog(
                "Backlog bridge",
                f"{chosen.scope.label} · {span}",
                "Step",
                bridge_sums(chosen),
                "backlog_bridge",
            ),
            BACKLOG.metric_id,
            definitions,
        )


def bridge_sums(chosen: Filters) -> list[Sum]:
    """Every bar of the bridge with the read that adds up to it: levels and movements by contract line."""
    currency = data.currency()
    narrow, member = data.narrowing(chosen.scope)
    history = History(data.metric_rows(chosen.scope, chosen.period), data.as_of_dates())
    levels = [
        Sum(
            f"Backlog at {numbers.day(day)}",
            "select customer_id, project_id, contract_line_id, amount_rc as amount from marts.metric_drill "
            f"where metric_id = '{BACKLOG.metric_id}' and as_of = ? {narrow}",
            (day, *member),
            BACKLOG.read(history, chosen, compare=compare),
            currency,
        )
        for compare, day in ((True, chosen.compare_as_of), (False, chosen.as_of))
    ]
    amounts = data.backlog_steps(chosen.scope, chosen.compare_as_of, chosen.as_of)
    moves = [
        Sum(
            names.movement(kind),
            "select customer_id, project_id, contract_line_id, sum(amount_rc) as amount "
            f"from marts.backlog_bridge where as_of > ? and as_of <= ? and movement_type = ? {narrow} "
            "group by customer_id, project_id, contract_line_id",
            (chosen.compare_as_of, chosen.as_of, kind, *member),
            amount,
            currency,
        )
        for kind, amount in in_order(amounts)
    ]
    return [levels[0], *moves, levels[1]]
