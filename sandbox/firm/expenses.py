"""Expense reports of people on client projects."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from sandbox.firm.calendar import DAY, moment, month_start
from sandbox.firm.state import Expense, Worker
from sandbox.firm.world import LAST, Plan, World, cents

_KINDS = (("Airfare", 180, 620), ("Lodging", 110, 420), ("Meals", 18, 90), ("Ground Transport", 15, 120))


def make_expenses(world: World) -> None:
    """Monthly reports: billable up to the value of the contract's expense line, else at the firm's own
    cost."""
    rng = world.rng("expenses")
    days: dict[str, dict[tuple[date, int], list[date]]] = defaultdict(lambda: defaultdict(list))
    people: dict[int, Worker] = {worker.n: worker for worker in world.firm.workers}
    for card in world.firm.timecards:
        if card.rejected_at is not None or not card.assignment.project.is_billable:
            continue
        for split in card.splits:
            key = (month_start(split.start), card.assignment.worker.n)
            worked = [card.week_start + DAY * place for place in range(7) if split.hours[place]]
            days[card.assignment.project.project_id][key].extend(worked)
    for plan in world.plans:
        if plan.project is None:
            continue
        left = plan.expense
        for (_, number), worked in sorted(days[plan.project.project_id].items()):
            if rng.random() < (0.5 if plan.expense_line is not None else 0.05):
                left = _report(world, rng, plan, people[number], worked, left)


def _report(
    world: World, rng: random.Random, plan: Plan, worker: Worker, worked: list[date], left: Decimal
) -> Decimal:
    """Add one report; returns what is left of the contract's expense line."""
    assert plan.project is not None
    calendar = world.calendars[worker.entity]
    chosen = sorted(rng.sample(worked, min(len(worked), rng.randrange(1, 4))))
    submitted = moment(calendar.add(chosen[-1], rng.randrange(1, 6)), rng, 9, 15)
    approved = moment(calendar.add(submitted.date(), rng.randrange(1, 3)), rng, 9, 17)
    if submitted > LAST:
        return left
    report_id = world.ids.salesforce("expense_report")
    own = world.entity_currency(worker.entity)
    for day in chosen:
        kind, low, high = rng.choice(_KINDS)
        amount = Decimal(rng.randrange(low * 100, high * 100)) / 100
        billing = cents(amount * world.cross(own, plan.currency, day))
        billable = plan.expense_line is not None and billing <= left and rng.random() > 0.03
        if billable:
            left -= billing
        world.firm.expenses.append(
            Expense(
                expense_id=world.ids.salesforce("expense"),
                report_id=report_id,
                project=plan.project,
                worker=worker,
                expense_date=day,
                kind=kind,
                amount=amount,
                currency=own,
                billing_amount=billing if billable else Decimal(0),
                billing_currency=plan.currency,
                billable=billable,
                created_at=submitted - timedelta(minutes=rng.randrange(5, 60)),
                submitted_at=submitted,
                approved_at=approved if approved <= LAST else None,
            )
        )
    return left
