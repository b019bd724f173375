"""Weekly timecards: how hours become a header and its splits, and when it is submitted and approved."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.firm.calendar import DAY, moment
from sandbox.firm.entities import card_rate
from sandbox.firm.ids import Ids
from sandbox.firm.state import Assignment, Split, Timecard, Worker
from sandbox.firm.world import LAST, World

# Hours are counted in whole quarters of an hour while they are made.
QUARTERS = tuple(Decimal(n) / 4 for n in range(200))
_ZERO = Decimal(0)
# one card of so many is forgotten, for so many working days
FORGOTTEN_OF, FORGOTTEN_FOR = 70, 14


def make_splits(ids: Ids, assignment: Assignment, week_start: date, quarters: Sequence[int]) -> list[Split]:
    """Splits of a week: one per calendar month that holds hours. `quarters` are quarter hours, Monday to
    Sunday."""
    week_end = week_start + 6 * DAY
    if week_start.month == week_end.month:
        spans = [(week_start, week_end)]
    else:
        first = week_end.replace(day=1)
        spans = [(week_start, first - DAY), (first, week_end)]
    rate = assignment.bill_rate if assignment.billable else _ZERO
    project = assignment.project
    _, cost = card_rate(assignment.role, project.practice, project.currency, week_start.year)
    splits = []
    for start, end in spans:
        low, high = (start - week_start).days, (end - week_start).days
        total = sum(quarters[low : high + 1])
        if total == 0:
            continue
        hours = tuple(QUARTERS[quarters[day]] if low <= day <= high else _ZERO for day in range(7))
        worked = Decimal(total) / 4
        splits.append(
            Split(
                split_id=ids.salesforce("timecard_split"),
                start=start,
                end=end,
                hours=hours,
                billable_amount=worked * rate,
                cost_amount=worked * cost,
            )
        )
    return splits


def make_card(
    world: World,
    rng: random.Random,
    assignment: Assignment,
    week_start: date,
    quarters: Sequence[int],
    approver: Worker,
    *,
    may_be_rejected: bool,
) -> list[Timecard]:
    """The card of a week, preceded by a rejected one now and then. Nothing when it is not submitted before
    the end."""
    calendar = world.calendars[assignment.worker.entity]
    friday = week_start + 4 * DAY
    day = calendar.on_or_after(friday) if rng.random() < 0.6 else calendar.on_or_after(week_start + 7 * DAY)
    submitted = moment(day, rng, 8, 11) if day > friday else moment(day, rng, 14, 17)
    if _forgotten(assignment, week_start):
        # remembered weeks later, when the month may be closed
        submitted = datetime.combine(calendar.add(day, FORGOTTEN_FOR), submitted.timetz())
    if submitted > LAST:
        return []
    decided = _decision(world, rng, assignment, submitted)
    cards = []
    if may_be_rejected and rng.random() < 0.007 and decided < LAST - timedelta(days=12):
        cards.append(_card(world, assignment, week_start, quarters, rng, submitted, None, decided, approver))
        submitted = moment(calendar.add(decided.date(), 1), rng, 8, 11)
        decided = _decision(world, rng, assignment, submitted)
    approved = decided if decided <= LAST else None
    cards.append(_card(world, assignment, week_start, quarters, rng, submitted, approved, None, approver))
    return cards


def _forgotten(assignment: Assignment, week_start: date) -> bool:
    """Whether nobody thinks of the week's card for a while; drawn apart, so that all else stays as it was."""
    drawn = zlib.crc32(f"294|{assignment.assignment_id}|{week_start}".encode())
    return drawn % FORGOTTEN_OF == 0


def _decision(world: World, rng: random.Random, assignment: Assignment, submitted: datetime) -> datetime:
    """When the approver decides: within two working days, on the calendar of worker and of project alike."""
    calendar, other = world.calendars[assignment.worker.entity], world.calendars[assignment.project.entity]
    offset = rng.choices((0, 1, 2), (35, 50, 15))[0]
    day = calendar.add(submitted.date(), offset)
    while offset and other is not calendar and other.between(submitted.date(), day) > 2:
        offset -= 1
        day = calendar.add(submitted.date(), offset)
    if offset == 0:
        return submitted + timedelta(minutes=rng.randrange(20, 200))
    return moment(day, rng, 9, 18)


def _card(
    world: World,
    assignment: Assignment,
    week_start: date,
    quarters: Sequence[int],
    rng: random.Random,
    submitted: datetime,
    approved: datetime | None,
    rejected: datetime | None,
    approver: Worker,
) -> Timecard:
    return Timecard(
        header_id=world.ids.salesforce("timecard_header"),
        assignment=assignment,
        week_start=week_start,
        splits=make_splits(world.ids, assignment, week_start, quarters),
        created_at=submitted - timedelta(minutes=rng.randrange(3, 60)),
        submitted_at=submitted,
        approved_at=approved,
        rejected_at=rejected,
        approver=approver if approved or rejected else None,
    )
