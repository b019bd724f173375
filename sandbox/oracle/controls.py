"""Outcomes of the built controls from process state: the cases each must show and how many it passes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.firm.entities import AFFILIATES
from sandbox.firm.state import Account, BillingItem, Contract, ContractLine, Deal, Expense, Invoice, Project
from sandbox.oracle.calendars import WorkingDays, month_end
from sandbox.oracle.events import blocked_events
from sandbox.oracle.metrics import REPORTING, status_of_eligible
from sandbox.oracle.money import ZERO, r4
from sandbox.oracle.rate_needs import unmet_needs
from sandbox.oracle.view import SOLD, TimeEntry, View, certinia, netsuite, salesforce, status_at

__all__ = ["Case", "Outcome", "evaluate"]

LEVELS = ((Decimal(100000), "S1"), (Decimal(25000), "S2"), (Decimal(5000), "S3"))
VALID_CUSTOMER = ("ACTIVE", "VALIDATED")
TRANSFERRED = ("TM", "TM_CAPPED", "EXPENSE")
WACC = Decimal("0.08")
HARD_CAP = Decimal(10000)
# Working days in which an exception of each severity is to be mended (domain rules: assign / resolve).
DAYS_TO_MEND = {"S1": 2, "S2": 5, "S3": 10, "S4": 20}
CHANGES = ("Renewal", "Change Order")


@dataclass(slots=True)
class Case:
    """One grain that is not PASS; ``amount`` is in USD (None: unknown), ``amount_tc`` in its currency.

    Without ``amount_tc`` there are several currencies.
    """

    control_id: str
    grain_key: str
    outcome: str
    amount: Decimal | None
    amount_tc: Decimal | None
    severity: str
    becomes_exception_on: date
    objects: frozenset[str]  # native ids it touches, for labelling with fault ids


@dataclass(slots=True)
class Outcome:
    """What one control must say: the cases, and the number of grains that pass."""

    control_id: str
    cases: list[Case] = field(default_factory=list)
    passes: int = 0


def severity(amount: Decimal | None, floor: str | None = None, raise_one: bool = False) -> str:
    """Severity by amount in USD, raised to ``floor`` and by one level on request; unknown is never small."""
    level = "S2" if amount is None else next((name for limit, name in LEVELS if amount >= limit), "S4")
    if raise_one and level != "S1":
        level = f"S{int(level[1]) - 1}"
    return min(level, floor) if floor else level


def evaluate(view: View) -> list[Outcome]:
    """All control outcomes at the view's instant (loads without transport faults)."""
    book = _Controls(view)
    return [
        book.mdm_001(),
        book.mdm_002(),
        book.mdm_003(),
        book.crm_erp_001(),
        book.crm_psa_001(),
        book.crm_erp_003(),
        book.crm_erp_004(),
        book.erp_psa_001(),
        book.erp_psa_002(),
        book.psa_erp_001(),
        book.psa_erp_002(),
        book.bil_001(),
        book.bil_003(),
        book.bil_010(),
        book.int_001(),
    ]


class _Controls:
    def __init__(self, view: View) -> None:
        self.view = view
        self.as_of = view.as_of
        self.mobilising_amendment: set[str] = {
            a.deal.opp_id
            for a in view.amendments
            if a.deal is not None and status_at(a.statuses, view.at) != "REJECTED"
        }
        self.contract_by_deal: dict[str, list[Contract]] = defaultdict(list)
        for contract in view.contracts:
            if contract.deal is not None:
                self.contract_by_deal[contract.deal.opp_id].append(contract)
        self.project_by_deal: dict[str, list[Project]] = defaultdict(list)
        for project in view.projects:
            if project.deal is not None:
                self.project_by_deal[project.deal.opp_id].append(project)
        self.items: list[BillingItem] = [i for i in view.firm.billing_items if i.created_at <= view.at]
        self.item_by_source: dict[str, BillingItem] = {}
        for item in self.items:
            self.item_by_source.setdefault(view.source_key(item.source_type, item.source_id), item)
        self.entry_by_key: dict[str, TimeEntry] = {e.key: e for e in view.entries}
        self.entries_of_project: dict[str, list[TimeEntry]] = defaultdict(list)
        for entry in view.entries:
            self.entries_of_project[entry.project.project_id].append(entry)
        self.expenses_of_project: dict[str, list[Expense]] = defaultdict(list)
        for expense in view.expenses:
            self.expenses_of_project[expense.project.project_id].append(expense)
        self.expense_by_key = {view.source_key("EXPENSE", e.expense_id): e for e in view.expenses}
        self.milestone_by_key = {
            view.source_key("MILESTONE", m.milestone_id): m
            for m in view.firm.milestones
            if m.created_at <= view.at
        }

    def usd(self, amount: Decimal, currency: str) -> Decimal:
        return self.view.rates.convert(amount, currency, REPORTING, self.as_of)

    def calendar(self, entity: str) -> WorkingDays:
        return self.view.calendars[entity]

    def outcome(self, due: date) -> str:
        return "EXCEPTION" if self.as_of >= due else "PENDING"

    def aged(self, level: str, outcome: str, due: date, entity: str) -> str:
        """``level``, one graver when an exception has stood for more than twice its time to mend."""
        if outcome != "EXCEPTION" or level == "S1":
            return level
        open_for = self.calendar(entity).between(due, self.as_of)
        return f"S{int(level[1]) - 1}" if open_for > 2 * DAYS_TO_MEND[level] else level

    def case(
        self,
        control: str,
        grain: str,
        due: date,
        amount_tc: Decimal,
        currency: str,
        objects: set[str],
        entity: str,
        floor: str | None = None,
        raise_one: bool = False,
    ) -> Case:
        usd = self.usd(amount_tc, currency)
        outcome = self.outcome(due)
        level = self.aged(severity(usd, floor, raise_one), outcome, due, entity)
        return Case(control, grain, outcome, usd, amount_tc, level, due, frozenset(objects))

    def has_contract(self, deal: Deal) -> bool:
        if deal.opp_id in self.mobilising_amendment or self._own_contracts(deal):
            return True
        return self._is_part_of_parent(deal) and deal.parent is not None and self._own_contracts(deal.parent)

    def has_project(self, deal: Deal) -> bool:
        if deal.opp_id in self.mobilising_amendment or self._own_projects(deal):
            return True
        return self._is_part_of_parent(deal) and deal.parent is not None and self._own_projects(deal.parent)

    def _is_part_of_parent(self, deal: Deal) -> bool:
        return deal.parent is not None and deal.opp_type not in CHANGES

    def _own_contracts(self, deal: Deal) -> bool:
        return any(self.view.contract_status(c) in SOLD for c in self.contract_by_deal[deal.opp_id])

    def _own_projects(self, deal: Deal) -> bool:
        linked = [
            project
            for contract in self.contract_by_deal[deal.opp_id]
            if self.view.contract_status(contract) in SOLD
            for line in contract.lines
            for project in self.view.projects_of_line[line.line_key]
        ]
        return any(
            status_at(project.stages, self.view.at) != "Canceled"
            for project in self.project_by_deal[deal.opp_id] + linked
        )

    def won_deals(self) -> Iterator[tuple[Deal, datetime]]:
        for deal in self.view.deals:
            won = self.view.won_at(deal)
            if won is not None and self.view.is_won(deal) and deal.services_amount > 0:
                yield deal, won

    def mdm_001(self) -> Outcome:
        result = Outcome("MDM-001")
        pairs: dict[tuple[str, str], list[Deal]] = defaultdict(list)
        for deal in self.view.deals:
            stage = status_at(deal.stages, self.view.at)
            if deal.services_amount > 0 and deal.contract_required and stage in ("Commit", "Closed Won"):
                pairs[(deal.account.account_id, deal.entity)].append(deal)
        for (account_id, entity), deals in sorted(pairs.items()):
            account = deals[0].account
            won = [d for d in deals if self.view.is_won(d)]
            waiting = [d for d in won if not (self.has_contract(d) and self.has_project(d))]
            for attribute, missing in self._customer_attributes(account, entity):
                if not missing:
                    result.passes += 1
                    continue
                grain = f"{salesforce(account_id)}|{entity}|{attribute}"
                amounts = [self.usd(d.services_amount, d.currency) for d in waiting]
                currencies = {d.currency for d in waiting}
                usd = sum(amounts, ZERO)
                tc = sum((d.services_amount for d in waiting), ZERO) if len(currencies) == 1 else None
                if won:
                    due = min(d.won_at.date() for d in (waiting or won) if d.won_at is not None)
                    outcome = "EXCEPTION"
                else:
                    due, outcome = min(d.term_start for d in deals), "PENDING"
                objects = frozenset({account_id, *(d.opp_id for d in deals)})
                level = self.aged(severity(usd, "S2" if waiting else None), outcome, due, entity)
                result.cases.append(Case("MDM-001", grain, outcome, usd, tc, level, due, objects))
        return result

    def _customer_attributes(self, account: Account, entity: str) -> list[tuple[str, bool]]:
        view = self.view
        if account.customer_id is None or account.erp_at is None or account.erp_at > view.at:
            return [("CUSTOMER", True)]
        rows = [e for e in account.entities if e.entity == entity]
        status = status_at(rows[0].statuses, view.at) if rows else None
        return [
            ("CUSTOMER", False),
            ("STATUS", status not in VALID_CUSTOMER),
            ("TAX_PROFILE", False),
            ("BILL_TO", False),
            ("CREDIT", False),
        ]

    def mdm_002(self) -> Outcome:
        """Deals that stand in two CRMs and projects that bill one line; the firm holds no other doubles."""
        result = Outcome("MDM-002", passes=-1)
        for deal in self.view.deals:
            twin = deal.mirror_of
            if twin is None or twin not in self.view.deals:
                continue
            both = (twin, deal)
            amounts = [one.services_amount + one.expense_amount for one in both]
            days = abs((self._close_date(twin) - self._close_date(deal)).days)
            lost = any(status_at(one.stages, self.view.at) == "Closed Lost" for one in both)
            if lost or days > 30 or abs(amounts[0] - amounts[1]) > Decimal("0.01") * max(amounts):
                continue
            keys = sorted(salesforce(one.opp_id) for one in both)
            first = next(one for one in both if salesforce(one.opp_id) == keys[0])
            due = self.calendar(first.entity).add(deal.created_at.date(), 11)
            grain = f"OPPORTUNITY|{keys[0]}"
            result.cases.append(
                self.case(
                    "MDM-002", grain, due, min(amounts), deal.currency, {one.opp_id for one in both},
                    first.entity, "S4",
                )
            )  # fmt: skip
        for line_key, projects in sorted(self.view.projects_of_line.items()):
            live = [one for one in projects if status_at(one.stages, self.view.at) != "Canceled"]
            if len(live) < 2 or any(one.line is None or one.line.line_key != line_key for one in live):
                continue
            keys = sorted(certinia(one.project_id) for one in live)
            budgets = [self._budget(one) for one in live]
            second = sorted(one.created_at for one in live)[1]
            first_project = next(one for one in live if certinia(one.project_id) == keys[0])
            due = self.calendar(first_project.entity).add(second.date(), 11)
            result.cases.append(
                self.case(
                    "MDM-002", f"PROJECT|{keys[0]}", due, sum(budgets, ZERO) - max(budgets),
                    first_project.currency, {one.project_id for one in live}, first_project.entity, "S4",
                )
            )  # fmt: skip
        return result

    def _close_date(self, deal: Deal) -> date:
        """The CRM's: the day it was closed, until then the first day of its term."""
        closed = [at for at, stage in deal.stages if stage.startswith("Closed") and at <= self.view.at]
        return closed[-1].date() if closed else deal.term_start

    def _budget(self, project: Project) -> Decimal:
        """What the PSA shows as the project's budgeted revenue."""
        told = [value for at, value, _, _ in project.budget_changes if at <= self.view.at]
        return told[-1] if told else project.budget_revenue

    def mdm_003(self) -> Outcome:
        result = Outcome("MDM-003")
        view = self.view
        practices = {o.code for o in view.firm.org if o.kind == "practice"}
        affected: dict[str, list[tuple[Project, date]]] = defaultdict(list)
        # The code table never changed in this firm, so a code that is known now was known on every day.
        for project in view.projects:
            if project.service_line_code not in practices:
                affected[f"project.service_line_code|{project.service_line_code}"].append(
                    (project, project.created_at.date())
                )
        for grain, projects in sorted(affected.items()):
            usd, entity = ZERO, projects[0][0].entity
            for project, _ in projects:
                for entry in self.entries_of_project[project.project_id]:
                    if entry.status in ("approved", "submitted"):
                        usd += self.usd(abs(entry.amount), project.currency)
            due = self.calendar(entity).add(min(day for _, day in projects), 2)
            objects = frozenset(p.project_id for p, _ in projects)
            level = self.aged(severity(usd), self.outcome(due), due, entity)
            result.cases.append(Case("MDM-003", grain, self.outcome(due), usd, None, level, due, objects))
        strangers: dict[str, list[TimeEntry]] = defaultdict(list)
        for entry in view.entries:
            if entry.worker.psa_at > view.at:
                strangers[entry.worker.contact_id].append(entry)
        for contact, entries in sorted(strangers.items()):
            usd = sum((self.usd(abs(e.amount), e.project.currency) for e in entries), ZERO)
            begun = min(
                e.timecard.submitted_at.date() if e.status != "draft" else e.work_date for e in entries
            )
            due = self.calendar(entries[0].worker.entity).add(begun, 2)
            grain = f"time_entry.resource_id|{certinia(contact)}"
            level = self.aged(severity(usd), self.outcome(due), due, entries[0].worker.entity)
            result.cases.append(
                Case("MDM-003", grain, self.outcome(due), usd, None, level, due, frozenset({contact}))
            )
        result.cases += self._missing_rates()
        result.cases += self._foreign_deals()
        result.passes = -1  # the number of keys looked up is the warehouse's own affair
        return result

    def _foreign_deals(self) -> Iterator[Case]:
        """A contract whose deal is another customer's: its key leads into the wrong CRM."""
        for contract in self.view.contracts:
            deal = contract.deal
            if deal is None or deal.account is contract.account:
                continue
            other = deal.account
            if other.customer_id is None or other.erp_at is None or other.erp_at > self.view.at:
                continue
            value = sum((line.original_value for line in contract.lines), ZERO)
            usd = self.usd(value, contract.currency)
            due = self.calendar(contract.entity).add(contract.created_at.date(), 2)
            outcome = self.outcome(due)
            level = self.aged(severity(usd), outcome, due, contract.entity)
            grain = f"contract.opportunity_id|{salesforce(deal.opp_id)}"
            objects = frozenset({contract.so_id, deal.opp_id})
            yield Case("MDM-003", grain, outcome, usd, None, level, due, objects)

    def _missing_rates(self) -> Iterator[Case]:
        """A pair of currencies that something is to be converted with, on a day for which it has no rate."""
        for need in unmet_needs(self.view):
            entity = self.view.entity_code(need.legal_entity)
            due = self.calendar(entity).add(need.first, 2)
            # what it is worth in USD is known unless the rate into USD is the one that is missing
            usd = None if need.target == REPORTING else self.usd(need.amount, need.source)
            pair = f"SPOT|{need.source}|{need.target}"
            level = self.aged(severity(usd), self.outcome(due), due, entity)
            grain = f"exchange_rate|{pair}"
            yield Case("MDM-003", grain, self.outcome(due), usd, need.amount, level, due, frozenset({pair}))

    def crm_erp_001(self) -> Outcome:
        result = Outcome("CRM-ERP-001")
        for deal, won in self.won_deals():
            if not deal.contract_required:
                continue
            if self.has_contract(deal):
                result.passes += 1
                continue
            due = self.calendar(deal.entity).add(won.date(), 3)
            result.cases.append(
                self.case(
                    "CRM-ERP-001",
                    salesforce(deal.opp_id),
                    due,
                    deal.services_amount,
                    deal.currency,
                    {deal.opp_id},
                    deal.entity,
                    raise_one=deal.planned_start <= self.as_of,
                )
            )
        return result

    def crm_psa_001(self) -> Outcome:
        result = Outcome("CRM-PSA-001")
        for deal, won in self.won_deals():
            if self.has_project(deal):
                result.passes += 1
                continue
            calendar = self.calendar(deal.entity)
            due = calendar.add(won.date(), 3)
            if deal.planned_start > won.date() + timedelta(days=60):
                due = max(due, calendar.add(deal.planned_start - timedelta(days=1), -19))
            floor = "S2" if deal.planned_start <= calendar.add(self.as_of, 5) else None
            amount = min(deal.services_amount, deal.first_30_days_revenue)
            result.cases.append(
                self.case(
                    "CRM-PSA-001",
                    salesforce(deal.opp_id),
                    due,
                    amount,
                    deal.currency,
                    {deal.opp_id},
                    deal.entity,
                    floor,
                )
            )
        return result

    def _linked_contracts(self) -> Iterator[tuple[Contract, Deal, date]]:
        for contract in self.view.contracts:
            if contract.deal is None or self.view.contract_status(contract) in ("DRAFT", "CANCELLED"):
                continue
            won = self.view.won_at(contract.deal)
            if won is None or not self.view.is_won(contract.deal):
                continue
            yield contract, contract.deal, max(contract.created_at.date(), won.date())

    def crm_erp_003(self) -> Outcome:
        result = Outcome("CRM-ERP-003")
        of_deal: dict[str, list[tuple[Contract, Deal, date]]] = defaultdict(list)
        for linked in self._linked_contracts():
            of_deal[linked[1].opp_id].append(linked)
        for group in of_deal.values():
            # several contracts of one deal are compared as a whole, under the smallest key
            group.sort(key=lambda linked: netsuite(linked[0].so_id))
            contract, deal, _ = group[0]
            start = max(begun for _, _, begun in group)
            sold = [deal, *self._sold_under(deal)]
            currencies = {one.currency for one in sold} | {row[0].currency for row in group}
            if currencies != {contract.currency}:
                continue
            start = max([start, *(one.won_at.date() for one in sold if one.won_at is not None)])
            a = sum(
                (line.original_value for row in group for line in row[0].lines if line.method != "EXPENSE"),
                ZERO,
            )
            gap = abs(sum((one.services_amount for one in sold), ZERO) - a)
            if (
                gap > max(Decimal(1), Decimal("0.005") * abs(a))
                or self.usd(gap, contract.currency) >= HARD_CAP
            ):
                due = self.calendar(contract.entity).add(start, 4)
                result.cases.append(
                    self.case(
                        "CRM-ERP-003",
                        netsuite(contract.so_id),
                        due,
                        gap,
                        contract.currency,
                        {*(row[0].so_id for row in group), *(one.opp_id for one in sold)},
                        contract.entity,
                    )
                )
            else:
                result.passes += 1
        return result

    def _sold_under(self, parent: Deal) -> list[Deal]:
        """Won deals without contract or amendment of their own, sold under the contract of `parent`."""
        return [
            deal
            for deal in self.view.deals
            if deal.parent is parent
            and self._is_part_of_parent(deal)
            and self.view.is_won(deal)
            and deal.opp_id not in self.mobilising_amendment
            and not self._own_contracts(deal)
        ]

    def crm_erp_004(self) -> Outcome:
        result = Outcome("CRM-ERP-004")
        view = self.view
        net_billed: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for billed in view.billed_lines:
            if billed.invoice.invoice_date <= self.as_of:
                net_billed[billed.line.contract_line.line_key] += billed.line.net
        for contract, deal, start in self._linked_contracts():
            amended = sum((view.amended_value(line, self.as_of) for line in contract.lines), ZERO)
            billed_so_far = sum((net_billed[line.line_key] for line in contract.lines), ZERO)
            left = max(ZERO, amended - billed_so_far)
            extra_days = max(0, contract.payment_terms - deal.payment_terms)
            terms = r4(Decimal(extra_days) / Decimal(365) * amended * WACC)
            tests: list[tuple[str, bool, Decimal, str | None]] = [
                (
                    "ENTITY",
                    contract.entity == deal.entity or (deal.entity, contract.entity) in AFFILIATES,
                    left,
                    "S2",
                ),
                ("CURRENCY", contract.currency == deal.currency, left, "S2"),
                ("BILLING_METHOD", contract.billing_method == deal.billing_method, left, None),
                ("PAYMENT_TERMS", contract.payment_terms == deal.payment_terms, terms, None),
                ("TERM_START", contract.effective_from == deal.term_start, ZERO, None),
                (
                    "TERM_END",
                    contract.effective_to in (deal.term_end, month_end(deal.term_end)),
                    ZERO,
                    None,
                ),
            ]
            for attribute, same, amount, floor in tests:
                if same:
                    result.passes += 1
                    continue
                due = self.calendar(contract.entity).add(start, 4)
                result.cases.append(
                    self.case(
                        "CRM-ERP-004",
                        f"{netsuite(contract.so_id)}|{attribute}",
                        due,
                        amount,
                        contract.currency,
                        {contract.so_id, deal.opp_id},
                        contract.entity,
                        floor,
                    )
                )
        return result

    def erp_psa_001(self) -> Outcome:
        result = Outcome("ERP-PSA-001")
        view = self.view
        for project in view.projects:
            if not project.is_billable:
                continue
            work = [
                e
                for e in self.entries_of_project[project.project_id]
                if e.status in ("approved", "submitted")
            ]
            costs = [e for e in self.expenses_of_project[project.project_id] if e.submitted_at <= view.at]
            if not work and not costs:
                continue
            line = view.line_of(project)
            if line is not None and view.contract_status(view.contract_of_line[line.line_key]) in (
                "ACTIVE",
                "COMPLETED",
            ):
                result.passes += 1
                continue
            starts = [e.timecard.submitted_at.date() for e in work] + [e.submitted_at.date() for e in costs]
            amount = sum((self._unbilled(e.key, e.hours, e.amount) for e in work if e.billable), ZERO)
            amount += sum(
                (
                    self._unbilled(view.source_key("EXPENSE", e.expense_id), Decimal(1), e.billing_amount)
                    for e in costs
                    if e.billable
                ),
                ZERO,
            )
            entity = project.entity if line is None else view.contract_of_line[line.line_key].entity
            due = self.calendar(entity).add(min(starts), 3)
            objects = {project.project_id} | ({project.deal.opp_id} if project.deal else set())
            grain = certinia(project.project_id)
            result.cases.append(
                self.case("ERP-PSA-001", grain, due, amount, project.currency, objects, entity)
            )
        return result

    def _unbilled(self, source: str, quantity: Decimal, amount: Decimal) -> Decimal:
        """What of ``amount`` still waits for an invoice, by the part of ``quantity`` that was billed."""
        billed = self.view.net_billed_quantity(source, self.as_of)
        if billed <= 0:
            return amount
        return r4(amount * (quantity - billed) / quantity) if billed < quantity else ZERO

    def erp_psa_002(self) -> Outcome:
        result = Outcome("ERP-PSA-002")
        view = self.view
        for project in view.projects:
            line = view.line_of(project)
            if line is None:
                continue
            contract = view.contract_of_line[line.line_key]
            created = max(project.created_at.date(), contract.created_at.date())
            start_of_cap = max(
                [created]
                + [
                    max(a.signed_on, a.effective_on)
                    for a in view.signed[line.line_key]
                    if a.signed_on and a.effective_on
                ]
            )
            exposure = self._unbilled_and_planned(project)
            tests: list[tuple[str, bool, Decimal, date]] = [
                ("BILLING_METHOD", project.billing_method == line.method, exposure, created),
                ("CURRENCY", project.currency == contract.currency, exposure, created),
            ]
            cap = self._cap(project)
            if line.method == "TM_CAPPED" or cap is not None:
                gap = abs((cap or ZERO) - view.amended_ceiling(line, self.as_of))
                tests.append(("CEILING", gap <= 1, gap, start_of_cap))
            if line.shares:
                total = sum((share for _, _, share in line.shares), ZERO)
                tests.append(("SPLIT", abs(total - 1) <= Decimal("0.0001"), ZERO, created))
            for attribute, same, amount, start in tests:
                if same:
                    result.passes += 1
                    continue
                due = self.calendar(contract.entity).add(start, 3)
                result.cases.append(
                    self.case(
                        "ERP-PSA-002",
                        f"{certinia(project.project_id)}|{attribute}",
                        due,
                        amount,
                        project.currency,
                        {project.project_id, contract.so_id}
                        | ({project.deal.opp_id} if project.deal else set()),
                        contract.entity,
                    )
                )
        return result

    def _cap(self, project: Project) -> Decimal | None:
        cap = project.cap
        for at, _, new_cap, _ in project.budget_changes:
            if at <= self.view.at and new_cap is not None:
                cap = new_cap
        return cap

    def _unbilled_and_planned(self, project: Project) -> Decimal:
        view = self.view
        amount = sum(
            (
                self._unbilled(e.key, e.hours, e.amount)
                for e in self.entries_of_project[project.project_id]
                if e.status == "approved" and e.billable
            ),
            ZERO,
        )
        for assignment in view.firm.assignments:
            if (
                assignment.project is not project
                or assignment.created_at > view.at
                or assignment.booking != "HARD"
                or not assignment.billable
            ):
                continue
            day = max(assignment.start, self.as_of + timedelta(days=1))
            while day <= min(assignment.end, self.as_of + timedelta(days=30)):
                amount += assignment.day_hours[day.weekday()] * assignment.bill_rate
                day += timedelta(days=1)
        return amount

    def psa_erp_001(self) -> Outcome:
        result = Outcome("PSA-ERP-001")
        view = self.view
        for entry in view.entries:
            line = view.line_of(entry.project)
            if (
                entry.status != "approved"
                or not entry.billable
                or line is None
                or line.method not in TRANSFERRED
            ):
                continue
            approved = entry.timecard.approved_at
            assert approved is not None
            self._transfer(
                result, entry.key, line, approved, entry.amount, entry.project, entry.timecard.header_id
            )
        for expense in view.expenses:
            line = view.expense_line_of(expense.project) or view.line_of(expense.project)
            approved = expense.approved_at
            if approved is None or approved > view.at or not expense.billable or line is None:
                continue
            if line.method in TRANSFERRED:
                key = view.source_key("EXPENSE", expense.expense_id)
                self._transfer(
                    result, key, line, approved, expense.billing_amount, expense.project, expense.expense_id
                )
        return result

    def _transfer(
        self,
        result: Outcome,
        key: str,
        line: ContractLine,
        approved: datetime,
        amount: Decimal,
        project: Project,
        native: str,
    ) -> None:
        if key in self.item_by_source:
            result.passes += 1
            return
        entity = self.view.contract_of_line[line.line_key].entity
        due = self.calendar(entity).add(approved.date(), 2)
        objects = {project.project_id, native, key.rsplit(":", 1)[-1]}
        result.cases.append(self.case("PSA-ERP-001", key, due, amount, project.currency, objects, entity))

    def psa_erp_002(self) -> Outcome:
        result = Outcome("PSA-ERP-002")
        view = self.view
        for item in self.items:
            key = view.source_key(item.source_type, item.source_id)
            source = self._source(item, key)
            if source is None:
                continue
            quantity, price, amount, currency, day = source
            gap = abs(item.amount - amount)
            tests = [
                ("QUANTITY", abs(item.quantity - quantity) <= Decimal("0.01")),
                ("UNIT_PRICE", abs(item.unit_price - price) <= Decimal("0.0005") * abs(price)),
                ("AMOUNT", gap <= Decimal("0.05")),
                ("CURRENCY", item.currency == currency),
                ("BILLABLE", True),
                ("WORK_DATE", item.work_date == day),
            ]
            for attribute, same in tests:
                if same:
                    result.passes += 1
                    continue
                eligible = status_of_eligible(item.eligible_at, view)
                due = self.calendar(item.contract.entity).add(eligible, 2)
                result.cases.append(
                    self.case(
                        "PSA-ERP-002",
                        f"{key}|{attribute}",
                        due,
                        gap,
                        item.currency,
                        {item.item_id, item.source_id, item.contract.so_id},
                        item.contract.entity,
                    )
                )
        return result

    def _source(self, item: BillingItem, key: str) -> tuple[Decimal, Decimal, Decimal, str, date] | None:
        if item.source_type == "TIME":
            entry = self.entry_by_key.get(key)
            if entry is None:
                return None
            rate = entry.timecard.assignment.bill_rate
            return entry.hours, rate, entry.amount, entry.project.currency, entry.work_date
        if item.source_type == "EXPENSE":
            expense = self.expense_by_key.get(key)
            if expense is None:
                return None
            amount = expense.billing_amount
            return Decimal(1), amount, amount, expense.billing_currency, expense.expense_date
        milestone = self.milestone_by_key.get(key)
        if milestone is None or milestone.accepted_on is None:
            return None
        return (
            Decimal(1),
            milestone.amount,
            milestone.amount,
            milestone.project.currency,
            milestone.accepted_on,
        )

    def bil_001(self) -> Outcome:
        result = Outcome("BIL-001")
        view = self.view
        for item in self.items:
            if (
                item.line.method not in ("TM", "TM_CAPPED")
                or item.amount <= 1
                or item.hold_reason is not None
            ):
                continue
            key = view.source_key(item.source_type, item.source_id)
            left = self._unbilled(key, item.quantity, item.amount)
            if left <= 1:
                result.passes += 1
                continue
            eligible = status_of_eligible(item.eligible_at, view)
            entity = item.contract.entity
            due = self.calendar(entity).add(month_end(eligible), 5) + timedelta(days=1)
            objects = {item.item_id, item.source_id, item.contract.so_id, item.line.line_key}
            result.cases.append(self.case("BIL-001", key, due, left, item.currency, objects, entity))
        return result

    def bil_003(self) -> Outcome:
        result = Outcome("BIL-003")
        view = self.view
        for key, billed in sorted(view.lines_of_source.items()):
            source = self._billable_source(key, billed[0].line.source_type)
            if source is None:
                continue
            quantity, amount = source
            lines = [b for b in billed if b.invoice.invoice_date <= self.as_of]
            net_quantity = sum((b.line.quantity for b in lines), ZERO)
            net = sum((b.line.net for b in lines), ZERO)
            excess = net - amount
            too_much = net > amount * Decimal("1.005") and excess > 1
            if net_quantity <= quantity + Decimal("0.01") and not too_much:
                result.passes += 1
                continue
            charges = [b for b in lines if b.line.quantity > 0 or b.line.net > 0]
            due = max(b.invoice.posted_at for b in charges).date()
            invoices = {b.invoice.invoice_id for b in lines}
            objects = invoices | {key.rsplit(":", 1)[-1]}
            head = lines[0].invoice
            result.cases.append(
                self.case(
                    "BIL-003",
                    key,
                    due,
                    max(ZERO, excess),
                    head.currency,
                    objects,
                    max((b.invoice.entity for b in lines), key=view.entity_key),
                    floor="S3",
                )
            )
        return result

    def _billable_source(self, key: str, source_type: str) -> tuple[Decimal, Decimal] | None:
        if source_type == "TIME":
            entry = self.entry_by_key.get(key)
            return (entry.hours, entry.amount) if entry is not None else None
        if source_type == "EXPENSE":
            expense = self.expense_by_key.get(key)
            return (Decimal(1), expense.billing_amount) if expense is not None else None
        if source_type == "MILESTONE":
            milestone = self.milestone_by_key.get(key)
            return (Decimal(1), milestone.amount) if milestone is not None else None
        item = self.item_by_source.get(key)
        return (Decimal(1), item.amount) if item is not None else None

    def int_001(self) -> Outcome:
        def is_mobilised(deal: Deal) -> bool:
            return self.has_project(deal) and (self.has_contract(deal) or not deal.contract_required)

        found, passes = blocked_events(self.view, is_mobilised, self.item_by_source)
        cases = [
            self.case(
                "INT-001",
                one.grain_key,
                one.due,
                one.amount,
                one.currency,
                set(one.objects),
                one.entity,
                one.floor,
            )
            for one in found
        ]
        return Outcome("INT-001", cases, passes)

    def bil_010(self) -> Outcome:
        result = Outcome("BIL-010")
        view = self.view
        posted = [
            i
            for i in view.firm.invoices
            if i.posted_at <= view.at and i.doc_type == "STANDARD" and i.invoice_date <= self.as_of
        ]
        credited: Counter[str] = Counter()
        credit_net: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for note in view.firm.invoices:
            if note.posted_at <= view.at and note.doc_type == "CREDIT_NOTE" and note.applies_to is not None:
                credited[note.applies_to.invoice_id] += 1
                credit_net[note.applies_to.invoice_id] -= note.net
        standing = [i for i in posted if not (credited[i.invoice_id] and credit_net[i.invoice_id] >= i.net)]
        groups: dict[tuple[str, str, Decimal, str], list[Invoice]] = defaultdict(list)
        for invoice in standing:
            customer = view.customer_key(invoice.account)
            groups[(invoice.entity, customer, invoice.net, invoice.currency)].append(invoice)
        for members in groups.values():
            for group in _alike(members):
                if len(group) == 1:
                    result.passes += 1
                    continue
                keys = sorted(netsuite(i.invoice_id) for i in group)
                due = sorted(i.posted_at for i in group)[1].date()
                amount = group[0].net * (len(group) - 1)
                objects = {i.invoice_id for i in group}
                result.cases.append(
                    self.case(
                        "BIL-010",
                        keys[0],
                        due,
                        amount,
                        group[0].currency,
                        objects,
                        group[0].entity,
                        floor="S3",
                    )
                )
        return result


def _alike(invoices: list[Invoice]) -> list[list[Invoice]]:
    """Connected groups of invoices that bill the same sources, or the same lines of a contract and period."""
    groups: list[list[Invoice]] = []
    for invoice in invoices:
        lines = {line.contract_line.line_key for line in invoice.lines}
        sources = frozenset(line.source_id for line in invoice.lines if line.source_id is not None)
        joined: list[Invoice] = [invoice]
        rest: list[list[Invoice]] = []
        for group in groups:
            same = any(
                (
                    sources
                    and sources == frozenset(x.source_id for x in other.lines if x.source_id is not None)
                )
                or (
                    other.contract is invoice.contract
                    and (other.period_from, other.period_to) == (invoice.period_from, invoice.period_to)
                    and {line.contract_line.line_key for line in other.lines} == lines
                )
                for other in group
            )
            if same:
                joined += group
            else:
                rest.append(group)
        groups = [*rest, joined]
    return groups
