"""Exact money: half-up rounding and the exchange rates of the firm."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal

from sandbox.firm.state import Firm

FOUR = Decimal("0.0001")
TEN = Decimal("0.0000000001")
ZERO = Decimal(0)
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_UP)


def r4(amount: Decimal) -> Decimal:
    """Round half up to 4 decimals: how every stored amount is rounded."""
    return amount.quantize(FOUR, rounding=ROUND_HALF_UP, context=_CONTEXT)


def r10(amount: Decimal) -> Decimal:
    """Round half up to 10 decimals: exchange rates and ratios."""
    return amount.quantize(TEN, rounding=ROUND_HALF_UP, context=_CONTEXT)


class Rates:
    """Spot rates as the ERP publishes them per pair; a currency against itself is 1."""

    def __init__(self, firm: Firm) -> None:
        self._fx = firm.fx
        self._pairs: dict[tuple[str, str, date], Decimal] = {}

    def spot(self, source: str, target: str, day: date) -> Decimal:
        """Units of ``target`` for one unit of ``source`` on ``day``; KeyError when the firm has no rate."""
        if source == target:
            return Decimal(1)
        key = (source, target, day)
        rate = self._pairs.get(key)
        if rate is None:
            rate = r10(_CONTEXT.divide(self._usd(source, day), self._usd(target, day)))
            self._pairs[key] = rate
        return rate

    def convert(self, amount: Decimal, source: str, target: str, day: date) -> Decimal:
        """Amount in ``target``, 4 decimals."""
        return r4(amount * self.spot(source, target, day))

    def _usd(self, currency: str, day: date) -> Decimal:
        return Decimal(1) if currency == "USD" else self._fx[(currency, day)]
