"""Delivery, week by week: staffing, time, milestones, completion."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.firm.calendar import DAY, moment, monday_of
from sandbox.firm.contracts import managers
from sandbox.firm.entities import card_rate
from sandbox.firm.state import Assignment, Milestone, Project, Timecard, Worker
from sandbox.firm.timecards import QUARTERS, make_card, make_splits
from sandbox.firm.world import END, LAST, Plan, World, cents

FULL = 2  # a person has two halves to give
_JITTER = (-2, -1, 0, 0, 0, 0, 1, 2)


@dataclass
class _Person:
    worker: Worker
    pattern: tuple[int, ...]  # quarter hours Monday to Sunday, full load
    absent: frozenset[date]
    load: int = 0
    internal: Assignment | None = None


@dataclass
class _Run:
    plan: Plan
    project: Project
    slots: int
    target: int  # quarter hours of a fixed fee
    factor: Decimal  # of the authorised value that a T&M line uses
    milestones: list[tuple[Decimal, Milestone]] = field(
        default_factory=list
    )  # (share of the work, milestone)
    hours_done: int = 0
    value_done: int = 0  # quarter hours x bill rate
    team: list[tuple[_Person, Assignment, int]] = field(default_factory=list)
    last_day: date | None = None
    started: bool = False
    done: bool = False


def deliver(world: World) -> None:
    """Play every week of the period: who works where, what is booked, what is finished."""
    rng = world.rng("delivery")
    people = [_person(worker) for worker in world.firm.workers if worker.psa_at <= LAST]
    runs = [_run(world, rng, plan) for plan in world.plans if _deliverable(plan)]
    for person in people:
        _internal_assignment(world, person)
    week = monday_of(world.scale.start)
    while week + 7 * DAY <= END.date():
        _leavers(runs, week)
        for run in runs:
            if not run.done and monday_of(run.plan.planned_start) <= week:
                _staff(world, rng, run, people, week)
        for run in runs:
            if run.team and not run.done:
                _work(world, rng, run, week)
        for person in people:
            _bench(world, rng, person, week)
        for run in runs:
            if run.started and not run.done:
                _progress(world, rng, run, week)
        week += 7 * DAY
    for run in runs:
        _complete(world, rng, run)
    _soft_bookings(world, rng, people)


def _deliverable(plan: Plan) -> bool:
    return plan.project is not None and "CANCEL" not in plan.tags and plan.planned_start <= END.date()


def _person(worker: Worker) -> _Person:
    day = int(worker.weekly_hours / 5 * 4)
    days = {Decimal("0.8"): 4, Decimal("0.6"): 3}.get(worker.fte, 5)
    hours = day // 2 if worker.fte == Decimal("0.5") else day
    absent: set[date] = set()
    for leave in worker.leaves:
        if leave.status == "approved":
            absent.update(leave.start + DAY * n for n in range((leave.end - leave.start).days + 1))
    return _Person(worker, tuple(hours if place < days else 0 for place in range(7)), frozenset(absent))


def _run(world: World, rng: random.Random, plan: Plan) -> _Run:
    assert plan.project is not None
    slots = max(1, min(12, round(plan.hours / (plan.weeks * 16.5))))
    factor = (
        Decimal("1.08")
        if "OVERRUN" in plan.tags
        else Decimal("0.86")
        if "UNDERRUN" in plan.tags
        else Decimal(1)
    )
    run = _Run(plan, plan.project, slots, round(plan.hours * 4 * rng.uniform(0.9, 1.08)), factor)
    if plan.method in ("FIXED_MILESTONE", "FIXED_POC"):
        _plan_milestones(world, rng, run)
    return run


def _plan_milestones(world: World, rng: random.Random, run: _Run) -> None:
    plan, project = run.plan, run.project
    assert plan.line is not None
    assert project.linked_at is not None
    count = 3 if "N44" in plan.tags else rng.randrange(3, 6)
    created = project.linked_at + timedelta(minutes=5)
    part = (
        cents(plan.amount / count) if "N44" in plan.tags else Decimal(round(plan.amount / count / 100) * 100)
    )
    for n in range(1, count + 1):
        amount = part if n < count else plan.amount - part * (count - 1)
        run.milestones.append(
            (
                Decimal(n) / count,
                Milestone(
                    milestone_id=world.ids.salesforce("milestone"),
                    name=f"{project.number} instalment {n} of {count}",
                    project=project,
                    line=plan.line,
                    amount=amount,
                    target=plan.planned_start + DAY * (plan.weeks * 7 * n // count),
                    created_at=created,
                ),
            )
        )
    for change in plan.amendments:
        entered = next((row[0] for row in project.budget_changes if row[3] == change.amendment_id), None)
        if entered is not None:
            run.milestones.append(
                (
                    Decimal(1),
                    Milestone(
                        milestone_id=world.ids.salesforce("milestone"),
                        name=change.name,
                        project=project,
                        line=plan.line,
                        amount=change.delta_value,
                        target=project.end + DAY * 14,
                        created_at=entered + timedelta(minutes=10),
                    ),
                )
            )
    world.firm.milestones.extend(milestone for _, milestone in run.milestones)


def _internal_assignment(world: World, person: _Person) -> None:
    worker = person.worker
    if worker.worker_type != "EMPLOYEE" or not worker.time_required:
        return
    project = next(
        item
        for item in world.firm.projects
        if item.project_type == "Internal" and item.entity == worker.entity
    )
    person.internal = add_assignment(
        world,
        project,
        worker,
        pattern=tuple(Decimal(0) for _ in range(7)),
        rate=Decimal(0),
        billable=False,
        start=max(worker.hire_date, world.scale.start),
        end=worker.term_date or project.end,
        created_at=max(worker.psa_at, project.created_at) + timedelta(hours=1),
    )


def add_assignment(
    world: World,
    project: Project,
    worker: Worker,
    *,
    pattern: tuple[Decimal, ...],
    rate: Decimal,
    billable: bool,
    start: date,
    end: date,
    created_at: datetime,
    booking: str = "HARD",
) -> Assignment:
    """Book a person on a project; `pattern` are hours Monday to Sunday."""
    assignment = Assignment(
        assignment_id=world.ids.salesforce("assignment"),
        schedule_id=world.ids.salesforce("schedule"),
        request_id=world.ids.salesforce("resource_request"),
        project=project,
        worker=worker,
        role=worker.role,
        bill_rate=rate,
        billable=billable,
        start=start,
        end=end,
        day_hours=pattern,
        booking=booking,
        created_at=created_at,
    )
    world.firm.assignments.append(assignment)
    return assignment


def _leavers(runs: list[_Run], week: date) -> None:
    """Whoever left before this week frees the place, to be filled again."""
    for run in runs:
        stay = []
        for person, assignment, need in run.team:
            term = person.worker.term_date
            if term is not None and term < week:
                assignment.end = term
                person.load -= need
            else:
                stay.append((person, assignment, need))
        run.team = stay


def _staff(world: World, rng: random.Random, run: _Run, people: list[_Person], week: date) -> None:
    plan, project = run.plan, run.project
    assert project.linked_at is not None
    missing = run.slots - sum(need for _, _, need in run.team)
    calendar = world.calendars[plan.entity]
    start = max(plan.planned_start, calendar.on_or_after(week))
    day = max(calendar.add(start, -rng.randrange(3, 6)), project.linked_at.date())
    created = max(moment(day, rng, 9, 17), project.linked_at + timedelta(minutes=rng.randrange(5, 40)))
    while missing > 0 and len(run.team) < 7:
        need = FULL if missing >= FULL else 1
        best: tuple[tuple[float, ...], _Person] | None = None
        for person in people:
            worker = person.worker
            if person.load + need > FULL or worker.psa_at > created or worker.hire_date > start:
                continue
            if worker.term_date is not None and worker.term_date < start + DAY * 28:
                continue
            if worker.worker_type == "CONTRACTOR":
                if need < FULL or worker.entity != plan.entity or worker.psa_at + timedelta(days=8) > created:
                    continue
            elif not worker.time_required or (need < FULL and worker.fte == Decimal("0.5")):
                continue
            if any(person is member for member, _, _ in run.team):
                continue
            score = (
                float(worker.entity != plan.entity) * 2 + float(worker.region != project.region),
                float(worker.practice != plan.practice)
                - 0.4 * float(worker.worker_type == "CONTRACTOR")
                + rng.random() * 1.5,
            )
            if best is None or score < best[0]:
                best = (score, person)
        if best is None:
            return
        person = best[1]
        rate, _ = card_rate(person.worker.role, plan.practice, plan.currency, start.year)
        pattern = tuple(QUARTERS[quarters // FULL * need] for quarters in person.pattern)
        assignment = add_assignment(
            world,
            project,
            person.worker,
            pattern=pattern,
            rate=(rate * Decimal(str(plan.rate_factor))).quantize(Decimal(1), ROUND_HALF_UP),
            billable=not (len(run.team) >= 2 and rng.random() < 0.04),
            start=start,
            end=max(project.end, start + DAY * 27),
            created_at=created,
        )
        person.load += need
        run.team.append((person, assignment, need))
        plan.team.append(assignment)
        missing -= need


def _limit(run: _Run, week: date) -> int:
    """What a T&M line may be worth, in quarter hours x rate; a very large number for other methods."""
    plan = run.plan
    if plan.method not in ("TM", "TM_CAPPED"):
        return 10**15
    return int((plan.amount + plan.signed_delta(week)) * run.factor * 4)


def _work(world: World, rng: random.Random, run: _Run, week: date) -> None:
    limit = _limit(run, week)
    plan = run.plan
    for person, assignment, need in run.team:
        quarters = [0] * 7
        rate = int(assignment.bill_rate) if assignment.billable else 0
        for place in range(5):
            day = week + DAY * place
            base = person.pattern[place] // FULL * need
            if base == 0 or day < assignment.start or not _present(world, person, day):
                continue
            if plan.line is not None and day > plan.line.effective_to:
                continue
            spent = max(1, base + rng.choice(_JITTER))
            if rate:
                spent = min(spent, (limit - run.value_done) // rate)
            if spent <= 0:
                continue
            quarters[place] = spent
            run.value_done += spent * rate
            run.hours_done += spent
            run.last_day = max(run.last_day or day, day)
        if not any(quarters):
            continue
        approver = _approver(world, run.project, person.worker)
        employee = person.worker.worker_type == "EMPLOYEE"
        cards = make_card(world, rng, assignment, week, quarters, approver, may_be_rejected=employee)
        world.firm.timecards.extend(cards)
        if not run.started:
            run.started = True
            first = next(week + DAY * place for place in range(7) if quarters[place])
            run.project.stages.append((moment(first, rng, 7, 9), "In Progress"))


def _approver(world: World, project: Project, worker: Worker) -> Worker:
    assert project.manager is not None
    if project.manager is not worker:
        return project.manager
    return next(
        item for item in managers(world, project.entity, project.created_at.date()) if item is not worker
    )


def _present(world: World, person: _Person, day: date) -> bool:
    worker = person.worker
    return (
        worker.hire_date <= day
        and (worker.term_date is None or day <= worker.term_date)
        and day >= world.scale.start
        and day not in person.absent
        and world.calendars[worker.entity].is_working(day)
    )


def _bench(world: World, rng: random.Random, person: _Person, week: date) -> None:
    """Idle time of employees is booked to the entity's internal project."""
    if person.internal is None or person.load >= FULL:
        return
    quarters = [0] * 7
    for place in range(5):
        free = person.pattern[place] - person.pattern[place] // FULL * person.load
        day = week + DAY * place
        if free >= 6 and day >= person.internal.start and _present(world, person, day):
            quarters[place] = free
    if any(quarters):
        approver = _approver(world, person.internal.project, person.worker)
        world.firm.timecards.extend(
            make_card(world, rng, person.internal, week, quarters, approver, may_be_rejected=False)
        )


def _progress(world: World, rng: random.Random, run: _Run, week: date) -> None:
    """Milestones reached by the end of the week, and whether the work is done."""
    plan = run.plan
    friday = week + DAY * 4
    calendar = world.calendars[plan.entity]
    extra = sum(
        int(change.delta_hours * 4)
        for change in plan.amendments
        if any(
            row[3] == change.amendment_id and row[0].date() <= friday for row in run.project.budget_changes
        )
    )
    share = Decimal(run.hours_done) / (run.target + extra)
    over = plan.line is not None and plan.line.effective_to <= friday
    if plan.method == "RETAINER":
        run.done = over
    elif plan.method in ("TM", "TM_CAPPED"):
        rates = [int(assignment.bill_rate) for _, assignment, _ in run.team if assignment.billable]
        left = _limit(run, week) - run.value_done
        run.done = over or (bool(rates) and left < min(rates) and not _more_to_come(plan, friday))
    else:
        run.done = over or (share >= 1 and not _more_to_come(plan, friday))
    for needed, milestone in run.milestones:
        if milestone.completed_on is None and (run.done or (share >= needed and needed < 1)):
            _reach(world, rng, milestone, calendar.add(friday, rng.randrange(0, 3)), plan)
    if run.done:
        plan.done_on = run.last_day
        for person, assignment, need in run.team:
            assignment.end = max(assignment.start, run.last_day or assignment.start)
            person.load -= need
        run.team = []


def _more_to_come(plan: Plan, day: date) -> bool:
    """Whether signed work becomes effective only later."""
    return any(
        change.signed_on is not None
        and change.effective_on is not None
        and change.effective_on > day - DAY * 5
        for change in plan.amendments
    )


def _reach(world: World, rng: random.Random, milestone: Milestone, day: date, plan: Plan) -> None:
    calendar = world.calendars[plan.entity]
    day = calendar.on_or_after(day)
    completed = moment(day, rng, 10, 17)
    if completed > LAST or completed <= milestone.created_at:
        return
    milestone.completed_on, milestone.completed_at = day, completed
    accepted_on = calendar.add(day, rng.randrange(2, 9))
    accepted = moment(accepted_on, rng, 10, 16)
    if accepted <= LAST:
        milestone.accepted_on, milestone.accepted_at = accepted_on, accepted


def _complete(world: World, rng: random.Random, run: _Run) -> None:
    plan, calendar = run.plan, world.calendars[run.plan.entity]
    assert plan.contract is not None
    if run.team:
        later = max(run.project.end, END.date() + DAY * rng.randrange(20, 60))
        for person, assignment, _ in run.team:
            assignment.end = min(later, person.worker.term_date or later)
    if not run.done or plan.done_on is None:
        return
    day = calendar.add(plan.done_on, rng.randrange(6, 12))
    for _, milestone in run.milestones:
        if milestone.accepted_on is None:
            return
        day = max(day, calendar.add(milestone.accepted_on, 1))
    at = moment(day, rng, 10, 15)
    if at > LAST:
        return
    plan.contract.statuses.append((at, "COMPLETED"))
    plan.contract.closed_on = day
    run.project.stages.append((at + timedelta(hours=1), "Completed"))


def _soft_bookings(world: World, rng: random.Random, people: list[_Person]) -> None:
    """Tentative bookings of people for projects that have yet to start or to be extended."""
    staff = [person for person in people if person.internal is not None and person.worker.term_date is None]
    runs = [plan for plan in world.plans if plan.project is not None and "CANCEL" not in plan.tags]
    for plan in runs[:: max(1, len(runs) // 12)]:
        assert plan.project is not None
        assert plan.project.linked_at is not None
        created = plan.project.linked_at + timedelta(minutes=30)
        able = [person for person in staff if person.worker.psa_at < created]
        if not able:
            continue
        person = rng.choice(able)
        rate, _ = card_rate(person.worker.role, plan.practice, plan.currency, plan.planned_start.year)
        add_assignment(
            world,
            plan.project,
            person.worker,
            pattern=tuple(QUARTERS[quarters // FULL] for quarters in person.pattern),
            rate=rate,
            billable=True,
            start=plan.planned_start,
            end=plan.project.end,
            created_at=created,
            booking="SOFT",
        )


def late_contact_card(world: World) -> Timecard:
    """First timecard of the joiner whose contact the PSA will only hold the next day."""
    worker = next(item for item in world.firm.workers if item.psa_at > LAST)
    day = worker.hire_date
    project = next(
        item
        for item in world.firm.projects
        if item.project_type == "Internal" and item.entity == worker.entity
    )
    at = datetime.combine(day + DAY * 2, time(8, 10), END.tzinfo)
    assignment = add_assignment(
        world,
        project,
        worker,
        pattern=tuple(Decimal(0) for _ in range(7)),
        rate=Decimal(0),
        billable=False,
        start=day,
        end=project.end,
        created_at=at,
    )
    late = Timecard(
        header_id=world.ids.salesforce("timecard_header"),
        assignment=assignment,
        week_start=day,
        splits=make_splits(world.ids, assignment, day, [30, 30, 30, 0, 0, 0, 0]),
        created_at=at + timedelta(hours=7),
        submitted_at=at + timedelta(hours=8),
        approved_at=None,
        rejected_at=None,
        approver=None,
    )
    world.firm.timecards.append(late)
    return late
