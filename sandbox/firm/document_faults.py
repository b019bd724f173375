"""Faults of the papers: what was signed, when, or by whom, on contracts that no look-alike rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

from sandbox.firm.calendar import DAY, month_end
from sandbox.firm.documents import LOAD_DAY, base_paper, first_work, sign_on
from sandbox.firm.state import Contract, Envelope, FaultMark
from sandbox.firm.world import LAST, Plan, cents

if TYPE_CHECKING:
    from sandbox.firm.faults import Strike

# Papers that have to stay as they are: those of look-alikes, and of contracts that other faults take away.
_CASES = ("N07", "NX11", "NX12", "NX13", "NX14")
_TAKEN = frozenset(["N01", "CANCEL", "ALONE", "FORGOTTEN", "WRONGENTITY", "TRANSPOSED", "N18", "N44"])


def _victims(it: Strike) -> Iterator[tuple[Plan, Contract, Envelope]]:
    """Plans with their contract and its paper: untouched ones first, then those that other faults struck."""
    world = it.world
    kept = {
        identity
        for case in world.firm.look_alikes
        if case.case_id in _CASES
        for identity in case.objects["contract"]
    }
    bent = {
        identity
        for mark in world.firm.fault_marks
        if mark.fault_id in DOCUMENT_FAULTS
        for identity in mark.objects["contract"]
    }
    able = [
        plan
        for plan in world.plans
        if plan.contract is not None and plan.contract.so_id not in kept | bent and not plan.tags & _TAKEN
    ]
    it.rng.shuffle(able)
    # The contract that lies far ahead comes last: nothing has happened under it.
    for plan in sorted(able, key=lambda one: ("N08" in one.tags, _is_struck(it, one))):
        assert plan.contract is not None
        yield plan, plan.contract, base_paper(world, plan.contract)


def _is_struck(it: Strike, plan: Plan) -> bool:
    return plan.contract is not None and plan.contract.so_id in it.struck


def _any_victim(it: Strike) -> tuple[Contract, Envelope]:
    for _, contract, paper in _victims(it):
        return contract, paper
    raise ValueError("every contract's paper is bent already or has to stay as it is")


def _mark(fault: str, contract: Contract, paper: Envelope) -> FaultMark:
    return FaultMark(
        fault, paper.statuses[-1][0], {"contract": [contract.so_id], "document": [paper.envelope_id]}
    )


def _loads(first: date) -> Iterator[date]:
    """Days after `first` on which loads are played."""
    day = first + DAY
    while day <= LAST.date():
        if day.day == LOAD_DAY:
            yield day
        day += DAY


def _never_signed(it: Strike) -> FaultMark:
    """F10: the statement of work of a running contract was sent and never came back."""
    # one that still runs when all is told comes first: every load after its first work shows it
    running = sorted(_victims(it), key=lambda one: (one[1].closed_on or date.max) <= LAST.date())
    for plan, contract, paper in running:
        work = first_work(it.world, plan)
        ended = contract.closed_on or date.max
        if work is None or not any(day < ended for day in _loads(work[1])):
            continue
        paper.statuses = [row for row in paper.statuses if row[1] in ("CREATED", "SENT")]
        paper.signed_on = None
        return _mark("F10", contract, paper)
    raise ValueError("no contract has work at a load, so no missing signature would be seen")


def _signed_late(it: Strike) -> FaultMark:
    """F12: signed 25 days or more after the contract said, when people had worked and revenue was posted."""
    firm = it.world.firm
    for plan, contract, paper in _victims(it):
        work = first_work(it.world, plan)
        months = [
            entry.service_to for entry in firm.revenue if entry.contract is contract and entry.amount > 0
        ]
        if work is None or not months:
            continue
        signed = max(contract.signed_on + DAY * 25, min(months) + DAY, work[0] + DAY)
        signed = it.world.calendars[contract.entity].on_or_after(signed)
        if signed <= month_end(work[0]) or not any(True for _ in _loads(signed)):
            continue
        sign_on(paper, signed, it.rng)
        return _mark("F12", contract, paper)
    raise ValueError("no contract has revenue of a month that a signature could have missed")


def _signed_for_less(it: Strike) -> FaultMark:
    """FX10: the customer struck an item from the paper and signed for a tenth less than was entered."""
    contract, paper = _any_victim(it)
    assert paper.value is not None
    paper.value = cents(paper.value * Decimal("0.9"))
    if paper.tax_amount is not None:
        paper.tax_amount = cents(paper.tax_amount * Decimal("0.9"))
    return _mark("FX10", contract, paper)


def _signed_by_another(it: Strike) -> FaultMark:
    """FX11: the paper is made out to another customer of the firm."""
    contract, paper = _any_victim(it)
    # a customer, not a prospect that bears a customer's name
    stranger = next(
        row
        for row in reversed(it.world.firm.accounts)
        if row is not contract.account and row.customer_id is not None
    )
    paper.customer_name = stranger.name
    return _mark("FX11", contract, paper)


def _file_replaced(it: Strike) -> FaultMark:
    """FX12: the stored file is not the one that was registered at the signature."""
    contract, paper = _any_victim(it)
    paper.sha256 = sha256(f"{paper.envelope_id}|replaced".encode()).hexdigest()
    return _mark("FX12", contract, paper)


def _misread(it: Strike) -> FaultMark:
    """FX13: the value was read off a poor scan, with one figure too few, and little confidence."""
    contract, paper = _any_victim(it)
    assert paper.value is not None
    paper.value, paper.tax_amount = cents(paper.value / 10), None
    paper.value_basis, paper.confidence = "NET", Decimal("0.62")
    return _mark("FX13", contract, paper)


DOCUMENT_FAULTS: dict[str, Callable[[Strike], FaultMark]] = {
    "F10": _never_signed,
    "F12": _signed_late,
    "FX10": _signed_for_less,
    "FX11": _signed_by_another,
    "FX12": _file_replaced,
    "FX13": _misread,
}
