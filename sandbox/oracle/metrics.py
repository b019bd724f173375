"""Metrics from process state: what every row of ``marts.metric_value`` must say at one load."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from sandbox.firm.state import Account, Contract, ContractLine, Deal, Invoice, Payment, Project, Worker
from sandbox.oracle.backlog_variants import variants
from sandbox.oracle.calendars import month_end
from sandbox.oracle.expected import Cost, expectations, passed_on_to, vintages
from sandbox.oracle.handoff import (
    COST_OF_CAPITAL,
    Passage,
    Steps,
    Windows,
    breaches,
    cases_of_windows,
    months_of_work,
    recoveries,
)
from sandbox.oracle.money import ZERO, known_sum, r4, r10
from sandbox.oracle.obligations import obligations
from sandbox.oracle.realisation import SHARES, Measures, work_months
from sandbox.oracle.view import NONE, Dims, TimeEntry, View, certinia, netsuite

REPORTING = "USD"
CONSTANT_DATE = date(2025, 12, 31)
BILLABLE_METHODS = ("TM", "TM_CAPPED", "EXPENSE")
UNPRODUCTIVE_LEAVE = ("Vacation", "Sick", "Parental")
# metric, the hours that count, the hours they are set against
UTILISATION = (
    ("billable_utilisation_net", "billable", "available"),
    ("billable_utilisation_working", "billable", "working"),
    ("billable_utilisation_standard", "billable", "standard"),
    ("productive_utilisation", "productive", "available"),
    ("total_utilisation", "recorded", "available"),
)
ID_COLUMNS = (
    "legal_entity_id",
    "region_id",
    "practice_id",
    "customer_id",
    "project_id",
    "contract_line_id",
    "resource_id",
)
GRAIN_COLUMN = {
    "LEGAL_ENTITY": "legal_entity_id",
    "REGION": "region_id",
    "PRACTICE": "practice_id",
    "CUSTOMER": "customer_id",
    "PROJECT": "project_id",
    "CONTRACT_LINE": "contract_line_id",
    "RESOURCE": "resource_id",
}
LINE_GRAINS = ("FIRM", "LEGAL_ENTITY", "REGION", "PRACTICE", "CUSTOMER", "CONTRACT_LINE")
PROJECT_GRAINS = ("FIRM", "LEGAL_ENTITY", "REGION", "PRACTICE", "CUSTOMER", "PROJECT")
AR_GRAINS = ("FIRM", "LEGAL_ENTITY", "CUSTOMER")
PEOPLE_GRAINS = ("FIRM", "LEGAL_ENTITY", "REGION", "PRACTICE", "RESOURCE")
SALES_GRAINS = ("FIRM", "LEGAL_ENTITY", "REGION", "PRACTICE", "CUSTOMER")
# how likely a stage is, as the CRM is set up
LIKELY = {
    "Qualification": Decimal("0.10"),
    "Proposal": Decimal("0.40"),
    "Negotiation": Decimal("0.60"),
    "Commit": Decimal("0.80"),
}
DEAL_GRAINS = ("FIRM", "LEGAL_ENTITY", "PRACTICE", "CUSTOMER")
WIDE_PERIOD_GRAINS = ("FIRM", "LEGAL_ENTITY", "PRACTICE")
WORK_GRAINS = {
    "leakage": (*WIDE_PERIOD_GRAINS, "CUSTOMER", "PROJECT"),
    "effective_bill_rate": WIDE_PERIOD_GRAINS,
    "billed_rate": WIDE_PERIOD_GRAINS,
    "billing_realisation": (*WIDE_PERIOD_GRAINS, "CUSTOMER"),
    "hours_realisation": (*WIDE_PERIOD_GRAINS, "CUSTOMER"),
    "collection_realisation": (*WIDE_PERIOD_GRAINS, "CUSTOMER"),
    "overall_realisation": (*WIDE_PERIOD_GRAINS, "CUSTOMER"),
}
TC_GRAINS = ("FIRM", "LEGAL_ENTITY", "CUSTOMER", "PROJECT", "CONTRACT_LINE")
FC_GRAINS = ("LEGAL_ENTITY", "PROJECT", "CONTRACT_LINE")
PERIODS = ("MONTH", "QUARTER", "YTD", "T3M", "T12M")

Row = dict[str, object]
Dated = dict[str, list[tuple[date, Decimal]]]
Held = dict[tuple[Dims, str], dict[date, Decimal]]
# first day of a month -> amount; None: there is one, and nobody knows it
ByMonth = dict[date, Decimal | None]
# (contract line, whether firm) -> (day, worth, currency) of what plans say is done on a day
ToCome = dict[tuple[str, bool], list[tuple[date, Decimal, str]]]
# month, what counts, what it is set against
Share = tuple[date, Decimal | None, Decimal | None]
NoteLag = Callable[[str, str, str, int], None]
NoteDelay = Callable[[str, str, str, Decimal, int], None]


@dataclass(slots=True)
class Amounts:
    """One movement in the four views; ``unknown`` counts hours whose cost nobody knows.

    A view for which there is no exchange rate is None: its worth is unknown, not zero. Where not even the
    amount itself is known, ``tc`` is zero and does not count.
    """

    currency: str
    tc: Decimal
    functional: str
    fc: Decimal | None
    rc: Decimal | None
    cc: Decimal | None
    unknown: Decimal = ZERO
    is_known: bool = True

    def __neg__(self) -> Amounts:
        fc, rc, cc = (None if amount is None else -amount for amount in (self.fc, self.rc, self.cc))
        return Amounts(self.currency, -self.tc, self.functional, fc, rc, cc, is_known=self.is_known)


@dataclass(slots=True)
class Movement:
    """An amount of one metric on a business date."""

    day: date
    dims: Dims
    amounts: Amounts

    def __neg__(self) -> Movement:
        return Movement(self.day, self.dims, -self.amounts)


@dataclass(frozen=True, slots=True)
class Converted:
    """An amount that some metric shows in other currencies; several days of one ``key`` are one amount."""

    key: str
    day: date
    legal_entity: str
    amounts: Amounts


def metric_rows(view: View, plans: Sequence[dict[str, Any]] = ()) -> list[Row]:
    """Every row of metric_value that the view's instant must show; ``plans``: the figures known by then."""
    return list(_Metrics(view, plans).rows())


def converted_amounts(view: View) -> list[Converted]:
    """Everything that the metrics convert: flows on their day, balances on every date they are shown for."""
    return list(_Metrics(view).converted())


def estimate_rows(view: View) -> list[Row]:
    """Every row of estimate_vintage, as far as the firm's own state tells it."""
    return vintages(view, _Metrics(view).costs())


def window_rows(view: View) -> list[Row]:
    """What the return of integration is reckoned from: cases in two windows, and what of work was lost."""
    return list(_Metrics(view).windows())


def outlook_rows(view: View, plans: Sequence[dict[str, Any]] = ()) -> list[Row]:
    """What each month brought, what is expected of those to come and what was planned, by place."""
    return list(_Metrics(view, plans).outlook())


def _evenly(amount: Decimal | None, first: date, last: date) -> ByMonth:
    """An amount over the days from the first to the last, by month; nothing when there is no day."""
    days = (last - first).days + 1
    found: ByMonth = {}
    if days < 1 or amount == ZERO:
        return found
    reached, month = ZERO, first.replace(day=1)
    while month <= last:
        if amount is None:
            found[month] = None
        else:
            upto = r4(amount * ((min(last, month_end(month)) - first).days + 1) / days)
            found[month] = upto - reached
            reached = upto
        month = month_end(month) + timedelta(days=1)
    return found


class _Metrics:
    def __init__(self, view: View, plans: Sequence[dict[str, Any]] = ()) -> None:
        self.view = view
        self.plans = plans
        self.as_of = view.as_of
        self.dates: list[date] = []
        self._settled: tuple[Dated, Dated] | None = None
        # Nobody was available for booking before the firm booked its first hour.
        worked = [e.work_date for e in view.entries if e.status in ("approved", "submitted")]
        self.first_month_of_time = min(worked, default=self.as_of).replace(day=1)

    def rows(self) -> Iterator[Row]:
        gross = list(self.gross_bookings())
        debooked = list(self.debookings())
        billed = list(self.billed())
        revenue = list(self.recognised_revenue())
        labour = list(self.labour_cost())
        self._set_dates(self.first_month_of_time)
        yield from self._flow("gross_bookings", gross, LINE_GRAINS)
        yield from self._flow("net_bookings", gross + debooked, LINE_GRAINS)
        yield from self._flow("debookings", [-movement for movement in debooked], LINE_GRAINS)
        yield from self.backlogs()
        yield from self._paced("backlog_cover", self.backlog(), revenue, 3, 3)
        yield from self._burned(revenue)
        yield from self.wip_operational()
        yield from self._paced("wip_days", self.wip(), revenue, 12, 365)
        yield from self._paced("wip_days_billings", self.wip(), [movement for movement, _ in billed], 12, 365)
        yield from self.contract_positions()
        yield from self._flow("billed", [movement for movement, _ in billed], PROJECT_GRAINS)
        credited = [-movement for movement, is_credit in billed if is_credit]
        yield from self._flow("credit_notes", credited, PROJECT_GRAINS)
        yield from self._flow("recognised_revenue", revenue, PROJECT_GRAINS)
        yield from self._flow("labour_cost", [m for m, _ in labour], PROJECT_GRAINS, unknown_to_null=True)
        subcontractors = list(self.subcontractor_cost())
        yield from self._flow("subcontractor_cost", [m for m, _ in subcontractors], PROJECT_GRAINS)
        client_costs = [
            m for m, project in labour + subcontractors + list(self.expense_cost()) if self._client(project)
        ]
        yield from self._margin(revenue, client_costs)
        yield from self.expected_revenue(revenue, labour + subcontractors)
        yield from self._ratio("book_to_bill", gross + debooked, revenue)
        yield from self._ratio("book_to_billings", gross + debooked, [movement for movement, _ in billed])
        yield from self.sales(gross, debooked, revenue)
        documents, received, applied = list(self.documents()), list(self.received()), list(self.applied())
        yield from self._flow("billed_gross", documents, AR_GRAINS)
        yield from self._flow("cash_received", received, AR_GRAINS)
        yield from self._flow("cash_applied", applied, AR_GRAINS)
        yield from self.ar_balances()
        yield from self.collections(documents)
        yield from self.utilisation()
        yield from self.realisation()
        yield from self.forward_utilisation()
        yield from self.handoff()
        yield from self.stage_breaches()
        yield from self.recovery()
        yield from self.delayed_revenue()

    def converted(self) -> Iterator[Converted]:
        """Flows on their business date, each by itself; balances on every as-of date."""
        self._set_dates(self.first_month_of_time)
        flows = [
            *self.gross_bookings(),
            *self.debookings(),
            *(movement for movement, _ in self.billed()),
            *self.documents(),
            *self.received(),
            *self.applied(),
            *self.recognised_revenue(),
            *(movement for movement, _ in self.labour_cost()),
            *(movement for movement, _ in self.subcontractor_cost()),
            *(movement for movement, _ in self.expense_cost()),
        ]
        for number, movement in enumerate(flows):
            # what has no price has no need of a rate
            if movement.day <= self.as_of and not movement.amounts.unknown:
                yield Converted(str(number), movement.day, movement.dims.legal_entity, movement.amounts)
        for name, balances in (("backlog", self.backlog()), ("wip", self.wip())):
            for place, values in balances.items():
                dims, currency = place
                for day in self.dates:
                    if values.get(day):
                        amounts = self._amounts(values[day], currency, self._functional(dims), day)
                        yield Converted(f"{name}|{place}", day, dims.legal_entity, amounts)
        for day in self.dates:
            for invoice, dims, amounts in self.receivables(day):
                yield Converted(f"receivable|{invoice.invoice_id}", day, dims.legal_entity, amounts)
            for payment, dims, amounts in self.unapplied(day):
                yield Converted(f"payment|{payment}", day, dims.legal_entity, amounts)

    def _set_dates(self, first: date) -> None:
        """Every month end since somebody first worked, and as_of."""
        day = month_end(first)
        while day < self.as_of:
            self.dates.append(day)
            day = month_end(day + timedelta(days=1))
        self.dates.append(self.as_of)

    def _client(self, project: Project) -> bool:
        return project.is_billable or self.view.line_of(project) is not None

    def _months_in(self, period: str, day: date) -> tuple[date, date]:
        """First and last day of the period that ends with the month of ``day``, cut at ``day``."""
        start = date(day.year, day.month, 1)
        if period == "QUARTER":
            start = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
        elif period == "YTD":
            start = date(day.year, 1, 1)
        elif period in ("T3M", "T12M"):
            back = 2 if period == "T3M" else 11
            months = day.year * 12 + day.month - 1 - back
            start = date(months // 12, months % 12 + 1, 1)
        return start, day

    def _members(self, grain: str, dims: Dims) -> str:
        return {
            "FIRM": "ALL",
            "LEGAL_ENTITY": dims.legal_entity,
            "REGION": dims.region,
            "PRACTICE": dims.practice,
            "CUSTOMER": dims.customer,
            "PROJECT": dims.project,
            "CONTRACT_LINE": dims.line,
        }[grain]

    def _row(
        self,
        metric: str,
        as_of: date,
        period: str,
        grain: str,
        member: str,
        view: str,
        currency: str,
        numerator: Decimal | None,
        denominator: Decimal | None,
        value: Decimal | None,
    ) -> Row:
        row: Row = {
            "metric_id": metric,
            "as_of": as_of,
            "known_at": self.view.at,
            "period_type": period,
            "grain": grain,
        }
        for column in ID_COLUMNS:
            row[column] = "ALL"
        if grain != "FIRM":
            row[GRAIN_COLUMN[grain]] = member
        row.update(
            currency_view=view,
            currency_code=currency,
            numerator=numerator,
            denominator=denominator,
            value=value,
        )
        return row

    def _views(
        self, grain: str, amounts: Amounts, with_tc: bool
    ) -> Iterator[tuple[str, str, Decimal | None]]:
        if with_tc and grain in TC_GRAINS:
            yield "TC", amounts.currency, amounts.tc if amounts.is_known else None
        if grain in FC_GRAINS:
            yield "FC", amounts.functional, amounts.fc
        yield "RC", REPORTING, amounts.rc
        yield "CC", REPORTING, amounts.cc

    def _monthly(
        self, movements: Iterable[Movement], grains: Iterable[str], with_tc: bool
    ) -> dict[tuple[str, str, str, str], dict[date, list[Decimal]]]:
        """(grain, member, view, currency) -> month start -> [amount, unknown hours, amounts without a rate].

        Up to as_of.
        """
        sums: dict[tuple[str, str, str, str], dict[date, list[Decimal]]] = defaultdict(dict)
        for movement in movements:
            if movement.day > self.as_of:
                continue
            month = movement.day.replace(day=1)
            for grain in grains:
                member = self._members(grain, movement.dims)
                for view, currency, amount in self._views(grain, movement.amounts, with_tc):
                    cell = sums[(grain, member, view, currency)].setdefault(month, [ZERO, ZERO, ZERO])
                    cell[0] += amount or ZERO
                    cell[1] += movement.amounts.unknown
                    cell[2] += amount is None
        return sums

    def _periods(self, grain: str) -> tuple[str, ...]:
        return PERIODS if grain in WIDE_PERIOD_GRAINS else ("MONTH",)

    def _flow(
        self,
        metric: str,
        movements: list[Movement],
        grains: tuple[str, ...],
        unknown_to_null: bool = False,
    ) -> Iterator[Row]:
        for (grain, member, view, currency), months in self._monthly(movements, grains, True).items():
            for day in self.dates:
                for period in self._periods(grain):
                    start, end = self._months_in(period, day)
                    cells = [cell for month, cell in months.items() if start <= month <= end]
                    if not cells:
                        continue
                    amount = sum((c[0] for c in cells), ZERO)
                    unknown = sum((c[1] for c in cells), ZERO)
                    denominator = unknown if unknown_to_null and unknown else None
                    is_known = denominator is None and not any(c[2] for c in cells)
                    value = amount if is_known else None
                    yield self._row(
                        metric, day, period, grain, member, view, currency, amount, denominator, value
                    )

    def _margin(self, revenue: list[Movement], costs: list[Movement]) -> Iterator[Row]:
        earned = self._monthly(revenue, PROJECT_GRAINS, False)
        spent = self._monthly(costs, PROJECT_GRAINS, False)
        for key in sorted(earned.keys() | spent.keys()):
            grain, member, view, currency = key
            income, cost = earned.get(key, {}), spent.get(key, {})
            for day in self.dates:
                for period in self._periods(grain):
                    start, end = self._months_in(period, day)
                    ins = [c for month, c in income.items() if start <= month <= end]
                    outs = [c for month, c in cost.items() if start <= month <= end]
                    if not ins and not outs:
                        continue
                    total = sum((c[0] for c in ins), ZERO)
                    margin = total - sum((c[0] for c in outs), ZERO)
                    is_known = not any(c[1] or c[2] for c in ins + outs)
                    yield self._row(
                        "project_gross_margin",
                        day,
                        period,
                        grain,
                        member,
                        view,
                        currency,
                        margin,
                        total,
                        margin if is_known else None,
                    )

    def _amounts(
        self,
        tc: Decimal | None,
        currency: str,
        functional: str,
        day: date,
        fc: Decimal | None = None,
        unknown: Decimal = ZERO,
    ) -> Amounts:
        rates = self.view.rates
        if tc is None:
            return Amounts(currency, ZERO, functional, None, None, None, is_known=False)
        return Amounts(
            currency=currency,
            tc=tc,
            functional=functional,
            fc=rates.worth(tc, currency, functional, day) if fc is None else fc,
            rc=rates.worth(tc, currency, REPORTING, day),
            cc=rates.worth(tc, currency, REPORTING, CONSTANT_DATE),
            unknown=unknown,
        )

    def _functional(self, dims: Dims) -> str:
        for entity in self.view.firm.entities.values():
            if netsuite(entity.subsidiary_id) == dims.legal_entity:
                return entity.currency
        raise KeyError(dims.legal_entity)

    def _sold_lines(self) -> Iterator[tuple[Contract, ContractLine]]:
        for contract in self.view.contracts:
            if self.view.contract_status(contract) == "DRAFT":
                continue
            for line in contract.lines:
                if line.method != "EXPENSE":
                    yield contract, line

    def _booking(self, contract: Contract, line: ContractLine, day: date, amount: Decimal) -> Movement:
        functional = self.view.firm.entities[contract.entity].currency
        return Movement(
            day, self.view.line_dims(line), self._amounts(amount, contract.currency, functional, day)
        )

    def gross_bookings(self) -> Iterator[Movement]:
        for contract, line in self._sold_lines():
            yield self._booking(contract, line, contract.signed_on, line.original_value)
            for amendment in self.view.signed[line.line_key]:
                if amendment.delta_value > 0 and amendment.signed_on is not None:
                    yield self._booking(contract, line, amendment.signed_on, amendment.delta_value)

    def debookings(self) -> Iterator[Movement]:
        for contract, line in self._sold_lines():
            for amendment in self.view.signed[line.line_key]:
                if amendment.delta_value < 0 and amendment.signed_on is not None:
                    yield self._booking(contract, line, amendment.signed_on, amendment.delta_value)
            if self.view.contract_status(contract) == "CANCELLED" and contract.closed_on is not None:
                left = self.view.committed_value(line, contract.closed_on) - self._revenue_to(
                    line, contract.closed_on
                )
                if left > 0:
                    yield self._booking(contract, line, contract.closed_on, -left)

    def _revenue_to(self, line: ContractLine, day: date) -> Decimal:
        return sum((amount for on, amount in self._revenue_by_line()[line.line_key] if on <= day), ZERO)

    def _revenue_by_line(self) -> dict[str, list[tuple[date, Decimal]]]:
        cached: dict[str, list[tuple[date, Decimal]]] | None = getattr(self, "_revenue_cache", None)
        if cached is None:
            cached = defaultdict(list)
            for entry in self.view.firm.revenue:
                if entry.posted_at <= self.view.at:
                    cached[entry.line.line_key].append((entry.accounting_date, entry.amount))
            self._revenue_cache = cached
        return cached

    def recognised_revenue(self) -> Iterator[Movement]:
        for entry in self.view.firm.revenue:
            if entry.posted_at > self.view.at or entry.line.line_key not in self.view.contract_of_line:
                continue
            functional = self.view.firm.entities[entry.contract.entity].currency
            amounts = self._amounts(
                entry.amount, entry.contract.currency, functional, entry.accounting_date, entry.amount_base
            )
            yield Movement(entry.accounting_date, self.view.line_dims(entry.line), amounts)

    def billed(self) -> Iterator[tuple[Movement, bool]]:
        """What document lines say, and whether they are a credit note's."""
        for billed in self.view.billed_lines:
            invoice, line = billed.invoice, billed.line
            functional = self.view.firm.entities[invoice.entity].currency
            fc = r4(line.net * invoice.exchange_rate)
            amounts = self._amounts(line.net, invoice.currency, functional, invoice.invoice_date, fc)
            of_line = self.view.line_dims(line.contract_line)
            dims = Dims(
                self.view.entity_key(invoice.entity),
                of_line.region,
                of_line.practice,
                self.view.customer_key(invoice.account),
                of_line.project,
                of_line.line,
            )
            yield Movement(invoice.invoice_date, dims, amounts), invoice.doc_type == "CREDIT_NOTE"

    def _rate_of(self, worker: Worker, day: date) -> tuple[Decimal, str] | None:
        # Without the PSA's contact nobody can tell whose time it is, so its cost is unknown (look-alike N38).
        if worker.hr_at is None or worker.hr_at > self.view.at or worker.psa_at > self.view.at:
            return None
        valid = [
            r
            for r in worker.cost_rates
            if r.at <= self.view.at and r.valid_from <= day and (r.valid_to is None or day <= r.valid_to)
        ]
        return (valid[0].rate, valid[0].currency) if len(valid) == 1 else None

    def labour_cost(self) -> Iterator[tuple[Movement, Project]]:
        for entry in self.view.entries:
            if entry.worker.worker_type != "EMPLOYEE" or entry.status not in ("approved", "submitted"):
                continue
            dims = self.view.project_dims(entry.project)
            functional = self._functional(dims)
            rate = self._rate_of(entry.worker, entry.work_date)
            if rate is None:
                amounts = self._amounts(ZERO, functional, functional, entry.work_date, unknown=entry.hours)
            else:
                tc = r4(entry.hours * rate[0])
                amounts = self._amounts(tc, rate[1], functional, entry.work_date)
            yield Movement(entry.work_date, dims, amounts), entry.project

    def subcontractor_cost(self) -> Iterator[tuple[Movement, Project]]:
        orders = {
            (po.project.project_id, po.worker.contact_id): po
            for po in self.view.firm.purchase_orders
            if po.created_at <= self.view.at
        }
        accrued: dict[tuple[str, str], list[tuple[date, Amounts]]] = defaultdict(list)
        for entry in self.view.entries:
            if entry.worker.worker_type == "EMPLOYEE" or entry.status != "approved":
                continue
            order = orders.get((entry.project.project_id, entry.worker.contact_id))
            if order is None:
                continue
            dims = self.view.project_dims(entry.project)
            amounts = self._amounts(
                r4(entry.hours * order.rate), order.currency, self._functional(dims), entry.work_date
            )
            accrued[(entry.project.project_id, entry.worker.contact_id)].append((entry.work_date, amounts))
            yield Movement(entry.work_date, dims, amounts), entry.project
        for bill in self.view.firm.vendor_bills:
            if bill.created_at > self.view.at:
                continue
            for line in bill.lines:
                project, worker = line.po.project, line.po.worker
                dims = self.view.project_dims(project)
                for day, a in accrued[(project.project_id, worker.contact_id)]:
                    if line.period_from <= day <= line.period_to:
                        yield Movement(bill.bill_date, dims, -a), project
                amounts = self._amounts(line.net, bill.currency, self._functional(dims), bill.bill_date)
                yield Movement(bill.bill_date, dims, amounts), project

    def expense_cost(self) -> Iterator[tuple[Movement, Project]]:
        for expense in self.view.expenses:
            if expense.approved_at is None or expense.approved_at > self.view.at:
                continue
            dims = self.view.project_dims(expense.project)
            amounts = self._amounts(
                expense.amount, expense.currency, self._functional(dims), expense.expense_date
            )
            yield Movement(expense.expense_date, dims, amounts), expense.project

    def expected_revenue(
        self, revenue: list[Movement], worked: list[tuple[Movement, Project]]
    ) -> Iterator[Row]:
        """Revenue by method, what is posted beside it, and losses that are foreseen."""
        expected: list[Movement] = []
        losses: dict[date, list[tuple[Dims, Amounts]]] = defaultdict(list)
        for one in expectations(self.view, self.dates, self._spent(worked)):
            functional = self._functional(one.dims)
            for day, amount in one.in_month.items():
                if amount != ZERO:
                    amounts = self._amounts(amount, one.currency, functional, day)
                    expected.append(Movement(day, one.dims, amounts))
            for day, loss in one.loss.items():
                if loss != ZERO:
                    losses[day].append((one.dims, self._amounts(loss, one.currency, functional, day)))
        yield from self._flow("expected_revenue", expected, PROJECT_GRAINS)
        difference = revenue + [-movement for movement in expected]
        yield from self._flow("revenue_posted_less_expected", difference, PROJECT_GRAINS)
        for day, held in losses.items():
            yield from self._points("loss_provision", day, held, PROJECT_GRAINS)

    def costs(self) -> Iterator[Cost]:
        """What projects cost."""
        return self._spent([*self.labour_cost(), *self.subcontractor_cost()])

    def _spent(self, worked: list[tuple[Movement, Project]]) -> Iterator[Cost]:
        """What projects cost, but for what is billed on by a line of its own."""
        for movement, project in worked:
            amounts = movement.amounts
            yield project, movement.day, None if amounts.unknown else amounts.tc, amounts.currency
        for expense in self.view.expenses:
            if expense.approved_at is None or expense.approved_at > self.view.at:
                continue
            billed = passed_on_to(self.view, expense.project) if expense.billable else None
            if billed is None or billed is self.view.line_of(expense.project):
                yield expense.project, expense.expense_date, expense.amount, expense.currency

    def _balance_rows(
        self,
        metric: str,
        balances: Mapping[tuple[Dims, str], Mapping[date, Decimal | None]],
        grains: tuple[str, ...],
    ) -> Iterator[Row]:
        """Rows of a balance held per (dims, currency) at each as-of date; converted, then summed.

        One that is None is there and unknown.
        """
        for day in self.dates:
            held = [
                (dims, self._amounts(values[day], currency, self._functional(dims), day))
                for (dims, currency), values in balances.items()
                if values.get(day, ZERO) != ZERO
            ]
            yield from self._points(metric, day, held, grains)

    def _points(
        self, metric: str, day: date, held: Iterable[tuple[Dims, Amounts]], grains: tuple[str, ...]
    ) -> Iterator[Row]:
        """Rows of a balance on a day; one part that has no rate makes the sum unknown."""
        sums: dict[tuple[str, str, str, str], Decimal] = defaultdict(lambda: ZERO)
        unknown: set[tuple[str, str, str, str]] = set()
        for dims, amounts in held:
            for grain in grains:
                for view, code, amount in self._views(grain, amounts, True):
                    key = (grain, self._members(grain, dims), view, code)
                    sums[key] += amount or ZERO
                    if amount is None:
                        unknown.add(key)
        for (grain, member, view, code), amount in sums.items():
            value = None if (grain, member, view, code) in unknown else amount
            yield self._row(metric, day, "POINT", grain, member, view, code, amount, None, value)

    def backlogs(self) -> Iterator[Row]:
        """The backlog, and the parts of it that are booked firmly, tentatively and not at all."""
        whole = self.backlog()
        yield from self._balance_rows("total_backlog", whole, LINE_GRAINS)
        parts: dict[str, dict[tuple[Dims, str], dict[date, Decimal | None]]] = {
            name: defaultdict(dict) for name in ("scheduled_backlog", "soft_backlog", "unscheduled_backlog")
        }
        to_come = self._to_come()
        for place, values in whole.items():
            dims, currency = place
            for day, left in values.items():
                hard, soft = self._booked(to_come, dims.line, day, left, currency)
                parts["scheduled_backlog"][place][day] = hard
                parts["soft_backlog"][place][day] = soft
                rest = None if hard is None or soft is None else left - hard - soft
                parts["unscheduled_backlog"][place][day] = rest
        for name, balances in (*parts.items(), *variants(self.view, self.dates, whole).items()):
            yield from self._balance_rows(name, balances, LINE_GRAINS)

    def _booked(
        self, to_come: ToCome, line: str, day: date, left: Decimal, currency: str
    ) -> tuple[Decimal | None, Decimal | None]:
        """What of a line's backlog is booked firmly and tentatively; None where a rate is missing."""
        hard = self._ahead(to_come[line, True], day, currency)
        soft = self._ahead(to_come[line, False], day, currency)
        if hard is None:
            return None, None
        hard = min(left, hard)
        return hard, None if soft is None else min(left - hard, soft)

    def _ahead(self, to_come: list[tuple[date, Decimal, str]], day: date, currency: str) -> Decimal | None:
        """What comes after a day, in a contract's currency; one project's currency converts as one amount."""
        sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for on, amount, booked_currency in to_come:
            if on > day:
                sums[booked_currency] += amount
        return known_sum(
            self.view.rates.worth(amount, other, currency, day) for other, amount in sums.items()
        )

    def _to_come(self) -> ToCome:
        """(contract line, whether firm) -> (day, worth, currency) of what plans say is done on a day."""
        view = self.view
        found: ToCome = defaultdict(list)
        for booked in view.firm.assignments:
            line = view.line_of(booked.project)
            if not booked.billable or booked.created_at > view.at or line is None:
                continue
            if line.method in ("TM", "TM_CAPPED"):
                place = netsuite(line.line_key), booked.booking == "HARD"
                for number in range((booked.end - booked.start).days + 1):
                    day = booked.start + timedelta(days=number)
                    worth = r4(booked.day_hours[day.weekday()] * booked.bill_rate)
                    found[place].append((day, worth, booked.project.currency))
        for milestone in view.firm.milestones:
            line = view.line_of(milestone.project)
            if milestone.created_at > view.at or line is None:
                continue
            if line.method in ("FIXED_MILESTONE", "FIXED_POC"):
                done = milestone.completed_on
                if milestone.completed_at is None or milestone.completed_at > view.at:
                    done = None
                day = milestone.target if done is None else min(done, milestone.target)
                place = netsuite(line.line_key), True
                found[place].append((day, milestone.amount, milestone.project.currency))
        for entry in view.firm.revenue:
            foreseen = entry.line.method == "RETAINER" and entry.entry_type == "NORMAL"
            if foreseen and entry.contract.created_at <= view.at:
                place = netsuite(entry.line.line_key), True
                found[place].append((entry.service_from, entry.amount, entry.contract.currency))
        return found

    def _paced(
        self, metric: str, held_by: Held, flow: list[Movement], months: int, factor: int
    ) -> Iterator[Row]:
        """A balance over what flowed in the last whole months, times ``factor``."""
        flowed = self._monthly(flow, WIDE_PERIOD_GRAINS, False)
        first = self.dates[0].replace(day=1)
        for day in self.dates:
            held = [
                (dims, self._amounts(values[day], currency, self._functional(dims), day))
                for (dims, currency), values in held_by.items()
                if values.get(day)
            ]
            last = day.replace(day=1) if day == month_end(day) else _month_before(day)
            start = last
            for _ in range(months - 1):
                start = _month_before(start)
            for row in self._points("", day, held, WIDE_PERIOD_GRAINS):
                if row["currency_view"] != "RC":
                    continue
                grain, above = str(row["grain"]), row["numerator"]
                assert isinstance(above, Decimal)
                member = "ALL" if grain == "FIRM" else str(row[GRAIN_COLUMN[grain]])
                by_month = flowed.get((grain, member, "RC", REPORTING), {})
                # a firm measured for less than these months has no average of them
                cells = [cell for month, cell in by_month.items() if first <= start <= month <= last]
                below = sum((cell[0] for cell in cells), ZERO) if cells else None
                is_known = row["value"] is not None and not any(cell[2] for cell in cells)
                value = r10(factor * above / below) if below is not None and below > 0 and is_known else None
                yield self._row(metric, day, "POINT", grain, member, "NA", "NA", above, below, value)

    def _burned(self, revenue: list[Movement]) -> Iterator[Row]:
        """Revenue of a period over the backlog that stood on the day before it began."""
        earned = self._monthly(revenue, WIDE_PERIOD_GRAINS, False)
        opening: dict[date, dict[tuple[str, str], Row]] = {}
        backlog = self.backlog()
        for day in self.dates:
            held = [
                (dims, self._amounts(values[day], currency, self._functional(dims), day))
                for (dims, currency), values in backlog.items()
                if values.get(day)
            ]
            opening[day] = {
                (grain, "ALL" if grain == "FIRM" else str(row[GRAIN_COLUMN[grain]])): row
                for row in self._points("", day, held, WIDE_PERIOD_GRAINS)
                if row["currency_view"] == "RC" and (grain := str(row["grain"]))
            }
        for day in self.dates:
            for period in PERIODS:
                start, end = self._months_in(period, day)
                for (grain, member), row in opening.get(start - timedelta(days=1), {}).items():
                    by_month = earned.get((grain, member, "RC", REPORTING), {})
                    cells = [cell for month, cell in by_month.items() if start <= month <= end]
                    above, below = sum((cell[0] for cell in cells), ZERO), row["numerator"]
                    assert isinstance(below, Decimal)
                    is_known = row["value"] is not None and not any(cell[2] for cell in cells)
                    value = r10(above / below) if is_known and below > 0 else None
                    yield self._row(
                        "backlog_burn", day, period, grain, member, "NA", "NA", above, below, value
                    )

    def contract_positions(self) -> Iterator[Row]:
        """What lines earned less what was billed of them, and how their contracts present it."""
        billed: dict[str, list[tuple[date, str, Decimal, Decimal]]] = defaultdict(list)
        for one in self.view.billed_lines:
            invoice, line = one.invoice, one.line
            row = invoice.invoice_date, invoice.currency, line.net, r4(line.net * invoice.exchange_rate)
            billed[line.contract_line.line_key].append(row)
        for day in self.dates:
            shown: dict[str, list[tuple[Dims, Amounts]]] = defaultdict(list)
            for contract in self.view.contracts:
                documents = [row for line in contract.lines for row in billed[line.line_key] if row[0] <= day]
                for currency in {contract.currency, *(row[1] for row in documents)}:
                    self._present(contract, currency, day, billed, shown)
            for metric, held in shown.items():
                yield from self._points(metric, day, held, LINE_GRAINS)

    def _present(
        self,
        contract: Contract,
        currency: str,
        day: date,
        billed: dict[str, list[tuple[date, str, Decimal, Decimal]]],
        shown: dict[str, list[tuple[Dims, Amounts]]],
    ) -> None:
        """Adds a contract's lines to what is shown: all of them on the side of the contract as a whole."""
        view = self.view
        functional = view.firm.entities[contract.entity].currency
        positions: list[tuple[Dims, Amounts, Decimal]] = []
        for line in contract.lines:
            earned = self._revenue_to(line, day) if currency == contract.currency else ZERO
            documents = [row for row in billed[line.line_key] if row[0] <= day and row[1] == currency]
            position = earned - sum((row[2] for row in documents), ZERO)
            if not position:
                continue
            waits_for_time = max(position, ZERO) if line.method != "FIXED_POC" else ZERO
            if line.method == "TM_CAPPED" and line.ceiling is not None:
                above = max(ZERO, earned - view.amended_ceiling(line, day))
                waits_for_time = max(ZERO, waits_for_time - above)
            amounts = self._amounts(position, currency, functional, day)
            if position < 0 and currency != functional:
                amounts.fc = -_billed_last(documents, -position)
                amounts.rc = view.rates.worth(amounts.fc, functional, REPORTING, day)
            positions.append((view.line_dims(line), amounts, waits_for_time))
        whole = sum((amounts.tc for _, amounts, _ in positions), ZERO)
        rest = sum((amounts.tc - part for _, amounts, part in positions), ZERO)
        for dims, amounts, part in positions:
            shown["net_contract_position"].append((dims, amounts))
            if whole < 0:
                shown["contract_liability"].append((dims, -amounts))
            elif whole > 0 and (rest < 0 or part == amounts.tc):
                shown["unbilled_receivable"].append((dims, amounts))
            elif whole > 0 and not part:
                shown["contract_asset"].append((dims, amounts))
            elif whole > 0:
                for name, of_it in (("unbilled_receivable", part), ("contract_asset", amounts.tc - part)):
                    shown[name].append((dims, self._amounts(of_it, currency, functional, day)))

    def backlog(self) -> dict[tuple[Dims, str], dict[date, Decimal]]:
        balances: dict[tuple[Dims, str], dict[date, Decimal]] = {}
        for contract, line in self._sold_lines():
            values: dict[date, Decimal] = {}
            ended = self.view.contract_status(contract) in ("COMPLETED", "CANCELLED")
            for day in self.dates:
                if contract.signed_on > day:
                    continue
                if ended and contract.closed_on is not None and contract.closed_on <= day:
                    continue
                left = self.view.committed_value(line, day) - self._revenue_to(line, day)
                if left > 0:
                    values[day] = left
            balances[(self.view.line_dims(line), contract.currency)] = values
        return balances

    def _wip_items(self) -> Iterator[tuple[str, Dims, str, Decimal, Decimal, date]]:
        """(source key, dims, currency, value, quantity, first day) of every item that can be in WIP."""
        view = self.view
        for entry in view.entries:
            line = view.line_of(entry.project)
            if (
                entry.status != "approved"
                or not entry.billable
                or line is None
                or line.method not in BILLABLE_METHODS
            ):
                continue
            approved = entry.timecard.approved_at
            assert approved is not None
            begin = max(entry.work_date, approved.date())
            yield (
                entry.key,
                view.project_dims(entry.project),
                entry.project.currency,
                entry.amount,
                entry.hours,
                begin,
            )
        for expense in view.expenses:
            line = view.expense_line_of(expense.project) or view.line_of(expense.project)
            approved = expense.approved_at
            if approved is None or approved > view.at or not expense.billable or line is None:
                continue
            if line.method not in BILLABLE_METHODS:
                continue
            dims = _on_project(view.line_dims(line), expense.project)
            begin = max(expense.expense_date, approved.date())
            key = view.source_key("EXPENSE", expense.expense_id)
            yield key, dims, expense.billing_currency, expense.billing_amount, Decimal(1), begin
        for milestone in view.firm.milestones:
            if (
                milestone.created_at > view.at
                or milestone.accepted_on is None
                or milestone.accepted_at is None
            ):
                continue
            line = view.line_of(milestone.project)
            if milestone.accepted_at > view.at or line is None:
                continue
            if line.method not in ("FIXED_MILESTONE", "FIXED_POC"):
                continue
            key = view.source_key("MILESTONE", milestone.milestone_id)
            dims = _on_project(view.line_dims(line), milestone.project)
            yield key, dims, milestone.project.currency, milestone.amount, Decimal(1), milestone.accepted_on

    def wip_operational(self) -> Iterator[Row]:
        yield from self._balance_rows("wip_operational", self.wip(), PROJECT_GRAINS)

    def wip(self) -> dict[tuple[Dims, str], dict[date, Decimal]]:
        deltas: dict[tuple[Dims, str], dict[date, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
        for key, dims, currency, value, quantity, begin in self._wip_items():
            if begin > self.as_of or quantity == 0:
                continue
            billed_on = sorted({b.invoice.invoice_date for b in self.view.lines_of_source.get(key, ())})
            held = ZERO
            for day in sorted({begin, *(d for d in billed_on if d > begin)}):
                share = min(Decimal(1), self.view.net_billed_quantity(key, day) / quantity)
                now = r4(value * max(ZERO, 1 - share))
                if now != held:
                    deltas[(dims, currency)][day] += now - held
                    held = now
        balances: dict[tuple[Dims, str], dict[date, Decimal]] = {}
        for place, moves in deltas.items():
            days = sorted(moves)
            running, position, values = ZERO, 0, {}
            for day in self.dates:
                while position < len(days) and days[position] <= day:
                    running += moves[days[position]]
                    position += 1
                values[day] = running
            balances[place] = values
        return balances

    def ar_balances(self) -> Iterator[Row]:
        for day in self.dates:
            held = list(self.receivables(day))
            yield from self._points(
                "ar_gross", day, [(dims, amounts) for _, dims, amounts in held], AR_GRAINS
            )
            late = [(dims, amounts) for invoice, dims, amounts in held if _is_overdue(invoice, day)]
            yield from self._points("ar_overdue", day, late, AR_GRAINS)
            unapplied = [(dims, amounts) for _, dims, amounts in self.unapplied(day)]
            yield from self._points("unapplied_cash", day, unapplied, AR_GRAINS)

    def receivables(self, day: date) -> Iterator[tuple[Invoice, Dims, Amounts]]:
        """What stands open of each posted document on ``day``."""
        view = self.view
        if self._settled is None:
            self._settled = self._settlements()
        applied, used = self._settled
        for invoice in view.firm.invoices:
            if invoice.posted_at > view.at or invoice.invoice_date > day:
                continue
            if invoice.doc_type == "CREDIT_NOTE":
                open_amount = invoice.gross + sum(
                    (a for on, a in used[invoice.invoice_id] if on <= day), ZERO
                )
            else:
                open_amount = invoice.gross - sum(
                    (a for on, a in applied[invoice.invoice_id] if on <= day), ZERO
                )
            if open_amount:
                functional = view.firm.entities[invoice.entity].currency
                dims = self._debtor(invoice.entity, invoice.account)
                yield invoice, dims, self._amounts(open_amount, invoice.currency, functional, day)

    def _debtor(self, entity: str, account: Account) -> Dims:
        """Where receivables and cash stand: they are the customer's, whatever the work was."""
        return Dims(self.view.entity_key(entity), NONE, NONE, self.view.customer_key(account), NONE, NONE)

    def documents(self) -> Iterator[Movement]:
        """Posted documents with their tax."""
        for invoice in self.view.firm.invoices:
            if invoice.posted_at <= self.view.at:
                functional = self.view.firm.entities[invoice.entity].currency
                day, fc = invoice.invoice_date, r4(invoice.gross * invoice.exchange_rate)
                amounts = self._amounts(invoice.gross, invoice.currency, functional, day, fc)
                yield Movement(day, self._debtor(invoice.entity, invoice.account), amounts)

    def _payments(self) -> Iterator[Payment]:
        return (payment for payment in self.view.firm.payments if payment.created_at <= self.view.at)

    def received(self) -> Iterator[Movement]:
        """Money of customers."""
        for payment in self._payments():
            functional = self.view.firm.entities[payment.entity].currency
            fc = r4(payment.amount * payment.exchange_rate)
            amounts = self._amounts(payment.amount, payment.currency, functional, payment.paid_on, fc)
            yield Movement(payment.paid_on, self._debtor(payment.entity, payment.account), amounts)

    def applied(self) -> Iterator[Movement]:
        """What money settled, under the document that it went to; not before that is dated."""
        for payment in self._payments():
            for invoice, amount in payment.applications:
                if invoice.posted_at <= self.view.at:
                    functional = self.view.firm.entities[invoice.entity].currency
                    day = max(payment.paid_on, invoice.invoice_date)
                    amounts = self._amounts(amount, invoice.currency, functional, day)
                    yield Movement(day, self._debtor(invoice.entity, invoice.account), amounts)

    def unapplied(self, day: date) -> Iterator[tuple[str, Dims, Amounts]]:
        """What of each payment settles nothing."""
        for payment in self._payments():
            left = payment.amount - sum((amount for _, amount in payment.applications), ZERO)
            if payment.paid_on <= day and left:
                functional = self.view.firm.entities[payment.entity].currency
                dims = self._debtor(payment.entity, payment.account)
                yield payment.payment_id, dims, self._amounts(left, payment.currency, functional, day)

    def sales(
        self, gross: list[Movement], debooked: list[Movement], revenue: list[Movement]
    ) -> Iterator[Row]:
        """Deals on their way, deals won and lost, and what was planned."""
        spells = list(self._spells())
        yield from self._pipeline(spells)
        yield from self._expected(spells)
        ended: dict[str, list[Movement]] = {"deals_won": [], "deals_lost": []}
        for deal, events in spells:
            on, stage = events[-1]
            if stage.startswith("Closed"):
                functional = self.view.firm.entities[deal.entity].currency
                amounts = self._amounts(deal.services_amount, deal.currency, functional, on)
                name = "deals_won" if stage == "Closed Won" else "deals_lost"
                ended[name].append(Movement(on, self._deal_dims(deal), amounts))
        for name, movements in ended.items():
            yield from self._flow(name, movements, SALES_GRAINS)
        yield from self._ratio("win_rate", ended["deals_won"], ended["deals_won"] + ended["deals_lost"])
        planned = self._planned("recognised_revenue"), self._planned("gross_bookings")
        for name, figures in zip(("planned_revenue", "planned_bookings"), planned, strict=True):
            for row in self._flow(name, figures, WIDE_PERIOD_GRAINS):
                if row["currency_view"] in ("RC", "CC"):
                    yield row
        for name, done, figures in (
            ("revenue_to_plan", revenue, planned[0]),
            ("bookings_to_plan", gross, planned[1]),
        ):
            yield from self._ratio(name, done, figures, ("MONTH", "QUARTER", "YTD", "T12M"), "CC")
        yield from self._coverage(spells, gross + debooked, self._planned("gross_bookings", ahead=True))

    def _spells(self) -> Iterator[tuple[Deal, list[tuple[date, str]]]]:
        """Every deal with services and the stages it has been in: (from, stage)."""
        for deal in self.view.deals:
            known = [(at.date(), stage) for at, stage in deal.stages if at <= self.view.at]
            events = [(on, stage) for on, stage in known if on <= self.as_of]
            if deal.services_amount > 0 and events:
                yield deal, events

    def _deal_dims(self, deal: Deal) -> Dims:
        view = self.view
        customer = view.customer_key(deal.account)
        return Dims(view.entity_key(deal.entity), deal.region, deal.practice, customer, NONE, NONE)

    def _open_deals(
        self, spells: list[tuple[Deal, list[tuple[date, str]]]], day: date
    ) -> Iterator[tuple[Deal, str, bool]]:
        """Deals that are open on a day, their stage, and whether they are stale."""
        for deal, events in spells:
            reached = [(on, stage) for on, stage in events if on <= day]
            if reached and not reached[-1][1].startswith("Closed"):
                since, stage = reached[-1]
                stale = deal.term_start < day or since < day - timedelta(days=90)
                yield deal, stage, stale

    def _pipeline(self, spells: list[tuple[Deal, list[tuple[date, str]]]]) -> Iterator[Row]:
        for day in self.dates:
            held: dict[str, list[tuple[Dims, Amounts]]] = defaultdict(list)
            for deal, stage, stale in self._open_deals(spells, day):
                dims, amount = self._deal_dims(deal), deal.services_amount
                functional = self.view.firm.entities[deal.entity].currency
                whole = self._amounts(amount, deal.currency, functional, day)
                held["open_pipeline"].append((dims, whole))
                if not stale:
                    likely = r4(amount * LIKELY[stage])
                    held["qualified_pipeline"].append((dims, whole))
                    held["weighted_pipeline"].append(
                        (dims, self._amounts(likely, deal.currency, functional, day))
                    )
                    if deal.term_start <= _quarter_end(day):
                        held["pipeline_this_quarter"].append((dims, whole))
            for metric, deals in held.items():
                yield from self._points(metric, day, deals, SALES_GRAINS)

    def _expected(self, spells: list[tuple[Deal, list[tuple[date, str]]]]) -> Iterator[Row]:
        """What is to come of backlog and pipeline in the year and in twelve months."""
        year = date(self.as_of.year + 1, 1, 1)
        after = self.as_of + timedelta(days=1)
        twelve = date(after.year + 1, after.month, 1)
        held: dict[str, list[tuple[Dims, Amounts]]] = {"revenue_to_come": [], "backlog_next_12m": []}
        for dims, currency, signed, by_month in (*self._signed_ahead(), *self._won_ahead(spells)):
            functional = self._functional(dims)
            for month, amount in by_month.items():
                worth = dims, self._amounts(amount, currency, functional, self.as_of)
                if month < year:
                    held["revenue_to_come"].append(worth)
                if signed and month < twelve:
                    held["backlog_next_12m"].append(worth)
        for metric, parts in held.items():
            yield from self._points(metric, self.as_of, parts, SALES_GRAINS)
        ahead = ((dims, currency, by_month) for dims, currency, _, by_month in self._signed_ahead())
        for metric, places in obligations(self.view, self.as_of, self.backlog(), ahead).items():
            worth_of = (
                (dims, self._amounts(amount, currency, self._functional(dims), self.as_of))
                for (dims, currency), amount in places.items()
            )
            yield from self._points(metric, self.as_of, worth_of, LINE_GRAINS)

    def outlook(self) -> Iterator[Row]:
        """Revenue by month, legal entity and practice: as recognised, as expected today, as planned."""
        self._set_dates(self.first_month_of_time)
        signed = {
            netsuite(line.line_key): contract.signed_on
            for contract in self.view.contracts
            for line in contract.lines
        }
        parts: list[tuple[str, date | None, Movement]] = [
            ("ACTUAL", signed[movement.dims.line], movement)
            for movement in self.recognised_revenue()
            if movement.day <= self.as_of
        ]
        parts += [("PLAN", None, figure) for figure in self._planned("recognised_revenue", ahead=True)]
        spells = list(self._spells())
        for dims, currency, is_signed, by_month in (*self._signed_ahead(), *self._won_ahead(spells)):
            functional = self._functional(dims)
            for month, amount in by_month.items():
                # booked, but the line has nothing left for it: that is no expectation
                if amount != ZERO:
                    amounts = self._amounts(amount, currency, functional, self.as_of)
                    basis = "SIGNED" if is_signed else "PIPELINE"
                    parts.append((basis, None, Movement(month, dims, amounts)))
        sums: dict[tuple[str, date, str, str, date | None], list[Amounts]] = defaultdict(list)
        for basis, on, part in parts:
            place = part.dims.legal_entity, part.dims.practice
            sums[basis, part.day.replace(day=1), *place, on].append(part.amounts)
        for (basis, month, entity, practice, on), amounts_of in sorted(
            sums.items(), key=lambda item: tuple(str(part) for part in item[0])
        ):
            yield {
                "basis": basis,
                "month_start": month,
                "legal_entity_id": entity,
                "practice_id": practice,
                "signed_on": on,
                "amount_rc": known_sum(one.rc for one in amounts_of),
                "amount_cc": known_sum(one.cc for one in amounts_of),
            }

    def _signed_ahead(self) -> Iterator[tuple[Dims, str, bool, ByMonth]]:
        """Each line's backlog by month: what is booked in its own, the rest evenly to the line's end."""
        day, to_come = self.as_of, self._to_come()
        ends = {netsuite(line.line_key): line.effective_to for _, line in self._sold_lines()}
        for (dims, currency), values in self.backlog().items():
            left = values.get(day)
            if not left:
                continue
            rest: Decimal | None = left
            limits = self._booked(to_come, dims.line, day, left, currency)
            for firm, limit in zip((True, False), limits, strict=True):
                booked = self._by_month(to_come[dims.line, firm], day, currency)
                reached = ZERO
                for month in sorted(booked):
                    amount = booked[month]
                    if limit is None or amount is None:
                        yield dims, currency, True, {month: None}
                        rest = None
                        continue
                    part = min(reached + amount, limit) - min(reached, limit)
                    reached += amount
                    rest = None if rest is None else rest - part
                    # each of them is an amount of its own to convert
                    yield dims, currency, True, {month: part}
            yield dims, currency, True, _evenly(rest, day + timedelta(days=1), ends[dims.line])

    def _by_month(self, to_come: list[tuple[date, Decimal, str]], day: date, currency: str) -> ByMonth:
        sums: dict[date, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
        for on, amount, other in to_come:
            if on > day:
                sums[on.replace(day=1)][other] += amount
        return {
            month: known_sum(
                self.view.rates.worth(amount, other, currency, day) for other, amount in parts.items()
            )
            for month, parts in sums.items()
        }

    def _won_ahead(
        self, spells: list[tuple[Deal, list[tuple[date, str]]]]
    ) -> Iterator[tuple[Dims, str, bool, ByMonth]]:
        """Each open deal that is not stale, weighted, over its term."""
        for deal, stage, stale in self._open_deals(spells, self.as_of):
            if not stale:
                likely = r4(deal.services_amount * LIKELY[stage])
                first = max(deal.term_start, self.as_of + timedelta(days=1))
                yield self._deal_dims(deal), deal.currency, False, _evenly(likely, first, deal.term_end)

    def _planned(self, metric: str, ahead: bool = False) -> list[Movement]:
        """The figures in force, the last decided of each, at budget rates; ``ahead``: months to come too."""
        best: dict[tuple[str, str, str], tuple[date, str, dict[str, Any]]] = {}
        for row in self.plans:
            if row["metric"] != metric or row["decided_on"] > self.as_of:
                continue
            place = row["period"], row["legal_entity_id"], row["practice_code"]
            if place not in best or (row["decided_on"], row["plan_name"]) > best[place][:2]:
                best[place] = row["decided_on"], row["plan_name"], row
        found = []
        for (period, entity, practice), (_, _, row) in best.items():
            worth = self.view.rates.worth(row["amount"], row["currency_code"], REPORTING, CONSTANT_DATE)
            amounts = Amounts(row["currency_code"], row["amount"], NONE, None, worth, worth)
            dims = Dims(entity or NONE, NONE, practice or NONE, NONE, NONE, NONE)
            day = date.fromisoformat(f"{period}-01")
            if ahead or day <= self.as_of:
                found.append(Movement(day, dims, amounts))
        return found

    def _coverage(
        self,
        spells: list[tuple[Deal, list[tuple[date, str]]]],
        booked: list[Movement],
        planned: list[Movement],
    ) -> Iterator[Row]:
        """What may still be won in the quarter over what is still to be booked in it, at budget rates."""
        bookings = self._monthly(booked, WIDE_PERIOD_GRAINS, False)
        for day in self.dates:
            start, end = self._months_in("QUARTER", day)[0], _quarter_end(day)
            target: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
            for figure in planned:
                if start <= figure.day <= end:
                    assert figure.amounts.cc is not None
                    for grain in WIDE_PERIOD_GRAINS:
                        target[grain, self._members(grain, figure.dims)] += figure.amounts.cc
            may_be: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
            for deal, _, stale in self._open_deals(spells, day):
                if not stale and deal.term_start <= end:
                    dims = self._deal_dims(deal)
                    worth = self.view.rates.worth(
                        deal.services_amount, deal.currency, REPORTING, CONSTANT_DATE
                    )
                    assert worth is not None
                    for grain in WIDE_PERIOD_GRAINS:
                        may_be[grain, self._members(grain, dims)] += worth
            for (grain, member), wanted in target.items():
                months = bookings.get((grain, member, "CC", REPORTING), {})
                done = sum((c[0] for month, c in months.items() if start <= month <= day), ZERO)
                left, won = wanted - done, may_be[grain, member]
                value = r10(won / left) if left > 0 else None
                yield self._row(
                    "pipeline_coverage", day, "POINT", grain, member, "NA", "NA", won, left, value
                )

    def _ratio(
        self,
        metric: str,
        above: list[Movement],
        below: list[Movement],
        periods: tuple[str, ...] = ("T3M", "T12M"),
        asked_view: str = "RC",
    ) -> Iterator[Row]:
        """One flow over another, in the reporting currency, over three and twelve months or other periods."""
        upper = self._monthly(above, WIDE_PERIOD_GRAINS, False)
        lower = self._monthly(below, WIDE_PERIOD_GRAINS, False)
        for key in sorted(upper.keys() | lower.keys()):
            grain, member, view, _ = key
            if view != asked_view:
                continue
            for day in self.dates:
                for period in periods:
                    start, end = self._months_in(period, day)
                    sums = [
                        [cell for month, cell in months.get(key, {}).items() if start <= month <= end]
                        for months in (upper, lower)
                    ]
                    if not any(sums):
                        continue
                    top, bottom = (sum((cell[0] for cell in cells), ZERO) for cells in sums)
                    is_known = not any(cell[2] for cells in sums for cell in cells)
                    value = r10(top / bottom) if is_known and bottom > 0 else None
                    yield self._row(metric, day, period, grain, member, "NA", "NA", top, bottom, value)

    def collections(self, documents: list[Movement]) -> Iterator[Row]:
        """Days of billing that stand open, and how much of what could be collected was."""
        billed: dict[tuple[str, str], dict[date, list[Decimal | None]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for document in documents:
            for grain in AR_GRAINS:
                place = grain, self._members(grain, document.dims)
                billed[place][document.day].append(document.amounts.rc)
        open_on: dict[date, dict[tuple[str, str], list[tuple[Decimal | None, bool]]]] = {}
        for day in self.dates:
            held: dict[tuple[str, str], list[tuple[Decimal | None, bool]]] = defaultdict(list)
            for invoice, dims, amounts in self.receivables(day):
                for grain in AR_GRAINS:
                    held[grain, self._members(grain, dims)].append((amounts.rc, _is_overdue(invoice, day)))
            open_on[day] = held
        for position, day in enumerate(self.dates):
            places = sorted(open_on[day].keys() | billed.keys())
            for place in places:
                yield from self._days_outstanding(day, place, open_on[day].get(place, []), billed[place])
                for period, months in (("MONTH", 1), ("T3M", 3)):
                    # the balance at the end of the month before the period; nobody asked for an earlier one
                    if position - months >= 0:
                        before = open_on[self.dates[position - months]].get(place, [])
                        now = open_on[day].get(place, [])
                        yield from self._effectiveness(day, period, months, place, before, now, billed[place])

    def _days_outstanding(
        self,
        day: date,
        place: tuple[str, str],
        held: list[tuple[Decimal | None, bool]],
        billed: dict[date, list[Decimal | None]],
    ) -> Iterator[Row]:
        recent = [amount for on, amounts in billed.items() if 0 <= (day - on).days < 90 for amount in amounts]
        if not held and not recent:
            return
        receivable, overdue = _total(a for a, _ in held), _total(a for a, late in held if late)
        base = _total(recent)
        for metric, upper in (
            ("dso_balance", receivable),
            ("dso_best_possible", _less(receivable, overdue)),
            ("average_days_delinquent", overdue),
        ):
            value = None
            if upper is not None and base is not None and base > 0:
                value = r10(90 * upper / base)
            yield self._row(metric, day, "POINT", *place, "NA", "NA", upper, base, value)
        covering, days = None, None
        if receivable is not None:
            covering, days = self._count_back(day, receivable, billed)
        yield self._row("dso_countback", day, "POINT", *place, "NA", "NA", receivable, covering, days)

    def _count_back(
        self, day: date, receivable: Decimal, billed: dict[date, list[Decimal | None]]
    ) -> tuple[Decimal | None, Decimal | None]:
        """What was billed in the month that covers the rest, and the days; walked month by month."""
        days, left, is_known = Decimal(0), receivable, True
        first = min((on for on in billed if on <= day), default=None)
        last = day
        while first is not None and last >= first:
            start = last.replace(day=1)
            amounts = [a for on, many in billed.items() if start <= on <= last for a in many]
            is_known = is_known and None not in amounts
            month = sum((a or ZERO for a in amounts), ZERO)
            length = (last - start).days + 1
            if amounts and left <= month:
                if receivable == 0:
                    return month, Decimal(0)
                exact = days + left * length / month if is_known and receivable > 0 else None
                return month, None if exact is None else r10(exact)
            days, left = days + length, left - month
            last = start - timedelta(days=1)
        return None, Decimal(0) if receivable == 0 else None

    def _effectiveness(
        self,
        day: date,
        period: str,
        months: int,
        place: tuple[str, str],
        before: list[tuple[Decimal | None, bool]],
        now: list[tuple[Decimal | None, bool]],
        billed: dict[date, list[Decimal | None]],
    ) -> Iterator[Row]:
        start, end = self._months_in(period, day)
        told = [amount for on, amounts in billed.items() if start <= on <= end for amount in amounts]
        if not before and not told:
            return
        opening, closing = _total(a for a, _ in before), _total(a for a, _ in now)
        current = _less(closing, _total(a for a, late in now if late))
        base = _total(told)
        could, did, value = None, None, None
        if opening is not None and base is not None:
            asked = opening + r10(base / months)
            did = None if closing is None else asked - closing
            could = None if current is None else asked - current
            if did is not None and could is not None and could > 0:
                value = r10(did / could)
        upper, lower = (None if amount is None else r4(amount) for amount in (did, could))
        row = self._row("collection_effectiveness", day, period, *place, "NA", "NA", upper, lower, value)
        yield row

    def _settlements(self) -> tuple[Dated, Dated]:
        """By document: what cash and credits took off it, and what of a credit note is used up."""
        view = self.view
        applied: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        for payment in view.firm.payments:
            if payment.created_at <= view.at:
                for invoice, amount in payment.applications:
                    applied[invoice.invoice_id].append((payment.paid_on, amount))
        used: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        for credit in view.firm.invoices:
            if credit.posted_at > view.at:
                continue
            if credit.doc_type == "CREDIT_NOTE" and credit.applies_to is not None:
                applied[credit.applies_to.invoice_id].append((credit.invoice_date, -credit.gross))
                used[credit.invoice_id].append((credit.invoice_date, -credit.gross))
        return applied, used

    def utilisation(self) -> Iterator[Row]:
        """Shares of people's hours."""
        cells: dict[tuple[str, str], dict[date, dict[str, Decimal]]] = defaultdict(dict)

        def add(worker: Worker, day: date, **hours: Decimal) -> None:
            members = {
                "FIRM": "ALL",
                "LEGAL_ENTITY": self.view.entity_key(worker.entity),
                "REGION": worker.region,
                "PRACTICE": worker.practice,
                "RESOURCE": self.view.resource_key(worker),
            }
            for grain in PEOPLE_GRAINS:
                months = cells[(grain, members[grain])]
                cell = months.setdefault(day.replace(day=1), defaultdict(lambda: ZERO))
                for name, amount in hours.items():
                    cell[name] += amount

        # Whoever is not expected to record time has no utilisation.
        employees = [
            w
            for w in self.view.firm.workers
            if w.hr_at is not None and w.hr_at <= self.view.at and w.time_required
        ]
        known = {id(w) for w in employees}
        for entry in self.view.entries:
            told = entry.status in ("approved", "submitted") and entry.work_date <= self.as_of
            # without the PSA's contact nobody can tell whose time it is (look-alike N38)
            if told and id(entry.worker) in known and entry.worker.psa_at <= self.view.at:
                approved = entry.hours if entry.status == "approved" else ZERO
                add(
                    entry.worker,
                    entry.work_date,
                    billable=approved if entry.billable else ZERO,
                    productive=approved,
                    recorded=entry.hours,
                )
        for worker in employees:
            for day, hours in self._days_of(worker):
                add(worker, day, **hours)
        for (grain, member), months in cells.items():
            for day in self.dates:
                for period in self._periods(grain):
                    start, end = self._months_in(period, day)
                    found = [c for month, c in months.items() if start <= month <= end]
                    if not found:
                        continue
                    for metric, counted, set_against in UTILISATION:
                        numerator = sum((c[counted] for c in found), ZERO)
                        denominator = sum((c[set_against] for c in found), ZERO)
                        value = r10(numerator / denominator) if denominator else None
                        yield self._row(
                            metric, day, period, grain, member, "NA", "NA", numerator, denominator, value
                        )

    def realisation(self) -> Iterator[Row]:
        """What became of the worth of clients' work billed by the hour, by the month of the work."""
        months = work_months(self.view, self._payments())
        for metric, counted, set_against in SHARES:
            cells: dict[tuple[str, str], list[tuple[date, Decimal | None, Decimal | None]]] = defaultdict(
                list
            )
            for month, dims, told in months:
                for grain in WORK_GRAINS[metric]:
                    place = grain, self._members(grain, dims)
                    cells[place].append((month, told[counted], told[set_against]))
            for (grain, member), found in cells.items():
                for day in self.dates:
                    for period in self._periods(grain):
                        start, end = self._months_in(period, day)
                        inside = [cell for cell in found if start <= cell[0] <= end]
                        if not inside:
                            continue
                        upper = known_sum(cell[1] for cell in inside)
                        lower = known_sum(cell[2] for cell in inside)
                        value = r10(upper / lower) if upper is not None and lower else None
                        yield self._row(metric, day, period, grain, member, "NA", "NA", upper, lower, value)

    def forward_utilisation(self) -> Iterator[Row]:
        """What people are firmly booked for in the weeks to come, of what they are there for."""
        booked: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
        for one in self.view.firm.assignments:
            if one.booking != "HARD" or not one.billable or one.created_at > self.view.at:
                continue
            # without the PSA's contact nobody can tell whose booking it is (look-alike N38)
            if one.worker.psa_at > self.view.at:
                continue
            for number in range((one.end - one.start).days + 1):
                day = one.start + timedelta(days=number)
                booked[one.worker.contact_id][day] += one.day_hours[day.weekday()]
        day = self.as_of
        for weeks in (4, 8, 12):
            until = day + timedelta(days=7 * weeks)
            cells: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
            for worker in self.view.firm.workers:
                if worker.hr_at is None or worker.hr_at > self.view.at or not worker.time_required:
                    continue
                span = self._employed(worker, day, until)
                if span is None:
                    continue
                days = booked[worker.contact_id].items()
                hours = sum((h for on, h in days if span[0] <= on <= span[1]), ZERO)
                there = self._there(worker, *span)
                for grain, member in (
                    ("FIRM", "ALL"),
                    ("LEGAL_ENTITY", self.view.entity_key(worker.entity)),
                    ("REGION", worker.region),
                    ("PRACTICE", worker.practice),
                    ("RESOURCE", self.view.resource_key(worker)),
                ):
                    cells[grain, member][0] += hours
                    cells[grain, member][1] += there
            for (grain, member), (above, below) in cells.items():
                value = r10(above / below) if below else None
                name = f"forward_utilisation_{weeks}w"
                yield self._row(name, day, "POINT", grain, member, "NA", "NA", above, below, value)

    def _employed(self, worker: Worker, after: date, until: date) -> tuple[date, date] | None:
        """First and last day of employment in (after, until]; None where there is none."""
        known = worker.termination_known_at is not None and worker.termination_known_at <= self.view.at
        last = min(until, worker.term_date) if known and worker.term_date is not None else until
        first = max(after + timedelta(days=1), worker.hire_date)
        return (first, last) if first <= last else None

    def _there(self, worker: Worker, first: date, last: date) -> Decimal:
        """Hours a worker is there for from ``first`` to ``last``."""
        calendar = self.view.calendars[worker.entity]
        hours = worker.weekly_hours / 5 * worker.fte * len(calendar.inside(first, last))
        for leave in worker.leaves:
            if leave.at > self.view.at or leave.status != "approved" or leave.kind not in UNPRODUCTIVE_LEAVE:
                continue
            covered = calendar.inside(leave.start, leave.end)
            hours -= sum((leave.hours / len(covered) for day in covered if first <= day <= last), ZERO)
        return hours

    def _days_of(self, worker: Worker) -> Iterator[tuple[date, dict[str, Decimal]]]:
        """Hours a worker is contracted for and there for, day by day, and those of training."""
        calendar = self.view.calendars[worker.entity]
        first, last = max(worker.hire_date, self.first_month_of_time), self.as_of
        if (
            worker.term_date is not None
            and worker.termination_known_at is not None
            and worker.termination_known_at <= self.view.at
        ):
            last = min(last, worker.term_date)
        a_day = worker.weekly_hours / 5 * worker.fte
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            if calendar.is_working(day):
                yield day, {"standard": a_day, "working": a_day, "available": a_day}
            elif day.weekday() < 5:
                yield day, {"standard": a_day}
        for leave in worker.leaves:
            if leave.at > self.view.at or leave.status != "approved":
                continue
            covered = calendar.inside(leave.start, leave.end)
            for day in covered:
                if first <= day <= last:
                    share = leave.hours / len(covered)
                    if leave.kind in UNPRODUCTIVE_LEAVE:
                        yield day, {"available": -share}
                    else:
                        yield day, {"productive": share}

    def handoff(self) -> Iterator[Row]:
        lags: dict[tuple[str, str, str], Counter[int]] = defaultdict(Counter)

        def note(stage: str, entity: str, practice: str, lag: int) -> None:
            if lag >= 0:
                for grain, member in (("FIRM", "ALL"), ("LEGAL_ENTITY", entity), ("PRACTICE", practice)):
                    lags[(stage, grain, member)][lag] += 1

        self._deal_lags(note)
        self._item_lags(note)
        for month in self._months:
            if month.finished is not None:
                lag = month.calendar.between(month.started, month.finished)
                note(month.stage, month.entity, month.practice, lag)
        self._cash_lags(note)
        for (stage, grain, member), counts in lags.items():
            n = sum(counts.values())
            total = sum(lag * c for lag, c in counts.items())
            yield self._row(
                f"handoff_lag_{stage}",
                self.as_of,
                "POINT",
                grain,
                member,
                "NA",
                "NA",
                Decimal(total),
                Decimal(n),
                _median(counts),
            )

    def windows(self) -> Iterator[Row]:
        """Rows of roi_measure; and of agreed work, which measures amounts, what was lost of how much."""
        names = ("time_window", "measure", "mix", "legal_entity_id", "practice_id", "took", "calendar_days")
        for case, cases in cases_of_windows(self.view, self._steps()).items():
            yield dict(zip((*names, "is_open"), case, strict=True)) | {"cases": cases}
        spans = Windows.at(self.as_of)
        work: dict[tuple[str, str, str], list[Measures]] = defaultdict(list)
        for month, dims, told in work_months(self.view, self._payments()):
            window = spans.of(month)
            if window is not None:
                work[window, dims.legal_entity, dims.practice].append(told)
        for (window, entity, practice), found in work.items():
            yield {
                "time_window": window, "measure": "leakage", "mix": entity, "legal_entity_id": entity,
                "practice_id": practice, "lost_rc": known_sum(one["leakage"] for one in found),
                "contract_rc": known_sum(one["contract"] for one in found), "cases": len(found),
            }  # fmt: skip

    def stage_breaches(self) -> Iterator[Row]:
        for stage, grain, member, late, judged in breaches(self.view, self._steps()):
            share = r10(Decimal(late) / judged)
            yield self._row(
                f"handoff_breach_{stage}", self.as_of, "POINT", grain, member, "NA", "NA",
                Decimal(late), Decimal(judged), share,
            )  # fmt: skip

    def _steps(self) -> Steps:
        view, approved = self.view, self._approved_on()
        eligible = {
            view.source_key(item.source_type, item.source_id): status_of_eligible(item.eligible_at, view)
            for item in view.firm.billing_items
            if item.created_at <= view.at
        }
        moved = eligible.keys() | {key for key, lines in view.lines_of_source.items() if lines}
        waiting = [
            (dims, view.calendars[self._code_of(dims)], approved[key], currency)
            for key, dims, currency, *_ in self._wip_items()
            if key not in moved
        ]
        return Steps(
            self._staffing(), self._first_work(), approved, eligible, waiting, self._credited(), self._months
        )

    def recovery(self) -> Iterator[Row]:
        hours = recoveries(self.view)
        if hours:
            middle = (hours[(len(hours) - 1) // 2] + hours[len(hours) // 2]) / 2
            yield self._row(
                "failed_transaction_recovery_hours", self.as_of, "POINT", "FIRM", "ALL", "NA", "NA",
                sum(hours, ZERO), Decimal(len(hours)), middle,
            )  # fmt: skip

    def _deal_lags(self, note: NoteLag) -> None:
        view = self.view
        with_amendment = {a.deal.opp_id for a in view.amendments if a.deal is not None}
        own_contract: dict[str, Contract] = {}
        for contract in view.contracts:
            if contract.deal is not None:
                held = own_contract.get(contract.deal.opp_id)
                if held is None or contract.created_at < held.created_at:
                    own_contract[contract.deal.opp_id] = contract
        own_project: dict[str, Project] = {}
        for project in view.projects:
            if project.deal is not None:
                first = own_project.get(project.deal.opp_id)
                if first is None or project.created_at < first.created_at:
                    own_project[project.deal.opp_id] = project
        staffed, first_work = self._staffing(), self._first_work()
        for deal in view.deals:
            won = view.won_at(deal)
            if won is None or not view.is_won(deal) or deal.services_amount <= 0 or won.date() > self.as_of:
                continue
            if deal.parent is not None or deal.opp_id in with_amendment:
                continue
            calendar = view.calendars[deal.entity]
            entity, practice = view.entity_key(deal.entity), deal.practice
            own = own_contract.get(deal.opp_id)
            shell = own_project.get(deal.opp_id)
            t1 = won.date()
            if own is not None:
                note("t1_t2", entity, practice, calendar.between(t1, own.created_at.date()))
            if shell is not None:
                note("t1_t3", entity, practice, calendar.between(t1, shell.created_at.date()))
            t4 = staffed.get(deal.opp_id)
            if t4 is not None and own is not None and shell is not None:
                ready = max(own.created_at.date(), shell.created_at.date())
                note("t3_t4", entity, practice, calendar.between(ready, t4))
            t5 = first_work.get(deal.opp_id)
            if t4 is not None and t5 is not None and t5 <= self.as_of:
                note("t4_t5", entity, practice, calendar.between(max(t4, deal.planned_start), t5))

    def _first_work(self) -> dict[str, date]:
        """First day worked for each deal, of submitted and approved time."""
        first: dict[str, date] = {}
        for entry in self.view.entries:
            if entry.status in ("approved", "submitted") and entry.project.deal is not None:
                opp = entry.project.deal.opp_id
                if entry.work_date <= self.as_of:
                    first[opp] = min(first.get(opp, entry.work_date), entry.work_date)
        return first

    def _staffing(self) -> dict[str, date]:
        """Date of the first HARD assignment that covers the first planned week, else of any HARD one."""
        covering: dict[str, date] = {}
        any_hard: dict[str, date] = {}
        for assignment in self.view.firm.assignments:
            deal = assignment.project.deal
            if deal is None or assignment.booking != "HARD" or assignment.created_at > self.view.at:
                continue
            made = assignment.created_at.date()
            any_hard[deal.opp_id] = min(any_hard.get(deal.opp_id, made), made)
            if assignment.start <= deal.planned_start + timedelta(days=6):
                covering[deal.opp_id] = min(covering.get(deal.opp_id, made), made)
        return any_hard | covering

    def _approved_on(self) -> dict[str, date]:
        approved: dict[str, date] = {}
        for entry in self.view.entries:
            if entry.status == "approved" and entry.timecard.approved_at is not None:
                approved[entry.key] = entry.timecard.approved_at.date()
        for expense in self.view.expenses:
            if expense.approved_at is not None and expense.approved_at <= self.view.at:
                approved[self.view.source_key("EXPENSE", expense.expense_id)] = expense.approved_at.date()
        for milestone in self.view.firm.milestones:
            if (
                milestone.accepted_on is not None
                and milestone.accepted_at is not None
                and milestone.accepted_at <= self.view.at
            ):
                approved[self.view.source_key("MILESTONE", milestone.milestone_id)] = milestone.accepted_on
        return approved

    @cached_property
    def _months(self) -> list[Passage]:
        """Months of work until their revenue is posted: for their lags, and for how many are late."""
        return list(months_of_work(self.view))

    def _item_lags(self, note: NoteLag) -> None:
        view = self.view
        approved = self._approved_on()
        for item in view.firm.billing_items:
            if item.created_at > view.at or item.source_type not in ("TIME", "EXPENSE", "MILESTONE"):
                continue
            calendar = view.calendars[item.contract.entity]
            entity, practice = view.entity_key(item.contract.entity), item.line.practice
            eligible_at = status_of_eligible(item.eligible_at, view)
            key = view.source_key(item.source_type, item.source_id)
            if key in approved and eligible_at <= self.as_of:
                note("t6_t7", entity, practice, calendar.between(approved[key], eligible_at))
            posted = [
                b.invoice.posted_at
                for b in view.lines_of_source.get(key, ())
                if b.invoice.doc_type == "STANDARD"
            ]
            if posted:
                note("t7_t8", entity, practice, calendar.between(eligible_at, min(posted).date()))

    def _cash_lags(self, note: NoteLag) -> None:
        view = self.view
        received: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        for payment in view.firm.payments:
            if payment.created_at <= view.at and payment.paid_on <= self.as_of:
                for invoice, amount in payment.applications:
                    received[invoice.invoice_id].append((payment.paid_on, amount))
        credited = self._credited()
        for invoice in view.firm.invoices:
            if (
                invoice.posted_at > view.at
                or invoice.doc_type != "STANDARD"
                or not received[invoice.invoice_id]
            ):
                continue
            events = [(on, a, True) for on, a in received[invoice.invoice_id]]
            events += [(on, a, False) for on, a in credited.get(invoice.invoice_id, []) if on <= self.as_of]
            events.sort(key=lambda event: (event[0], event[2]))
            left = invoice.gross
            for on, amount, is_cash in events:
                left -= amount
                if left <= 0:
                    if is_cash:
                        practice = invoice.contract.lines[0].practice
                        lag = view.calendars[invoice.entity].between(invoice.posted_at.date(), on)
                        note("t8_t10", view.entity_key(invoice.entity), practice, lag)
                    break

    def _credited(self) -> dict[str, list[tuple[date, Decimal]]]:
        credits: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        for credit in self.view.firm.invoices:
            if credit.posted_at <= self.view.at and credit.applies_to is not None:
                credits[credit.applies_to.invoice_id].append((credit.invoice_date, -credit.gross))
        return credits

    def delayed_revenue(self) -> Iterator[Row]:
        sums: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
        costs: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)

        def note(entity: str, practice: str, customer: str, amount: Decimal, late: int) -> None:
            if late > 0 and amount:
                members = {"FIRM": "ALL", "LEGAL_ENTITY": entity, "PRACTICE": practice, "CUSTOMER": customer}
                for grain in DEAL_GRAINS:
                    sums[(grain, members[grain])] += amount * late
                    costs[(grain, members[grain])] += r4(amount * late * COST_OF_CAPITAL / 365)

        self._late_deals(note)
        self._late_items(note)
        self._late_invoices(note)
        for metric, totals in (
            ("delayed_revenue_currency_days", sums),
            ("carrying_cost_of_delay", costs),
        ):
            for (grain, member), amount in totals.items():
                yield self._row(
                    metric, self.as_of, "POINT", grain, member, "RC", REPORTING, amount, None, amount
                )

    def _late_deals(self, note: NoteDelay) -> None:
        view = self.view
        with_amendment = {a.deal.opp_id for a in view.amendments if a.deal is not None}
        contracted: dict[str, date] = {}
        for contract in view.contracts:
            if contract.deal is not None:
                made = contract.created_at.date()
                contracted[contract.deal.opp_id] = min(contracted.get(contract.deal.opp_id, made), made)
        mobilised: dict[str, date] = {}
        for project in view.projects:
            if project.deal is not None:
                made = project.created_at.date()
                mobilised[project.deal.opp_id] = min(mobilised.get(project.deal.opp_id, made), made)
        staffed, first_work = self._staffing(), self._first_work()
        for deal in view.deals:
            won = view.won_at(deal)
            if won is None or not view.is_won(deal) or deal.services_amount <= 0:
                continue
            if deal.parent is not None or deal.opp_id in with_amendment:
                continue
            calendar = view.calendars[deal.entity]
            waits: list[int] = []
            if deal.opp_id not in contracted:
                waits.append((self.as_of - calendar.add(won.date(), 2)).days)
            if deal.opp_id not in mobilised:
                due = calendar.add(won.date(), 2)
                if deal.planned_start > won.date() + timedelta(days=60):
                    due = calendar.add(deal.planned_start - timedelta(days=1), -19)
                waits.append((self.as_of - due).days)
            if not waits and deal.opp_id not in staffed:
                ready = max(contracted[deal.opp_id], mobilised[deal.opp_id])
                before_start = calendar.add(deal.planned_start - timedelta(days=1), -4)
                waits.append((self.as_of - max(calendar.add(ready, 5), before_start)).days)
            elif not waits and deal.opp_id not in first_work:
                ready = max(staffed[deal.opp_id], deal.planned_start)
                waits.append((self.as_of - calendar.add(ready, 5)).days)
            if waits:
                blocked = min(deal.first_30_days_revenue, deal.services_amount)
                amount = view.rates.convert(blocked, deal.currency, REPORTING, self.as_of)
                entity = view.entity_key(deal.entity)
                note(entity, deal.practice, view.customer_key(deal.account), amount, max(waits))

    def _late_items(self, note: NoteDelay) -> None:
        view = self.view
        for item in view.firm.billing_items:
            if item.created_at > view.at or item.hold_reason is not None:
                continue
            key = view.source_key(item.source_type, item.source_id)
            billed = max(ZERO, view.net_billed_quantity(key, self.as_of))
            if billed >= item.quantity:
                continue
            left = r4(item.amount * (item.quantity - billed) / item.quantity)
            calendar = view.calendars[item.contract.entity]
            due = calendar.add(month_end(status_of_eligible(item.eligible_at, view)), 5)
            amount = view.rates.convert(left, item.currency, REPORTING, self.as_of)
            dims = view.line_dims(item.line)
            note(dims.legal_entity, dims.practice, dims.customer, amount, (self.as_of - due).days)
        self._waiting_work(note)

    def _waiting_work(self, note: NoteDelay) -> None:
        """Billable work that is not in the ERP: approval has two working days, transfer one."""
        view = self.view
        moved = {
            view.source_key(item.source_type, item.source_id)
            for item in view.firm.billing_items
            if item.created_at <= view.at
        } | {key for key, lines in view.lines_of_source.items() if lines}
        approved = self._approved_on()
        waiting = [
            (dims, currency, value, approved[key], 1)
            for key, dims, currency, value, _, _ in self._wip_items()
            if key not in moved
        ]
        for entry in view.entries:
            line = view.line_of(entry.project)
            if entry.status != "submitted" or not entry.billable or entry.key in moved or line is None:
                continue
            if line.method in BILLABLE_METHODS:
                since = entry.timecard.submitted_at.date()
                dims = view.project_dims(entry.project)
                waiting.append((dims, entry.project.currency, entry.amount, since, 2))
        for dims, currency, value, since, allowed in waiting:
            calendar = view.calendars[self._code_of(dims)]
            late = (self.as_of - calendar.add(since, allowed)).days
            amount = view.rates.convert(value, currency, REPORTING, self.as_of)
            note(dims.legal_entity, dims.practice, dims.customer, amount, late)

    def _code_of(self, dims: Dims) -> str:
        return next(
            entity.code
            for entity in self.view.firm.entities.values()
            if netsuite(entity.subsidiary_id) == dims.legal_entity
        )

    def _late_invoices(self, note: NoteDelay) -> None:
        view = self.view
        paid: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for payment in view.firm.payments:
            if payment.created_at <= view.at and payment.paid_on <= self.as_of:
                for invoice, amount in payment.applications:
                    paid[invoice.invoice_id] += amount
        for invoice_id, credits in self._credited().items():
            paid[invoice_id] += sum((a for on, a in credits if on <= self.as_of), ZERO)
        for invoice in view.firm.invoices:
            if (
                invoice.posted_at > view.at
                or invoice.doc_type != "STANDARD"
                or invoice.invoice_date > self.as_of
            ):
                continue
            left = invoice.gross - paid[invoice.invoice_id]
            late = (self.as_of - invoice.due_on).days - 5
            if left > 0:
                amount = view.rates.convert(left, invoice.currency, REPORTING, self.as_of)
                note(
                    view.entity_key(invoice.entity),
                    first_line(invoice).practice,
                    view.customer_key(invoice.account),
                    amount,
                    late,
                )


def first_line(invoice: Invoice) -> ContractLine:
    """The first line of the invoice's contract."""
    return min(invoice.contract.lines, key=lambda line: line.line_no)


def status_of_eligible(history: Sequence[tuple[datetime, datetime]], view: View) -> date:
    """The eligibility date an item shows at the view's instant."""
    found = history[0][1]
    for known, eligible in history:
        if known <= view.at:
            found = eligible
    return found.date()


def _billed_last(documents: list[tuple[date, str, Decimal, Decimal]], held: Decimal) -> Decimal:
    """What the last ``held`` of what was billed is worth at the rates it was billed at: the oldest is earned
    first. Documents are (date, currency, net, net in the entity's currency)."""
    days: dict[date, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for day, _, net, worth in documents:
        if net > 0:
            days[day][0] += net
            days[day][1] += worth
    found = ZERO
    for day in sorted(days, reverse=True):
        net, worth = days[day]
        taken = min(held, net)
        found += worth if taken == net else r4(worth * taken / net)
        held -= taken
        if not held:
            break
    return found


def _is_overdue(invoice: Invoice, day: date) -> bool:
    """Whether an open document is late on ``day``; a credit note falls due to nobody."""
    return invoice.doc_type != "CREDIT_NOTE" and invoice.due_on < day


def _total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; unknown when a part of it is."""
    known = list(amounts)
    return None if None in known else sum((a for a in known if a is not None), ZERO)


def _less(amount: Decimal | None, part: Decimal | None) -> Decimal | None:
    return None if amount is None or part is None else amount - part


def _on_project(dims: Dims, project: Project) -> Dims:
    return Dims(
        dims.legal_entity,
        dims.region,
        dims.practice,
        dims.customer,
        certinia(project.project_id),
        dims.line,
    )


def _quarter_end(day: date) -> date:
    """The last day of the day's quarter."""
    return month_end(date(day.year, 3 * ((day.month - 1) // 3) + 3, 1))


def _month_before(day: date) -> date:
    """The first day of the month before the day's."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _median(counts: Counter[int]) -> Decimal:
    n = sum(counts.values())
    wanted = ((n - 1) // 2, n // 2)
    values: list[int] = []
    seen = 0
    for lag in sorted(counts):
        following = seen + counts[lag]
        values += [lag for position in wanted if seen <= position < following]
        seen = following
    return Decimal(sum(values[:2])) / 2


__all__ = [
    "Amounts", "Converted", "Movement", "TimeEntry", "converted_amounts", "estimate_rows", "metric_rows",
]  # fmt: skip
