"""Legal entities, organisation codes, exchange rates and rate cards."""

from __future__ import annotations

import random
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sandbox.firm.calendar import DAY, holidays
from sandbox.firm.house import House
from sandbox.firm.ids import Ids
from sandbox.firm.state import Entity, OrgCode

# Pairs (sold by, invoiced by) that sell and invoice for one another by design.
AFFILIATES = (("US02", "US01"),)
PRACTICES = {
    "DATA": "Data and Analytics",
    "CLOUD": "Cloud and Platforms",
    "STRAT": "Strategy",
    "RISK": "Risk and Compliance",
    "CX": "Customer Experience",
    "INT": "Internal",
}
REGIONS = {"NA": "North America", "EU": "Europe"}
GROUPS = {"CONSULT": "Consulting", "MANAGED": "Managed Services"}
GRADES = ("Analyst", "Consultant", "Senior Consultant", "Manager", "Principal")
# Per hour in USD: what the card asks and what a person costs, loaded.
BILL_USD = {"Analyst": 74, "Consultant": 98, "Senior Consultant": 124, "Manager": 158, "Principal": 196}
COST_USD = {"Analyst": 41, "Consultant": 54, "Senior Consultant": 69, "Manager": 88, "Principal": 112}
CURRENCY_FACTOR = {"USD": Decimal("1"), "CAD": Decimal("1.28"), "GBP": Decimal("0.8"), "EUR": Decimal("0.92")}
PRACTICE_FACTOR = {
    "DATA": Decimal("1.04"),
    "CLOUD": Decimal("1"),
    "STRAT": Decimal("1.15"),
    "RISK": Decimal("1.08"),
    "CX": Decimal("0.95"),
}
FX_FROM = date(2024, 6, 1)
# The feed brings no rate of this pair over Easter and on the weekend at the end of May: the last one stands.
RATE_HOLIDAYS = tuple(
    ("EUR", "GBP", day)
    for day in (*(date(2026, 4, number) for number in (3, 4, 5, 6)), date(2026, 5, 30), date(2026, 5, 31))
)


def make_entities(ids: Ids, house: House) -> dict[str, Entity]:
    """The legal entities of a house, by code."""
    erp = f"{house.erp}:" if house.erp else ""
    return {
        code: Entity(
            code=code,
            name=name,
            country=country,
            region=region,
            currency=currency,
            subsidiary_id=erp + subsidiary,
            calendar_id=ids.salesforce("work_calendar"),
            holidays=holidays(country, range(2024, 2028)),
            tax_rate=Decimal(tax),
        )
        for code, name, country, region, currency, subsidiary, tax in house.entities
    }


def make_org(ids: Ids) -> list[OrgCode]:
    """Regions, practices and groups as the PSA holds them."""
    return (
        [OrgCode("region", code, name, ids.salesforce("region")) for code, name in REGIONS.items()]
        + [OrgCode("practice", code, name, ids.salesforce("practice")) for code, name in PRACTICES.items()]
        + [OrgCode("group", code, name, ids.salesforce("grp")) for code, name in GROUPS.items()]
    )


def make_fx(rng: random.Random, last: date) -> dict[tuple[str, date], Decimal]:
    """Units of USD for one unit of a currency, every calendar day: a random walk, 10 decimals."""
    fx: dict[tuple[str, date], Decimal] = {}
    level = {"CAD": Decimal("0.73"), "GBP": Decimal("1.27"), "EUR": Decimal("1.08")}
    day = FX_FROM
    while day <= last:
        fx[("USD", day)] = Decimal("1.0000000000")
        for currency, anchor in (("CAD", "0.73"), ("GBP", "1.28"), ("EUR", "1.09")):
            if day.weekday() < 5:
                step = Decimal(rng.randint(-4500, 4500)) / 1_000_000
                pull = (Decimal(anchor) - level[currency]) / 100
                level[currency] = level[currency] * (1 + step) + pull
            fx[(currency, day)] = level[currency].quantize(Decimal("0.0000000001"), ROUND_HALF_UP)
        day += DAY
    return fx


def card_rate(grade: str, practice: str, currency: str, year: int) -> tuple[Decimal, Decimal]:
    """Suggested bill rate (whole units) and average cost rate (cents) per hour on the card of a year."""
    growth = Decimal("1.03") ** max(0, year - 2024)
    factor = CURRENCY_FACTOR[currency]
    bill = BILL_USD[grade] * factor * growth * PRACTICE_FACTOR.get(practice, Decimal(1))
    cost = COST_USD[grade] * factor * growth
    return bill.quantize(Decimal(1), ROUND_HALF_UP), cost.quantize(Decimal("0.01"), ROUND_HALF_UP)


def make_rate_cards(ids: Ids) -> list[dict[str, object]]:
    """One card row per year, region, practice, role and currency.

    Keys: card_id, account_id (None = every customer), region, practice (codes), role, currency, start, end
    (dates), bill_rate, cost_rate (Decimal per hour).
    """
    rows: list[dict[str, object]] = []
    for year in (2024, 2025, 2026):
        for region, currencies in (("NA", ("USD", "CAD")), ("EU", ("GBP", "EUR"))):
            for practice in PRACTICE_FACTOR:
                for role in GRADES:
                    for currency in currencies:
                        bill, cost = card_rate(role, practice, currency, year)
                        rows.append(
                            {
                                "card_id": ids.salesforce("rate_card"),
                                "account_id": None,
                                "region": region,
                                "practice": practice,
                                "role": role,
                                "currency": currency,
                                "start": date(year, 1, 1),
                                "end": date(year, 12, 31),
                                "bill_rate": bill,
                                "cost_rate": cost,
                            }
                        )
    return rows
