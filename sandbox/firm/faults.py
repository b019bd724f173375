"""Faults of the business: each bends what happened in the finished clean firm, before anything is emitted.

Victims are chosen with a random stream and ids of the fault's own, so that everything a fault does not touch
stays as it is in the clean firm. Every fault is visible from one of the loads of February to July 2026.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from sandbox.firm.billing import total
from sandbox.firm.calendar import DAY, moment
from sandbox.firm.contracts import managers
from sandbox.firm.customers import home_entity
from sandbox.firm.delivery import add_assignment
from sandbox.firm.document_faults import DOCUMENT_FAULTS
from sandbox.firm.entities import card_rate
from sandbox.firm.event_faults import discarded_without_approval, stuck_in_a_queue
from sandbox.firm.house import CALLAN, House
from sandbox.firm.ids import FAULT_OFFSET, Ids
from sandbox.firm.removal import drop_contract, drop_invoice, drop_project, prune_look_alikes, settle
from sandbox.firm.state import Account, BillingItem, CustomerEntity, FaultMark, Invoice, Project, Timecard
from sandbox.firm.timecards import make_splits
from sandbox.firm.world import Plan, World, cents
from throughline.errors import error

_ID_SPAN = 1_000_000
# Plans that a look-alike rests on, or that another fault is meant for: not for the faults that choose.
_RESERVED = frozenset(
    [
        *("N01", "N08", "N18", "N19", "N44", "CANCEL"),
        *("ALONE", "FORGOTTEN", "WRONGENTITY", "WRONGMETHOD", "TRANSPOSED"),
    ]
)
_NOT_BUSINESS = frozenset(("none", "transport", "F67", "F69"))


@dataclasses.dataclass
class Strike:
    """What a fault works with: the firm, ids and randomness of its own, and the contracts struck so far."""

    world: World
    rng: random.Random
    struck: set[str]

    def plan(self, tag: str) -> Plan:
        """The deal that carries `tag`."""
        return next(plan for plan in self.world.plans if tag in plan.tags)

    def sister(self, house: House) -> World:
        """The bought firm of `house`."""
        return self.world.sisters[house.key]

    def free(self, methods: Sequence[str]) -> list[Plan]:
        """Delivered plans of the given methods, those that no fault has struck first."""
        able = [
            plan
            for plan in self.world.plans
            if plan.contract is not None
            and plan.project is not None
            and plan.method in methods
            and not plan.tags & _RESERVED
        ]
        self.rng.shuffle(able)
        return sorted(able, key=lambda plan: plan.contract is not None and plan.contract.so_id in self.struck)


def chosen(faults: Sequence[str]) -> list[str]:
    """Fault ids in the order they strike. Raises ThroughlineError for one that is not known."""
    names = [name.strip() for name in faults if name.strip() and name.strip() not in _NOT_BUSINESS]
    if "all" in names:
        return list(FAULTS)
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        raise error("E-SBX-002", faults=", ".join(unknown), known=", ".join(FAULTS))
    return [name for name in FAULTS if name in names]


def strike(world: World, faults: Sequence[str]) -> None:
    """Make the faults happen and mark them. Raises ValueError when a fault finds no victim."""
    wanted = chosen(faults)
    struck: set[str] = set()
    for place, name in enumerate(FAULTS):
        if name not in wanted or (name in NEED_A_SISTER and not world.sisters):
            continue
        own = dataclasses.replace(world, ids=Ids(FAULT_OFFSET + place * _ID_SPAN), _rngs={})
        rng = random.Random(f"{world.firm.seed}|{world.firm.scale}|fault {name}")
        world.firm.fault_marks.append(FAULTS[name](Strike(own, rng, struck)))
    world.firm.faults = tuple(mark.fault_id for mark in world.firm.fault_marks)
    if wanted:
        prune_look_alikes(world.firm)


def _unvalidated_customer(it: Strike) -> FaultMark:
    """F01: the customer stays PENDING for the contracting entity, so the won deal gets neither contract
    nor project."""
    plan, firm = it.plan("ALONE"), it.world.firm
    assert plan.deal is not None
    assert plan.deal.won_at is not None
    assert plan.contract is not None
    assert plan.project is not None
    drop_contract(firm, plan.contract)
    drop_project(firm, plan.project)
    plan.contract, plan.project = None, None
    for row in plan.account.entities:
        if row.entity == plan.entity:
            row.statuses = [status for status in row.statuses if status[1] == "PENDING"][:1]
    objects = {"opportunity": [plan.deal.opp_id], "account": [plan.account.account_id]}
    return FaultMark("F01", plan.deal.won_at, objects)


def _forgotten_contract(it: Strike) -> FaultMark:
    """F02: no contract was ever made; the project runs without a line and people book time on it."""
    plan, firm = it.plan("FORGOTTEN"), it.world.firm
    assert plan.deal is not None
    assert plan.contract is not None
    assert plan.project is not None
    at = plan.contract.created_at
    drop_contract(firm, plan.contract)
    plan.project.line = plan.project.expense_line = plan.project.linked_at = None
    plan.contract = None
    return FaultMark("F02", at, {"opportunity": [plan.deal.opp_id], "project": [plan.project.project_id]})


def _wrong_entity(it: Strike) -> FaultMark:
    """F06: a German deal in euro is contracted by the first US entity in dollars, digit for digit."""
    world, plan = it.world, it.plan("WRONGENTITY")
    firm, contract = world.firm, plan.contract
    assert plan.deal is not None
    assert contract is not None
    known = moment(world.calendars["US01"].add(contract.created_at.date(), -6), it.rng)
    plan.account.entities.append(
        CustomerEntity(
            world.ids.netsuite("customersubsidiaryrelationship"),
            "US01",
            [(known, "PENDING"), (known + timedelta(hours=1), "ACTIVE")],
        )
    )
    contract.entity, contract.currency, contract.exchange_rate = "US01", "USD", Decimal(1)
    for item in firm.billing_items:
        if item.contract is contract:
            item.currency = "USD"
    for invoice in firm.invoices:
        if invoice.contract is contract:
            invoice.entity, invoice.currency, invoice.exchange_rate = "US01", "USD", Decimal(1)
            prefix = invoice.number.split("-")[0]
            invoice.number = f"{prefix}-US01-{world.ids.number(prefix) % _ID_SPAN + 900_000:06d}"
            _retotal(world, invoice)
    for payment in firm.payments:
        if any(invoice.contract is contract for invoice, _ in payment.applications):
            payment.entity, payment.currency, payment.exchange_rate = "US01", "USD", Decimal(1)
    journals = {
        entry.accounting_date: entry
        for entry in reversed(firm.revenue)
        if entry.contract.entity == "US01"
        and entry.contract is not contract
        and entry.entry_type != "REVERSAL"
    }
    for entry in firm.revenue:
        if entry.contract is contract:
            entry.amount_base = entry.amount
            same = journals.get(entry.accounting_date)
            if same is None:
                entry.journal_id = world.ids.netsuite("transaction")
            else:
                entry.journal_id, entry.posted_at = same.journal_id, same.posted_at
    objects = {"opportunity": [plan.deal.opp_id], "contract": [contract.so_id]}
    if plan.project is not None:
        objects["project"] = [plan.project.project_id]
    return FaultMark("F06", contract.created_at, objects)


def _wrong_method(it: Strike) -> FaultMark:
    """F14: the project of a fixed fee is set up as time and materials."""
    plan = it.plan("WRONGMETHOD")
    assert plan.project is not None
    assert plan.contract is not None
    plan.project.billing_method, plan.project.cap = "TM", None
    it.struck.add(plan.contract.so_id)
    objects = {"project": [plan.project.project_id], "contract": [plan.contract.so_id]}
    return FaultMark("F14", plan.project.created_at, objects)


def _orphan_project(it: Strike) -> FaultMark:
    """F18: a project from an acquired firm: no deal, no contract line, a service line code that nobody
    knows."""
    world, firm = it.world, it.world.firm
    start, weeks = date(2026, 5, 4), [date(2026, 5, 4) + DAY * 7 * n for n in range(4)]
    account = next(
        item
        for item in firm.accounts
        if item.customer_id is not None and home_entity(item) in [row.entity for row in item.entities]
    )
    entity = firm.entities[home_entity(account)]
    created = datetime(2026, 4, 30, 13, 20, tzinfo=UTC)
    manager = managers(world, entity.code, start)[0]
    project = Project(
        project_id=world.ids.salesforce("proj"),
        number="ACQ-00417",
        name=f"{account.name.split(',')[0]} managed reporting",
        deal=None,
        account=account,
        line=None,
        expense_line=None,
        linked_at=None,
        entity=entity.code,
        currency=entity.currency,
        practice="DATA",
        region=entity.region,
        group="MANAGED",
        service_line_code="XQ-77",
        billing_method="TM",
        cap=None,
        is_billable=True,
        is_template=False,
        project_type="Client",
        stages=[(created, "Planned"), (datetime(2026, 5, 4, 8, 5, tzinfo=UTC), "In Progress")],
        created_at=created,
        start=start,
        end=date(2026, 9, 30),
        planned_hours=Decimal(400),
        budget_revenue=Decimal(50_000),
        budget_cost=Decimal(28_000),
        manager=manager,
    )
    firm.projects.append(project)
    idle: dict[int, list[Timecard]] = {}
    for card in firm.timecards:
        if (
            card.assignment.project.project_type == "Internal"
            and card.week_start in weeks
            and card.approved_at
        ):
            idle.setdefault(card.assignment.worker.n, []).append(card)
    able = [cards for cards in idle.values() if cards[0].assignment.worker is not manager]
    able.sort(key=lambda cards: (-len(cards), cards[0].assignment.worker.entity != entity.code))
    headers = []
    for cards in able[:2]:
        headers += _rebook(world, project, cards)
    if not headers:
        raise ValueError("nobody was idle in May 2026, so nobody can book time on the orphan project")
    return FaultMark("F18", created, {"project": [project.project_id], "timecard": headers})


def _rebook(world: World, project: Project, cards: list[Timecard]) -> list[str]:
    """Move idle weeks of one person to `project` as billable time; returns the new headers' ids."""
    worker = cards[0].assignment.worker
    rate, _ = card_rate(worker.role, project.practice, project.currency, 2026)
    assignment = add_assignment(
        world,
        project,
        worker,
        pattern=tuple(max(card.splits[0].hours[place] for card in cards) for place in range(7)),
        rate=rate,
        billable=True,
        start=project.start,
        end=project.end,
        created_at=project.created_at + timedelta(hours=1),
    )
    headers = []
    for card in cards:
        hours = [sum((split.hours[place] for split in card.splits), Decimal(0)) for place in range(7)]
        new = dataclasses.replace(
            card,
            header_id=world.ids.salesforce("timecard_header"),
            assignment=assignment,
            splits=make_splits(world.ids, assignment, card.week_start, [int(value * 4) for value in hours]),
            approver=project.manager,
        )
        world.firm.timecards[next(n for n, row in enumerate(world.firm.timecards) if row is card)] = new
        headers.append(new.header_id)
    return headers


def _never_transferred(it: Strike) -> FaultMark:
    """F26: the approved time of one project and week never reached billing."""
    firm = it.world.firm
    weeks = [date(2026, 4, 6) + DAY * 7 * n for n in (1, 0, 2, -2, -3, -4, 5, 6, -6)]
    for plan in it.free(("TM", "TM_CAPPED")):
        assert plan.project is not None
        assert plan.contract is not None
        for week in weeks:
            cards = [
                card
                for card in firm.timecards
                if card.week_start == week
                and card.assignment.project is plan.project
                and card.assignment.billable
                and card.approved_at is not None
            ]
            splits = {split.split_id for card in cards for split in card.splits}
            own = [item for item in firm.billing_items if splits and item.contract is plan.contract]
            lost = [item for item in own if item.source_id.rsplit("-", 1)[0] in splits]
            if len(lost) < 3 or any(len(item.statuses) > 2 for item in lost):
                continue
            sources = {item.source_id for item in lost}
            if _without(it.world, sources):
                firm.billing_items = [item for item in firm.billing_items if item.source_id not in sources]
                it.struck.add(plan.contract.so_id)
                objects = {
                    "project": [plan.project.project_id],
                    "time_entry": sorted(sources),
                    "project_week": [f"{plan.project.project_id}|{week.isoformat()}"],
                }
                return FaultMark("F26", min(item.created_at for item in lost), objects)
    raise ValueError("no project-week of approved time could be lost")


def _without(world: World, sources: set[str]) -> bool:
    """Take the lines of `sources` off their invoices; False, and nothing done, when an invoice would be
    left empty."""
    hit = [
        invoice for invoice in world.firm.invoices if any(line.source_id in sources for line in invoice.lines)
    ]
    if any(all(line.source_id in sources for line in invoice.lines) for invoice in hit):
        return False
    for invoice in hit:
        invoice.lines = [line for line in invoice.lines if line.source_id not in sources]
        for number, line in enumerate(invoice.lines, start=1):
            line.line_no = number
        _retotal(world, invoice)
    return True


def _retotal(world: World, invoice: Invoice) -> None:
    """Total a changed invoice anew and let its payments follow."""
    before = invoice.gross
    total(invoice, world.firm.entities[invoice.entity].tax_rate)
    settle(world.firm, invoice, before)


def _unit_bug(it: Strike) -> FaultMark:
    """F27: twenty items crossed the interface with an hourly price taken for a daily one; ten were billed
    so."""
    firm = it.world.firm
    july = datetime(2026, 7, 1, tzinfo=UTC)
    free = it.free(("TM", "TM_CAPPED"))
    contracts = {plan.contract.so_id: rank for rank, plan in enumerate(free) if plan.contract is not None}
    items = [
        item for item in firm.billing_items if item.source_type == "TIME" and item.contract.so_id in contracts
    ]
    items.sort(key=lambda item: (contracts[item.contract.so_id], item.created_at, item.item_id))
    waiting = [item for item in items if item.created_at >= july and len(item.statuses) == 1][:10]
    rank = {item.source_id: place for place, item in enumerate(items)}
    billed: list[BillingItem] = []
    for last in (date(2026, 5, 31), date(2026, 4, 30), date(2026, 6, 30)):
        for invoice in _plain_invoices(it, contracts, last):
            places = sorted(rank[line.source_id] for line in invoice.lines if line.source_id in rank)
            if len(places) >= 10 and not billed:
                billed = [items[place] for place in places[:10]]
    if not waiting or not billed:
        raise ValueError("there are no transferred items that a wrong unit could have struck")
    struck = {item.source_id for item in billed + waiting}
    for item in billed + waiting:
        item.unit_price *= 8
        item.amount *= 8
        it.struck.add(item.contract.so_id)
    for invoice in firm.invoices:
        if any(line.source_id in struck for line in invoice.lines):
            for line in invoice.lines:
                if line.source_id in struck:
                    line.unit_price *= 8
                    line.net *= 8
            _retotal(it.world, invoice)
    return FaultMark("F27", min(item.created_at for item in billed), {"billing_item": sorted(struck)})


def _plain_invoices(it: Strike, contracts: dict[str, int], last: date) -> list[Invoice]:
    """Monthly T&M invoices of the month ending `last` that no credit note touches, best victims first."""
    firm = it.world.firm
    touched = {note.applies_to.invoice_id for note in firm.invoices if note.applies_to is not None}
    able = [
        invoice
        for invoice in firm.invoices
        if invoice.doc_type == "STANDARD"
        and invoice.contract.so_id in contracts
        and invoice.invoice_id not in touched
        and invoice.period_to == last
        and invoice.invoice_date == last
        and any(line.source_type == "TIME" for line in invoice.lines)
    ]
    return sorted(able, key=lambda invoice: contracts[invoice.contract.so_id])


def _month_not_billed(it: Strike) -> FaultMark:
    """F29: billing skipped one T&M line for one month and never made up for it."""
    world, firm = it.world, it.world.firm
    free = it.free(("TM", "TM_CAPPED"))
    contracts = {plan.contract.so_id: rank for rank, plan in enumerate(free) if plan.contract is not None}
    for last in (date(2026, 2, 28), date(2026, 3, 31), date(2026, 1, 31), date(2026, 4, 30)):
        for invoice in _plain_invoices(it, contracts, last):
            sources = {
                line.source_id for line in invoice.lines if line.source_type == "TIME" and line.source_id
            }
            at = invoice.posted_at
            if not _without(world, sources):
                drop_invoice(firm, invoice)
            for item in firm.billing_items:
                if item.source_id in sources:
                    item.statuses = item.statuses[:1]
            it.struck.add(invoice.contract.so_id)
            line = next(row for row in invoice.contract.lines if row.method != "EXPENSE")
            return FaultMark("F29", at, {"contract_line": [line.line_key], "billing_item": sorted(sources)})
    raise ValueError("no monthly invoice could be skipped")


def _copied_invoice(it: Strike) -> FaultMark:
    """F32: a posted invoice came a second time, with a new number and id."""
    world, firm = it.world, it.world.firm
    free = it.free(("TM", "TM_CAPPED"))
    contracts = {plan.contract.so_id: rank for rank, plan in enumerate(free) if plan.contract is not None}
    for last in (date(2026, 4, 30), date(2026, 3, 31), date(2026, 5, 31), date(2026, 2, 28)):
        for invoice in _plain_invoices(it, contracts, last):
            day = world.calendars[invoice.entity].add(invoice.posted_at.date(), it.rng.randrange(5, 9))
            at = moment(day, it.rng, 10, 16)
            copy = dataclasses.replace(
                invoice,
                invoice_id=world.ids.netsuite("transaction"),
                number=f"{invoice.number}-M",
                created_at=at - timedelta(minutes=4),
                posted_at=at,
                lines=[dataclasses.replace(line, line_key=world.ids.line_key()) for line in invoice.lines],
                main_line_key=world.ids.line_key(),
                tax_line_key=world.ids.line_key(),
            )
            firm.invoices.append(copy)
            it.struck.add(invoice.contract.so_id)
            return FaultMark("F32", at, {"invoice": [invoice.invoice_id, copy.invoice_id]})
    raise ValueError("no monthly invoice could be copied")


def _transposed_digits(it: Strike) -> FaultMark:
    """FX03: two digits of the contract line's value changed places when it was typed."""
    plan = it.plan("TRANSPOSED")
    assert plan.contract is not None
    assert plan.line is not None
    digits = str(int(plan.line.original_value))
    plan.line.original_value = cents(Decimal(digits[1] + digits[0] + digits[2:]))
    objects = {"contract": [plan.contract.so_id], "contract_line": [plan.line.line_key]}
    return FaultMark("FX03", plan.contract.created_at, objects)


# From the first to the last day without a rate; the seven days before the first unknown one, and those on
# which loads are played, keep theirs.
_RATE_GAPS = tuple((date(2026, month, 9), date(2026, month + 1, 3)) for month in (3, 4, 2, 5))


def _rate_feed_cut(it: Strike) -> FaultMark:
    """FX04: the feed left out one pair of currencies for weeks in which people worked across it.

    A pair into the firm's reporting currency only when nothing else was needed: it takes every total with it.
    """
    firm = it.world.firm
    for is_into_reporting in (False, True):
        for first, last in _RATE_GAPS:
            worked = _worked_across(it.world, first + DAY * 7, last)
            pairs = [pair for pair in worked if (pair[1] == firm.reporting_currency) is is_into_reporting]
            if pairs:
                source, target = max(pairs, key=lambda pair: (worked[pair], pair))
                days = [first + DAY * number for number in range((last - first).days + 1)]
                gap = {(source, target, day) for day in days}
                firm.missing_rates = sorted(gap.union(firm.missing_rates))
                at = datetime.combine(first + DAY * 7, time(2, 15), UTC)
                return FaultMark("FX04", at, {"rate": [f"SPOT|{source}|{target}"]})
    raise ValueError("nobody worked for an entity of another currency, so no rate was missed")


def _worked_across(world: World, first: date, last: date) -> Counter[tuple[str, str]]:
    """Days of employees' time by (currency of their cost, currency of the project's entity), these unlike."""
    found: Counter[tuple[str, str]] = Counter()
    for card in world.firm.timecards:
        worker, project = card.assignment.worker, card.assignment.project
        pair = (world.entity_currency(worker.entity), world.entity_currency(project.entity))
        if pair[0] == pair[1] or worker.worker_type != "EMPLOYEE" or card.approved_at is None:
            continue
        days = [card.week_start + DAY * number for number in range(7)]
        found[pair] += sum(
            first <= day <= last and any(split.hours[number] for split in card.splits)
            for number, day in enumerate(days)
        )
    return +found


def _mirrored_deals(it: Strike) -> FaultMark:
    """F63: deals that sellers of the bought firm work on too stand in both CRMs, half a percent apart."""
    world, sister = it.world, it.sister(CALLAN)
    wanted = 2 if world.scale.name == "tiny" else 7
    able = [
        deal
        for deal in world.firm.deals
        if deal.opp_type == "New Business"
        and deal.services_amount >= 20_000
        and deal.account.erp_has_tax_id
        and deal.account.customer_id is not None
        and deal.stages[-1][1] != "Closed Lost"
        and deal.stages[0][0] >= datetime(2026, 1, 20, tzinfo=UTC)
        and not any(deal in (plan.deal,) and plan.tags & _RESERVED for plan in world.plans)
    ]
    it.rng.shuffle(able)
    # those that are still open can be merged before anybody contracts them twice
    able.sort(key=lambda deal: deal.won_at is not None)
    accounts: dict[int, Account] = {}
    ids = Ids(FAULT_OFFSET, CALLAN)
    mirrors = []
    # an account is there before the first of its deals
    first = {
        id(one.account): min(deal.created_at for deal in able[:wanted] if deal.account is one.account)
        for one in able[:wanted]
    }
    for number, deal in enumerate(able[:wanted], 1):
        account = accounts.get(id(deal.account))
        if account is None:
            account = accounts[id(deal.account)] = dataclasses.replace(
                deal.account,
                n=900 + number,
                account_id=ids.salesforce("account"),
                explicit_link=False,
                created_at=first[id(deal.account)] + timedelta(hours=1),
                mirror_of=deal.account,
            )
            sister.firm.accounts.append(account)
        later = timedelta(hours=26)
        factor = Decimal("1.005") if number % 2 else Decimal("0.995")
        mirror = dataclasses.replace(
            deal,
            n=900 + number,
            opp_id=ids.salesforce("opportunity"),
            name=f"{deal.name} (joint)",
            account=account,
            services_amount=cents(deal.services_amount * factor),
            created_at=deal.created_at + later,
            stages=[(at + later, stage) for at, stage in deal.stages if not stage.startswith("Closed")],
            won_at=None,
            mirror_of=deal,
        )
        sister.firm.deals.append(mirror)
        mirrors.append(mirror)
    if not mirrors:
        raise ValueError("no deal of the new year could stand in both CRMs")
    natives = [one.opp_id for one in mirrors] + [one.mirror_of.opp_id for one in mirrors if one.mirror_of]
    return FaultMark("F63", min(one.created_at for one in mirrors), {"opportunity": sorted(natives)})


def _replayed_project(it: Strike) -> FaultMark:
    """F66: project.created was applied twice, and the second time made a second project."""
    world, firm = it.world, it.world.firm
    for plan in it.free(("FIXED_POC", "TM", "TM_CAPPED", "FIXED_MILESTONE")):
        project = plan.project
        assert project is not None
        if plan.contract is None or project.linked_at is None or plan.contract.so_id in it.struck:
            continue
        later = timedelta(minutes=11)
        twin = dataclasses.replace(
            project,
            project_id=world.ids.salesforce("proj"),
            stages=[(project.created_at + later, "Planned")],
            created_at=project.created_at + later,
            linked_at=project.linked_at + later,
            budget_changes=[],
            estimates=[],
        )
        firm.projects.append(twin)
        it.struck.add(plan.contract.so_id)
        return FaultMark("F66", twin.created_at, {"project": [project.project_id, twin.project_id]})
    raise ValueError("no project was created by the handoff")


def _reused_keys(it: Strike) -> FaultMark:
    """F72: after the migration contracts of the bought firm name their deals by bare keys, which are those of
    other deals in the CRM called main."""
    world, sister = it.world, it.sister(CALLAN)
    wanted = 1 if world.scale.name == "tiny" else 4
    sold = {plan.deal.opp_id: plan.deal for plan in world.plans if plan.deal and plan.contract}
    natives: list[str] = []
    marks: list[datetime] = []
    able = []
    for plan in sister.plans:
        contract = plan.contract
        if contract is None or contract.deal is None or contract.statuses[-1][1] == "CANCELLED":
            continue
        other = sold.get(contract.deal.opp_id.partition(":")[2])
        if other is not None and other.won_at is not None and other.stages[-1][1] == "Closed Won":
            able.append((contract, contract.deal, other))
    # values can be compared where the currencies are one
    able.sort(key=lambda row: row[0].currency != row[2].currency)
    for contract, own, other in able[:wanted]:
        natives += [contract.so_id, own.opp_id, other.opp_id]
        marks.append(contract.created_at)
        contract.deal = other
    if not marks:
        raise ValueError("no key of the bought firm's deals is one of the firm's own")
    return FaultMark(
        "F72", min(marks), {"contract": natives[::3], "opportunity": natives[1::3] + natives[2::3]}
    )


# They need a second CRM or ERP: a firm that bought nobody has none of them.
NEED_A_SISTER = frozenset(("F63", "F72"))
FAULTS: dict[str, Callable[[Strike], FaultMark]] = {
    "F01": _unvalidated_customer,
    "F02": _forgotten_contract,
    "F06": _wrong_entity,
    "F14": _wrong_method,
    "F18": _orphan_project,
    "F26": _never_transferred,
    "F27": _unit_bug,
    "F29": _month_not_billed,
    "F32": _copied_invoice,
    "F63": _mirrored_deals,
    "F66": _replayed_project,
    "F72": _reused_keys,
    "FX03": _transposed_digits,
    "FX04": _rate_feed_cut,
    **DOCUMENT_FAULTS,
    "FX21": lambda it: stuck_in_a_queue(it.world.firm, it.rng),
    "FX22": lambda it: discarded_without_approval(it.world.firm, it.rng),
}
