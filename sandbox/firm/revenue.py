"""Recognised revenue, posted at every month's close per contract line and service month."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.firm.calendar import add_months, moment, month_end, month_start
from sandbox.firm.state import Contract, ContractLine, Milestone, RevenueEntry
from sandbox.firm.world import CENT, LAST, Plan, World

_FINE = Decimal("0.0001")
_NEARLY = Decimal("0.97")  # a project still under way never counts as fully performed


def recognise(world: World) -> None:
    """Post revenue for every month whose close (third working day after it) lies before the end."""
    approved, hours = _performed(world)
    milestones: dict[str, list[Milestone]] = defaultdict(list)
    for milestone in world.firm.milestones:
        milestones[milestone.line.line_key].append(milestone)
    posted: dict[str, Decimal] = defaultdict(Decimal)
    first = month_start(world.scale.start)
    while first <= LAST.date():
        closes = _closes(world, month_end(first))
        for plan in world.plans:
            if plan.contract is None or plan.line is None or plan.project is None:
                continue
            at, journal = closes[plan.contract.entity]
            if at > LAST:
                continue
            lines = [plan.line] if plan.expense_line is None else [plan.line, plan.expense_line]
            for line in lines:
                for service, amount in _due(plan, line, first, at, approved, hours, milestones, posted):
                    _post(world, plan.contract, line, amount, month_end(first), service, at, journal)
                    posted[line.line_key] += amount
        first = add_months(first, 1)
    _reversals(world)


_Performed = dict[str, list[tuple[datetime, date, Decimal]]]


def _performed(world: World) -> tuple[_Performed, _Performed]:
    """Approved value per line key, and approved hours per project: (approved at, service month, amount or
    hours)."""
    value: _Performed = defaultdict(list)
    hours: _Performed = defaultdict(list)
    lines = {plan.project.project_id: plan for plan in world.plans if plan.project is not None}
    for card in world.firm.timecards:
        plan = lines.get(card.assignment.project.project_id)
        if plan is None or plan.line is None or card.approved_at is None:
            continue
        for split in card.splits:
            month = month_start(split.start)
            hours[plan.line.line_key].append((card.approved_at, month, sum(split.hours, Decimal(0))))
            if split.billable_amount:
                value[plan.line.line_key].append((card.approved_at, month, split.billable_amount))
    for expense in world.firm.expenses:
        plan = lines[expense.project.project_id]
        if expense.billable and expense.approved_at is not None and plan.expense_line is not None:
            row = (expense.approved_at, month_start(expense.expense_date), expense.billing_amount)
            value[plan.expense_line.line_key].append(row)
    return value, hours


def _closes(world: World, last: date) -> dict[str, tuple[datetime, str]]:
    """Per entity when a month is closed, and the journal that carries it."""
    rng = world.rng("close")
    closes = {}
    for code, calendar in world.calendars.items():
        at = moment(calendar.add(last, 3), rng, 10, 16)
        closes[code] = (at, world.ids.netsuite("transaction") if at <= LAST else "")
    return closes


def _due(
    plan: Plan,
    line: ContractLine,
    first: date,
    at: datetime,
    approved: _Performed,
    hours: _Performed,
    milestones: dict[str, list[Milestone]],
    posted: dict[str, Decimal],
) -> list[tuple[date, Decimal]]:
    """What the close of the month `first` posts for a line: (service month, amount)."""
    last = month_end(first)
    if line.method in ("TM", "TM_CAPPED", "EXPENSE"):
        waiting = approved[line.line_key]
        ready = [row for row in waiting if row[0] <= at and row[1] <= first]
        approved[line.line_key] = [row for row in waiting if not (row[0] <= at and row[1] <= first)]
        months: dict[date, Decimal] = defaultdict(Decimal)
        for _, service, amount in ready:
            months[service] += amount
        rows = sorted(months.items())
        if line.method == "TM_CAPPED" and line.ceiling is not None:
            left = line.ceiling + plan.signed_delta(last) - posted[line.line_key]
            capped = []
            for service, amount in rows:
                capped.append((service, min(amount, max(left, Decimal(0)))))
                left -= capped[-1][1]
            rows = capped
        return [row for row in rows if row[1]]
    if line.method == "FIXED_MILESTONE":
        done = [
            item
            for item in milestones[line.line_key]
            if item.accepted_on and month_start(item.accepted_on) == first
        ]
        amount = sum((item.amount for item in done), Decimal(0))
        return [(first, amount)] if amount else []
    if line.method == "RETAINER":
        start = month_start(plan.planned_start)
        inside = start <= first < add_months(start, plan.months)
        return [(first, plan.amount / plan.months)] if inside else []
    amount = _cost_to_cost(plan, line, last, at, hours) - posted[line.line_key]
    return [(first, amount)] if amount else []


def _cost_to_cost(plan: Plan, line: ContractLine, last: date, at: datetime, hours: _Performed) -> Decimal:
    """Cumulative revenue of a percent-complete line: hours worked of hours planned, all of it once
    completed."""
    assert plan.project is not None
    assert plan.contract is not None
    signed = [item for item in plan.amendments if item.signed_on is not None and item.signed_on <= last]
    committed = line.original_value + sum((item.delta_value for item in signed), Decimal(0))
    if plan.contract.closed_on is not None and plan.contract.closed_on <= last:
        return committed
    worked = sum((row[2] for row in hours[line.line_key] if row[0] <= at and row[1] <= last), Decimal(0))
    planned = plan.project.planned_hours + sum((item.delta_hours for item in signed), Decimal(0))
    return (committed * min(worked, planned * _NEARLY) / planned).quantize(CENT, ROUND_HALF_UP)


def _post(
    world: World,
    contract: Contract,
    line: ContractLine,
    amount: Decimal,
    accounting: date,
    service: date,
    at: datetime,
    journal: str,
    entry_type: str | None = None,
) -> None:
    rate = world.cross(contract.currency, world.entity_currency(contract.entity), accounting)
    normal = "NORMAL" if service == month_start(accounting) else "CATCH_UP"
    world.firm.revenue.append(
        RevenueEntry(
            row_id=world.ids.netsuite("revenueplanplannedrevenue"),
            line=line,
            contract=contract,
            amount=amount,
            amount_base=(amount * rate).quantize(_FINE, ROUND_HALF_UP),
            accounting_date=accounting,
            service_from=service,
            service_to=month_end(service),
            entry_type=entry_type or normal,
            posted_at=at,
            journal_id=journal,
        )
    )


def _reversals(world: World) -> None:
    """A few postings are taken back the next working day and posted anew, to the same net effect."""
    rng = world.rng("reversals")
    able = [
        entry
        for entry in world.firm.revenue
        if entry.entry_type == "NORMAL" and entry.amount > 0 and entry.posted_at < LAST - timedelta(days=5)
    ]
    for entry in rng.sample(able, min(len(able), 1 if world.scale.name == "tiny" else 6)):
        day = world.calendars[entry.contract.entity].add(entry.posted_at.date(), 1)
        at = moment(day, rng, 9, 15)
        facts = (entry.accounting_date, entry.service_from)
        back, again = world.ids.netsuite("transaction"), world.ids.netsuite("transaction")
        _post(world, entry.contract, entry.line, -entry.amount, *facts, at, back, "REVERSAL")
        _post(world, entry.contract, entry.line, entry.amount, *facts, at + timedelta(minutes=30), again)
