"""Exact money: half-up rounding and the exchange rates of the firm."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

from sandbox.firm.state import Firm

FOUR = Decimal("0.0001")
TEN = Decimal("0.0000000001")
ZERO = Decimal(0)
OLDEST_RATE = 7  # days for which the last rate stands
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_UP)


def r4(amount: Decimal) -> Decimal:
    """Round half up to 4 decimals: how every stored amount is rounded."""
    return amount.quantize(FOUR, rounding=ROUND_HALF_UP, context=_CONTEXT)


def r10(amount: Decimal) -> Decimal:
    """Round half up to 10 decimals: exchange rates and ratios."""
    return amount.quantize(TEN, rounding=ROUND_HALF_UP, context=_CONTEXT)


def known_sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """A sum of which one part is unknown is unknown."""
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


class Rates:
    """Spot rates as the ERP publishes them per pair; a currency against itself is 1.

    A day without a rate of its own has the last one before it, while that is at most seven days old.
    """

    def __init__(self, firm: Firm) -> None:
        self._fx = firm.fx
        self._missing = frozenset(firm.missing_rates)
        self._pairs: dict[tuple[str, str, date], Decimal | None] = {}

    def spot(self, source: str, target: str, day: date) -> Decimal | None:
        """Units of ``target`` for one unit of ``source`` on ``day``; None when nobody knows."""
        if source == target:
            return Decimal(1)
        key = (source, target, day)
        if key not in self._pairs:
            self._pairs[key] = self._published(source, target, day)
        return self._pairs[key]

    def _published(self, source: str, target: str, day: date) -> Decimal | None:
        for age in range(OLDEST_RATE + 1):
            fed_on = day - timedelta(days=age)
            if (source, target, fed_on) in self._missing:
                continue
            if (source, fed_on) in self._fx and (target, fed_on) in self._fx:
                return r10(_CONTEXT.divide(self._fx[(source, fed_on)], self._fx[(target, fed_on)]))
        return None

    def worth(self, amount: Decimal, source: str, target: str, day: date) -> Decimal | None:
        """Amount in ``target``, 4 decimals; None when there is no rate."""
        rate = self.spot(source, target, day)
        return None if rate is None else r4(amount * rate)

    def convert(self, amount: Decimal, source: str, target: str, day: date) -> Decimal:
        """As `worth`, for a day that must have a rate. Raises KeyError when it has none."""
        worth = self.worth(amount, source, target, day)
        if worth is None:
            raise KeyError((source, target, day))
        return worth
