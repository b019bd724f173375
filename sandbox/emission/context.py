"""What the vendors' emissions share: ids and codes by key, words of each system, nights, billing flags."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.firm.calendar import DAY, WorkCalendar, month_end, month_start
from sandbox.firm.house import MAIN
from sandbox.firm.ids import EMISSION_OFFSET, salesforce_id
from sandbox.firm.state import (
    Account,
    ContractLine,
    Expense,
    Firm,
    Invoice,
    Milestone,
    Project,
    Split,
    Timecard,
)

CENT = Decimal("0.01")
TEN_THOUSANDTH = Decimal("0.0001")
ZERO = Decimal(0)
CURRENCY_IDS = {"USD": "1", "GBP": "2", "CAD": "3", "EUR": "4"}
CURRENCY_NAMES = {"USD": "US Dollar", "GBP": "British pound", "CAD": "Canadian Dollar", "EUR": "Euro"}
CRM_METHODS = {
    "TM": "T&M",
    "TM_CAPPED": "T&M Capped",
    "FIXED_MILESTONE": "Fixed - Milestone",
    "FIXED_POC": "Fixed - Percent Complete",
    "RETAINER": "Retainer",
    "EXPENSE": "Expenses",
}
PSA_METHODS = {
    "TM": "Time and Materials",
    "TM_CAPPED": "T&M with Cap",
    "FIXED_MILESTONE": "Fixed Price - Milestone",
    "FIXED_POC": "Fixed Price - POC",
    "RETAINER": "Retainer",
    "EXPENSE": "Expense",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Partial credits for a concession leave the credited items billed.
CONCESSION = "CONCESSION"


def emission_id(kind: str, number: int) -> str:
    """A Salesforce id for a record that only the emission makes."""
    return salesforce_id(kind, EMISSION_OFFSET + number)


def instant(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """An instant of `day`, UTC."""
    return datetime.combine(day, time(hour, minute, second), UTC)


def night_after(at: datetime, key: str) -> datetime:
    """When the nightly interfaces carry over what happened at `at`: 02:00 to 04:00 of the next day."""
    return instant(at.date() + DAY, 2) + timedelta(seconds=zlib.crc32(key.encode()) % 7200)


def round_to(amount: Decimal, step: Decimal) -> Decimal:
    """`amount` to the places of `step`, half up."""
    return amount.quantize(step, ROUND_HALF_UP)


def working_day_before(at: datetime) -> datetime:
    """The same time on the last Monday-to-Friday before."""
    earlier = at - DAY
    while earlier.weekday() > 4:
        earlier -= DAY
    return earlier


def day_amounts(split: Split) -> dict[int, Decimal]:
    """Billable amount per weekday (1 = Monday): by hours, 4 decimals half up, the last day takes the rest."""
    days = [(number, hours) for number, hours in enumerate(split.hours, 1) if hours]
    total = sum((hours for _, hours in days), ZERO)
    amounts: dict[int, Decimal] = {}
    left = split.billable_amount
    for number, hours in days[:-1]:
        amounts[number] = round_to(split.billable_amount * hours / total, TEN_THOUSANDTH)
        left -= amounts[number]
    if days:
        amounts[days[-1][0]] = left
    return amounts


@dataclass(frozen=True)
class Period:
    """An accounting month of the ERP."""

    period_id: str
    first: date
    last: date
    closed_at: datetime


@dataclass
class EventItem:
    """What a billing event of the PSA asks for one record: a split, expense, milestone or retainer month."""

    category: str
    object_id: str
    amount: Decimal
    quantity: Decimal
    unit_price: Decimal


@dataclass
class Event:
    """A billing event of the PSA: what one invoice bills of one project, until a credit takes it back."""

    number: int
    project: Project
    invoice: Invoice
    items: dict[str, EventItem] = field(default_factory=dict)
    flagged_at: datetime | None = None
    reversed_at: datetime | None = None

    @property
    def amount(self) -> Decimal:
        """Sum of the items, invoice currency."""
        return sum((item.amount for item in self.items.values()), ZERO)


@dataclass
class Context:
    """Indexes over the firm, made once."""

    firm: Firm
    org: dict[tuple[str, str], str]
    periods: list[Period]
    projects_by_line: dict[str, Project]
    events: list[Event]
    # PSA record id -> (night, billed, invoice number, invoice date)
    flags: dict[str, list[tuple[datetime, bool, str | None, date | None]]]
    instance: str
    _period_of: dict[date, Period] = field(default_factory=dict)

    def period(self, day: date) -> Period:
        """The accounting month of `day`."""
        return self._period_of[month_start(day)]

    def subsidiary(self, entity: str) -> str:
        """NetSuite's id of a legal entity."""
        return self.firm.entities[entity].subsidiary_id

    def entity_currency(self, entity: str) -> str:
        """Functional currency of a legal entity."""
        return self.firm.entities[entity].currency

    def crm_id(self, native: str) -> str:
        """A deal's id as a store names it: one of the CRM called main bears its name in another's store."""
        return native if ":" in native or self.instance == MAIN else f"{MAIN}:{native}"

    def org_id(self, kind: str, code: str) -> str | None:
        """The PSA's id of a region, practice or group code; None for a code it does not know."""
        return self.org.get((kind, code))


def build_context(firm: Firm, instance: str = MAIN) -> Context:
    """Indexes of `firm`, for the stores of `instance`."""
    periods = _periods(firm)
    by_line: dict[str, Project] = {}
    for project in sorted(firm.projects, key=lambda item: item.project_id):
        for line in (project.line, project.expense_line):
            if line is not None:
                by_line.setdefault(line.line_key, project)
    events, flags = _billing(firm, by_line)
    return Context(
        firm=firm,
        org={(item.kind, item.code): item.psa_id for item in firm.org},
        periods=periods,
        projects_by_line=by_line,
        events=events,
        flags=flags,
        instance=instance,
        _period_of={period.first: period for period in periods},
    )


def _periods(firm: Firm) -> list[Period]:
    """Months of the calendar years the firm lives in, each closed on the eighth working day after it."""
    calendar = WorkCalendar(firm.entities["US01"].holidays) if "US01" in firm.entities else WorkCalendar({})
    periods = []
    number = 100
    # Exchange rates and the first records are older than the first day of business.
    month = date(min(firm.start.year, 2024), 1, 1)
    while month.year <= firm.end.year:
        last = month_end(month)
        number += 1
        periods.append(Period(str(number), month, last, instant(calendar.add(last, 8), 16)))
        month = last + DAY
    return periods


def share_of(line: ContractLine, account: Account) -> Decimal:
    """The part of the line that `account` pays; 1 for a line of one customer."""
    for _, customer, share in line.shares:
        if customer.account_id == account.account_id:
            return share
    return Decimal(1)


def _billing(
    firm: Firm, by_line: dict[str, Project]
) -> tuple[list[Event], dict[str, list[tuple[datetime, bool, str | None, date | None]]]]:
    """The PSA's side of invoicing: events per invoice and project; flags of splits, expenses, milestones.

    An item already billed makes no second event: the PSA knows nothing of an invoice copied in the ERP.
    """
    splits: dict[str, tuple[Split, Timecard]] = {
        split.split_id: (split, card) for card in firm.timecards for split in card.splits
    }
    expenses = {item.expense_id: item for item in firm.expenses}
    milestones = {item.milestone_id: item for item in firm.milestones}
    prorated: dict[str, dict[int, Decimal]] = {}
    events: list[Event] = []
    by_invoice: dict[str, list[Event]] = {}
    flags: dict[str, list[tuple[datetime, bool, str | None, date | None]]] = {}
    billed: set[tuple[str, str]] = set()
    standing: dict[str, int] = {}
    number = 0
    for invoice in sorted(firm.invoices, key=lambda item: (item.posted_at, item.invoice_id)):
        night = night_after(invoice.posted_at, invoice.invoice_id)
        if invoice.doc_type == "CREDIT_NOTE":
            if invoice.reason_code == CONCESSION or invoice.applies_to is None:
                continue
            for line in invoice.lines:
                key = (line.source_id or "", invoice.account.account_id)
                if line.quantity and key in billed:
                    billed.discard(key)
                    record = _record(line.source_type, key[0])
                    standing[record] -= 1
                    if not standing[record]:
                        flags[record].append((night, False, None, None))
            for event in by_invoice.get(invoice.applies_to.invoice_id, []):
                event.reversed_at = night
            continue
        mine: dict[str, Event] = {}
        for line in invoice.lines:
            if line.source_id is None:
                continue
            key = (line.source_id, invoice.account.account_id)
            if key in billed:
                continue
            project, item = _psa_item(
                line.source_type, line.source_id, splits, expenses, milestones, prorated
            )
            project = project or by_line.get(line.contract_line.line_key)
            if project is None:
                continue
            if item is None:
                item = EventItem("Budget", line.source_id, line.net, line.quantity, line.unit_price)
            elif line.contract_line.shares:
                part = share_of(line.contract_line, invoice.account)
                item.amount = round_to(item.amount * part, TEN_THOUSANDTH)
            billed.add(key)
            record = _record(line.source_type, line.source_id)
            standing[record] = standing.get(record, 0) + 1
            flags.setdefault(record, []).append((night, True, invoice.number, invoice.invoice_date))
            found = mine.get(project.project_id)
            if found is None:
                number += 1
                found = mine[project.project_id] = Event(number, project, invoice, flagged_at=night)
            held = found.items.get(item.object_id)
            if held is None:
                found.items[item.object_id] = item
            else:
                held.amount += item.amount
                held.quantity += item.quantity
        events.extend(mine.values())
        by_invoice[invoice.invoice_id] = list(mine.values())
    return events, flags


def _record(source_type: str, source_id: str) -> str:
    """The PSA record behind an item: a time item's day belongs to its split."""
    return source_id.rsplit("-", 1)[0] if source_type == "TIME" else source_id


def _psa_item(
    source_type: str,
    source_id: str,
    splits: dict[str, tuple[Split, Timecard]],
    expenses: dict[str, Expense],
    milestones: dict[str, Milestone],
    prorated: dict[str, dict[int, Decimal]],
) -> tuple[Project | None, EventItem | None]:
    """(project, item) as the PSA sees the source; (None, None) when it is none of its records."""
    if source_type == "TIME":
        split_id, _, day = source_id.rpartition("-")
        split, card = splits[split_id]
        if split_id not in prorated:
            prorated[split_id] = day_amounts(split)
        item = EventItem(
            "Timecard",
            split_id,
            prorated[split_id][int(day)],
            split.hours[int(day) - 1],
            card.assignment.bill_rate,
        )
        return card.assignment.project, item
    if source_type == "EXPENSE":
        expense = expenses[source_id]
        amount = expense.billing_amount
        return expense.project, EventItem("Expense", source_id, amount, Decimal(1), amount)
    if source_type == "MILESTONE":
        milestone = milestones[source_id]
        return milestone.project, EventItem(
            "Milestone", source_id, milestone.amount, Decimal(1), milestone.amount
        )
    return None, None


def latest(stamps: Iterable[datetime | None], default: datetime) -> datetime:
    """The last of the instants that are known, `default` when none is."""
    return max((stamp for stamp in stamps if stamp is not None), default=default)
