"""Outcomes of the controls on signed papers, from the state of the envelopes and of the contracts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from sandbox.firm.state import Contract, ContractLine, Envelope
from sandbox.oracle.controls import DAYS_TO_MEND, Case, Outcome, severity
from sandbox.oracle.metrics import REPORTING
from sandbox.oracle.money import ZERO
from sandbox.oracle.view import SOLD, View, netsuite, status_at

__all__ = ["evaluate"]

READABLE = Decimal("0.9")
GRACE_BEFORE_SIGNATURE = 5
GRACE_OF_VALUE = 3
TOLERANCE = Decimal(1)
HARD_CAP = Decimal(1000)
KINDS = ("TIME", "INVOICE", "REVENUE")
# (day that counts against the signature, day on which it was done, amount, currency)
Early = tuple[date, date, Decimal, str]


def evaluate(view: View) -> list[Outcome]:
    """What DOC-ERP-001 to DOC-ERP-003 must say at the view's instant."""
    papers = _Papers(view)
    return [papers.unsigned(), papers.different(), papers.early()]


class _Papers:
    def __init__(self, view: View) -> None:
        self.view = view
        self.as_of = view.as_of
        self.signed: dict[str, list[Envelope]] = defaultdict(list)
        # by name: the two records that two CRMs may hold of a customer bear the same
        self.frameworks: set[str] = set()
        for paper in view.firm.documents:
            if not self._is_signed(paper):
                continue
            if paper.doc_type == "MSA":
                self.frameworks.add(paper.account.name)
            elif paper.contract is not None:
                self.signed[paper.contract.so_id].append(paper)

    def _is_signed(self, paper: Envelope) -> bool:
        gone = paper.deleted_at is not None and paper.deleted_at <= self.view.at
        day = paper.signature_day
        complete = status_at(paper.statuses, self.view.at) == "COMPLETED"
        return complete and not gone and day is not None and day <= self.as_of

    def base(self, contract: Contract) -> list[Envelope]:
        """Signed papers that stand for the contract itself."""
        return [
            paper
            for paper in self.signed[contract.so_id]
            if paper.doc_type == "SOW"
            or (paper.doc_type == "ORDER_FORM" and paper.account.name in self.frameworks)
        ]

    def _case(
        self,
        control: str,
        grain: str,
        contract: Contract,
        due: date,
        amounts: dict[str, Decimal],
        *,
        objects: set[str],
        floor: str | None = None,
        outcome: str | None = None,
    ) -> Case:
        """A case whose amount at risk is given per currency."""
        view = self.view
        usd = sum(
            (view.rates.convert(value, code, REPORTING, self.as_of) for code, value in amounts.items()), ZERO
        )
        tc = next(iter(amounts.values())) if len(amounts) == 1 else None
        outcome = outcome or ("EXCEPTION" if self.as_of >= due else "PENDING")
        level = severity(usd, floor)
        if outcome == "EXCEPTION" and level != "S1":
            open_for = view.calendars[contract.entity].between(due, self.as_of)
            if open_for > 2 * DAYS_TO_MEND[level]:
                level = f"S{int(level[1]) - 1}"
        return Case(control, grain, outcome, usd, tc, level, due, frozenset({contract.so_id, *objects}))

    def unsigned(self) -> Outcome:
        """DOC-ERP-001."""
        result = Outcome("DOC-ERP-001")
        view = self.view
        for contract in view.contracts:
            if view.contract_status(contract) != "ACTIVE":
                continue
            if self.base(contract):
                result.passes += 1
                continue
            billed = list(self._billed(contract))
            earned = list(self._earned(contract))
            approved = [
                entry.timecard.approved_at.date()
                for entry in view.entries
                if entry.status == "approved"
                and entry.timecard.approved_at is not None
                and view.line_of(entry.project) in contract.lines
            ]
            calendar = view.calendars[contract.entity]
            starts = [calendar.add(contract.effective_from, GRACE_BEFORE_SIGNATURE + 1), *approved]
            revenue = sum((amount for _, amount in earned), ZERO)
            net_billed = sum((amount for _, amount in billed), ZERO)
            if net_billed:
                starts += [day for day, _ in billed]
            if revenue:
                starts += [day for day, _ in earned]
            amended = sum((view.amended_value(line, self.as_of) for line in contract.lines), ZERO)
            worked = bool(approved or net_billed or revenue)
            amount = revenue + max(ZERO, amended - revenue) if worked else amended
            result.cases.append(
                self._case(
                    "DOC-ERP-001",
                    netsuite(contract.so_id),
                    contract,
                    min(starts),
                    {contract.currency: amount},
                    objects=set(),
                    floor="S2" if revenue else None,
                )
            )
        return result

    def _billed(self, contract: Contract) -> Iterator[tuple[date, Decimal]]:
        lines = {line.line_key for line in contract.lines}
        for billed in self.view.billed_lines:
            if billed.line.contract_line.line_key in lines and billed.invoice.invoice_date <= self.as_of:
                yield billed.invoice.invoice_date, billed.line.net

    def _earned(self, contract: Contract) -> Iterator[tuple[date, Decimal]]:
        for entry in self.view.firm.revenue:
            if (
                entry.contract is contract
                and entry.posted_at <= self.view.at
                and entry.accounting_date <= self.as_of
            ):
                yield entry.accounting_date, entry.amount

    def _with_papers(self) -> Iterator[tuple[Contract, list[Envelope]]]:
        for contract in self.view.contracts:
            base = self.base(contract)
            if base and self.view.contract_status(contract) in SOLD:
                yield contract, base

    def different(self) -> Outcome:
        """DOC-ERP-002."""
        result = Outcome("DOC-ERP-002")
        view = self.view
        for contract, base in self._with_papers():
            counted = base + [paper for paper in self.signed[contract.so_id] if paper.doc_type == "CO"]
            priced = [paper for paper in counted if paper.value_basis != "NONE" and paper.value is not None]
            with_expenses = any(paper.value_basis == "INCL_EXPENSES" for paper in base)
            erp = sum(
                (
                    view.committed_value(line, self.as_of)
                    for line in contract.lines
                    if line.method != "EXPENSE" or with_expenses
                ),
                ZERO,
            )
            said = sum((net_value(paper) for paper in priced), ZERO)
            same_currency = all(paper.currency == contract.currency for paper in priced)
            has_value = all(paper in priced for paper in base)
            gap = abs(erp - said) if has_value else ZERO
            dear = view.rates.convert(gap, contract.currency, REPORTING, self.as_of) >= HARD_CAP
            differs = same_currency and (gap > TOLERANCE or dear)
            stranger = any(paper.customer_name != contract.account.name for paper in counted)
            replaced = any(paper.sha256 != paper.registered_sha256 for paper in counted)
            unread = any(paper.confidence < READABLE for paper in priced)
            if not (differs or stranger or replaced or unread or not same_currency):
                result.passes += 1
                continue
            days = [contract.created_at.date()]
            days += [paper.signature_day for paper in counted if paper.signature_day is not None]
            days += [
                change.signed_on
                for line in contract.lines
                for change in view.signed[line.line_key]
                if change.signed_on is not None and change.signed_on <= self.as_of
            ]
            result.cases.append(
                self._case(
                    "DOC-ERP-002",
                    netsuite(contract.so_id),
                    contract,
                    view.calendars[contract.entity].add(max(days), GRACE_OF_VALUE + 1),
                    {contract.currency: gap if same_currency else erp},
                    objects=set(),
                    outcome="NOT_EVALUABLE" if unread else None,
                )
            )
        return result

    def early(self) -> Outcome:
        """DOC-ERP-003."""
        result = Outcome("DOC-ERP-003")
        for contract, base in self._with_papers():
            letters = [paper for paper in self.signed[contract.so_id] if paper.doc_type == "LOI"]
            rows = {line.line_key: self._early(contract, line, base) for line in contract.lines}
            for position, kind in enumerate(KINDS):
                uncovered = _uncovered({key: early[position] for key, early in rows.items()}, letters)
                for line_key, open_amounts in uncovered.items():
                    if not any(amount > 0 for amount in open_amounts.values()):
                        result.passes += 1
                        continue
                    result.cases.append(
                        self._case(
                            "DOC-ERP-003",
                            f"{netsuite(line_key)}|{kind}",
                            contract,
                            min(done for _, done, _, _ in rows[line_key][position]),
                            open_amounts,
                            objects={line_key},
                            floor="S2" if kind == "REVENUE" else None,
                        )
                    )
        return result

    def _early(self, contract: Contract, line: ContractLine, base: list[Envelope]) -> list[list[Early]]:
        """Billable time, invoice lines and revenue of a line from before it was signed and in force."""
        view = self.view
        effective = min(
            line.effective_from if paper.retroactive else max(day, line.effective_from)
            for paper in base
            if (day := paper.signature_day) is not None
        )
        work = [
            (entry.work_date, entry.work_date, entry.amount, entry.project.currency)
            for entry in view.entries
            if entry.billable
            and entry.status in ("submitted", "approved")
            and entry.work_date < effective
            and view.line_of(entry.project) is line
        ]
        invoices = [
            (billed.line.period_to, billed.invoice.invoice_date, billed.line.net, billed.invoice.currency)
            for billed in view.billed_lines
            if billed.invoice.doc_type == "STANDARD"
            and billed.invoice.invoice_date <= self.as_of
            and billed.line.contract_line is line
            and billed.line.period_to < effective
        ]
        revenue = [
            (entry.service_to, entry.accounting_date, entry.amount, contract.currency)
            for entry in view.firm.revenue
            if entry.line is line
            and entry.posted_at <= view.at
            and entry.accounting_date <= self.as_of
            and entry.service_to < effective
        ]
        return [work, invoices, revenue]


def net_value(paper: Envelope) -> Decimal:
    """A paper's value without the tax that it states."""
    value = paper.value or ZERO
    return value - (paper.tax_amount or ZERO) if paper.value_basis == "GROSS" else value


def _uncovered(early: dict[str, list[Early]], letters: list[Envelope]) -> dict[str, dict[str, Decimal]]:
    """Per line and currency what no letter of intent covers: dated before it was signed, or beyond its value.

    The letters of a contract are used up once, by whatever line's day comes first.
    """
    result: dict[str, dict[str, Decimal]] = {line: {} for line in early}
    for currency in sorted({row[3] for rows in early.values() for row in rows}):
        own = [letter for letter in letters if letter.currency == currency]
        since = min((day for letter in own if (day := letter.signature_day) is not None), default=None)
        left = sum((net_value(letter) for letter in own), ZERO)
        days = sorted(
            {
                (row[0], netsuite(line), line)
                for line, rows in early.items()
                for row in rows
                if row[3] == currency
            }
        )
        for day, _, line in days:
            done = sum((row[2] for row in early[line] if row[3] == currency and row[0] == day), ZERO)
            if since is not None and day >= since:
                beyond = max(ZERO, -left)
                left -= done
                done = max(ZERO, -left) - beyond
            result[line][currency] = result[line].get(currency, ZERO) + done
    return result
