"""The sandbox firm as a process: sales, contracts, delivery, billing, revenue, cash and purchasing, from
one seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

from sandbox.firm.billing import bill
from sandbox.firm.calendar import WorkCalendar
from sandbox.firm.cash import collect
from sandbox.firm.contracts import make_contracts, make_internal_projects
from sandbox.firm.customers import make_accounts
from sandbox.firm.delivery import deliver
from sandbox.firm.documents import make_documents
from sandbox.firm.entities import RATE_HOLIDAYS, make_entities, make_fx, make_org, make_rate_cards
from sandbox.firm.estimates import re_estimate
from sandbox.firm.events import choose_look_alikes, tell_events
from sandbox.firm.expenses import make_expenses
from sandbox.firm.faults import chosen, strike
from sandbox.firm.house import NORTHGATE, House
from sandbox.firm.ids import Ids
from sandbox.firm.lookalikes import record_look_alikes
from sandbox.firm.people import make_people
from sandbox.firm.purchasing import purchase
from sandbox.firm.revenue import recognise
from sandbox.firm.sales import make_deals, make_plans
from sandbox.firm.state import Firm
from sandbox.firm.world import END, Scale, World, scale_of


def simulate(seed: int, scale: str, faults: Sequence[str] = ()) -> Firm:
    """Everything that happened in a firm of `scale` (tiny or demo).

    The same seed gives the same firm, field by field. `faults` are fault ids; ``["all"]`` means every
    business fault, ``["none"]`` or nothing a clean firm. What no fault touches equals the clean firm of the
    same seed.
    Raises ThroughlineError for a scale or fault that is not known.
    """
    world = grow(seed, scale, faults)
    finish(world, faults)
    return world.firm


def grow(seed: int, scale: str, faults: Sequence[str]) -> World:
    """The clean firm, with all that happened in it. Raises ThroughlineError as :func:`simulate` does."""
    chosen(faults)
    world = make_world(seed, scale_of(scale), NORTHGATE)
    make_people(world)
    make_internal_projects(world)
    make_accounts(world)
    make_plans(world)
    make_deals(world)
    make_contracts(world)
    deliver(world)
    re_estimate(world)
    make_expenses(world)
    bill(world)
    recognise(world)
    collect(world)
    purchase(world)
    return world


def finish(world: World, faults: Sequence[str]) -> None:
    """Name the look-alikes of the clean firm, then let the faults strike it."""
    record_look_alikes(world)
    make_documents(world)
    choose_look_alikes(world)
    strike(world, faults)
    tell_events(world)


def make_world(seed: int, size: Scale, house: House) -> World:
    """An empty firm with its entities, organisation, rate cards and exchange rates."""
    ids = Ids(house=house)
    entities = make_entities(ids, house)
    firm = Firm(
        seed=seed,
        scale=size.name,
        faults=(),
        start=size.start,
        end=END,
        reporting_currency="USD",
        entities=entities,
        org=make_org(ids),
        rate_cards=make_rate_cards(ids),
        fx=make_fx(random.Random(f"{seed}|fx"), END.date()),
        missing_rates=list(RATE_HOLIDAYS),
        workers=[],
        vendors=[],
        accounts=[],
        deals=[],
        contracts=[],
        amendments=[],
        projects=[],
        assignments=[],
        timecards=[],
        milestones=[],
        expenses=[],
        billing_items=[],
        invoices=[],
        payments=[],
        revenue=[],
        purchase_orders=[],
        vendor_bills=[],
        fault_marks=[],
        look_alikes=[],
    )
    calendars = {code: WorkCalendar(entity.holidays) for code, entity in entities.items()}
    return World(firm, size, ids, calendars, house)
