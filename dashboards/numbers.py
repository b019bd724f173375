"""How numbers and dates read on a page: one formatter, so that every page says the same."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
MINUS = "−"
NO_VALUE = "–"
_SCALES = ((Decimal(10) ** 9, "bn", 1), (Decimal(10) ** 6, "m", 1), (Decimal(10) ** 3, "k", 0))


def money(amount: Decimal | None, currency: str = "USD", sign: bool = False) -> str:
    """Short money for cards and sentences: ``$48.2m``, ``−$1.3m``, ``CAD 12k``; None is an en dash."""
    if amount is None:
        return NO_VALUE
    prefix = SYMBOLS.get(currency, f"{currency} ")
    size = abs(amount)
    for scale, suffix, places in _SCALES:
        if size >= scale:
            text = f"{_round(size / scale, places):,}{suffix}"
            break
    else:
        text = f"{_round(size, 0):,}"
    zero = _round(size, 0) == 0
    return _signed(f"{prefix}{text}", Decimal(0) if zero else amount, sign)


def full_money(amount: Decimal | None) -> str:
    """Accounting style for tables: ``1,234.50``, ``(1,234.50)``."""
    if amount is None:
        return NO_VALUE
    text = f"{_round(abs(amount), 2):,.2f}"
    return f"({text})" if amount < 0 and text.strip("0.,") else text


def percent(ratio: Decimal | None, places: int = 1) -> str:
    """A ratio as per cent: ``71.4%``."""
    if ratio is None:
        return NO_VALUE
    return _signed(f"{_round(abs(ratio) * 100, places)}%", ratio, False)


def points(difference: Decimal | None) -> str:
    """A difference of two ratios in percentage points: ``+1.3 pts``."""
    if difference is None:
        return NO_VALUE
    return _signed(f"{_round(abs(difference) * 100, 1)} pts", difference, True)


def count(value: int | Decimal | None) -> str:
    """A whole number with separators."""
    return NO_VALUE if value is None else f"{_round(Decimal(value), 0):,}"


def days(value: Decimal | None) -> str:
    """Days with at most one decimal: ``2.5 days``."""
    if value is None:
        return NO_VALUE
    text = f"{_round(value, 1):f}".removesuffix(".0")
    return f"{text} day" if text == "1" else f"{text} days"


def day(value: date | None) -> str:
    """``20 Nov 2026``."""
    return NO_VALUE if value is None else f"{value.day} {value:%b %Y}"


def _round(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _signed(text: str, amount: Decimal, sign: bool) -> str:
    if amount < 0:
        return f"{MINUS}{text}"
    return f"+{text}" if sign and amount > 0 else text
