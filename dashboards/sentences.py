"""What the cards say in one sentence each: templates over the same reads as the numbers, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dashboards import data, names, numbers
from dashboards.components.cards import Kpi
from dashboards.filters import Filters
from dashboards.readings import History

Step = tuple[str, Decimal, str]
OVERDUE_BILLING = "BIL-001"


@dataclass(frozen=True)
class Told:
    """What the sentences are made from: the backlog's moves; the risks and late money of ``run_day``."""

    filters: Filters
    history: History
    moves: Sequence[Step]
    risks: Sequence[data.Row]
    late: Sequence[data.Row]
    run_day: date


def of_cards(told: Told, kpis: Mapping[str, Kpi]) -> dict[str, str]:
    """Metric -> its sentence; a metric with nothing worth saying has none."""
    currency = data.currency()
    said = {
        "net_bookings": _book_to_bill(told, kpis),
        "total_backlog": _moves(told, currency),
        "recognised_revenue": _invoiced(told, currency),
        "project_gross_margin": _left(told, kpis["project_gross_margin"], currency),
        "billable_utilisation_net": _hours(told, kpis["billable_utilisation_net"]),
        "wip_operational": _overdue_items(told, currency),
        "ar_gross": _overdue_invoices(told, currency),
    }
    return {metric: sentence for metric, sentence in said.items() if sentence}


def _book_to_bill(told: Told, kpis: Mapping[str, Kpi]) -> str | None:
    bookings = kpis["net_bookings"].read(told.history, told.filters)
    revenue = kpis["recognised_revenue"].read(told.history, told.filters)
    if bookings is None or not revenue or revenue < 0:
        return None
    word = "more was signed than earned" if bookings > revenue else "less was signed than earned"
    return f"Book-to-bill {numbers.times(bookings / revenue)}: {word}."


def _moves(told: Told, currency: str) -> str | None:
    """The two largest movements since the comparison."""
    largest = sorted(told.moves, key=lambda step: -abs(step[1]))[:2]
    if not largest:
        return None
    parts = [f"{numbers.money(amount, currency, sign=True)} {label.lower()}" for label, amount, _ in largest]
    return f"Since {numbers.day(told.filters.compare_as_of)}: {', '.join(parts)}."


def _invoiced(told: Told, currency: str) -> str | None:
    reading = told.history.money_at("billed", told.filters.period, told.filters.as_of)
    if reading is None or reading.value is None:
        return None
    return f"{numbers.money(reading.value, currency)} was invoiced in the same time."


def _left(told: Told, kpi: Kpi, currency: str) -> str | None:
    reading = told.history.at(kpi.metric_id, kpi.period(told.filters), told.filters.as_of)
    if reading is None or kpi.value(reading) is None:
        return None
    return (
        f"{numbers.money(reading.numerator, currency)} is left of "
        f"{numbers.money(reading.denominator, currency)} of revenue."
    )


def _hours(told: Told, kpi: Kpi) -> str | None:
    reading = told.history.at(kpi.metric_id, kpi.period(told.filters), told.filters.as_of)
    if reading is None or kpi.value(reading) is None:
        return None
    billable, available = numbers.count(reading.numerator), numbers.count(reading.denominator)
    return f"{billable} billable of {available} available hours."


def _overdue_items(told: Told, currency: str) -> str | None:
    found = next((r for r in told.risks if r["control_id"] == OVERDUE_BILLING), None)
    if found is None:
        return None
    return (
        f"On {numbers.day(told.run_day)} {numbers.counted(found['cases'], 'item')} worth "
        f"{numbers.money(found['amount'], currency)} should have been invoiced."
    )


def _overdue_invoices(told: Told, currency: str) -> str | None:
    found = next((r for r in told.late if r["movement_type"] == "invoice"), None)
    if found is None or found["unpriced"]:
        return None
    return (
        f"On {numbers.day(told.run_day)} {numbers.counted(found['cases'], 'invoice')} worth "
        f"{numbers.money(found['amount'], currency)} {'was' if found['cases'] == 1 else 'were'} "
        "over five days past due."
    )


def waits(deal: data.Row, run_day: date) -> str:
    """Why a deal's money waits, in words: what is missing, and since when."""
    parts = []
    if deal["deals"]:
        parts.append("won, but its contract or project is missing")
    if deal["items"]:
        verb = "is" if deal["items"] == 1 else "are"
        parts.append(f"{numbers.counted(deal['items'], 'item')} of approved work {verb} not invoiced")
    if deal["invoices"]:
        verb = "is" if deal["invoices"] == 1 else "are"
        parts.append(f"{numbers.counted(deal['invoices'], 'invoice')} {verb} not paid")
    days = (run_day - deal["due_on"]).days
    return (
        f"{names.joined_words(parts).capitalize()}; overdue since {numbers.day(deal['due_on'])}, "
        f"{numbers.days(days)}."
    )
