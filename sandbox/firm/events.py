"""The integration bus: which business events the firm's process raised, and how their delivery went.

Only the systems of the firm itself are on the bus, not those of a firm it bought. Everything is derived from
what happened in the finished firm, faults included; each event has a random stream of its own, so an event
that no fault touches is delivered as it is in the clean firm.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from sandbox.firm.calendar import DAY
from sandbox.firm.event_state import BusinessEvent, Report
from sandbox.firm.state import Firm, Invoice, LookAlike
from sandbox.firm.world import World

# Hours each kind of event may take. Healthy deliveries need at most six tenths of them.
HOURS = {
    "opportunity.won": 1,
    "contract.created": 4,
    "project.created": 4,
    "time.approved": 24,
    "milestone.accepted": 4,
    "invoice.posted": 4,
}
TARGETS = {
    "opportunity.won": "ERP and PSA",
    "contract.created": "PSA",
    "project.created": "ERP",
    "time.approved": "ERP",
    "milestone.accepted": "ERP",
    "invoice.posted": "PSA",
}
TIMEOUT = ("TIMEOUT", "504 from the receiving system after 30 seconds")
# The bus tries again after these waits, then gives up.
BACK_OFF = (timedelta(minutes=5), timedelta(minutes=20), timedelta(hours=1), timedelta(hours=3))
# Loads are played on the 8th of a month, half an hour before midnight.
_TO_LOAD = timedelta(days=8, hours=23, minutes=30)
_TRANSFERRED = ("TM", "TM_CAPPED")


def choose_look_alikes(world: World) -> None:
    """Name the events of the clean firm that only look like errors. Raises ValueError when one is missing.

    N36 was redelivered; NX21 was superseded by a later event of its invoice; NX22 was discarded with
    approval; NX23 is dead, but people did by hand what it should have brought about; NX24 comes from a test
    environment.
    """
    firm, rng = world.firm, world.rng("events")
    invoices = [
        row
        for row in firm.invoices
        if row.doc_type == "STANDARD" and row.posted_at.date() >= firm.start + 20 * DAY
    ]
    # what is told of an invoice within a day must not straddle a load
    calm = [row for row in invoices if _load_after(row.posted_at) == _load_after(row.posted_at + 2 * DAY)]
    # several of each, since a fault may take one of them out of the firm
    chosen = [row.invoice_id for row in rng.sample(calm, 8)]
    for place, case in enumerate(("N36", "NX21", "NX22", "NX24")):
        firm.look_alikes.append(LookAlike(case, {"invoice": chosen[2 * place : 2 * place + 2]}))
    firm.look_alikes.append(LookAlike("NX23", {"opportunity": [_done_by_hand(firm)]}))


def _done_by_hand(firm: Firm) -> str:
    """A deal whose contract and project were there by the first load after it was won."""
    projects = {row.deal.opp_id: row for row in firm.projects if row.deal is not None}
    for contract in firm.contracts:
        deal = contract.deal
        project = projects.get(deal.opp_id) if deal is not None else None
        if deal is None or deal.won_at is None or deal.opp_type != "New Business" or project is None:
            continue
        moments = [deal.won_at, contract.created_at, contract.statuses[0][0], project.created_at]
        first = contract.statuses[0][1]
        if first == "ACTIVE" and len({_load_after(at) for at in moments}) == 1:
            return deal.opp_id
    raise ValueError("look-alike NX23 did not come about: no deal is mobilised between two loads")


def _load_after(at: datetime) -> tuple[int, int]:
    return (at - _TO_LOAD).year, (at - _TO_LOAD).month


def tell_events(world: World) -> None:
    """Write the bus's log of the finished firm into it, oldest event first."""
    firm = world.firm
    lost = {mark.fault_id: mark.objects for mark in firm.fault_marks}
    cases = {
        case.case_id: {key for keys in case.objects.values() for key in keys} for case in firm.look_alikes
    }
    found = []
    for event in _raised(firm):
        rng = random.Random(f"{firm.seed}|{firm.scale}|{world.house.key}events|{event.event_id}")
        event.reports = _healthy(event, rng)
        _strike(event, lost)
        found += _look_alike(event, cases, rng)
    firm.events = sorted(found, key=lambda event: (event.created_at, event.event_id))


def _raised(firm: Firm) -> Iterator[BusinessEvent]:
    for deal in firm.deals:
        if deal.won_at is not None:
            yield _event("opportunity.won", "opportunity", deal.opp_id, deal.won_at, deal.opp_id)
    for contract in firm.contracts:
        opp = contract.deal.opp_id if contract.deal is not None else contract.so_id
        yield _event("contract.created", "contract", contract.so_id, contract.created_at, opp)
    for project in firm.projects:
        if not project.is_template and project.is_billable:
            opp = project.deal.opp_id if project.deal is not None else project.project_id
            yield _event("project.created", "project", project.project_id, project.created_at, opp)
    for (project_id, monday), at in sorted(_approved_weeks(firm).items()):
        key = f"{project_id}|{monday.isoformat()}"
        yield _event("time.approved", "project_week", key, at, project_id)
    for milestone in firm.milestones:
        if milestone.accepted_at is not None:
            key = milestone.milestone_id
            yield _event("milestone.accepted", "milestone", key, milestone.accepted_at, key)
    for invoice in firm.invoices:
        yield _event("invoice.posted", "invoice", invoice.invoice_id, invoice.posted_at, _case_of(invoice))


def _case_of(invoice: Invoice) -> str:
    return invoice.contract.deal.opp_id if invoice.contract.deal is not None else invoice.contract.so_id


def _approved_weeks(firm: Firm) -> dict[tuple[str, date], datetime]:
    """When the last card of each project's week was approved, for work that is billed by the piece."""
    weeks: dict[tuple[str, date], datetime] = {}
    for card in firm.timecards:
        project = card.assignment.project
        if card.approved_at is None or not card.assignment.billable:
            continue
        if project.line is None or project.line.method not in _TRANSFERRED:
            continue
        key = (project.project_id, card.week_start)
        weeks[key] = max(weeks.get(key, card.approved_at), card.approved_at)
    return weeks


def _event(kind: str, entity: str, key: str, at: datetime, case: str, number: int = 1) -> BusinessEvent:
    told = hashlib.sha256(f"{kind}|{key}|{number}".encode()).hexdigest()[:16]
    return BusinessEvent(f"evt-{told}", kind, entity, key, case, TARGETS[kind], at, [])


def _healthy(event: BusinessEvent, rng: random.Random) -> list[Report]:
    """Applied in time, now and then after a try or two that failed."""
    at = event.created_at
    allowed = timedelta(hours=HOURS[event.event_type]) * 6 / 10
    done = at + timedelta(seconds=int(rng.uniform(0.2, 1.0) * allowed.total_seconds()))
    reports = [Report(at, "CREATED", 0), Report(at + timedelta(seconds=rng.randrange(2, 9)), "IN_FLIGHT", 1)]
    failures = rng.choices((0, 1, 2), (90, 7, 3))[0]
    step = (done - reports[-1].at) / (2 * failures + 1)
    for number in range(1, failures + 1):
        failed = reports[-1].at + step
        reports.append(Report(failed, "RETRYING", number, *TIMEOUT))
        reports.append(Report(failed + step, "IN_FLIGHT", number + 1))
    return [*reports, Report(done, "APPLIED", failures + 1)]


def _given_up(event: BusinessEvent, error_class: str, last_error: str) -> list[Report]:
    """Tried to the end of the back-off, then dead-lettered."""
    at = event.created_at
    reports = [Report(at, "CREATED", 0), Report(at + timedelta(seconds=3), "IN_FLIGHT", 1)]
    at += timedelta(seconds=5)
    for number, wait in enumerate(BACK_OFF, start=1):
        reports.append(Report(at, "RETRYING", number, error_class, last_error))
        reports.append(Report(at + wait, "IN_FLIGHT", number + 1))
        at += wait + timedelta(seconds=2)
    return [*reports, Report(at, "DEAD_LETTERED", len(BACK_OFF) + 1, error_class, last_error)]


def _strike(event: BusinessEvent, lost: dict[str, dict[str, list[str]]]) -> None:
    """What the firm's faults did to the delivery of this event."""
    key = event.entity_key
    if event.event_type == "opportunity.won" and key in lost.get("F01", {}).get("opportunity", ()):
        event.reports = _given_up(
            event,
            "CUSTOMER_NOT_VALIDATED",
            "handoff rejected: G2 customer not released in the ERP for this entity",
        )
    elif event.event_type == "time.approved" and key in lost.get("F26", {}).get("project_week", ()):
        event.reports = _given_up(event, "MAPPING_MISSING", "422: unknown activity code")
    elif event.event_type == "invoice.posted" and key in lost.get("FX21", {}).get("invoice", ()):
        last = event.created_at + timedelta(minutes=11)
        event.reports = [*event.reports[:2], Report(last, "RETRYING", 1, *TIMEOUT)]
    elif event.event_type == "invoice.posted" and key in lost.get("FX22", {}).get("invoice", ()):
        event.reports = _given_up(event, "MAPPING_MISSING", "422: no billing event of that number")
        event.reports.append(_after(event, timedelta(hours=20), "DISCARDED"))


def _after(event: BusinessEvent, wait: timedelta, status: str, approval_id: str | None = None) -> Report:
    last = event.reports[-1]
    return replace(last, at=last.at + wait, status=status, approval_id=approval_id)


def _look_alike(event: BusinessEvent, cases: dict[str, set[str]], rng: random.Random) -> list[BusinessEvent]:
    """The event as the look-alikes have it, and the others that come with it."""
    kind, key = event.event_type, event.entity_key
    if kind == "opportunity.won" and key in cases.get("NX23", ()):
        event.reports = _given_up(event, *TIMEOUT)
    if kind != "invoice.posted":
        return [event]
    if key in cases.get("N36", ()):
        event.is_repeated = True
        event.reports += [
            _after(event, timedelta(hours=3), "REPLAYED"),
            _after(event, timedelta(hours=3, minutes=1), "APPLIED"),
        ]
    elif key in cases.get("NX21", ()):
        later = _event(kind, event.entity_type, key, event.created_at + DAY, event.correlation_id, 2)
        later.reports = _healthy(later, rng)
        event.reports = _given_up(event, *TIMEOUT)
        event.reports.append(replace(event.reports[-1], at=later.reports[-1].at, status="SUPERSEDED"))
        return [event, later]
    elif key in cases.get("NX22", ()):
        event.reports = _given_up(event, "MAPPING_MISSING", "422: no billing event of that number")
        event.reports.append(_after(event, timedelta(hours=2), "DISCARDED", "CHG-20417"))
    elif key in cases.get("NX24", ()):
        trial = _event(kind, event.entity_type, key, event.created_at, event.correlation_id, 9)
        trial.is_test, trial.reports = True, _given_up(trial, *TIMEOUT)
        return [event, trial]
    return [event]
