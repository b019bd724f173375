"""Process state of the sandbox firm: what really happened, when, and when each system came to know it.

The simulator fills these records, the emission turns them into vendor records, the oracle computes the truth
from them. Every instant is UTC. ``*_at`` is the moment a record (or a change of it) first exists in the
system that holds it, so "what a system shows at T" is a filter ``at <= T``. Money is
:class:`~decimal.Decimal`, never float. Native ids are assigned by the simulator, because the truth names
grains by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from sandbox.firm.event_state import BusinessEvent


@dataclass(slots=True)
class Entity:
    """A legal entity; ``subsidiary_id`` and ``currency_id`` are NetSuite's, ``calendar_id`` Certinia's."""

    code: str
    name: str
    country: str
    region: str
    currency: str
    subsidiary_id: str
    calendar_id: str
    holidays: dict[date, str]
    tax_rate: Decimal


@dataclass(slots=True)
class OrgCode:
    """A region, practice or group: ``kind`` in {region, practice, group}; ``psa_id`` is Certinia's record
    id."""

    kind: str
    code: str
    name: str
    psa_id: str


@dataclass(slots=True)
class CostRate:
    """Loaded hourly cost of a worker from ``valid_from`` to ``valid_to`` inclusive (None = open), known
    from ``at``."""

    row_id: str
    valid_from: date
    valid_to: date | None
    rate: Decimal
    currency: str
    at: datetime


@dataclass(slots=True)
class Leave:
    """Approved (or denied) absence. ``hours`` fall evenly on the entity's working days from start to end."""

    leave_id: str
    start: date
    end: date
    hours: Decimal
    kind: str
    status: str
    at: datetime


@dataclass(slots=True)
class Worker:
    """A person: employee (in HR and PSA) or subcontractor (PSA only, costed by purchase order)."""

    n: int
    first_name: str
    last_name: str
    worker_type: str  # EMPLOYEE | CONTRACTOR
    entity: str
    region: str
    practice: str
    group: str
    role: str
    grade: str
    hire_date: date
    term_date: date | None
    fte: Decimal
    weekly_hours: Decimal  # full-time hours a week; a day is a fifth
    time_required: bool
    employee_number: str | None
    hr_id: str | None
    contact_id: str
    hr_at: datetime | None  # record first exists in HR
    psa_at: datetime  # contact first exists in the PSA
    termination_known_at: datetime | None  # HR learns of term_date
    vendor: str | None  # NetSuite vendor id of a contractor
    cost_rates: list[CostRate] = field(default_factory=list)
    leaves: list[Leave] = field(default_factory=list)


@dataclass(slots=True)
class CustomerEntity:
    """The ERP customer's account with one legal entity, with its status history (at, status)."""

    row_id: str
    entity: str
    statuses: list[tuple[datetime, str]]


@dataclass(slots=True)
class Account:
    """A customer: CRM account and, from ``erp_at``, ERP customer ``customer_id``."""

    n: int
    account_id: str
    name: str
    country: str
    region: str
    currency: str
    tax_id: str
    industry: str
    created_at: datetime
    customer_id: str | None
    erp_at: datetime | None
    explicit_link: bool  # the CRM account carries the ERP customer id; else they match by tax id or by name
    erp_name: str  # may differ in case, punctuation, legal suffix
    erp_has_tax_id: bool
    home: str  # the legal entity that usually serves it
    entities: list[CustomerEntity] = field(default_factory=list)
    # set where this is another CRM's record of an account; the ERP has one customer for both
    mirror_of: Account | None = None


@dataclass(slots=True)
class Deal:
    """An opportunity. ``stages`` is its full history (at, stage name of the CRM)."""

    n: int
    opp_id: str
    name: str
    account: Account
    entity: str
    currency: str
    opp_type: str  # New Business | Renewal | Change Order
    billing_method: str  # canonical word (TM, TM_CAPPED, ...)
    services_amount: Decimal
    expense_amount: Decimal
    first_30_days_revenue: Decimal
    payment_terms: int
    term_start: date
    term_end: date
    planned_start: date
    quote_date: date
    contract_required: bool
    practice: str
    region: str
    group: str
    created_at: datetime
    stages: list[tuple[datetime, str]]
    won_at: datetime | None
    parent: Deal | None = None
    # set where another CRM holds the same deal too
    mirror_of: Deal | None = None


@dataclass(slots=True)
class ContractLine:
    """One line of a contract. ``line_key`` is NetSuite's transactionline.uniquekey."""

    line_key: str
    line_no: int
    method: str
    original_value: Decimal
    ceiling: Decimal | None
    practice: str
    region: str
    group: str
    effective_from: date
    effective_to: date
    element_id: str
    plan_id: str
    # (row id, customer, share); empty = sole
    shares: list[tuple[str, Account, Decimal]] = field(default_factory=list)


@dataclass(slots=True)
class Contract:
    """A sales order in the ERP. ``statuses`` is (at, status); ``closed_on`` is the business date of the
    end status."""

    so_id: str
    number: str
    deal: Deal | None
    account: Account
    entity: str
    currency: str
    exchange_rate: Decimal
    created_at: datetime
    signed_on: date
    effective_from: date
    effective_to: date
    payment_terms: int
    billing_method: str
    statuses: list[tuple[datetime, str]]
    closed_on: date | None
    lines: list[ContractLine]
    customer_po: str | None = None
    former_number: str | None = None  # under which it was known before it was renumbered


@dataclass(slots=True)
class Amendment:
    """A change of a contract line; ``statuses`` is (at, status)."""

    amendment_id: str
    name: str
    contract: Contract
    line: ContractLine
    deal: Deal | None
    delta_value: Decimal
    delta_ceiling: Decimal | None
    delta_hours: Decimal
    signed_on: date | None
    effective_on: date | None
    treatment: str
    statuses: list[tuple[datetime, str]]


@dataclass(slots=True)
class Project:
    """A PSA project. ``billing_method``, ``cap`` and ``line`` are what the PMO set up, which may differ
    from the contract."""

    project_id: str
    number: str
    name: str
    deal: Deal | None
    account: Account | None
    line: ContractLine | None
    expense_line: ContractLine | None
    linked_at: datetime | None  # when the ERP line keys were entered on the project
    entity: str
    currency: str
    practice: str
    region: str
    group: str
    service_line_code: str
    billing_method: str  # canonical word
    cap: Decimal | None
    is_billable: bool
    is_template: bool
    project_type: str
    stages: list[tuple[datetime, str]]
    created_at: datetime
    start: date
    end: date
    planned_hours: Decimal
    budget_revenue: Decimal
    budget_cost: Decimal
    manager: Worker | None = None
    budget_changes: list[tuple[datetime, Decimal, Decimal | None, str]] = field(default_factory=list)
    # (at, new budget revenue, new cap, amendment id)
    # (at, (day, cost, hours)): what the manager expects at completion; the first is the plan
    estimates: list[tuple[datetime, tuple[date, Decimal, Decimal]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """A project begins with its plan for an estimate."""
        if not self.estimates:
            first = self.created_at.date(), self.budget_cost, self.planned_hours
            self.estimates.append((self.created_at, first))


@dataclass(slots=True)
class Assignment:
    """A person on a project; ``day_hours`` is the weekly pattern Monday..Sunday."""

    assignment_id: str
    schedule_id: str
    request_id: str
    project: Project
    worker: Worker
    role: str
    bill_rate: Decimal
    billable: bool
    start: date
    end: date
    day_hours: tuple[Decimal, ...]
    booking: str  # HARD | SOFT
    created_at: datetime


@dataclass(slots=True)
class Split:
    """The part of a timecard that lies in one month; it holds the money."""

    split_id: str
    start: date
    end: date
    hours: tuple[Decimal, ...]  # Monday..Sunday, zero outside the split
    billable_amount: Decimal
    cost_amount: Decimal


@dataclass(slots=True)
class Timecard:
    """A week of one person on one assignment. A time entry is one weekday of a split:
    ``{split_id}-{1..7}``."""

    header_id: str
    assignment: Assignment
    week_start: date
    splits: list[Split]
    created_at: datetime
    submitted_at: datetime
    approved_at: datetime | None
    rejected_at: datetime | None
    approver: Worker | None


@dataclass(slots=True)
class Milestone:
    """A fixed fee instalment."""

    milestone_id: str
    name: str
    project: Project
    line: ContractLine
    amount: Decimal
    target: date
    created_at: datetime
    completed_on: date | None = None
    completed_at: datetime | None = None
    accepted_on: date | None = None
    accepted_at: datetime | None = None
    requires_acceptance: bool = True


@dataclass(slots=True)
class Expense:
    """One expense line."""

    expense_id: str
    report_id: str
    project: Project
    worker: Worker
    expense_date: date
    kind: str
    amount: Decimal
    currency: str
    billing_amount: Decimal
    billing_currency: str
    billable: bool
    created_at: datetime
    submitted_at: datetime
    approved_at: datetime | None


@dataclass(slots=True)
class BillingItem:
    """The ERP's side of a billable item; ``statuses`` is (at, OPEN|ON_DRAFT|INVOICED|CREDITED)."""

    item_id: str
    source_type: str  # TIME | EXPENSE | MILESTONE | RETAINER
    source_id: str
    line: ContractLine
    contract: Contract
    work_date: date
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    currency: str
    created_at: datetime
    eligible_at: list[tuple[datetime, datetime]]  # (known at, eligible at): a credit with rebill moves it
    statuses: list[tuple[datetime, str]]
    hold_reason: str | None = None


@dataclass(slots=True)
class InvoiceLine:
    """A line; ``net`` positive on invoices, negative on credit notes, in the invoice's currency."""

    line_key: str
    line_no: int
    source_type: str
    source_id: str | None
    contract_line: ContractLine
    quantity: Decimal
    unit_price: Decimal
    net: Decimal
    period_from: date
    period_to: date


@dataclass(slots=True)
class Invoice:
    """Invoice or credit note. ``gross = net + tax``, both signed like the lines."""

    invoice_id: str
    number: str
    doc_type: str  # STANDARD | PREPAYMENT | CREDIT_NOTE
    account: Account
    contract: Contract
    entity: str
    currency: str
    exchange_rate: Decimal  # to the entity's currency on invoice_date
    invoice_date: date
    due_on: date
    created_at: datetime
    posted_at: datetime
    lines: list[InvoiceLine]
    net: Decimal
    tax: Decimal
    gross: Decimal
    main_line_key: str
    tax_line_key: str
    period_from: date
    period_to: date
    applies_to: Invoice | None = None
    reason_code: str | None = None


@dataclass(slots=True)
class Payment:
    """A customer payment with its applications (invoice, gross amount)."""

    payment_id: str
    number: str
    account: Account
    entity: str
    currency: str
    exchange_rate: Decimal
    paid_on: date
    amount: Decimal
    created_at: datetime
    line_key: str
    applications: list[tuple[Invoice, Decimal]]


@dataclass(slots=True)
class RevenueEntry:
    """A posting of recognised revenue for a contract line."""

    row_id: str
    line: ContractLine
    contract: Contract
    amount: Decimal
    amount_base: Decimal  # entity's currency at the rate of accounting_date
    accounting_date: date
    service_from: date
    service_to: date
    entry_type: str  # NORMAL | CATCH_UP | REVERSAL
    posted_at: datetime
    journal_id: str


@dataclass(slots=True)
class PurchaseOrder:
    """A subcontractor's order: one resource on one project at an hourly rate."""

    po_id: str
    number: str
    vendor_id: str
    line_key: str
    main_line_key: str
    project: Project
    worker: Worker
    entity: str
    currency: str
    exchange_rate: Decimal
    rate: Decimal
    quantity: Decimal
    ordered_on: date
    created_at: datetime


@dataclass(slots=True)
class VendorBillLine:
    """Hours billed by the subcontractor for a period."""

    line_key: str
    po: PurchaseOrder
    hours: Decimal
    rate: Decimal
    net: Decimal
    period_from: date
    period_to: date


@dataclass(slots=True)
class VendorBill:
    """A subcontractor's bill."""

    bill_id: str
    number: str
    vendor_id: str
    entity: str
    currency: str
    exchange_rate: Decimal
    bill_date: date
    created_at: datetime
    main_line_key: str
    lines: list[VendorBillLine]


@dataclass(slots=True)
class Vendor:
    """A subcontracting company."""

    vendor_id: str
    name: str
    currency: str
    created_at: datetime


@dataclass(slots=True)
class Envelope:
    """A document on its way to signature. ``statuses`` is (at, CREATED | SENT | DELIVERED | COMPLETED |
    DECLINED | VOIDED); what it says of money stands as the paper has it, by ``value_basis``."""

    envelope_id: str
    doc_type: str  # MSA | SOW | ORDER_FORM | CO | LOI | PO
    subject: str
    account: Account  # whose signature is asked for
    deal: Deal | None
    contract: Contract | None
    numbers: list[tuple[datetime, str]]  # (at, contract number as entered on the envelope)
    customer_name: str
    value: Decimal | None
    currency: str
    value_basis: str  # NET | GROSS | INCL_EXPENSES | NONE
    tax_amount: Decimal | None
    signed_on: date | None  # of a paper signed by hand; else the day on which the envelope is completed
    effective_from: date | None
    retroactive: bool
    confidence: Decimal  # of the value read off the document
    sha256: str
    registered_sha256: str
    statuses: list[tuple[datetime, str]]
    signer: tuple[str, str]  # name and e-mail
    reason: str | None = None  # of a decline or a void
    deleted_at: datetime | None = None

    @property
    def completed_at(self) -> datetime | None:
        """When the last signature came."""
        return next((at for at, status in self.statuses if status == "COMPLETED"), None)

    @property
    def signature_day(self) -> date | None:
        """The day of the last signature, whether by hand or in the envelope."""
        if self.completed_at is None:
            return None
        return self.signed_on or self.completed_at.date()


@dataclass(slots=True)
class FaultMark:
    """A fault that struck the process: what it touched, for labelling the truth (case_id = fault id)."""

    fault_id: str
    injected_at: datetime
    objects: dict[str, list[str]]  # kind -> native ids, e.g. {"opportunity": [...], "invoice": [...]}


@dataclass(slots=True)
class LookAlike:
    """A benign case (N..) that the firm always holds; ``objects`` as in :class:`FaultMark`."""

    case_id: str
    objects: dict[str, list[str]]


@dataclass(slots=True)
class Firm:
    """Everything that happened from ``start`` to ``end`` (the last simulated instant)."""

    seed: int
    scale: str
    faults: tuple[str, ...]
    start: date
    end: datetime
    reporting_currency: str
    entities: dict[str, Entity]
    org: list[OrgCode]
    rate_cards: list[dict[str, object]]
    # (currency, date) -> units of USD for 1 unit, 10 decimals; every calendar day
    fx: dict[tuple[str, date], Decimal]
    # (from, to, date) of the rates that the nightly feed left out: the ERP has none of its own for that day
    missing_rates: list[tuple[str, str, date]]
    workers: list[Worker]
    vendors: list[Vendor]
    accounts: list[Account]
    deals: list[Deal]
    contracts: list[Contract]
    amendments: list[Amendment]
    projects: list[Project]
    assignments: list[Assignment]
    timecards: list[Timecard]
    milestones: list[Milestone]
    expenses: list[Expense]
    billing_items: list[BillingItem]
    invoices: list[Invoice]
    payments: list[Payment]
    revenue: list[RevenueEntry]
    purchase_orders: list[PurchaseOrder]
    vendor_bills: list[VendorBill]
    fault_marks: list[FaultMark]
    look_alikes: list[LookAlike]
    documents: list[Envelope] = field(default_factory=list)
    # what the integration bus carried; told last, from all the rest
    events: list[BusinessEvent] = field(default_factory=list)
