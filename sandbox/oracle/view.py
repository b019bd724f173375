"""What the systems hold at an instant: the process state filtered by when each system came to know it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from sandbox.firm.ids import canonical
from sandbox.firm.state import (
    Account,
    Amendment,
    Contract,
    ContractLine,
    Deal,
    Expense,
    Firm,
    Invoice,
    InvoiceLine,
    Project,
    Timecard,
    Worker,
)
from sandbox.oracle.calendars import WorkingDays, calendars
from sandbox.oracle.money import ZERO, Rates, r4

NONE = "NONE"
T = TypeVar("T")
SOLD = ("ACTIVE", "ON_HOLD", "COMPLETED")


def salesforce(native: str) -> str:
    """Canonical key of a CRM record."""
    return canonical("salesforce", native)


def certinia(native: str) -> str:
    """Canonical key of a PSA record."""
    return canonical("certinia", native)


def netsuite(native: str) -> str:
    """Canonical key of an ERP record."""
    return canonical("netsuite", native)


def bamboohr(native: str) -> str:
    """Canonical key of an HR record."""
    return canonical("bamboohr", native)


def status_at(history: list[tuple[datetime, T]], at: datetime) -> T | None:
    """The last status that began at or before ``at``."""
    found: T | None = None
    for begun, status in history:
        if begun <= at:
            found = status
    return found


@dataclass(frozen=True, slots=True)
class Dims:
    """Where a movement belongs."""

    legal_entity: str
    region: str
    practice: str
    customer: str
    project: str
    line: str


@dataclass(slots=True)
class TimeEntry:
    """One weekday of a split, with its status as the PSA shows it at the view's instant."""

    key: str
    timecard: Timecard
    project: Project
    worker: Worker
    work_date: date
    hours: Decimal
    amount: Decimal
    billable: bool
    status: str  # draft | submitted | approved | rejected


@dataclass(slots=True)
class BilledLine:
    """A posted, not void invoice line."""

    invoice: Invoice
    line: InvoiceLine


class View:
    """The firm as its systems show it at ``at``; ``as_of`` is the business cut-off (the date of ``at``).

    ``loads`` are the instants at which the systems were read before: what a system overwrites is known of
    those and of ``at`` alone.
    """

    def __init__(self, firm: Firm, at: datetime, loads: Sequence[datetime] = ()) -> None:
        self.firm = firm
        self.at = at
        self.loads = [*sorted(load for load in loads if load < at), at]
        self.as_of = at.date()
        self.calendars: dict[str, WorkingDays] = calendars(firm)
        self.rates = Rates(firm)
        self.contracts: list[Contract] = [c for c in firm.contracts if c.created_at <= at]
        self.contract_of_line: dict[str, Contract] = {
            line.line_key: contract for contract in self.contracts for line in contract.lines
        }
        self.line_by_key: dict[str, ContractLine] = {
            line.line_key: line for contract in self.contracts for line in contract.lines
        }
        self.amendments: list[Amendment] = [
            a for a in firm.amendments if status_at(a.statuses, at) is not None
        ]
        self.signed: dict[str, list[Amendment]] = defaultdict(list)
        for amendment in self.amendments:
            if status_at(amendment.statuses, at) == "SIGNED":
                self.signed[amendment.line.line_key].append(amendment)
        self.projects: list[Project] = [p for p in firm.projects if p.created_at <= at and not p.is_template]
        self.projects_of_line: dict[str, list[Project]] = defaultdict(list)
        for project in self.projects:
            for line in (self.line_of(project), self.expense_line_of(project)):
                if line is not None and project not in self.projects_of_line[line.line_key]:
                    self.projects_of_line[line.line_key].append(project)
        self.deals: list[Deal] = [d for d in firm.deals if d.created_at <= at]
        self.entries: list[TimeEntry] = list(self._entries())
        self.expenses: list[Expense] = [e for e in firm.expenses if e.created_at <= at]
        self.billed_lines: list[BilledLine] = [
            BilledLine(invoice, line)
            for invoice in firm.invoices
            if invoice.posted_at <= at
            for line in invoice.lines
        ]
        self.lines_of_source: dict[str, list[BilledLine]] = defaultdict(list)
        for billed in self.billed_lines:
            if billed.line.source_id is not None:
                self.lines_of_source[self.source_key(billed.line.source_type, billed.line.source_id)].append(
                    billed
                )
        self._line_dims: dict[str, Dims] = {}
        self._project_dims: dict[str, Dims] = {}

    def _entries(self) -> list[TimeEntry]:
        found: list[TimeEntry] = []
        for card in self.firm.timecards:
            if card.created_at > self.at:
                continue
            if card.rejected_at is not None and card.rejected_at <= self.at:
                status = "rejected"
            elif card.approved_at is not None and card.approved_at <= self.at:
                status = "approved"
            elif card.submitted_at <= self.at:
                status = "submitted"
            else:
                status = "draft"
            assignment = card.assignment
            for split in card.splits:
                for weekday, hours, amount in day_amounts(split.hours, split.billable_amount):
                    found.append(
                        TimeEntry(
                            key=certinia(f"{split.split_id}-{weekday + 1}"),
                            timecard=card,
                            project=assignment.project,
                            worker=assignment.worker,
                            work_date=date.fromordinal(card.week_start.toordinal() + weekday),
                            hours=hours,
                            amount=amount,
                            billable=assignment.billable,
                            status=status,
                        )
                    )
        return found

    def source_key(self, source_type: str, native: str) -> str:
        """Canonical key of a billed source."""
        return netsuite(native) if source_type in ("RETAINER", "MANUAL") else certinia(native)

    def entity_key(self, code: str) -> str:
        """Canonical key of a legal entity."""
        return netsuite(self.firm.entities[code].subsidiary_id)

    def entity_code(self, key: str) -> str:
        """Code of the legal entity with a canonical key. Raises StopIteration when there is none."""
        return next(code for code in self.firm.entities if self.entity_key(code) == key)

    def customer_key(self, account: Account | None) -> str:
        """The ERP customer's key, or UNMAPPED with the CRM key while the ERP has none."""
        if account is None:
            return NONE
        if account.customer_id is not None and account.erp_at is not None and account.erp_at <= self.at:
            return netsuite(account.customer_id)
        return f"UNMAPPED:{salesforce(account.account_id)}"

    def contract_status(self, contract: Contract) -> str:
        """Status the ERP shows."""
        return status_at(contract.statuses, self.at) or "DRAFT"

    def won_at(self, deal: Deal) -> datetime | None:
        """First instant at which the deal was won, if the CRM knows it."""
        return deal.won_at if deal.won_at is not None and deal.won_at <= self.at else None

    def is_won(self, deal: Deal) -> bool:
        """Whether the CRM shows the deal as won now."""
        return status_at(deal.stages, self.at) == "Closed Won"

    def line_of(self, project: Project) -> ContractLine | None:
        """The contract line the PMO has entered on the project, if the ERP has it too."""
        return self._linked(project, project.line)

    def expense_line_of(self, project: Project) -> ContractLine | None:
        """The contract's expense line entered on the project."""
        return self._linked(project, project.expense_line)

    def _linked(self, project: Project, line: ContractLine | None) -> ContractLine | None:
        if line is None or project.linked_at is None or project.linked_at > self.at:
            return None
        return line if line.line_key in self.contract_of_line else None

    def contract_for(self, deal: Deal) -> Contract | None:
        """The deal's own contract, if the ERP holds one that is sold."""
        for contract in self.contracts:
            if contract.deal is deal and self.contract_status(contract) in SOLD:
                return contract
        return None

    def committed_value(self, line: ContractLine, day: date) -> Decimal:
        """Original value and signed changes up to ``day``."""
        return line.original_value + sum(
            (
                a.delta_value
                for a in self.signed[line.line_key]
                if a.signed_on is not None and a.signed_on <= day
            ),
            ZERO,
        )

    def amended_value(self, line: ContractLine, day: date) -> Decimal:
        """As committed, but only changes already in effect."""
        return line.original_value + sum((a.delta_value for a in self._effective(line, day)), ZERO)

    def amended_ceiling(self, line: ContractLine, day: date) -> Decimal:
        """The ceiling with the changes in effect."""
        return (line.ceiling or ZERO) + sum(
            (a.delta_ceiling or ZERO for a in self._effective(line, day)), ZERO
        )

    def _effective(self, line: ContractLine, day: date) -> list[Amendment]:
        return [
            a
            for a in self.signed[line.line_key]
            if a.signed_on is not None
            and a.signed_on <= day
            and a.effective_on is not None
            and a.effective_on <= day
        ]

    def net_billed_quantity(self, source: str, day: date) -> Decimal:
        """Quantity of a source on posted documents up to ``day``; credits count negative."""
        return sum(
            (b.line.quantity for b in self.lines_of_source.get(source, ()) if b.invoice.invoice_date <= day),
            ZERO,
        )

    def line_dims(self, line: ContractLine) -> Dims:
        """Dimensions of a contract line's movements."""
        found = self._line_dims.get(line.line_key)
        if found is None:
            contract = self.contract_of_line[line.line_key]
            projects = sorted(certinia(p.project_id) for p in self.projects_of_line[line.line_key])
            found = Dims(
                legal_entity=self.entity_key(contract.entity),
                region=line.region,
                practice=line.practice,
                customer=self.customer_key(contract.account),
                project=projects[0] if projects else NONE,
                line=netsuite(line.line_key),
            )
            self._line_dims[line.line_key] = found
        return found

    def project_dims(self, project: Project) -> Dims:
        """Dimensions of work on a project: its line's when linked, else its own."""
        found = self._project_dims.get(project.project_id)
        if found is None:
            line = self.line_of(project)
            if line is not None:
                of_line = self.line_dims(line)
                found = Dims(
                    of_line.legal_entity,
                    of_line.region,
                    of_line.practice,
                    of_line.customer,
                    certinia(project.project_id),
                    of_line.line,
                )
            else:
                found = Dims(
                    legal_entity=self.entity_key(project.entity),
                    region=project.region,
                    practice=project.practice,
                    customer=self.customer_key(project.account),
                    project=certinia(project.project_id),
                    line=NONE,
                )
            self._project_dims[project.project_id] = found
        return found

    def resource_key(self, worker: Worker) -> str:
        """HR's key of an employee, the PSA's of a subcontractor."""
        return bamboohr(worker.hr_id) if worker.hr_id is not None else certinia(worker.contact_id)


def day_amounts(hours: tuple[Decimal, ...], amount: Decimal) -> list[tuple[int, Decimal, Decimal]]:
    """A split's days with hours: (weekday 0..6, hours, amount); the last day takes the rounding."""
    days = [(weekday, h) for weekday, h in enumerate(hours) if h]
    total = sum((h for _, h in days), ZERO)
    result: list[tuple[int, Decimal, Decimal]] = []
    left = amount
    for position, (weekday, h) in enumerate(days):
        share = left if position == len(days) - 1 else r4(amount * h / total)
        left -= share
        result.append((weekday, h, share))
    return result
