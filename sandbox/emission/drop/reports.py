"""What the firm's systems print at a month end: lists of the ERP, the PSA and the CRM, as of a day.

A report shows what its system knew when it was printed; what is entered later is in none of that month.
Figures are those of the firm's state, so that a total of the warehouse has something of another origin to be
held against. Trial balances are debits positive and in the entity's currency; all else is as people read it,
in the currency of the document, the project or the deal.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from sandbox.emission.context import CENT, ZERO, round_to
from sandbox.emission.netsuite import (
    BANK,
    DEFERRED,
    EXCHANGE,
    EXPENSE_REVENUE,
    PAYABLE,
    RECEIVABLE,
    REVENUE,
    SUBCONTRACTORS,
    TAX,
    UNBILLED,
)
from sandbox.firm.calendar import DAY, month_end
from sandbox.firm.house import MAIN
from sandbox.firm.ids import canonical
from sandbox.firm.state import Entity, Firm, Invoice, Project

# days after the month's end on which a system prints it: what is open in a CRM it knows only while it is
PIPELINE_AFTER, PSA_AFTER, BOOKS_AFTER = 0, 7, 8
PRINTED = time(21, 30)
BUCKETS = ((0, "Current"), (30, "1-30"), (60, "31-60"), (90, "61-90"))
OLDEST = "Over 90"
ENDED = ("Completed", "Canceled")
# methods whose work has a price, and whose instalments have one; a retainer's months are the ERP's alone
BY_TIME = ("TM", "TM_CAPPED")
BY_INSTALMENT = ("FIXED_MILESTONE", "FIXED_POC")
UNBILLED_METHODS = ("TM", "TM_CAPPED", "EXPENSE")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a report. Keys are canonical; None where a report does not speak of such a thing."""

    line_id: str
    report: str
    system: str
    period: str
    as_of: date
    printed_at: datetime
    legal_entity_id: str
    amount: Decimal
    currency: str
    gl_account_id: str | None = None
    customer_id: str | None = None
    project_id: str | None = None
    bucket: str | None = None


@dataclass(frozen=True, slots=True)
class Print:
    """A month's lists: as of which day, and when they were printed."""

    as_of: date
    at: datetime

    @classmethod
    def of(cls, as_of: date, after: int) -> Print:
        """The lists as of `as_of`, printed in the evening `after` so many days."""
        return cls(as_of, datetime.combine(as_of + after * DAY, PRINTED, UTC))

    @property
    def period(self) -> str:
        """The month the lists are of."""
        return f"{self.as_of:%Y-%m}"

    def holds(self, day: date, known_at: datetime) -> bool:
        """Whether something of business day `day`, entered at `known_at`, is in it."""
        return day <= self.as_of and known_at <= self.at


def printed(firm: Firm, after: int) -> list[Print]:
    """The lists of every month from the firm's first one on, printed `after` so many days."""
    found = []
    run = Print.of(month_end(firm.start), after)
    while run.at <= firm.end:
        found.append(run)
        run = Print.of(month_end(run.as_of + DAY), after)
    return found


class Printer:
    """Prints the lists of one firm; what several months share is looked up once."""

    def __init__(self, firm: Firm) -> None:
        self._firm = firm
        self._settled = _settlements(firm)
        self._postings = sorted(_postings(firm), key=lambda one: one.day)
        self._days = [one.day for one in self._postings]
        self._work = _work(firm)

    def ar_ageing(self, run: Print) -> list[Line]:
        """What customers owe, by how long it is overdue; a credit that was set off nowhere is negative."""
        sums: dict[tuple[str, str, str, str], Decimal] = defaultdict(lambda: ZERO)
        for invoice in self._firm.invoices:
            if not run.holds(invoice.invoice_date, invoice.posted_at):
                continue
            settled = self._settled[invoice.invoice_id]
            left = invoice.gross - sum((a for day, at, a in settled if run.holds(day, at)), ZERO)
            if left:
                sums[(*_payer(invoice), _bucket(invoice, run.as_of))] += left
        return [
            self._line("AR_AGEING", run, entity, amount, currency, customer=customer, bucket=bucket)
            for (entity, customer, currency, bucket), amount in sorted(sums.items())
            if amount
        ]

    def billings(self, run: Print) -> list[Line]:
        """What was invoiced in the month without tax, less credit notes, by customer."""
        sums: dict[tuple[str, str, str], Decimal] = defaultdict(lambda: ZERO)
        for invoice in self._firm.invoices:
            if _in_month(invoice.invoice_date, run) and invoice.posted_at <= run.at:
                sums[_payer(invoice)] += sum((line.net for line in invoice.lines), ZERO)
        return [
            self._line("BILLINGS", run, entity, amount, currency, customer=customer)
            for (entity, customer, currency), amount in sorted(sums.items())
        ]

    def revenue(self, run: Print) -> list[Line]:
        """Revenue posted for the month, by customer."""
        sums: dict[tuple[str, str, str], Decimal] = defaultdict(lambda: ZERO)
        for entry in self._firm.revenue:
            if _in_month(entry.accounting_date, run) and entry.posted_at <= run.at:
                contract = entry.contract
                sums[contract.entity, str(contract.account.customer_id), contract.currency] += entry.amount
        return [
            self._line("REVENUE", run, entity, amount, currency, customer=customer)
            for (entity, customer, currency), amount in sorted(sums.items())
        ]

    def trial_balance(self, run: Print) -> list[Line]:
        """What every account holds at the month's end since the books were opened, debits positive."""
        sums: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
        for posting in self._postings[: bisect_left(self._days, run.as_of + DAY)]:
            if posting.at <= run.at:
                sums[posting.entity, posting.account] += posting.amount
        return [
            self._line("TRIAL_BALANCE", run, entity, amount, self._entity(entity).currency, account=account)
            for (entity, account), amount in sorted(sums.items())
            if amount
        ]

    def psa_backlog(self, run: Print) -> list[Line]:
        """What approved work or accepted instalments leave of each open client project's budget."""
        return [
            self._line("PSA_BACKLOG", run, project.entity, left, project.currency, project=project.project_id)
            for project in self._firm.projects
            if _is_open(project, run) and (left := self._left(project, run)) > 0
        ]

    def _left(self, project: Project, run: Print) -> Decimal:
        budget = project.budget_revenue
        for at, changed, _, _ in project.budget_changes:
            budget = changed if at <= run.at else budget
        done = self._work[project.project_id]
        return budget - sum((amount for day, at, amount in done if run.holds(day, at)), ZERO)

    def pipeline(self, run: Print) -> list[Line]:
        """What the CRM shows as open, by stage."""
        sums: dict[tuple[str, str, str], Decimal] = defaultdict(lambda: ZERO)
        for deal in self._firm.deals:
            stage = next((name for at, name in reversed(deal.stages) if at <= run.at), None)
            # two CRMs that hold one deal would print it twice
            if stage is None or stage.startswith("Closed") or deal.mirror_of is not None:
                continue
            sums[deal.entity, stage, deal.currency] += deal.services_amount + deal.expense_amount
        return [
            self._line("PIPELINE", run, entity, amount, currency, bucket=stage)
            for (entity, stage, currency), amount in sorted(sums.items())
        ]

    def _entity(self, code: str) -> Entity:
        return self._firm.entities[code]

    def _line(
        self,
        report: str,
        run: Print,
        entity: str,
        amount: Decimal,
        currency: str,
        *,
        account: str | None = None,
        customer: str | None = None,
        project: str | None = None,
        bucket: str | None = None,
    ) -> Line:
        # a colon would make the id look like one of another system
        named = [part.replace(":", ".") for part in (account, customer, project, bucket) if part]
        subsidiary = self._entity(entity).subsidiary_id
        return Line(
            line_id="|".join((report, run.period, entity, currency, *named)),
            report=report,
            period=run.period,
            system={"PSA_BACKLOG": "psa", "PIPELINE": "crm"}.get(report, "erp"),
            as_of=run.as_of,
            printed_at=run.at,
            legal_entity_id=canonical("netsuite", subsidiary),
            amount=amount,
            currency=currency,
            gl_account_id=_account_key(subsidiary, account) if account else None,
            customer_id=canonical("netsuite", customer) if customer else None,
            project_id=canonical("certinia", project) if project else None,
            bucket=bucket,
        )


def _account_key(subsidiary: str, account: str) -> str:
    """An account of the chart of the ERP that keeps the entity's books."""
    return f"netsuite:{subsidiary.partition(':')[0] if ':' in subsidiary else MAIN}:{account}"


def _payer(invoice: Invoice) -> tuple[str, str, str]:
    return invoice.entity, str(invoice.account.customer_id), invoice.currency


def _in_month(day: date, run: Print) -> bool:
    return run.as_of.replace(day=1) <= day <= run.as_of


def _bucket(invoice: Invoice, as_of: date) -> str:
    overdue = (as_of - invoice.due_on).days
    return next((name for days, name in BUCKETS if overdue <= days), OLDEST)


def _is_open(project: Project, run: Print) -> bool:
    if project.is_template or not project.is_billable or project.created_at.date() > run.as_of:
        return False
    if project.billing_method not in (*BY_TIME, *BY_INSTALMENT):
        return False
    stage = next((name for at, name in reversed(project.stages) if at <= run.at), None)
    return stage not in ENDED


# business day, entered at, amount
Dated = tuple[date, datetime, Decimal]


def _settlements(firm: Firm) -> dict[str, list[Dated]]:
    """By document: what cash and credit notes took off it; of a credit note what is used up (negative)."""
    found: dict[str, list[Dated]] = defaultdict(list)
    for payment in firm.payments:
        for invoice, amount in payment.applications:
            found[invoice.invoice_id].append((payment.paid_on, payment.created_at, amount))
    for note in firm.invoices:
        if note.doc_type == "CREDIT_NOTE" and note.applies_to is not None:
            found[note.applies_to.invoice_id].append((note.invoice_date, note.posted_at, -note.gross))
            found[note.invoice_id].append((note.invoice_date, note.posted_at, note.gross))
    return found


def _work(firm: Firm) -> dict[str, list[Dated]]:
    """By project: approved billable time at its price, or accepted instalments."""
    found: dict[str, list[Dated]] = defaultdict(list)
    for card in firm.timecards:
        project = card.assignment.project
        if project.billing_method not in BY_TIME or not card.assignment.billable:
            continue
        if card.approved_at is None or card.rejected_at is not None:
            continue
        for split in card.splits:
            found[project.project_id].append((split.end, card.approved_at, split.billable_amount))
    for one in firm.milestones:
        if one.project.billing_method in BY_INSTALMENT and one.accepted_on and one.accepted_at:
            found[one.project.project_id].append((one.accepted_on, one.accepted_at, one.amount))
    return found


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount on an account in the entity's currency, debits positive."""

    day: date
    at: datetime
    entity: str
    account: str
    amount: Decimal


def _postings(firm: Firm) -> Iterator[Posting]:
    """The general ledger, kept by the firm's own books: what each document does to which account."""
    for invoice in firm.invoices:
        parts = [(_between(line.contract_line.method), line.net) for line in invoice.lines]
        legs = list(_booked([*parts, (TAX, invoice.tax)], invoice.exchange_rate, -1))
        owed = -sum((amount for _, amount in legs), ZERO)
        for account, amount in [*legs, (RECEIVABLE, owed)]:
            yield Posting(invoice.invoice_date, invoice.posted_at, invoice.entity, account, amount)
    for payment in firm.payments:
        cash = round_to(payment.amount * payment.exchange_rate, CENT)
        applied = sum((amount for _, amount in payment.applications), ZERO)
        owed = sum((amount * invoice.exchange_rate for invoice, amount in payment.applications), ZERO)
        owed = round_to(owed + (payment.amount - applied) * payment.exchange_rate, CENT)
        for account, amount in ((BANK, cash), (RECEIVABLE, -owed), (EXCHANGE, owed - cash)):
            yield Posting(payment.paid_on, payment.created_at, payment.entity, account, amount)
    for bill in firm.vendor_bills:
        legs = list(_booked([(SUBCONTRACTORS, line.net) for line in bill.lines], bill.exchange_rate, 1))
        for account, amount in [*legs, (PAYABLE, -sum((amount for _, amount in legs), ZERO))]:
            yield Posting(bill.bill_date, bill.created_at, bill.entity, account, amount)
    for entry in firm.revenue:
        earned = EXPENSE_REVENUE if entry.line.method == "EXPENSE" else REVENUE
        for account, amount in (
            (_between(entry.line.method), entry.amount_base),
            (earned, -entry.amount_base),
        ):
            yield Posting(entry.accounting_date, entry.posted_at, entry.contract.entity, account, amount)


def _between(method: str) -> str:
    """The account between billing and revenue of a line."""
    return UNBILLED if method in UNBILLED_METHODS else DEFERRED


def _booked(parts: Iterable[tuple[str, Decimal]], rate: Decimal, sign: int) -> Iterator[tuple[str, Decimal]]:
    """Amounts in the entity's currency, rounded on the running sum: a document adds up to the cent."""
    running = booked = ZERO
    for account, amount in parts:
        running += amount
        mine = round_to(running * rate, CENT) - booked
        booked += mine
        yield account, sign * mine
