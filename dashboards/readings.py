"""Numbers of one scope by metric, period and date, as the marts hold them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dashboards.data import Row


@dataclass(frozen=True)
class Reading:
    """One row of metric_value."""

    numerator: Decimal | None
    denominator: Decimal | None
    value: Decimal | None


ZERO = Reading(Decimal(0), None, Decimal(0))


def first_month(as_of: date, period: str) -> date:
    """First day of the first month of the period that ends on ``as_of``."""
    if period == "YTD":
        return as_of.replace(month=1, day=1)
    if period == "QUARTER":
        return as_of.replace(month=as_of.month - (as_of.month - 1) % 3, day=1)
    months = {"MONTH": 1, "T3M": 3, "T12M": 12}[period]
    index = as_of.year * 12 + as_of.month - months
    return date(index // 12, index % 12 + 1, 1)


class History:
    """The readings of one scope. ``dates`` are the dates the warehouse has numbers for."""

    def __init__(self, rows: Iterable[Row], dates: Iterable[date]) -> None:
        self._dates = frozenset(dates)
        self._found: dict[tuple[str, str], dict[date, Reading]] = {}
        for r in rows:
            held = self._found.setdefault((r["metric_id"], r["period_type"]), {})
            held[r["as_of"]] = Reading(r["numerator"], r["denominator"], r["value"])

    def has(self, metric_id: str) -> bool:
        """Whether the scope has the metric at all."""
        return any(metric == metric_id for metric, _ in self._found)

    def at(self, metric_id: str, period: str, as_of: date) -> Reading | None:
        """The reading; of scopes held by month only, the sum of the period's months. None: there is none."""
        held = self._found.get((metric_id, period), {})
        if as_of in held or period in ("MONTH", "POINT") or held:
            return held.get(as_of)
        months = [
            reading
            for day, reading in self._found.get((metric_id, "MONTH"), {}).items()
            if first_month(as_of, period) <= day <= as_of
        ]
        return _sum(months) if months and as_of in self._dates else None

    def money_at(self, metric_id: str, period: str, as_of: date) -> Reading | None:
        """As ``at``, but where a known scope has nothing on a date that has numbers, that is a zero."""
        found = self.at(metric_id, period, as_of)
        return ZERO if found is None and self._found and as_of in self._dates else found

    def months(self, metric_id: str, until: date) -> list[tuple[date, Reading]]:
        """A flow month by month from its first month on; a month in which nothing happened is a zero."""
        held = self._found.get((metric_id, "MONTH"), {})
        first = min(held, default=until)
        days = sorted(day for day in self._dates if first <= day <= until)
        return [(day, held.get(day, ZERO)) for day in days] if held else []

    def series(self, metric_id: str, period: str, until: date) -> list[tuple[date, Reading]]:
        """Readings up to ``until`` in date order."""
        held = self._found.get((metric_id, period), {})
        return sorted((day, reading) for day, reading in held.items() if day <= until)


def _sum(readings: list[Reading]) -> Reading:
    """A sum with an unknown part is unknown; a ratio's value follows from its two sums."""
    return Reading(
        _total([r.numerator for r in readings]),
        _total([r.denominator for r in readings]),
        _total([r.value for r in readings]),
    )


def _total(parts: list[Decimal | None]) -> Decimal | None:
    known = [part for part in parts if part is not None]
    return sum(known, Decimal(0)) if len(known) == len(parts) else None
