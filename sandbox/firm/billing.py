"""The ERP's billing: items taken over from the PSA every night, invoices, credit notes."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.firm.calendar import DAY, add_months, moment, month_end, month_start
from sandbox.firm.state import Account, BillingItem, Contract, ContractLine, Invoice, InvoiceLine, Milestone
from sandbox.firm.world import END, LAST, Plan, World, cents

TRANSFERRED = ("TM", "TM_CAPPED")
_FINE = Decimal("0.0001")


@dataclass
class _Draft:
    """An invoice before it has a number; `share` is the customer's part of every item."""

    posted_at: datetime
    invoice_date: date
    contract: Contract
    account: Account
    share: Decimal
    items: list[BillingItem]
    period: tuple[date, date]


def bill(world: World) -> None:
    """Fill billing items, invoices and credit notes of the firm."""
    _transfer(world)
    drafts = _monthly_run(world) + _on_acceptance(world) + _retainers(world)
    drafts.sort(key=lambda draft: (draft.posted_at, draft.contract.so_id, draft.account.n))
    for draft in drafts:
        _post(world, draft)
    _credits(world)


def night_after(day: date, rng: random.Random) -> datetime:
    """When the nightly interface takes over what was done on `day`."""
    return moment(day + DAY, rng, 2, 4)


def _transfer(world: World) -> None:
    rng = world.rng("interface")
    found: list[tuple[datetime, str, str, ContractLine, Contract, date, Decimal, Decimal, Decimal]] = []
    plans = {plan.project.project_id: plan for plan in world.plans if plan.project is not None}
    for card in world.firm.timecards:
        plan = plans.get(card.assignment.project.project_id)
        if (
            plan is None
            or plan.method not in TRANSFERRED
            or card.approved_at is None
            or not card.assignment.billable
        ):
            continue
        assert plan.line is not None
        assert plan.contract is not None
        at = night_after(card.approved_at.date(), rng)
        rate = card.assignment.bill_rate
        for split in card.splits:
            for place in range(7):
                hours = split.hours[place]
                if hours:
                    day = card.week_start + DAY * place
                    source = f"{split.split_id}-{place + 1}"
                    found.append(
                        (at, "TIME", source, plan.line, plan.contract, day, hours, rate, hours * rate)
                    )
    for expense in world.firm.expenses:
        plan = plans[expense.project.project_id]
        if expense.billable and expense.approved_at is not None:
            assert plan.expense_line is not None
            assert plan.contract is not None
            at, net = night_after(expense.approved_at.date(), rng), expense.billing_amount
            row = (expense.expense_id, plan.expense_line, plan.contract, expense.expense_date)
            found.append((at, "EXPENSE", *row, Decimal(1), net, net))
    for milestone, amount in _milestone_amounts(world):
        if milestone.accepted_on is None:
            continue
        plan = plans[milestone.project.project_id]
        assert plan.contract is not None
        at = night_after(milestone.accepted_on, rng)
        row = (milestone.milestone_id, milestone.line, plan.contract, milestone.accepted_on)
        found.append((at, "MILESTONE", *row, Decimal(1), amount, amount))
    for plan in world.plans:
        if plan.method != "RETAINER" or plan.contract is None or plan.project is None:
            continue
        assert plan.line is not None
        fee = plan.amount / plan.months
        for n in range(plan.months):
            first = add_months(plan.planned_start, n)
            at = night_after(first - DAY, rng)
            found.append(
                (
                    at,
                    "RETAINER",
                    f"{plan.line.line_key}|{first:%Y-%m}",
                    plan.line,
                    plan.contract,
                    first,
                    Decimal(1),
                    fee,
                    fee,
                )
            )
    found.sort(key=lambda row: (row[0], row[1], row[2]))
    for at, kind, source, line, contract, day, quantity, price, amount in found:
        if at <= END:
            world.firm.billing_items.append(
                BillingItem(
                    item_id=world.ids.netsuite("billing_item"),
                    source_type=kind,
                    source_id=source,
                    line=line,
                    contract=contract,
                    work_date=day,
                    quantity=quantity,
                    unit_price=price,
                    amount=amount,
                    currency=contract.currency,
                    created_at=at,
                    eligible_at=[(at, at)],
                    statuses=[(at, "OPEN")],
                )
            )


def _milestone_amounts(world: World) -> list[tuple[Milestone, Decimal]]:
    """Milestones with the amount the ERP bills: of a fee cut in three it puts the odd cent elsewhere than
    the PSA."""
    by_project: dict[str, list[Milestone]] = defaultdict(list)
    for milestone in world.firm.milestones:
        by_project[milestone.project.project_id].append(milestone)
    pairs: list[tuple[Milestone, Decimal]] = []
    for plan in world.plans:
        if plan.project is None:
            continue
        group = by_project[plan.project.project_id]
        amounts = [milestone.amount for milestone in group]
        if "N44" in plan.tags and len(group) == 3:
            amounts.reverse()
        pairs.extend(zip(group, amounts, strict=True))
    return pairs


def _monthly_run(world: World) -> list[_Draft]:
    """Time and expenses that became eligible in a month: one invoice per contract and customer, dated its
    last day."""
    rng = world.rng("billing run")
    groups: dict[tuple[str, date], list[BillingItem]] = defaultdict(list)
    for item in world.firm.billing_items:
        if item.source_type in ("TIME", "EXPENSE"):
            groups[(item.contract.so_id, month_start(item.eligible_at[0][1].date()))].append(item)
    drafts = []
    for (_, first), items in groups.items():
        contract, last = items[0].contract, month_end(first)
        posted = moment(world.calendars[contract.entity].add(last, rng.randrange(1, 5)), rng, 9, 17)
        if posted > LAST:
            continue
        shares = next((item.line.shares for item in items if item.line.shares), [])
        for account, share in [(row[1], row[2]) for row in shares] or [(contract.account, Decimal(1))]:
            drafts.append(_Draft(posted, last, contract, account, share, items, (first, last)))
            posted += timedelta(minutes=11)
    return drafts


def _on_acceptance(world: World) -> list[_Draft]:
    rng = world.rng("milestone billing")
    drafts = []
    for item in world.firm.billing_items:
        if item.source_type == "MILESTONE":
            day = world.calendars[item.contract.entity].add(item.work_date, rng.randrange(1, 4))
            posted = moment(day, rng, 9, 17)
            if posted <= LAST:
                period = (item.work_date, item.work_date)
                drafts.append(
                    _Draft(posted, day, item.contract, item.contract.account, Decimal(1), [item], period)
                )
    return drafts


def _retainers(world: World) -> list[_Draft]:
    rng = world.rng("retainer billing")
    drafts = []
    for item in world.firm.billing_items:
        if item.source_type == "RETAINER":
            day = world.calendars[item.contract.entity].add(item.work_date - DAY, rng.randrange(1, 4))
            posted = moment(day, rng, 9, 15)
            if posted <= LAST:
                period = (item.work_date, month_end(item.work_date))
                drafts.append(
                    _Draft(posted, day, item.contract, item.contract.account, Decimal(1), [item], period)
                )
    return drafts


def _post(world: World, draft: _Draft) -> None:
    contract, rng = draft.contract, world.rng("posting")
    lines = []
    for number, item in enumerate(draft.items, start=1):
        quantity, net = item.quantity, item.amount
        if draft.share != 1:
            quantity, net = _part(item, draft)
        lines.append(
            InvoiceLine(
                line_key="",
                line_no=number,
                source_type=item.source_type,
                source_id=item.source_id,
                contract_line=item.line,
                quantity=quantity,
                unit_price=item.unit_price,
                net=net,
                period_from=item.work_date,
                period_to=draft.period[1] if item.source_type == "RETAINER" else item.work_date,
            )
        )
        if item.statuses[-1][1] == "OPEN":
            item.statuses.append((draft.posted_at, "INVOICED"))
    due = draft.invoice_date + DAY * contract.payment_terms
    created = draft.posted_at - timedelta(minutes=rng.randrange(10, 50))
    add_document(
        world,
        "STANDARD",
        contract,
        draft.account,
        draft.invoice_date,
        due,
        created,
        draft.posted_at,
        lines,
        draft.period,
    )


def _part(item: BillingItem, draft: _Draft) -> tuple[Decimal, Decimal]:
    """Quantity and net of one customer; the last customer takes what the others leave."""
    shares = item.line.shares
    if not shares:
        first = draft.account is draft.contract.account
        return (item.quantity, item.amount) if first else (Decimal(0), Decimal(0))
    if draft.account is not shares[-1][1]:
        return (item.quantity * draft.share).quantize(_FINE, ROUND_HALF_UP), cents(item.amount * draft.share)
    taken = [(item.quantity * row[2]).quantize(_FINE, ROUND_HALF_UP) for row in shares[:-1]]
    paid = [cents(item.amount * row[2]) for row in shares[:-1]]
    return item.quantity - sum(taken, Decimal(0)), item.amount - sum(paid, Decimal(0))


def add_document(
    world: World,
    doc_type: str,
    contract: Contract,
    account: Account,
    invoice_date: date,
    due_on: date,
    created_at: datetime,
    posted_at: datetime,
    lines: list[InvoiceLine],
    period: tuple[date, date],
    applies_to: Invoice | None = None,
    reason: str | None = None,
) -> Invoice:
    """Number and post an invoice or credit note; lines receive their keys, the document its totals."""
    main_key = world.ids.line_key()
    for line in lines:
        line.line_key = world.ids.line_key()
    series = "CN" if doc_type == "CREDIT_NOTE" else "INV"
    number = world.ids.number(f"{series}-{contract.entity}")
    document = Invoice(
        invoice_id=world.ids.netsuite("transaction"),
        number=f"{series}-{contract.entity}-{number:06d}",
        doc_type=doc_type,
        account=account,
        contract=contract,
        entity=contract.entity,
        currency=contract.currency,
        exchange_rate=world.cross(contract.currency, world.entity_currency(contract.entity), invoice_date),
        invoice_date=invoice_date,
        due_on=due_on,
        created_at=created_at,
        posted_at=posted_at,
        lines=lines,
        net=Decimal(0),
        tax=Decimal(0),
        gross=Decimal(0),
        main_line_key=main_key,
        tax_line_key=world.ids.line_key(),
        period_from=period[0],
        period_to=period[1],
        applies_to=applies_to,
        reason_code=reason,
    )
    total(document, world.firm.entities[contract.entity].tax_rate)
    world.firm.invoices.append(document)
    return document


def total(document: Invoice, tax_rate: Decimal) -> None:
    """Set net, tax and gross from the lines."""
    document.net = sum((line.net for line in document.lines), Decimal(0))
    document.tax = cents(document.net * tax_rate)
    document.gross = document.net + document.tax


def _credits(world: World) -> None:
    """Full credits with a new invoice (about one in a hundred), and a few concessions of money."""
    rng = world.rng("credits")
    plans = {plan.contract.so_id: plan for plan in world.plans if plan.contract is not None}
    able = [
        invoice
        for invoice in world.firm.invoices
        if _simple(plans[invoice.contract.so_id], invoice) and invoice.posted_at < LAST - timedelta(days=32)
    ]
    rebilled = max(1, len(world.firm.invoices) // 100)
    conceded = max(1, len(world.firm.invoices) // 150)
    chosen = rng.sample(able, min(len(able), rebilled + conceded))
    items = {item.source_id: item for item in world.firm.billing_items}
    for invoice in chosen[:rebilled]:
        _rebill(world, rng, invoice, items)
    for invoice in chosen[rebilled:]:
        _concede(world, rng, invoice)


def _simple(plan: Plan, invoice: Invoice) -> bool:
    return (
        plan.method in TRANSFERRED
        and plan.partner is None
        and all(line.source_type == "TIME" for line in invoice.lines)
    )


def _copy(lines: list[InvoiceLine], sign: int) -> list[InvoiceLine]:
    return [
        InvoiceLine(
            line_key="",
            line_no=line.line_no,
            source_type=line.source_type,
            source_id=line.source_id,
            contract_line=line.contract_line,
            quantity=sign * line.quantity,
            unit_price=line.unit_price,
            net=sign * line.net,
            period_from=line.period_from,
            period_to=line.period_to,
        )
        for line in lines
    ]


def _rebill(world: World, rng: random.Random, invoice: Invoice, items: dict[str, BillingItem]) -> None:
    calendar = world.calendars[invoice.entity]
    credit_day = calendar.add(invoice.posted_at.date(), rng.randrange(4, 10))
    credited = moment(credit_day, rng, 9, 12)
    again_day = calendar.add(credit_day, rng.randrange(1, 4))
    again = moment(again_day, rng, 9, 16)
    period = (invoice.period_from, invoice.period_to)
    add_document(
        world,
        "CREDIT_NOTE",
        invoice.contract,
        invoice.account,
        credit_day,
        credit_day,
        credited - timedelta(minutes=9),
        credited,
        _copy(invoice.lines, -1),
        period,
        invoice,
        "REBILL",
    )
    add_document(
        world,
        "STANDARD",
        invoice.contract,
        invoice.account,
        again_day,
        again_day + DAY * invoice.contract.payment_terms,
        again - timedelta(minutes=20),
        again,
        _copy(invoice.lines, 1),
        period,
    )
    reopened = credited + timedelta(minutes=2)
    for line in invoice.lines:
        assert line.source_id is not None
        item = items[line.source_id]
        item.statuses += [(credited, "CREDITED"), (reopened, "OPEN"), (again, "INVOICED")]
        item.eligible_at.append((reopened, reopened))


def _concede(world: World, rng: random.Random, invoice: Invoice) -> None:
    day = world.calendars[invoice.entity].add(invoice.posted_at.date(), rng.randrange(6, 14))
    at = moment(day, rng, 9, 16)
    line = _copy(invoice.lines[:1], -1)[0]
    line.quantity, line.unit_price = Decimal(0), Decimal(0)
    line.net = -cents(invoice.lines[0].net * rng.randrange(10, 40) / 100)
    add_document(
        world,
        "CREDIT_NOTE",
        invoice.contract,
        invoice.account,
        day,
        day,
        at - timedelta(minutes=9),
        at,
        [line],
        (invoice.period_from, invoice.period_to),
        invoice,
        "CONCESSION",
    )
