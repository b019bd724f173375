"""INT-001 from the bus's own memory: whose delivery is dead or late at an instant, and what it holds up."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.firm.event_state import BusinessEvent, Report
from sandbox.firm.state import Deal
from sandbox.oracle.money import ZERO
from sandbox.oracle.view import TimeEntry, View, certinia

# hours to APPLIED by kind of event (domain rules, integration event machine)
ALLOWED = {
    "opportunity.won": 1,
    "contract.created": 4,
    "project.created": 4,
    "time.approved": 24,
    "milestone.accepted": 4,
    "invoice.posted": 4,
}
GRAVE = ("opportunity.won", "invoice.posted")


@dataclass(frozen=True, slots=True)
class Blocked:
    """An event that holds something up."""

    grain_key: str
    due: date
    amount: Decimal
    currency: str
    entity: str
    floor: str
    objects: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Moved:
    """What an event moves: worth, whose it is, and whether its target shows it already."""

    amount: Decimal
    currency: str
    entity: str
    is_there: bool
    objects: frozenset[str]


def blocked_events(
    view: View, is_mobilised: Callable[[Deal], bool], transferred: Container[str]
) -> tuple[list[Blocked], int]:
    """The events that hold something up at the view's instant, and how many others the bus has told of.

    `transferred` are the canonical keys of the sources that the ERP has as billing items.
    """
    found, passes = [], 0
    things = _Things(view, is_mobilised, transferred)
    for event in view.firm.events:
        reports = [report for report in event.reports if report.at <= view.at]
        if event.is_test or not reports:
            continue
        last = max(reports, key=lambda report: report.at)
        broken_at = _broken_at(event, last, view.at)
        moved = things.moved(event) if broken_at is not None else None
        if broken_at is None or moved is None or moved.is_there:
            passes += 1
            continue
        is_dead = last.status in ("DEAD_LETTERED", "DISCARDED")
        found.append(
            Blocked(
                grain_key=f"events:main:{event.event_id}",
                due=broken_at.date(),
                amount=moved.amount,
                currency=moved.currency,
                entity=moved.entity,
                floor="S2" if is_dead and event.event_type in GRAVE else "S3",
                objects=moved.objects | {event.entity_key},
            )
        )
    return found, passes


def _broken_at(event: BusinessEvent, last: Report, at: datetime) -> datetime | None:
    """Since when the event is dead or late; None while it is neither."""
    if last.status == "DEAD_LETTERED" or (last.status == "DISCARDED" and not last.approval_id):
        return last.at
    if last.status not in ("CREATED", "IN_FLIGHT", "RETRYING", "REPLAYED"):
        return None
    since = last.at if last.status == "REPLAYED" else event.created_at
    late = since + timedelta(hours=ALLOWED[event.event_type])
    return late if at > late else None


class _Things:
    def __init__(self, view: View, is_mobilised: Callable[[Deal], bool], transferred: Container[str]) -> None:
        self._view = view
        self._is_mobilised = is_mobilised
        self._transferred = transferred

    def moved(self, event: BusinessEvent) -> _Moved:
        """What `event` moves, as the systems show it. Raises StopIteration for what they do not hold."""
        key, view = event.entity_key, self._view
        if event.entity_type == "opportunity":
            deal = next(row for row in view.deals if row.opp_id == key)
            amount = min(deal.services_amount, deal.first_30_days_revenue)
            return _Moved(amount, deal.currency, deal.entity, self._is_mobilised(deal), frozenset({key}))
        if event.entity_type == "contract":
            contract = next(row for row in view.contracts if row.so_id == key)
            amount = sum((line.original_value for line in contract.lines), ZERO)
            return _Moved(amount, contract.currency, contract.entity, False, frozenset({key}))
        if event.entity_type == "project":
            project = next(row for row in view.projects if row.project_id == key)
            line = view.line_of(project)
            entity = view.contract_of_line[line.line_key].entity if line is not None else project.entity
            budget = project.budget_revenue
            for at, changed, _, _ in project.budget_changes:
                budget = changed if at <= view.at else budget
            return _Moved(budget, project.currency, entity, False, frozenset({key}))
        if event.entity_type == "project_week":
            return self._week(key)
        if event.entity_type == "milestone":
            milestone = next(row for row in view.firm.milestones if row.milestone_id == key)
            line = milestone.line
            entity = view.contract_of_line[line.line_key].entity
            there = certinia(key) in self._transferred
            return _Moved(milestone.amount, milestone.project.currency, entity, there, frozenset({key}))
        invoice = next(row for row in view.firm.invoices if row.invoice_id == key)
        return _Moved(invoice.gross, invoice.currency, invoice.entity, False, frozenset({key}))

    def _week(self, key: str) -> _Moved:
        project_id, _, monday = key.partition("|")
        first = date.fromisoformat(monday)
        entries = [
            entry
            for entry in self._view.entries
            if entry.project.project_id == project_id
            and entry.billable
            and entry.status == "approved"
            and first <= entry.work_date <= first + timedelta(days=6)
        ]
        waiting = [entry for entry in entries if entry.key not in self._transferred]
        project = entries[0].project
        line = self._view.line_of(project)
        entity = self._view.contract_of_line[line.line_key].entity if line is not None else project.entity
        amount = sum((entry.amount for entry in waiting), ZERO)
        objects = frozenset({project_id, *(_native(entry) for entry in entries)})
        return _Moved(amount, project.currency, entity, not waiting, objects)


def _native(entry: TimeEntry) -> str:
    return entry.key.rsplit(":", 1)[-1]
