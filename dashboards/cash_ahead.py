"""What stands open and when it is expected to be paid, as the page of collections reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dashboards import data, numbers
from dashboards.components.sums import Sum
from dashboards.filters import Filters

WEEKS = 13
# what is in no week -> what it is called
APART = {
    "LATER": "After thirteen weeks",
    "LATER_THAN_EVER": "Later by now than anything was paid",
    "NO_HISTORY": "Too little was ever paid to say when",
    "NO_DUE_DATE": "No due date",
    "CREDIT": "Credits not used",
}
_PLACED = "('PAYER', 'FIRM')"


@dataclass(frozen=True)
class Week:
    """Seven days and what they are expected to bring: as payers pay in the middle, fast, and slow."""

    number: int
    first: date
    expected: Decimal
    fast: Decimal
    slow: Decimal
    documents: int

    @property
    def label(self) -> str:
        """The day it begins."""
        return f"{self.first.day} {self.first:%b}"


@dataclass(frozen=True)
class Ahead:
    """Thirteen weeks, and what stands open in none of them, by why."""

    weeks: tuple[Week, ...]
    apart: tuple[tuple[str, Decimal, int], ...]

    @property
    def expected(self) -> Decimal:
        """What all weeks bring."""
        return sum((week.expected for week in self.weeks), Decimal(0))

    @property
    def open(self) -> Decimal:
        """All that stands open."""
        return self.expected + sum((amount for _, amount, _ in self.apart), Decimal(0))

    def until(self, weeks: int, of: str = "expected") -> Decimal:
        """What the first weeks bring."""
        return sum((getattr(week, of) for week in self.weeks[:weeks]), Decimal(0))


def ahead(chosen: Filters) -> Ahead | None:
    """The forecast of a scope; None where an amount has no rate."""
    narrow, member = data.narrowing(chosen.scope)
    found = data.rows(
        "select basis, early_week, expected_week, late_week, amount_rc from marts.cash_forecast "
        f"where true {narrow}",
        *member,
    )
    if any(r["amount_rc"] is None for r in found):
        return None
    as_of = data.run_info()["as_of"]

    def brings(column: str, number: int) -> Decimal:
        return sum((r["amount_rc"] for r in found if r[column] == number), Decimal(0))

    weeks = tuple(
        Week(
            number,
            as_of + timedelta(days=7 * number - 6),
            brings("expected_week", number),
            brings("early_week", number),
            brings("late_week", number),
            sum(1 for r in found if r["expected_week"] == number),
        )
        for number in range(1, WEEKS + 1)
    )
    apart = []
    for why in APART:
        held = [
            r["amount_rc"]
            for r in found
            if (r["basis"] == why or (why == "LATER" and r["basis"] in ("PAYER", "FIRM")))
            and r["expected_week"] is None
        ]
        if held:
            apart.append((why, sum(held, Decimal(0)), len(held)))
    return Ahead(weeks, tuple(apart))


def sums(chosen: Filters, found: Ahead) -> list[Sum]:
    """Every week and all that is in none, document by document."""
    narrow, member = data.narrowing(chosen.scope)
    listed = (
        "select coalesce(expected_on, due_date) as happened_on, due_date as due_on, basis as kind, "
        "customer_id, legal_entity_id, invoice_id as case_id, amount_rc as amount "
        f"from marts.cash_forecast where {{which}} {narrow}"
    )
    currency = data.currency()
    weeks = [
        Sum(
            f"Week from {numbers.day(week.first)}",
            listed.format(which="expected_week = ?"),
            (week.number, *member),
            week.expected,
            currency,
            week.documents,
        )
        for week in found.weeks
        if week.documents
    ]
    apart = [
        Sum(
            APART[why],
            listed.format(
                which=f"expected_week is null and basis in {_PLACED}" if why == "LATER" else "basis = ?"
            ),
            member if why == "LATER" else (why, *member),
            amount,
            currency,
            count,
        )
        for why, amount, count in found.apart
    ]
    return [*weeks, *apart]


def apart_said(apart: Sequence[tuple[str, Decimal, int]], currency: str) -> str:
    """What is in no week, in a sentence."""
    return "; ".join(f"{APART[why].lower()}: {numbers.money(amount, currency)}" for why, amount, _ in apart)
