"""The group: the firm, and with it the firm it bought, in the systems each works in."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.firm.billing import bill
from sandbox.firm.cash import collect
from sandbox.firm.contracts import make_contracts, make_internal_projects
from sandbox.firm.customers import make_accounts
from sandbox.firm.delivery import deliver
from sandbox.firm.documents import make_documents
from sandbox.firm.estimates import re_estimate
from sandbox.firm.expenses import make_expenses
from sandbox.firm.house import ACQUIRED, CALLAN, IRELAND, SIZES, House
from sandbox.firm.people import make_people
from sandbox.firm.purchasing import purchase
from sandbox.firm.revenue import recognise
from sandbox.firm.sales import make_deals, make_plans
from sandbox.firm.simulator import finish, grow, make_world
from sandbox.firm.state import Firm
from sandbox.firm.world import World

# What a firm holds of its own; the rest (currency rates, period, reporting currency) is the group's.
_OWN = (
    "workers", "vendors", "accounts", "deals", "contracts", "amendments", "projects", "assignments",
    "timecards", "milestones", "expenses", "billing_items", "invoices", "payments", "revenue",
    "purchase_orders", "vendor_bills", "documents",
)  # fmt: skip


@dataclass(frozen=True)
class Group:
    """`firm` is everything that happened, `stores` what each vendor's store is written from.

    The stores are salesforce (with the PSA), bamboohr, netsuite and docusign, and of a firm that bought
    another one salesforce_acquired and netsuite_acquired too.
    """

    firm: Firm
    stores: Mapping[str, Firm]


def simulate_group(
    seed: int, scale: str, faults: Sequence[str] = (), *, with_acquisition: bool = True
) -> Group:
    """The firm of :func:`~sandbox.firm.simulator.simulate` and, unless it is alone, what it bought.

    Raises ThroughlineError for a scale or fault that is not known.
    """
    world = grow(seed, scale, faults)
    if with_acquisition:
        world.sisters = {house.key: _sister(world, house) for house in (CALLAN, IRELAND)}
    finish(world, faults)
    main = world.firm
    if not with_acquisition:
        return alone(main)
    callan, ireland = world.sisters[CALLAN.key].firm, world.sisters[IRELAND.key].firm
    whole = merged(main, callan, ireland)
    return Group(
        whole,
        {
            "salesforce": main,
            "bamboohr": whole,
            "docusign": whole,
            "netsuite": merged(main, ireland),
            f"salesforce_{ACQUIRED}": merged(callan, ireland),
            f"netsuite_{ACQUIRED}": callan,
        },
    )


def alone(firm: Firm) -> Group:
    """A firm that bought nobody."""
    return Group(firm, {"salesforce": firm, "bamboohr": firm, "netsuite": firm, "docusign": firm})


def merged(first: Firm, *others: Firm) -> Firm:
    """One firm of several: the records of all, in order, and what is the group's from the first."""
    whole = copy.copy(first)
    for name in _OWN:
        setattr(whole, name, [row for firm in (first, *others) for row in getattr(firm, name)])
    whole.entities = {code: entity for firm in (first, *others) for code, entity in firm.entities.items()}
    return whole


def _sister(world: World, house: House) -> World:
    """The bought firm's own history, told in the group's currencies."""
    size = SIZES[world.scale.name][house.key]
    scale = replace(
        world.scale,
        start=size.start,
        prehistory=size.prehistory,
        employees=size.employees,
        contractors=0,
        vendors=0,
        accounts=size.accounts,
        contracts=size.contracts,
        early_wins=size.early_wins,
        open_deals=size.open_deals,
        weeks=size.weeks,
    )
    sister = make_world(world.firm.seed, scale, house)
    sister.firm.fx = world.firm.fx
    if house.crm and (org := _org_of(world, house.crm)):
        # one organisation holds one list of regions, practices and groups
        sister.firm.org, sister.firm.rate_cards = org.firm.org, org.firm.rate_cards
    make_people(sister)
    make_internal_projects(sister)
    make_accounts(sister)
    make_plans(sister)
    make_deals(sister)
    make_contracts(sister)
    deliver(sister)
    re_estimate(sister)
    make_expenses(sister)
    bill(sister)
    recognise(sister)
    collect(sister)
    purchase(sister)
    make_documents(sister)
    world.sisters[house.key] = sister
    return sister


def _org_of(world: World, crm: str) -> World | None:
    return next((other for other in world.sisters.values() if other.house.crm == crm), None)
