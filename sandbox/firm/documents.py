"""The papers of the firm: framework agreements, statements of work, change orders and letters of intent, each
in an envelope that is sent, read and signed.

A statement of work is signed before its contract is entered, a change order before its amendment is; what
looks like neither and is in order all the same stands among the look-alikes. Everything here is drawn from a
random stream of its own.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal

from sandbox.firm.calendar import DAY, WorkCalendar, moment
from sandbox.firm.state import Account, Amendment, Contract, Deal, Envelope, LookAlike
from sandbox.firm.world import LAST, Plan, World, cents

# Day of the month on which loads are played: a gap before the signature that is in order lies between two.
LOAD_DAY = 8
BASE = ("SOW", "ORDER_FORM")
# Plans of which a fault removes or bends the contract: no look-alike may rest on their papers.
_UNFIT = frozenset(["N01", "N08", "CANCEL", "ALONE", "FORGOTTEN", "WRONGENTITY", "WRONGMETHOD", "TRANSPOSED"])
_SIGNERS = (
    *("Amelia Castellanos", "Bram Oudekerk", "Chidi Anozie", "Dagmar Weiss", "Eamon Fitzroy"),
    *("Farah Noorani", "Greta Lindqvist", "Hugo Perreault", "Imani Barasa", "Joris van Dam"),
)
_TITLES = {
    "MSA": "Master services agreement",
    "SOW": "Statement of work",
    "ORDER_FORM": "Order form",
    "CO": "Change order",
    "LOI": "Letter of intent",
}


@dataclass(frozen=True)
class _Matter:
    """What an envelope is about, as its paper has it."""

    account: Account
    currency: str
    deal: Deal | None = None
    contract: Contract | None = None
    value: Decimal | None = None
    basis: str = "NONE"
    tax: Decimal | None = None


@dataclass
class _Desk:
    """Who prepares the papers: the firm, randomness of its own, and the look-alikes met so far."""

    world: World
    rng: random.Random
    cases: dict[str, list[str]] = field(default_factory=dict)

    def calendar(self, entity: str) -> WorkCalendar:
        """Working days of a legal entity."""
        return self.world.calendars[entity]

    def note(self, case: str, contract: Contract) -> None:
        """Count a contract among the look-alikes of `case`."""
        self.cases.setdefault(case, []).append(contract.so_id)

    def steps(self, entity: str, signed: date, before: datetime | None) -> list[tuple[datetime, str]]:
        """Drafted, sent, read and signed: the last on `signed`, and earlier than `before` on that day."""
        rng = self.rng
        day = self.calendar(entity).add(signed, -rng.randrange(2, 6))
        created = moment(day, rng, 8, 11)
        sent = created + timedelta(minutes=rng.randrange(5, 90))
        read = sent + timedelta(minutes=rng.randrange(30, 6 * 60))
        completed = moment(signed, rng, 11, 17)
        if before is not None and before.date() == signed:
            completed = min(completed, before - timedelta(minutes=rng.randrange(5, 20)))
        return [(created, "CREATED"), (sent, "SENT"), (read, "DELIVERED"), (completed, "COMPLETED")]

    def envelope(self, doc_type: str, matter: _Matter, statuses: list[tuple[datetime, str]]) -> Envelope:
        """A new envelope among the firm's."""
        identity = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        digest = hashlib.sha256(f"{identity}|signed".encode()).hexdigest()
        signer = self.rng.choice(_SIGNERS)
        subject = matter.deal.name if matter.deal is not None else matter.account.name
        paper = Envelope(
            envelope_id=identity,
            doc_type=doc_type,
            subject=f"{_TITLES[doc_type]} - {subject}",
            account=matter.account,
            deal=matter.deal,
            contract=matter.contract,
            numbers=[],
            customer_name=matter.account.name,
            value=matter.value,
            currency=matter.currency,
            value_basis=matter.basis,
            tax_amount=matter.tax,
            signed_on=None,
            effective_from=matter.contract.effective_from if matter.contract is not None else None,
            retroactive=False,
            confidence=Decimal(self.rng.randrange(9500, 10000)) / 10000,
            sha256=digest,
            registered_sha256=digest,
            statuses=statuses,
            signer=(signer, f"{signer.split()[0]}@customer{matter.account.n}.example".lower()),
        )
        self.world.firm.documents.append(paper)
        return paper


def make_documents(world: World) -> None:
    """Fill the firm's documents. Raises ValueError when a look-alike finds no contract to rest on."""
    desk = _Desk(world, world.rng("documents"))
    _frameworks(desk)
    for plan in world.plans:
        _statement_of_work(desk, plan)
    for amendment in world.firm.amendments:
        _change_order(desk, amendment)
    if not world.house.full:
        return
    _unusual_papers(desk)
    for case in sorted(desk.cases):
        world.firm.look_alikes.append(LookAlike(case, {"contract": desk.cases[case]}))


def _frameworks(desk: _Desk) -> None:
    """One master agreement per customer, signed before the first work is ordered; it carries no value."""
    first: dict[int, Contract] = {}
    for contract in desk.world.firm.contracts:
        known = first.setdefault(contract.account.n, contract)
        if contract.signed_on < known.signed_on:
            first[contract.account.n] = contract
    for contract in first.values():
        signed = desk.calendar(contract.entity).add(contract.signed_on, -desk.rng.randrange(1, 4))
        steps = desk.steps(contract.entity, signed, None)
        desk.envelope("MSA", _Matter(contract.account, contract.account.currency), steps)


def _statement_of_work(desk: _Desk, plan: Plan) -> None:
    deal, contract, rng = plan.deal, plan.contract, desk.rng
    assert deal is not None
    assert deal.won_at is not None
    if contract is None:
        # Won, and not entered yet: it lies with the customer.
        steps = desk.steps(plan.entity, deal.won_at.date(), None)
        matter = _Matter(plan.account, plan.currency, deal, value=plan.amount, basis="NET")
        desk.envelope("SOW", matter, steps[:2])
        return
    value, basis, tax = _stated(desk, plan, contract)
    steps = desk.steps(contract.entity, contract.signed_on, contract.created_at)
    matter = _Matter(contract.account, contract.currency, deal, contract, value, basis, tax)
    paper = desk.envelope("SOW", matter, steps)
    # The interface enters the contract's number once the ERP has given it.
    entered = max(contract.created_at, steps[0][0]) + timedelta(minutes=rng.randrange(3, 30))
    paper.numbers = [(entered, contract.number)]
    if rng.random() < 0.12:
        # Signed by hand; the scan is filed the day after.
        paper.signed_on = contract.signed_on
        filed = desk.calendar(contract.entity).add(contract.signed_on, 1)
        paper.statuses[-1] = (moment(filed, rng, 9, 12), "COMPLETED")


def _stated(desk: _Desk, plan: Plan, contract: Contract) -> tuple[Decimal, str, Decimal | None]:
    """What a paper says a contract is worth: (value, basis, tax in it)."""
    net = sum((line.original_value for line in contract.lines if line.method != "EXPENSE"), Decimal(0))
    expense = sum((line.original_value for line in contract.lines if line.method == "EXPENSE"), Decimal(0))
    rate = desk.world.firm.entities[contract.entity].tax_rate
    drawn = desk.rng.random()
    if rate and (drawn < 0.4 or "GB01" in plan.tags):
        tax = cents(net * rate)
        desk.note("N04", contract)
        return net + tax, "GROSS", tax
    if expense and drawn < 0.6:
        desk.note("NX10", contract)
        return net + expense, "INCL_EXPENSES", None
    return net, "NET", None


def _change_order(desk: _Desk, amendment: Amendment) -> None:
    contract, rng = amendment.contract, desk.rng
    at, status = amendment.statuses[-1]
    matter = _Matter(
        contract.account, contract.currency, amendment.deal, contract, amendment.delta_value, "NET"
    )
    calendar = desk.calendar(contract.entity)
    signed = amendment.signed_on or calendar.on_or_after(at.date())
    steps = desk.steps(contract.entity, signed, at)
    steps[-1] = (at - timedelta(minutes=rng.randrange(20, 100)), "COMPLETED")
    reason = None
    if status == "DRAFT":
        created = at + timedelta(minutes=rng.randrange(10, 60))
        steps = [(created, "CREATED"), (created + timedelta(minutes=20), "SENT")]
    elif status == "REJECTED":
        steps[-1] = (steps[-1][0], "DECLINED")
        reason = "Scope not agreed"
    paper = desk.envelope("CO", matter, steps)
    paper.numbers = [(steps[0][0], contract.number)]
    paper.effective_from = amendment.effective_on
    paper.reason = reason


def base_paper(world: World, contract: Contract) -> Envelope:
    """The statement of work or order form that stands for a contract. Raises StopIteration."""
    return next(
        paper
        for paper in world.firm.documents
        if paper.contract is contract and paper.doc_type in BASE and paper.statuses[-1][1] == "COMPLETED"
    )


def _unusual_papers(desk: _Desk) -> None:
    """What is in order although it looks otherwise, on as few contracts as will do."""
    taken: set[str] = set()
    for case, make in (
        ("N07", _letter_of_intent),
        ("NX13", _signed_backwards),
    ):
        plan, signed = next(_late_signatures(desk, taken), (None, None))
        if plan is None or signed is None:
            raise ValueError(f"look-alike {case} found no contract with work between two loads")
        assert plan.contract is not None
        make(desk, plan.contract, signed)
        taken.add(plan.contract.so_id)
        desk.note(case, plan.contract)
    for cases in ((("NX11", _order_form),), (("NX12", _old_number), ("NX14", _sent_again))):
        contract = next(_plain(desk, taken))
        taken.add(contract.so_id)
        for case, change in cases:
            change(desk, contract)
            desk.note(case, contract)


def _fit(desk: _Desk, taken: set[str]) -> Iterator[Plan]:
    """Plans whose papers may be unusual, those first that other look-alikes rest on: faults leave them be."""
    able = [
        plan
        for plan in desk.world.plans
        if plan.contract is not None
        and plan.project is not None
        and not plan.tags & _UNFIT
        and plan.contract.so_id not in taken
    ]
    yield from sorted(able, key=lambda plan: not plan.tags & {"N18", "N19", "N44"})


def _plain(desk: _Desk, taken: set[str]) -> Iterator[Contract]:
    for plan in _fit(desk, taken):
        assert plan.contract is not None
        yield plan.contract


def first_work(world: World, plan: Plan) -> tuple[date, date] | None:
    """(first day of billable work, day of its first approval) on a plan's project; None without any."""
    cards = [
        card
        for card in world.firm.timecards
        if card.assignment.project is plan.project and card.assignment.billable and card.approved_at
    ]
    if not cards:
        return None
    days = [
        card.week_start + DAY * place
        for card in cards
        for split in card.splits
        for place, hours in enumerate(split.hours)
        if hours
    ]
    return min(days), min(card.approved_at.date() for card in cards if card.approved_at is not None)


def _late_signatures(desk: _Desk, taken: set[str]) -> Iterator[tuple[Plan, date]]:
    """Plans whose work could begin before the signature without any load falling in between, and the day of
    that signature: some three weeks after the start."""
    for plan in _fit(desk, taken):
        assert plan.contract is not None
        found = first_work(desk.world, plan)
        if found is None:
            continue
        calendar = desk.calendar(plan.contract.entity)
        noticed = min(
            [found[1], calendar.add(plan.contract.effective_from, 6), *_booked(desk.world, plan.contract)]
        )
        for working_days in (15, 12, 10, 8):
            signed = calendar.add(plan.contract.effective_from, working_days)
            span = (noticed + DAY * n for n in range((signed - noticed).days + 1))
            if found[0] < signed and signed < LAST.date() and all(day.day != LOAD_DAY for day in span):
                yield plan, signed
                break


def _booked(world: World, contract: Contract) -> list[date]:
    """Days of a contract's invoices and revenue."""
    billed = [row.invoice_date for row in world.firm.invoices if row.contract is contract]
    return billed + [row.accounting_date for row in world.firm.revenue if row.contract is contract]


def sign_on(paper: Envelope, signed: date, rng: random.Random) -> None:
    """Let a paper be signed on another day."""
    at = moment(signed, rng, 10, 16)
    paper.statuses = [row for row in paper.statuses if row[1] != "COMPLETED" and row[0] < at]
    paper.statuses.append((at, "COMPLETED"))
    paper.signed_on = None


def _letter_of_intent(desk: _Desk, contract: Contract, signed: date) -> None:
    """N07: a letter of intent covers what is done until the statement of work is signed."""
    sign_on(base_paper(desk.world, contract), signed, desk.rng)
    steps = desk.steps(contract.entity, contract.signed_on, contract.created_at)
    value = max((early_amount(desk.world, contract, signed), Decimal(5000)))
    covered = (value * Decimal("1.3") / 1000).to_integral_value(ROUND_CEILING) * 1000
    matter = _Matter(contract.account, contract.currency, contract.deal, contract, covered, "NET")
    paper = desk.envelope("LOI", matter, steps)
    paper.numbers = [(contract.created_at + timedelta(minutes=40), contract.number)]


def early_amount(world: World, contract: Contract, day: date) -> Decimal:
    """The most that one line of `contract` holds before `day`: of billable time, invoices or revenue."""
    firm = world.firm
    lines = {line.line_key for line in contract.lines}
    time_amount = sum(
        (
            split.billable_amount
            for card in firm.timecards
            if card.assignment.project.line is not None
            and card.assignment.project.line.line_key in lines
            and card.week_start < day
            for split in card.splits
        ),
        Decimal(0),
    )
    billed = sum(
        (
            line.net
            for invoice in firm.invoices
            if invoice.contract is contract and invoice.doc_type == "STANDARD"
            for line in invoice.lines
            if line.period_to < day
        ),
        Decimal(0),
    )
    earned = sum(
        (
            entry.amount
            for entry in firm.revenue
            if entry.contract is contract and entry.service_to < day and entry.entry_type != "REVERSAL"
        ),
        Decimal(0),
    )
    return max(time_amount, billed, earned)


def _signed_backwards(desk: _Desk, contract: Contract, signed: date) -> None:
    """NX13: signed after work began, with effect from the day on which it began."""
    paper = base_paper(desk.world, contract)
    sign_on(paper, signed, desk.rng)
    paper.retroactive = True


def _order_form(desk: _Desk, contract: Contract) -> None:
    """NX11: an order form under the customer's master agreement stands for the statement of work."""
    paper = base_paper(desk.world, contract)
    paper.doc_type = "ORDER_FORM"
    paper.subject = paper.subject.replace(_TITLES["SOW"], _TITLES["ORDER_FORM"])


def _old_number(desk: _Desk, contract: Contract) -> None:
    """NX12: filed under the number that the contract bore before it was renumbered, under nothing else."""
    contract.former_number = f"C-{contract.signed_on.year}-{contract.number[-4:]}"
    paper = base_paper(desk.world, contract)
    paper.numbers = [(paper.statuses[0][0], contract.former_number)]
    paper.deal = None


def _sent_again(desk: _Desk, contract: Contract) -> None:
    """NX14: an envelope with a wrong value was voided, the next one signed, a doublet thrown away."""
    paper = base_paper(desk.world, contract)
    created = paper.statuses[0][0]
    first = datetime.combine(
        desk.calendar(contract.entity).add(created.date(), -2), time(9, 15), UTC
    ) + timedelta(minutes=desk.rng.randrange(60))
    steps = [(first, "CREATED"), (first + timedelta(minutes=30), "SENT"), (first + DAY, "VOIDED")]
    half = cents(contract.lines[0].original_value / 2)
    matter = _Matter(contract.account, contract.currency, contract.deal, contract, half, "NET")
    void, twin = (desk.envelope("SOW", matter, history) for history in (steps, steps[:1]))
    void.reason = "Wrong value"
    twin.deleted_at = datetime.combine(date(2026, 3, 2), time(10, 5), UTC)
