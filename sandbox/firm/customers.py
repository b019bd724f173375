"""Customer accounts: their CRM record, their ERP customer, and its validation per legal entity."""

from __future__ import annotations

import random
from datetime import date, timedelta

from sandbox.firm.calendar import DAY, moment
from sandbox.firm.state import Account, CustomerEntity
from sandbox.firm.world import World

_SECOND = (
    ("Energy", "Energy"),
    ("Insurance", "Financial Services"),
    ("Foods", "Consumer Goods"),
    ("Logistics", "Transport"),
    ("Pharma", "Life Sciences"),
    ("Bank", "Financial Services"),
    ("Retail", "Consumer Goods"),
    ("Telecom", "Communications"),
    ("Motors", "Manufacturing"),
    ("Health", "Life Sciences"),
)
# Legal suffix as the CRM writes it and as a name-only customer's ERP record may write it.
_SUFFIX = {
    "US": (", Inc.", " INC"),
    "CA": (" Ltd.", " LTD"),
    "GB": (" Ltd", " LIMITED"),
    "IE": (" Ltd", " LTD."),
    "DE": (" GmbH", " GMBH"),
    "FR": (" S.A.", " SA"),
    "NL": (" B.V.", " BV"),
}
_CURRENCY = {"US": "USD", "CA": "CAD", "GB": "GBP", "IE": "EUR", "DE": "EUR", "FR": "EUR", "NL": "EUR"}


def home_entity(account: Account) -> str:
    """The legal entity that usually serves an account."""
    return account.home


def make_accounts(world: World) -> None:
    """Fill the firm's accounts as the CRM knows them; the ERP side follows with :func:`validate`."""
    rng = world.rng("accounts")
    names = [(first, *second) for first in world.house.stems for second in _SECOND]
    rng.shuffle(names)
    stems: set[str] = set()
    calendar = world.planning
    for n in range(1, world.scale.accounts + 1):
        first, second, industry = next(
            name for name in names if name[0] not in stems or len(stems) >= len(world.house.stems)
        )
        names.remove((first, second, industry))
        stems.add(first)
        country = world.house.countries[(n - 1) % len(world.house.countries)]
        share = rng.random()
        suffix, erp_suffix = _SUFFIX[country]
        name = f"{first} {second}{suffix}"
        by_name_only = n % 10 == 0 or (world.scale.name == "tiny" and n == 4)
        erp_name = f"{first} {second}{erp_suffix}".upper() if by_name_only else name
        day = calendar.add(calendar.on_or_after(world.scale.prehistory), -rng.randrange(3, 12))
        world.firm.accounts.append(
            Account(
                n=n,
                account_id=world.ids.salesforce("account"),
                name=name,
                country=country,
                region="NA" if country in ("US", "CA") else "EU",
                currency=_CURRENCY[country],
                tax_id=f"{country}{rng.randrange(10**8, 10**9)}{n:02d}",
                industry=industry,
                created_at=moment(day, rng),
                customer_id=None,
                erp_at=None,
                explicit_link=not by_name_only and share < 0.78,
                erp_name=erp_name,
                erp_has_tax_id=not by_name_only,
                home=world.house.homes[country],
            )
        )


def validate(world: World, account: Account, entity: str, needed_by: date, rng: random.Random) -> None:
    """Open `account` in the ERP for `entity`, ACTIVE at least five working days before `needed_by`.

    An entity that is open already is moved to the earlier date when needed.
    """
    calendar = world.calendars[entity]
    earliest = calendar.on_or_after(world.scale.prehistory)
    active = calendar.add(needed_by, -rng.randrange(6, 11))
    if active <= earliest:
        active = calendar.add(earliest, 1)
    opened = max(earliest, calendar.add(active, -rng.randrange(2, 6)))
    at = moment(opened, rng)
    active_at = max(moment(active, rng), at + timedelta(hours=1))
    known = next((item for item in account.entities if item.entity == entity), None)
    if known is None:
        row = CustomerEntity(world.ids.netsuite("customersubsidiaryrelationship"), entity, [])
        row.statuses = [(at, "PENDING"), (active_at, "ACTIVE")]
        account.entities.append(row)
    elif known.statuses[-1][0] > active_at:
        known.statuses = [(at, "PENDING"), (active_at, "ACTIVE")]
    if account.customer_id is None:
        account.customer_id = world.ids.netsuite("customer")
    first = min(item.statuses[0][0] for item in account.entities)
    account.erp_at = first - timedelta(minutes=5)
    assert account.erp_at.date() >= account.created_at.date() + DAY
