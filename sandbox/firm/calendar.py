"""Public holidays and working days of the legal entities."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

DAY = timedelta(days=1)


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    leap = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * leap) // 433
    month = (h + leap - 7 * m + 90) // 25
    return date(year, month, (h + leap - 7 * m + 33 * month + 19) % 32)


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    """The nth weekday of a month; nth = -1 is the last one."""
    if nth < 0:
        last = month_end(date(year, month, 1))
        return last - DAY * ((last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + DAY * ((weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _observed(day: date) -> date:
    """A holiday on a Saturday is kept on Friday, on a Sunday on Monday."""
    return day - DAY if day.weekday() == 5 else day + DAY if day.weekday() == 6 else day


def _substitute(day: date, taken: Mapping[date, str]) -> date:
    """A holiday on a weekend moves to the next working day that is free."""
    while day.weekday() > 4 or day in taken:
        day += DAY
    return day


def holidays(country: str, years: range) -> dict[date, str]:
    """Public holidays of US, CA, GB, IE, DE or NL over `years`, by date."""
    days: dict[date, str] = {}
    for year in years:
        sunday = easter(year)
        friday, monday = sunday - 2 * DAY, sunday + DAY
        if country == "US":
            days[_observed(date(year, 1, 1))] = "New Year's Day"
            days[_nth(year, 1, 0, 3)] = "Martin Luther King Jr. Day"
            days[_nth(year, 2, 0, 3)] = "Presidents' Day"
            days[_nth(year, 5, 0, -1)] = "Memorial Day"
            days[_observed(date(year, 6, 19))] = "Juneteenth"
            days[_observed(date(year, 7, 4))] = "Independence Day"
            days[_nth(year, 9, 0, 1)] = "Labor Day"
            days[_nth(year, 11, 3, 4)] = "Thanksgiving Day"
            days[_observed(date(year, 12, 25))] = "Christmas Day"
        elif country == "CA":
            days[_substitute(date(year, 1, 1), days)] = "New Year's Day"
            days[_nth(year, 2, 0, 3)] = "Family Day"
            days[friday] = "Good Friday"
            victoria = date(year, 5, 24)
            days[victoria - DAY * victoria.weekday()] = "Victoria Day"
            days[_substitute(date(year, 7, 1), days)] = "Canada Day"
            days[_nth(year, 9, 0, 1)] = "Labour Day"
            days[_nth(year, 10, 0, 2)] = "Thanksgiving"
            days[_substitute(date(year, 12, 25), days)] = "Christmas Day"
            days[_substitute(date(year, 12, 26), days)] = "Boxing Day"
        elif country == "GB":
            days[_substitute(date(year, 1, 1), days)] = "New Year's Day"
            days[friday] = "Good Friday"
            days[monday] = "Easter Monday"
            days[_nth(year, 5, 0, 1)] = "Early May Bank Holiday"
            days[_nth(year, 5, 0, -1)] = "Spring Bank Holiday"
            days[_nth(year, 8, 0, -1)] = "Summer Bank Holiday"
            days[_substitute(date(year, 12, 25), days)] = "Christmas Day"
            days[_substitute(date(year, 12, 26), days)] = "Boxing Day"
        elif country == "IE":
            days[date(year, 1, 1)] = "New Year's Day"
            days[_nth(year, 2, 0, 1)] = "St Brigid's Day"
            days[date(year, 3, 17)] = "St Patrick's Day"
            days[monday] = "Easter Monday"
            days[_nth(year, 5, 0, 1)] = "May Day"
            days[_nth(year, 6, 0, 1)] = "June Holiday"
            days[_nth(year, 8, 0, 1)] = "August Holiday"
            days[_nth(year, 10, 0, -1)] = "October Holiday"
            days[date(year, 12, 25)] = "Christmas Day"
            days[date(year, 12, 26)] = "St Stephen's Day"
        else:
            days[date(year, 1, 1)] = "New Year's Day"
            days[monday] = "Easter Monday"
            days[sunday + 39 * DAY] = "Ascension Day"
            days[sunday + 50 * DAY] = "Whit Monday"
            days[date(year, 12, 25)] = "Christmas Day"
            days[date(year, 12, 26)] = "Second Christmas Day"
            if country == "DE":
                days[friday] = "Good Friday"
                days[date(year, 5, 1)] = "Labour Day"
                days[date(year, 10, 3)] = "German Unity Day"
            else:
                days[date(year, 4, 27)] = "King's Day"
    return dict(sorted(days.items()))


def month_start(day: date) -> date:
    """First day of the month of `day`."""
    return day.replace(day=1)


def month_end(day: date) -> date:
    """Last day of the month of `day`."""
    return (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY


def add_months(day: date, months: int) -> date:
    """First day of the month `months` after the month of `day`."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def monday_of(day: date) -> date:
    """Monday of the week of `day`."""
    return day - DAY * day.weekday()


def moment(day: date, rng: random.Random, first_hour: int = 8, last_hour: int = 18) -> datetime:
    """A random second of `day` between two hours, UTC."""
    return datetime.combine(day, time(first_hour), UTC) + timedelta(
        seconds=rng.randrange((last_hour - first_hour) * 3600)
    )


class WorkCalendar:
    """Working days (Monday to Friday without holidays) of one legal entity."""

    def __init__(self, holiday_dates: Mapping[date, str]) -> None:
        self._holidays = frozenset(holiday_dates)

    def is_working(self, day: date) -> bool:
        """Whether `day` is a working day."""
        return day.weekday() < 5 and day not in self._holidays

    def add(self, day: date, number: int) -> date:
        """The `number`-th working day strictly after `day` (before it when negative); 0 = `day` itself."""
        step = DAY if number > 0 else -DAY
        for _ in range(abs(number)):
            day += step
            while not self.is_working(day):
                day += step
        return day

    def on_or_after(self, day: date) -> date:
        """`day`, or the next working day when it is none."""
        while not self.is_working(day):
            day += DAY
        return day

    def on_or_before(self, day: date) -> date:
        """`day`, or the working day before it when it is none."""
        while not self.is_working(day):
            day -= DAY
        return day

    def between(self, first: date, last: date) -> int:
        """Number of working days in (first, last]."""
        return sum(self.is_working(first + DAY * n) for n in range(1, (last - first).days + 1))

    def days(self, first: date, last: date) -> list[date]:
        """Working days from `first` to `last`, both inclusive."""
        span = range((last - first).days + 1)
        return [day for day in (first + DAY * n for n in span) if self.is_working(day)]
