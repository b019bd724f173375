"""Working days of the legal entities: Monday to Friday less the entity's holidays."""

from __future__ import annotations

from datetime import date, timedelta

from sandbox.firm.state import Firm

ONE_DAY = timedelta(days=1)


class WorkingDays:
    """Counts working days of one calendar."""

    def __init__(self, holidays: set[date], first: date, last: date) -> None:
        self._first = first
        self._count: list[int] = []
        self._working: list[date] = []
        day, count = first, 0
        while day <= last:
            if day.weekday() < 5 and day not in holidays:
                count += 1
                self._working.append(day)
            self._count.append(count)
            day += ONE_DAY

    def days_until(self, day: date) -> int:
        """Working days in the span up to and including ``day``."""
        return self._count[(day - self._first).days]

    def is_working(self, day: date) -> bool:
        """Whether people work on ``day``."""
        return self.days_until(day) != self.days_until(day - ONE_DAY)

    def between(self, start: date, end: date) -> int:
        """bd(start, end): working days in (start, end]; negative when end lies before start."""
        return self.days_until(end) - self.days_until(start)

    def add(self, day: date, n: int) -> date:
        """bd_add: the n-th working day strictly after ``day``; a negative n counts back."""
        position = self.days_until(day) + n
        return self._working[position - 1]

    def inside(self, start: date, end: date) -> list[date]:
        """The working days from start to end, both included."""
        return self._working[self.days_until(start - ONE_DAY) : self.days_until(end)]


def calendars(firm: Firm) -> dict[str, WorkingDays]:
    """One calendar per legal entity code, wide enough for every date the firm knows."""
    first, last = date(2020, 1, 1), date(2030, 12, 31)
    return {code: WorkingDays(set(entity.holidays), first, last) for code, entity in firm.entities.items()}


def month_end(day: date) -> date:
    """Last day of the month of ``day``."""
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return following - ONE_DAY
