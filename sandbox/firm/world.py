"""What the modules of the simulator share while a firm is made: its records, calendars, ids, randomness
and size."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

from sandbox.firm.calendar import WorkCalendar
from sandbox.firm.house import NORTHGATE, House
from sandbox.firm.ids import Ids
from sandbox.firm.state import (
    Account,
    Amendment,
    Assignment,
    Contract,
    ContractLine,
    Deal,
    Firm,
    Project,
)
from throughline.errors import error

CENT = Decimal("0.01")
END = datetime(2026, 7, 8, 23, 30, tzinfo=UTC)
# The last working instant; the quiet hour before the last load follows.
LAST = datetime(2026, 7, 8, 21, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Scale:
    """Size of a firm. `prehistory` is the first day on which any system holds a record."""

    name: str
    start: date
    prehistory: date
    employees: int
    contractors: int
    vendors: int
    accounts: int
    contracts: int
    early_wins: int
    open_deals: int
    amounts: tuple[int, int, int]  # lowest, usual, highest services amount
    weeks: tuple[int, int]
    amended: float


SCALES = {
    "tiny": Scale(
        name="tiny",
        start=date(2026, 1, 1),
        prehistory=date(2025, 12, 1),
        employees=18,
        contractors=2,
        vendors=2,
        accounts=9,
        contracts=17,
        early_wins=1,
        open_deals=4,
        amounts=(50_000, 130_000, 180_000),
        weeks=(8, 18),
        amended=0.25,
    ),
    "demo": Scale(
        name="demo",
        start=date(2024, 7, 1),
        prehistory=date(2024, 6, 3),
        employees=420,
        contractors=30,
        vendors=12,
        accounts=60,
        contracts=220,
        early_wins=44,
        open_deals=60,
        amounts=(40_000, 800_000, 900_000),
        weeks=(14, 46),
        amended=0.25,
    ),
}


def scale_of(name: str) -> Scale:
    """The scale by name. Raises ThroughlineError for one that cannot be simulated."""
    if name in SCALES:
        return SCALES[name]
    raise error("E-SBX-001", scale=name)


@dataclass
class Plan:
    """One deal as the sales plan sees it, and what came of it."""

    tags: frozenset[str]
    account: Account
    entity: str
    currency: str
    method: str
    amount: Decimal
    expense: Decimal
    won_on: date
    planned_start: date
    weeks: int
    hours: int
    practice: str
    group: str
    rate_factor: float
    terms: int
    term_end: date
    partner: Account | None = None  # the second customer of a shared line
    months: int = 0  # of a retainer
    deal: Deal | None = None
    contract: Contract | None = None
    line: ContractLine | None = None
    expense_line: ContractLine | None = None
    project: Project | None = None
    amendments: list[Amendment] = field(default_factory=list)
    team: list[Assignment] = field(default_factory=list)
    done_on: date | None = None  # last working day of the work, once it is complete

    def signed_delta(self, day: date) -> Decimal:
        """Value of the amendments that are signed and effective on `day`, transaction currency."""
        return sum(
            (
                item.delta_value
                for item in self.amendments
                if item.signed_on is not None
                and item.effective_on is not None
                and item.signed_on <= day
                and item.effective_on <= day
                and item.statuses[-1][1] == "SIGNED"
            ),
            Decimal(0),
        )


@dataclass
class World:
    """The firm in the making."""

    firm: Firm
    scale: Scale
    ids: Ids
    calendars: dict[str, WorkCalendar]
    house: House = NORTHGATE
    # the firms it bought, by the key of their house
    sisters: dict[str, World] = field(default_factory=dict)
    plans: list[Plan] = field(default_factory=list)
    _rngs: dict[str, random.Random] = field(default_factory=dict)

    def rng(self, concern: str) -> random.Random:
        """The random stream of one concern: seeded by seed and name, so that concerns do not disturb each
        other."""
        if concern not in self._rngs:
            self._rngs[concern] = random.Random(
                f"{self.firm.seed}|{self.firm.scale}|{self.house.key}{concern}"
            )
        return self._rngs[concern]

    def cross(self, source: str, target: str, day: date) -> Decimal:
        """Units of `target` for one unit of `source` on `day`, 10 decimals, half up."""
        if source == target:
            return Decimal(1)
        rate = self.firm.fx[(source, day)] / self.firm.fx[(target, day)]
        return rate.quantize(Decimal("0.0000000001"), ROUND_HALF_UP)

    @property
    def planning(self) -> WorkCalendar:
        """The calendar the firm plans by."""
        return self.calendars[self.house.anchor]

    def entity_currency(self, code: str) -> str:
        """Functional currency of a legal entity."""
        return self.firm.entities[code].currency


def cents(amount: Decimal) -> Decimal:
    """`amount` rounded half up to cents."""
    return amount.quantize(CENT, ROUND_HALF_UP)
