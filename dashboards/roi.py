"""The return of integration: two windows of time compared like with like, and what the difference is worth.

Nothing is read here: the page's reads and the tests give what is reckoned with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

YEAR = 365
HOURS_OF_A_YEAR = 8760
BEFORE, NOW = "BASELINE", "CURRENT"
# work of which is lost what is not billed for so many days
LOST_AFTER = 90

# why a difference has no number
TOO_FEW = "not enough cases"
STILL_WAIT = "most of some cases still wait"
TOO_YOUNG = "too young to say what is lost"
UNKNOWN = "an amount is unknown"
NOT_TOLD = "deliveries tell neither entity nor practice"


@dataclass(frozen=True)
class Window:
    """Days of a window, both ends in it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Group:
    """Cases of one window, one measure and one mix that took equally long, or have waited equally long."""

    window: str
    measure: str
    mix: str
    took: Decimal | None
    days: Decimal | None
    is_open: bool
    cases: int


@dataclass(frozen=True)
class Part:
    """A share of one window and one mix: ``part`` of ``whole``, seen in so many cases; None: unknown."""

    window: str
    mix: str
    part: Decimal | None
    whole: Decimal | None
    cases: int


@dataclass(frozen=True)
class Cell:
    """One mix in both windows: how many cases, how many of them wait, and the number compared."""

    mix: str
    cases_before: int
    open_before: int
    before: Decimal
    cases_now: int
    open_now: int
    now: Decimal

    @property
    def saved(self) -> Decimal:
        """How much less it is now."""
        return self.before - self.now


@dataclass(frozen=True)
class Compared:
    """Both windows over the mixes that are in both; the current window's cases are the weights.

    ``why`` says why there is no number; it is empty where there is one.
    """

    cells: tuple[Cell, ...]
    left_out: int
    why: str

    @property
    def cases_before(self) -> int:
        """Cases compared, of the window before."""
        return sum(cell.cases_before for cell in self.cells)

    @property
    def cases_now(self) -> int:
        """Cases compared, of the current window."""
        return sum(cell.cases_now for cell in self.cells)

    @property
    def before(self) -> Decimal | None:
        """What it was, over the current window's mix."""
        return self._weighted(lambda cell: cell.before)

    @property
    def now(self) -> Decimal | None:
        """What it is."""
        return self._weighted(lambda cell: cell.now)

    @property
    def saved(self) -> Decimal | None:
        """How much less it is now; below zero where it became more."""
        return self._weighted(lambda cell: cell.saved)

    def _weighted(self, of: Callable[[Cell], Decimal]) -> Decimal | None:
        if self.why:
            return None
        return sum((of(cell) * cell.cases_now for cell in self.cells), Decimal(0)) / self.cases_now


@dataclass(frozen=True)
class Range:
    """A low, a base and a high value; where ``base`` is None nothing is known of it."""

    low: Decimal | None
    base: Decimal | None
    high: Decimal | None

    @classmethod
    def of(cls, value: Decimal) -> Range:
        """One value, sure."""
        return cls(value, value, value)


@dataclass(frozen=True)
class Lever:
    """One thing that may have become better, and what that is worth a year; ``released`` comes once.

    ``missing`` names the assumptions nobody has given, without which there is no amount.
    """

    name: str
    compared: Compared
    yearly: Range | None
    released: Range | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """What is reckoned from: measured, read from the warehouse.

    ``is_part``: of one entity or practice, from its own cases. What the return costs is the firm's, so a part
    has no net benefit; nor has it effects that rest on deliveries, which do not tell whose they are.
    """

    before: Window
    now: Window
    as_of: date
    groups: tuple[Group, ...]
    leakage: tuple[Part, ...]
    billed: Decimal | None
    is_part: bool = False


@dataclass(frozen=True)
class Return:
    """The levers, what they come to in a year, and what that is against its cost, which the firm alone has.

    ``yearly`` adds up the levers that have an amount; money that comes once is in none of the sums.
    ``payback`` is in months; None at a place of it: never.
    """

    levers: tuple[Lever, ...]
    yearly: Range | None
    released: Range | None
    net: Range | None
    ratio: Range | None
    payback: Range | None


def middle(groups: Iterable[tuple[Decimal, bool, int]]) -> Decimal | None:
    """The median of (time, still waits, cases), where some still wait.

    Kaplan and Meier: at each time at which something got done, the share still waiting falls by those done
    of those seen so long. Without waiting cases it is the common median. None: not half is done yet.
    """
    told = list(groups)
    waiting, first = Fraction(1), None
    for time in sorted({took for took, is_open, _ in told if not is_open}):
        seen = sum(cases for took, _, cases in told if took >= time)
        done = sum(cases for took, is_open, cases in told if took == time and not is_open)
        waiting *= Fraction(seen - done, seen)
        if first is None and waiting <= Fraction(1, 2):
            first = time
        if first is not None and waiting < Fraction(1, 2):
            return (first + time) / 2
    return None


def compare(
    groups: Iterable[Group], of: Callable[[Group], Decimal | None], fewest: Decimal, most_unknown: Decimal
) -> Compared:
    """Medians of both windows by mix; a mix that is in one window only says nothing."""
    found: dict[str, dict[str, list[tuple[Decimal, bool, int]]]] = {}
    for group in groups:
        time = of(group)
        if time is not None:
            held = found.setdefault(group.mix, {}).setdefault(group.window, [])
            held.append((time, group.is_open, group.cases))
    cells, left_out, waits, current = [], 0, 0, 0
    for mix, windows in sorted(found.items()):
        before, now = windows.get(BEFORE, []), windows.get(NOW, [])
        count_before, count_now = _cases(before), _cases(now)
        current += count_now
        then, today = middle(before), middle(now)
        if before and now and then is not None and today is not None:
            cells.append(
                Cell(mix, count_before, _waiting(before), then, count_now, _waiting(now), today),
            )
            continue
        left_out += count_before + count_now
        if before and now:
            waits += count_now
    why = _too_few(cells, fewest)
    if waits > most_unknown * current:
        why = STILL_WAIT
    return Compared(tuple(cells), left_out, why)


def compare_shares(parts: Iterable[Part], fewest: Decimal) -> Compared:
    """Shares of both windows by mix, the same way."""
    found: dict[str, dict[str, Part]] = {}
    for one in parts:
        found.setdefault(one.mix, {})[one.window] = one
    cells, left_out, is_unknown = [], 0, False
    for mix, windows in sorted(found.items()):
        before, now = windows.get(BEFORE), windows.get(NOW)
        if before is None or now is None:
            left_out += sum(one.cases for one in windows.values())
            continue
        then, today = _share(before), _share(now)
        if then is None or today is None:
            is_unknown = True
            left_out += before.cases + now.cases
            continue
        cells.append(Cell(mix, before.cases, 0, then, now.cases, 0, today))
    return Compared(tuple(cells), left_out, UNKNOWN if is_unknown else _too_few(cells, fewest))


def reckon(given: Given, assumed: Mapping[str, Range]) -> Return:
    """The return of integration, from what was measured and what is assumed."""
    levers = (
        _set_up(given, assumed),
        *(
            _sooner(name, measure, given, assumed)
            for name, measure in (
                ("transfer", "days_t6_t7"),
                ("invoice", "days_t7_t8"),
                ("cash", "days_t8_t10"),
            )
        ),
        _failures(given, assumed),
        _recovery(given, assumed),
        _leakage(given, assumed),
    )
    yearly = total([lever.yearly for lever in levers])
    released = total([lever.released for lever in levers])
    run_cost = once = net = None
    if not given.is_part:
        run_cost, once = _known(assumed["yearly_run_cost"]), _known(assumed["one_off_cost"])
    if yearly is not None and run_cost is not None:
        net = _each(lambda gain, cost: gain - cost, yearly, _turned(run_cost))
    ratio = payback = None
    if net is not None and once is not None:
        dear = _turned(once)
        ratio = _each(lambda gain, cost: gain / cost if cost else None, net, dear)
        payback = _each(lambda gain, cost: cost * 12 / gain if gain > 0 else None, net, dear)
    return Return(levers, yearly, released, net, ratio, payback)


def worth_of_days(billed: Decimal, days: Decimal, capital: Decimal) -> tuple[Decimal, Decimal]:
    """Days by which a year's billing becomes cash sooner: what comes in once, and what that saves a year."""
    released = billed * days / YEAR
    return released, released * capital


def total(parts: Sequence[Range | None]) -> Range | None:
    """The sum of those that are known; None where none is."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    return Range(
        sum((part.low or Decimal(0) for part in known), Decimal(0)),
        sum((part.base or Decimal(0) for part in known), Decimal(0)),
        sum((part.high or Decimal(0) for part in known), Decimal(0)),
    )


def per_year(cases: int, window: Window) -> Decimal:
    """What a window's cases come to in a year."""
    return Decimal(cases) * YEAR / window.days


def _set_up(given: Given, assumed: Mapping[str, Range]) -> Lever:
    """Deals a year, times working days saved, times hours of work a day of set-up takes, times their cost."""
    compared = _of(given, assumed, "days_t1_t3", lambda group: group.took)
    deals = per_year(sum(g.cases for g in given.groups if _is(g, "days_t1_t3", NOW)), given.now)
    names = ("setup_hours_per_day", "hourly_cost", "share_due_to_integration")
    return _lever("set_up", compared, deals, assumed, names)


def _sooner(name: str, measure: str, given: Given, assumed: Mapping[str, Range]) -> Lever:
    """Days on the calendar by which a year's billing is cash sooner."""
    compared = _of(given, assumed, measure, lambda group: group.days)
    if given.billed is None:
        return Lever(name, compared, None, None, ("billed",))
    saved = compared.saved
    if saved is None:
        return Lever(name, compared, None)
    released, _ = worth_of_days(given.billed, saved, Decimal(0))
    once = _times(released, assumed, ("share_due_to_integration",))
    return Lever(
        name,
        compared,
        _times(released, assumed, ("share_due_to_integration", "cost_of_capital")),
        once,
        _missing(assumed, ("share_due_to_integration", "cost_of_capital")),
    )


def _failures(given: Given, assumed: Mapping[str, Range]) -> Lever:
    """Deliveries of a year, times the share of them that fails no more, times what mending one costs."""
    parts: dict[tuple[str, str], Part] = {}
    for window in (BEFORE, NOW):
        for group in given.groups:
            if group.window == window and group.measure in ("events_fine", "events_failed"):
                held = parts.get((window, group.mix), Part(window, group.mix, Decimal(0), Decimal(0), 0))
                failed = group.cases if group.measure == "events_failed" else 0
                parts[window, group.mix] = Part(
                    window,
                    group.mix,
                    (held.part or Decimal(0)) + failed,
                    (held.whole or Decimal(0)) + group.cases,
                    held.cases + group.cases,
                )
    compared = _told(given, compare_shares(parts.values(), _fewest(assumed)))
    sent = per_year(compared.cases_now, given.now)
    names = ("minutes_per_failure", "hourly_cost", "share_due_to_integration")
    return _lever("failures", compared, sent / 60, assumed, names)


def _recovery(given: Given, assumed: Mapping[str, Range]) -> Lever:
    """Failures of a year, times hours sooner mended, times the interest of what each holds up."""
    compared = _told(given, _of(given, assumed, "hours_recovery", lambda group: group.took))
    failed = per_year(sum(g.cases for g in given.groups if _is(g, "hours_recovery", NOW)), given.now)
    names = ("blocked_per_failure", "cost_of_capital", "share_due_to_integration")
    return _lever("recovery", compared, failed / HOURS_OF_A_YEAR, assumed, names)


def _told(given: Given, compared: Compared) -> Compared:
    """What rests on deliveries: of a part of the firm nothing is known."""
    return Compared((), 0, NOT_TOLD) if given.is_part else compared


def _leakage(given: Given, assumed: Mapping[str, Range]) -> Lever:
    """Agreed value of a year's work, times the share of it that is lost no more."""
    compared = compare_shares(given.leakage, _fewest(assumed))
    if (given.as_of - given.now.last).days < LOST_AFTER:
        compared = replace(compared, why=TOO_YOUNG)
    work = [one.whole for one in given.leakage if one.window == NOW]
    known = [one for one in work if one is not None]
    if len(known) < len(work):
        # also of work that is compared with nothing: a year's work is all of it
        compared = replace(compared, why=compared.why or UNKNOWN)
    worth = sum(known, Decimal(0)) * YEAR / given.now.days
    return _lever("leakage", compared, worth, assumed, ("share_due_to_integration",))


def _lever(
    name: str, compared: Compared, by: Decimal, assumed: Mapping[str, Range], names: tuple[str, ...]
) -> Lever:
    """What was saved, times ``by``, times what is assumed under ``names``."""
    missing = _missing(assumed, names)
    if compared.saved is None or missing:
        return Lever(name, compared, None, None, missing)
    return Lever(name, compared, _times(compared.saved * by, assumed, names))


def _of(
    given: Given, assumed: Mapping[str, Range], measure: str, of: Callable[[Group], Decimal | None]
) -> Compared:
    unknown = assumed["roi_most_unknown"].base or Decimal(0)
    return compare((g for g in given.groups if g.measure == measure), of, _fewest(assumed), unknown)


def _is(group: Group, measure: str, window: str) -> bool:
    return group.measure == measure and group.window == window


def _fewest(assumed: Mapping[str, Range]) -> Decimal:
    return assumed["roi_fewest_cases"].base or Decimal(0)


def _missing(assumed: Mapping[str, Range], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if assumed[name].base is None)


def _known(one: Range) -> Range | None:
    return None if one.base is None else _filled(one)


def _filled(one: Range) -> Range:
    """A bound nobody gave is the base."""
    return Range(
        one.base if one.low is None else one.low, one.base, one.base if one.high is None else one.high
    )


def _times(amount: Decimal, assumed: Mapping[str, Range], names: Iterable[str]) -> Range | None:
    """An amount times assumptions: their low ones, their base, their high ones; the smaller one is low."""
    low = base = high = amount
    for name in names:
        one = _known(assumed[name])
        if one is None or one.low is None or one.base is None or one.high is None:
            return None
        low, base, high = low * one.low, base * one.base, high * one.high
    return Range(min(low, high), base, max(low, high))


def _turned(one: Range) -> Range:
    """A cost beside a gain: the highest cost belongs to the lowest case."""
    return Range(one.high, one.base, one.low)


def _each(of: Callable[[Decimal, Decimal], Decimal | None], left: Range, right: Range) -> Range:
    def at(one: Decimal | None, other: Decimal | None) -> Decimal | None:
        return None if one is None or other is None else of(one, other)

    return Range(at(left.low, right.low), at(left.base, right.base), at(left.high, right.high))


def _too_few(cells: Sequence[Cell], fewest: Decimal) -> str:
    before, now = sum(c.cases_before for c in cells), sum(c.cases_now for c in cells)
    return TOO_FEW if not cells or min(before, now) < fewest else ""


def _cases(groups: Iterable[tuple[Decimal, bool, int]]) -> int:
    return sum(cases for _, _, cases in groups)


def _waiting(groups: Iterable[tuple[Decimal, bool, int]]) -> int:
    return sum(cases for _, is_open, cases in groups if is_open)


def _share(one: Part) -> Decimal | None:
    return None if one.part is None or not one.whole else one.part / one.whole
