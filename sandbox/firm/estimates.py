"""What project managers expect their projects to come to, told every month, late or not at all by some."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from sandbox.firm.calendar import add_months, moment, month_end, month_start
from sandbox.firm.state import Project
from sandbox.firm.world import LAST, Plan, World

# Working days from the month's end on which the estimate is made: before it, or late.
_DAYS = (-1, -2, 3, 4)
_OFTEN = (45, 25, 20, 10)
_FORGOTTEN = 0.12
_TROUBLED = 0.12
_TEN = Decimal(10)
_ALLOWANCE = Decimal("1.03")  # for expenses, and for what people cost above the rate card

# project -> (submitted at, hours, their cost by the rate card)
_Booked = dict[str, list[tuple[datetime, Decimal, Decimal]]]


def re_estimate(world: World) -> None:
    """Adds to every project for a client what its manager expects it to come to, month by month.

    The plan is the first estimate. Once the work is done the estimate is what it took. The ERP posts revenue
    by progress against the plan all the same: where an estimate moved, what is posted is not as expected.
    """
    rng = world.rng("estimates")
    booked: _Booked = defaultdict(list)
    for card in world.firm.timecards:
        if card.rejected_at is None:
            hours = sum((sum(split.hours, Decimal(0)) for split in card.splits), Decimal(0))
            cost = sum((split.cost_amount for split in card.splits), Decimal(0))
            booked[card.assignment.project.project_id].append((card.submitted_at, hours, cost))
    for plan in world.plans:
        if plan.project is not None and "CANCEL" not in plan.tags and plan.project.planned_hours:
            _by_month(world, rng, plan, plan.project, booked)


def _by_month(world: World, rng: random.Random, plan: Plan, project: Project, booked: _Booked) -> None:
    calendar = world.calendars[plan.entity]
    hourly = project.budget_cost / project.planned_hours * rng.randrange(94, 110) / 100
    in_trouble = rng.random() < _TROUBLED
    lean = 0
    month = month_start(plan.planned_start)
    while month <= LAST.date():
        place = rng.choices(_DAYS, _OFTEN)[0]
        # counted back from the first day after the month, or on from its last
        turn = add_months(month, 1) if place < 0 else month_end(month)
        at = moment(calendar.add(turn, place), rng, 14, 18)
        is_forgotten = rng.random() < _FORGOTTEN
        lean = max(-20, lean + rng.choice((-6, -3, 0, 0, 2, 4, 7)))
        if in_trouble and lean < 110:
            lean += rng.randrange(40, 70)
        month = add_months(month, 1)
        is_done = plan.done_on is not None and plan.done_on < at.date()
        if at > LAST or at.date() <= max(plan.planned_start, project.created_at.date()):
            continue
        if is_forgotten and not is_done:
            continue
        known = [row for row in booked[project.project_id] if row[0] <= at]
        spent = sum((row[1] for row in known), Decimal(0))
        hours = spent.to_integral_value(ROUND_CEILING)
        if not is_done:
            hours = _whole(_foreseen(_planned(plan, at), spent, lean))
        paid = sum((row[2] for row in known), Decimal(0))
        cost = _whole((paid + (hours - spent) * hourly) * _ALLOWANCE / _TEN) * _TEN
        project.estimates.append((at, (at.date(), cost, hours)))
        if is_done:
            return


def _foreseen(planned: Decimal, spent: Decimal, lean: int) -> Decimal:
    """The plan as far as the manager leans from it, which the work that is done leaves less room for."""
    share = min(Decimal(1), spent / planned)
    return max(planned * (100 + lean * (1 - share * 8 / 10)) / 100, spent * 103 / 100)


def _planned(plan: Plan, at: datetime) -> Decimal:
    """Hours of the plan with the change orders that the manager has entered."""
    assert plan.project is not None
    entered = {row[3] for row in plan.project.budget_changes if row[0] <= at}
    return plan.project.planned_hours + sum(
        (change.delta_hours for change in plan.amendments if change.amendment_id in entered), Decimal(0)
    )


def _whole(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1), ROUND_HALF_UP)
