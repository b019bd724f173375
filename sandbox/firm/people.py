"""Employees and subcontractors: employment, dated cost rates, leave."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sandbox.firm.calendar import DAY, moment
from sandbox.firm.entities import COST_USD, CURRENCY_FACTOR, GRADES, PRACTICE_FACTOR
from sandbox.firm.state import CostRate, Leave, Vendor, Worker
from sandbox.firm.world import END, World, cents

_FIRST = [
    "Ada",
    "Bruno",
    "Carla",
    "Dmitri",
    "Elena",
    "Farid",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Karin",
    "Liam",
    "Maya",
    "Noah",
    "Olga",
    "Pavel",
    "Quinn",
    "Rosa",
    "Samir",
    "Tara",
    "Ulla",
    "Viktor",
    "Wanda",
    "Xenia",
    "Yusuf",
    "Zoe",
    "Amara",
    "Ben",
    "Chloe",
    "Daan",
    "Emil",
    "Fiona",
    "Gita",
    "Henri",
    "Isla",
    "Jens",
    "Kofi",
    "Lena",
    "Mateo",
    "Nadia",
]
_LAST = [
    "Abbott",
    "Becker",
    "Carver",
    "Dalton",
    "Eriksen",
    "Fischer",
    "Garner",
    "Hoffman",
    "Iverson",
    "Janssen",
    "Keller",
    "Lindqvist",
    "Moreau",
    "Novak",
    "Okafor",
    "Petrov",
    "Quigley",
    "Rossi",
    "Sandoval",
    "Tanaka",
    "Ueda",
    "Visser",
    "Whitfield",
    "Xu",
    "Yildiz",
    "Zeller",
    "Archer",
    "Boone",
    "Castell",
    "Drummond",
    "Eastman",
    "Farrow",
    "Gallagher",
    "Hewitt",
    "Ingram",
    "Jarvis",
    "Kendall",
    "Lowell",
    "Mercer",
    "Norwood",
]
_VENDORS = (
    "Brightwater Contracting",
    "Corvid Systems",
    "Delta Nine Partners",
    "Eastfield Freelance",
    "Fenwick Resourcing",
    "Granite Point",
    "Harbourline IT",
    "Ironwood Experts",
    "Juniper Associates",
    "Kestrel Staffing",
    "Longmeadow Tech",
    "Marlow Specialists",
)
_ROLE_WEIGHTS = (18, 30, 26, 18, 8)
WEEKLY_HOURS = {"GB": Decimal("37.5")}


def make_people(world: World) -> None:
    """Fill workers (with rates and leave) and vendors of the firm."""
    rng = world.rng("people")
    _vendors(world)
    employees = world.scale.employees
    entities = _spread(world.house.weights, employees)
    for n in range(1, employees + 1):
        world.firm.workers.append(_employee(world, rng, n, entities[n - 1]))
    if world.house.full:
        _late_contact(world, rng, employees + 1)
    for n in range(employees + 2, employees + 2 + world.scale.contractors):
        world.firm.workers.append(_contractor(world, rng, n))
    leave_rng = world.rng("leave")
    for worker in world.firm.workers:
        if worker.worker_type == "EMPLOYEE":
            _rates(world, rng, worker)
            _leaves(world, leave_rng, worker)


def _spread(weights: Mapping[str, int], count: int) -> list[str]:
    """Entities in their proportions, evenly mixed, so that small firms hold every entity too."""
    taken = dict.fromkeys(weights, 0)
    order = []
    for _ in range(count):
        code = max(weights, key=lambda entity: weights[entity] / (taken[entity] + 1))
        taken[code] += 1
        order.append(code)
    return order


def _vendors(world: World) -> None:
    rng = world.rng("vendors")
    entities = world.house.vendor_entities
    for n in range(world.scale.vendors):
        currency = world.entity_currency(entities[n % len(entities)])
        day = world.planning.on_or_after(world.scale.prehistory)
        world.firm.vendors.append(
            Vendor(world.ids.netsuite("vendor"), _VENDORS[n], currency, moment(day, rng))
        )


def _employee(world: World, rng: random.Random, n: int, entity_code: str) -> Worker:
    scale, entity, calendar = world.scale, world.firm.entities[entity_code], world.calendars[entity_code]
    grade = rng.choices(GRADES, _ROLE_WEIGHTS)[0]
    # partner-level managers, one per entity and at least two, stay throughout: projects and their managers'
    # own cards always find one
    head = n <= max(2, len(world.house.entities))
    if head:
        grade = "Manager"
    span = (END.date() - scale.start).days
    joins = not head and n > 12 and rng.random() < 0.24
    if joins:
        hire = calendar.on_or_after(scale.start + DAY * rng.randrange(10, span - 40))
        hr_day = calendar.add(hire, -rng.randrange(9, 15))
        psa_day = calendar.add(hire, -rng.randrange(3, 8))
    else:
        hire = calendar.on_or_after(
            date(rng.randrange(2014, scale.start.year), rng.randrange(1, 13), rng.randrange(1, 28))
        )
        hire = min(hire, calendar.on_or_before(scale.prehistory - DAY))
        hr_day = calendar.on_or_after(scale.prehistory)
        psa_day = calendar.add(hr_day, 1)
    term: date | None = None
    known: datetime | None = None
    if not head and rng.random() < 0.13:
        first = max(hire + DAY * 60, scale.start + DAY * 45)
        if first < END.date() - DAY * 15:
            term = calendar.on_or_before(first + DAY * rng.randrange((END.date() - DAY * 10 - first).days))
            known = moment(calendar.add(term, -rng.randrange(10, 22)), rng)
    fte = Decimal(1) if head else Decimal(rng.choices(("1", "0.8", "0.6", "0.5"), (90, 5, 3, 2))[0])
    office = not head and world.scale.name != "tiny" and rng.random() < 0.02
    practice = "INT" if office else rng.choice(tuple(PRACTICE_FACTOR))
    return Worker(
        n=n,
        first_name=rng.choice(_FIRST),
        last_name=rng.choice(_LAST),
        worker_type="EMPLOYEE",
        entity=entity_code,
        region=entity.region,
        practice=practice,
        group=rng.choices(("CONSULT", "MANAGED"), (80, 20))[0],
        role=grade,
        grade=f"G{GRADES.index(grade) + 1}",
        hire_date=hire,
        term_date=term,
        fte=fte,
        weekly_hours=WEEKLY_HOURS.get(entity.country, Decimal(40)),
        time_required=not office,
        employee_number=f"{world.house.staff_prefix}{n:05d}",
        hr_id=world.ids.bamboo("employee"),
        contact_id=world.ids.salesforce("contact"),
        hr_at=moment(hr_day, rng),
        psa_at=moment(psa_day, rng, 8, 11),
        termination_known_at=known,
        vendor=None,
    )


def _late_contact(world: World, rng: random.Random, n: int) -> None:
    """A joiner whose PSA contact is created a day after his first timecard refers to it."""
    world.firm.workers.append(
        Worker(
            n=n,
            first_name=rng.choice(_FIRST),
            last_name=rng.choice(_LAST),
            worker_type="EMPLOYEE",
            entity="GB01",
            region="EU",
            practice="DATA",
            group="CONSULT",
            role="Consultant",
            grade="G2",
            hire_date=date(2026, 7, 6),
            term_date=None,
            fte=Decimal(1),
            weekly_hours=WEEKLY_HOURS["GB"],
            time_required=True,
            employee_number=f"{world.house.staff_prefix}{n:05d}",
            hr_id=world.ids.bamboo("employee"),
            contact_id=world.ids.salesforce("contact"),
            hr_at=datetime(2026, 6, 22, 10, 15, tzinfo=UTC),
            psa_at=datetime(2026, 7, 9, 9, 0, tzinfo=UTC),
            termination_known_at=None,
            vendor=None,
        )
    )


def _contractor(world: World, rng: random.Random, n: int) -> Worker:
    vendors = world.firm.vendors
    place = (n - world.scale.employees - 2) % len(vendors)
    entities = world.house.vendor_entities
    entity = world.firm.entities[entities[place % len(entities)]]
    calendar = world.calendars[entity.code]
    start = calendar.add(calendar.on_or_after(world.scale.prehistory), 3)
    return Worker(
        n=n,
        first_name=rng.choice(_FIRST),
        last_name=rng.choice(_LAST),
        worker_type="CONTRACTOR",
        entity=entity.code,
        region=entity.region,
        practice=rng.choice(tuple(PRACTICE_FACTOR)),
        group="CONSULT",
        role=rng.choice(GRADES[1:3]),
        grade="EXT",
        hire_date=start,
        term_date=None,
        fte=Decimal(1),
        weekly_hours=WEEKLY_HOURS.get(entity.country, Decimal(40)),
        time_required=False,
        employee_number=None,
        hr_id=None,
        contact_id=world.ids.salesforce("contact"),
        hr_at=None,
        psa_at=moment(start, rng),
        termination_known_at=None,
        vendor=vendors[place].vendor_id,
    )


def _rates(world: World, rng: random.Random, worker: Worker) -> None:
    """Loaded cost per hour from hire on, raised each January; a raise is entered in December."""
    assert worker.hr_at is not None
    currency = world.entity_currency(worker.entity)
    calendar = world.calendars[worker.entity]
    rate = COST_USD[worker.role] * CURRENCY_FACTOR[currency] * Decimal(rng.randrange(88, 113)) / 100
    starts = [worker.hire_date]
    for year in (2025, 2026):
        if max(worker.hire_date, world.scale.prehistory) < date(year, 1, 1) and (
            worker.term_date is None or worker.term_date >= date(year, 1, 1)
        ):
            starts.append(date(year, 1, 1))
    for place, start in enumerate(starts):
        ends = starts[place + 1] - DAY if place + 1 < len(starts) else None
        at = worker.hr_at
        if place:
            at = max(
                at + timedelta(minutes=5), moment(calendar.on_or_after(date(start.year - 1, 12, 8)), rng)
            )
            rate *= 1 + Decimal(rng.randrange(15, 46)) / 1000
        worker.cost_rates.append(
            CostRate(world.ids.bamboo("cost_rate"), start, ends, cents(rate), currency, at)
        )


def _leaves(world: World, rng: random.Random, worker: Worker) -> None:
    """Vacation, sickness and training from the firm's start to its end, without overlap."""
    calendar = world.calendars[worker.entity]
    first = max(worker.hire_date, world.scale.start)
    last = min(worker.term_date or date(2026, 8, 31), date(2026, 8, 31))
    taken: set[date] = set()
    day = first + DAY * rng.randrange(10, 60)
    while day < last - DAY * 20:
        kind = rng.choices(("Vacation", "Sick", "Training"), (50, 35, 15))[0]
        length = {
            "Vacation": rng.randrange(3, 11),
            "Sick": rng.randrange(1, 4),
            "Training": rng.randrange(1, 3),
        }[kind]
        start = calendar.on_or_after(day)
        end = calendar.add(start, length - 1)
        denied = kind == "Vacation" and rng.random() < 0.06
        if kind == "Sick":
            at = moment(start, rng, 7, 10)
        else:
            at = moment(calendar.add(start, -rng.randrange(10, 30)), rng)
        assert worker.hr_at is not None
        at = max(at, worker.hr_at + timedelta(hours=1))
        if (
            end <= last
            and not taken.intersection(calendar.days(start, end))
            and at <= END - timedelta(hours=2)
        ):
            taken.update(calendar.days(start, end))
            worker.leaves.append(
                Leave(
                    leave_id=world.ids.bamboo("time_off"),
                    start=start,
                    end=end,
                    hours=worker.weekly_hours / 5 * worker.fte * length,
                    kind=kind,
                    status="denied" if denied else "approved",
                    at=at,
                )
            )
        day = end + DAY * rng.randrange(18, 75)
