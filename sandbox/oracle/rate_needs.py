"""Exchange rates that something in the firm needed and that the ERP never had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.oracle.metrics import CONSTANT_DATE, REPORTING, converted_amounts
from sandbox.oracle.money import ZERO
from sandbox.oracle.view import View

__all__ = ["Need", "unmet_needs"]


@dataclass(frozen=True, slots=True)
class Need:
    """A pair without a rate: since when it was missed, by which of the entities (the first), for how much."""

    source: str
    target: str
    first: date
    legal_entity: str
    amount: Decimal  # of `source`, without signs; a balance counts once, with its largest amount


def unmet_needs(view: View) -> list[Need]:
    """One per pair of currencies, by (source, target).

    Flows are converted on their date and balances on the date they are shown for, each into the entity's and
    the reporting currency; the constant-currency twin needs the rate of one day.
    """
    if all(view.rates.spot(*rate) is not None for rate in view.firm.missing_rates):
        return []
    found: dict[tuple[str, str], list[tuple[str, date, str, Decimal]]] = {}
    for one in converted_amounts(view):
        amounts = one.amounts
        for target, day, worth in (
            (amounts.functional, one.day, amounts.fc),
            (REPORTING, one.day, amounts.rc),
            (REPORTING, CONSTANT_DATE, amounts.cc),
        ):
            # a released accrual is unknown for the day of the work, which has counted by itself
            if worth is None and view.rates.spot(amounts.currency, target, day) is None:
                rows = found.setdefault((amounts.currency, target), [])
                rows.append((one.key, day, one.legal_entity, abs(amounts.tc)))
    return [_need(pair, rows) for pair, rows in sorted(found.items())]


def _need(pair: tuple[str, str], rows: list[tuple[str, date, str, Decimal]]) -> Need:
    largest: dict[str, Decimal] = {}
    for key, _, _, amount in rows:
        largest[key] = max(largest.get(key, ZERO), amount)
    return Need(
        *pair,
        first=min(day for _, day, _, _ in rows),
        legal_entity=min(entity for _, _, entity, _ in rows),
        amount=sum(largest.values(), ZERO),
    )
