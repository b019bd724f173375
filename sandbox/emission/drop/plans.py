"""The firm's plans: a budget decided before its year, and a forecast that takes the place of its second half.

Planned from the people who were there on the day of the decision: their working days, the share of them that
is to be billed, the year's rate card. What happened later is in none of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sandbox.emission.context import ZERO
from sandbox.firm.calendar import WorkCalendar, month_end
from sandbox.firm.entities import card_rate
from sandbox.firm.ids import canonical
from sandbox.firm.state import Firm, Worker

BUDGET_DAY, FORECAST_DAY = (12, 15), (4, 15)
# the share of working time that is to be billed, as the budget and as the forecast has it
BUDGETED, EXPECTED = Decimal("0.75"), Decimal("0.72")
# what is to be sold for what is to be earned
SOLD_FOR_EARNED = Decimal("1.10")
HUNDRED = Decimal(100)
INTERNAL = "INT"


@dataclass(frozen=True, slots=True)
class Target:
    """One figure of a plan. `currency` is None for a share."""

    target_id: str
    plan_name: str
    metric: str
    month: date
    legal_entity_id: str
    practice: str
    amount: Decimal
    currency: str | None
    decided_on: date

    @property
    def period(self) -> str:
        """The month it is for."""
        return f"{self.month:%Y-%m}"


def budget(firm: Firm, year: int) -> list[Target]:
    """The budget of a year, decided in December before it; months before the firm began have none."""
    decided = date(year - 1, *BUDGET_DAY)
    return list(_plan(firm, f"Budget {year}", decided, range(1, 13), year, BUDGETED))


def forecast(firm: Firm, year: int) -> list[Target]:
    """What is expected of the second half in April; nothing of a year that began without the firm."""
    decided = date(year, *FORECAST_DAY)
    if decided < firm.start:
        return []
    return list(_plan(firm, f"Forecast Q2 {year}", decided, range(7, 13), year, EXPECTED))


def _plan(firm: Firm, name: str, decided: date, months: range, year: int, share: Decimal) -> Iterator[Target]:
    teams = _teams(firm, decided)
    short = name.upper().replace(" ", "-")
    for month in (date(year, number, 1) for number in months):
        if month < firm.start.replace(day=1):
            continue
        for (code, practice), people in sorted(teams.items()):
            entity = firm.entities[code]
            days = len(WorkCalendar(entity.holidays).days(month, month_end(month)))
            earned = _hundreds(share * days * sum((_day(one, entity.currency, year) for one in people), ZERO))
            for metric, amount, currency in (
                ("recognised_revenue", earned, entity.currency),
                ("gross_bookings", _hundreds(earned * SOLD_FOR_EARNED), entity.currency),
                ("billable_utilisation_net", share, None),
            ):
                yield Target(
                    target_id="|".join((short, metric, f"{month:%Y-%m}", code, practice)),
                    plan_name=name,
                    metric=metric,
                    month=month,
                    legal_entity_id=canonical("netsuite", entity.subsidiary_id),
                    practice=practice,
                    amount=amount,
                    currency=currency,
                    decided_on=decided,
                )


def _teams(firm: Firm, day: date) -> dict[tuple[str, str], list[Worker]]:
    """Who can be billed, by entity and practice: employees who record time and are there on `day`."""
    found: dict[tuple[str, str], list[Worker]] = defaultdict(list)
    for worker in firm.workers:
        if worker.worker_type != "EMPLOYEE" or not worker.time_required or worker.practice == INTERNAL:
            continue
        if worker.hire_date <= day and (worker.term_date is None or worker.term_date > day):
            found[worker.entity, worker.practice].append(worker)
    return found


def _day(worker: Worker, currency: str, year: int) -> Decimal:
    """What a full day of a person is worth on the card."""
    bill, _ = card_rate(worker.role, worker.practice, currency, year)
    return worker.weekly_hours / 5 * worker.fte * bill


def _hundreds(amount: Decimal) -> Decimal:
    return (amount / HUNDRED).quantize(Decimal(1), ROUND_HALF_UP) * HUNDRED
