"""The firms of the group: where each is at home, whom it serves, and in which of the systems it works.

Northgate is the firm. After fifteen months it bought Callan & Reid of Dublin, which goes on in its own
CRM, PSA and ERP; people of both stand in one HR system. Three months later that ERP was closed to new
business: what is sold from then on is contracted by Northgate's Irish subsidiary in Northgate's ERP,
still out of the bought CRM and PSA, while the old contracts run off where they are. (The tiny firm lives
half a year: it has them from its first day and from its fourth month.)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

MAIN = "main"
ACQUIRED = "acquired"

# code, name, country, region, functional currency, NetSuite's id, usual tax rate
EntityRow = tuple[str, str, str, str, str, str, str]


@dataclass(frozen=True)
class House:
    """One firm. `crm` and `erp` are the instances it works in ('' = main, and then ids are bare).

    `homes`: country of an account -> the legal entity that serves it; `weights`: how the people spread.
    `anchor` is the entity whose calendar the firm plans by. `full` firms hold the deals and people that
    look-alikes and faults rest on. The offsets keep ids apart where two firms share a system.
    """

    key: str
    anchor: str
    entities: tuple[EntityRow, ...]
    weights: dict[str, int]
    homes: dict[str, str]
    countries: tuple[str, ...]
    stems: tuple[str, ...]
    vendor_entities: tuple[str, ...]
    staff_prefix: str
    full: bool
    crm: str = ""
    erp: str = ""
    crm_offset: int = 0
    erp_offset: int = 0
    hr_offset: int = 0


@dataclass(frozen=True)
class Size:
    """How large a bought firm is at one scale of the group."""

    start: date
    prehistory: date
    employees: int
    accounts: int
    contracts: int
    early_wins: int
    open_deals: int
    weeks: tuple[int, int]


NORTHGATE = House(
    key="",
    anchor="US01",
    entities=(
        ("US01", "Northgate Advisory Inc.", "US", "NA", "USD", "2", "0"),
        ("US02", "Northgate Advisory Midwest LLC", "US", "NA", "USD", "3", "0"),
        ("CA01", "Northgate Advisory Canada Ltd.", "CA", "NA", "CAD", "4", "0.13"),
        ("GB01", "Northgate Advisory UK Ltd", "GB", "EU", "GBP", "5", "0.20"),
        ("DE01", "Northgate Advisory GmbH", "DE", "EU", "EUR", "6", "0.19"),
        ("NL01", "Northgate Advisory B.V.", "NL", "EU", "EUR", "7", "0.21"),
    ),
    weights={"US01": 30, "US02": 18, "CA01": 10, "GB01": 17, "DE01": 15, "NL01": 10},
    homes={
        "US": "US01", "CA": "CA01", "GB": "GB01", "IE": "GB01", "DE": "DE01", "FR": "NL01", "NL": "NL01",
    },
    countries=(
        "US", "DE", "GB", "US", "CA", "NL", "US", "DE", "GB", "US",
        "IE", "US", "FR", "US", "CA", "GB", "US", "NL", "US", "DE",
    ),
    stems=(
        "Alder", "Beacon", "Cedar", "Dunmore", "Elmhurst", "Falcon", "Glenrock", "Harrow", "Ironbridge",
        "Juniper", "Kingsway", "Larkfield", "Meridian", "Norwick", "Oakhaven", "Pinecrest", "Quarry",
        "Redstone", "Silverlake", "Thornbury", "Underhill", "Valemont", "Westmark", "Yarrow", "Zenith",
        "Ashgrove", "Brookline", "Copperfield", "Driftwood", "Evergreen",
    ),
    vendor_entities=("US01", "GB01", "DE01", "US02", "CA01", "NL01"),
    staff_prefix="E",
    full=True,
)  # fmt: skip
CALLAN = House(
    key="callan|",
    anchor="IE01",
    # the id of Northgate's own first entity in the other ERP: ids mean something within one account only
    entities=(("IE01", "Callan & Reid Consulting Ltd", "IE", "EU", "EUR", "2", "0.23"),),
    weights={"IE01": 1},
    homes={"IE": "IE01"},
    countries=("IE",),
    stems=("Ardmore", "Ballina", "Clonmel", "Dingle", "Ennis", "Foxford", "Galtee", "Howth"),
    vendor_entities=("IE01",),
    staff_prefix="C",
    full=False,
    crm=ACQUIRED,
    erp=ACQUIRED,
    hr_offset=200_000,
)
IRELAND = House(
    key="ireland|",
    anchor="IE02",
    entities=(("IE02", "Northgate Advisory Ireland Ltd", "IE", "EU", "EUR", "8", "0.23"),),
    weights={"IE02": 1},
    homes={"IE": "IE02"},
    countries=("IE",),
    stems=("Inishowen", "Kenmare", "Listowel", "Mallow", "Nenagh", "Oranmore", "Portlaw", "Roscrea"),
    vendor_entities=("IE02",),
    staff_prefix="I",
    full=False,
    crm=ACQUIRED,
    erp=MAIN,
    crm_offset=70_000_000,
    erp_offset=700_000,
    hr_offset=300_000,
)
SIZES: dict[str, dict[str, Size]] = {
    "tiny": {
        CALLAN.key: Size(date(2026, 1, 1), date(2025, 12, 1), 4, 3, 4, 1, 3, (8, 16)),
        IRELAND.key: Size(date(2026, 4, 1), date(2026, 3, 2), 3, 2, 2, 1, 1, (6, 10)),
    },
    "demo": {
        CALLAN.key: Size(date(2025, 10, 1), date(2025, 9, 1), 16, 6, 12, 3, 6, (12, 30)),
        IRELAND.key: Size(date(2026, 1, 2), date(2025, 12, 1), 8, 4, 6, 2, 3, (8, 20)),
    },
}
