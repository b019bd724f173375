"""How numbers and dates read on a page: one formatter, so that every page says the same."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
MINUS = "−"
NO_VALUE = "–"
_SCALES = ((Decimal(10) ** 3, "k", 0), (Decimal(10) ** 6, "m", 1), (Decimal(10) ** 9, "bn", 1))


def money(amount: Decimal | None, currency: str = "USD", sign: bool = False) -> str:
    """Short money for cards and sentences: ``$48.2m``, ``−$1.3m``, ``CAD 12k``; None is an en dash."""
    if amount is None:
        return NO_VALUE
    prefix = SYMBOLS.get(currency, f"{currency} ")
    size = _round(abs(amount), 0)
    text = f"{size:,}"
    for scale, suffix, places in _SCALES:
        # the next scale is taken where this one would round up to it: 999,999 is 1.0m, not 1,000k
        if size >= scale or (scale > 1000 and _round(size * 1000 / scale, 0) >= 1000):
            text = f"{_round(size / scale, places):,}{suffix}"
    return _signed(f"{prefix}{text}", amount if size else Decimal(0), sign)


def than_before(now: Decimal, before: Decimal | None, currency: str, then: date) -> str:
    """The end of a sentence: ``, $302k less than on 31 Mar 2026``; nothing where nothing changed."""
    if before is None or now == before:
        return ""
    return f", {money(abs(now - before), currency)} {'more' if now > before else 'less'} than on {day(then)}"


def full_money(amount: Decimal | None) -> str:
    """Accounting style for tables: ``1,234.50``, ``(1,234.50)``."""
    if amount is None:
        return NO_VALUE
    rounded = _round(abs(amount), 2)
    return f"({rounded:,.2f})" if amount < 0 and rounded else f"{rounded:,.2f}"


def signed_money(amount: Decimal | None) -> str:
    """A step in full, with its sign: ``+1,234.50``, ``−1,234.50``; None is an en dash."""
    if amount is None:
        return NO_VALUE
    rounded = _round(abs(amount), 2)
    return _signed(f"{rounded:,.2f}", amount if rounded else Decimal(0), True)


def percent(ratio: Decimal | None, places: int = 1) -> str:
    """A ratio as per cent: ``71.4%``."""
    if ratio is None:
        return NO_VALUE
    rounded = _round(abs(ratio) * 100, places)
    return _signed(f"{rounded}%", ratio if rounded else Decimal(0), False)


def points(difference: Decimal | None) -> str:
    """A difference of two ratios in percentage points: ``+1.3 pts``."""
    if difference is None:
        return NO_VALUE
    rounded = _round(abs(difference) * 100, 1)
    return _signed(f"{rounded} pts", difference if rounded else Decimal(0), True)


def times(ratio: Decimal | None) -> str:
    """A ratio of two amounts: ``1.30×``."""
    return NO_VALUE if ratio is None else f"{_round(ratio, 2)}×"


def more_times(difference: Decimal) -> str:
    """A difference of two such ratios: ``+0.25×``."""
    rounded = _round(abs(difference), 2)
    return _signed(f"{rounded}×", difference if rounded else Decimal(0), True)


def count(value: int | Decimal | None) -> str:
    """A whole number with separators."""
    return NO_VALUE if value is None else f"{_round(Decimal(value), 0):,}"


def counted(value: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 case``, ``1,204 cases``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def days(value: Decimal | int | None, word: str = "day") -> str:
    """Days with at most one decimal: ``2.5 days``, ``1 working day``."""
    if value is None:
        return NO_VALUE
    text = f"{_round(Decimal(value), 1):,f}".removesuffix(".0")
    return f"{text} {word}" if text == "1" else f"{text} {word}s"


def months(value: Decimal | None) -> str:
    """Months with one decimal: ``3.6 months``, ``1 month``."""
    return days(value, "month")


def more_months(difference: Decimal) -> str:
    """A difference of two numbers of months: ``+0.4 months``."""
    rounded = _round(abs(difference), 1)
    return _signed(months(rounded), difference if rounded else Decimal(0), True)


def more_days(difference: Decimal) -> str:
    """A difference of two numbers of days: ``+2.5 days``, ``−1 day``."""
    rounded = _round(abs(difference), 1)
    return _signed(days(rounded), difference if rounded else Decimal(0), True)


def day(value: date | None) -> str:
    """``20 Nov 2026``."""
    return NO_VALUE if value is None else f"{value.day} {value:%b %Y}"


def month(value: date) -> str:
    """``Nov 26``, for axes."""
    return f"{value:%b %y}"


def quantity(value: Decimal | None) -> str:
    """A number without trailing zeros, with separators: ``6,300``, ``7.25``."""
    if value is None:
        return NO_VALUE
    text = f"{abs(value):,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{MINUS}{text}" if value < 0 else text


def plain(value: Decimal | None) -> float | None:
    """For a grid that sorts; sums are never taken over these."""
    return None if value is None else float(value)


def md(text: str) -> str:
    """Text for a place that reads Markdown: a dollar sign there would begin a formula."""
    return text.replace("$", "\\$")


def _round(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _signed(text: str, amount: Decimal, sign: bool) -> str:
    if amount < 0:
        return f"{MINUS}{text}"
    return f"+{text}" if sign and amount > 0 else text
