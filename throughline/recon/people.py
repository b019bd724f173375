"""What people have said of each exception: their events folded into the words that stand now.

One fold for everybody: a build hands dbt the words known at its `known_at`, a report shows those known now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from throughline.state import Event

KINDS = ("comment", "assignment", "acknowledgement", "state")
# put to rest, until a later run of the control passes or finds the exception again
RESTING = ("RESOLVED_PENDING_VERIFY", "CLOSED", "WAIVED")
RESOLVED = ("RESOLVED_PENDING_VERIFY", "CLOSED")


@dataclass
class Said:
    """The words that stand on one exception. What nobody has said is None.

    `state` comes with `reason`, who (`actor`) and when (`at`); `due` is the day an assignment named;
    `until` ends an acknowledgement; `resolved_on` and `resolved_by` stand while the state is a resolved one.
    """

    state: str | None = None
    reason: str | None = None
    owner: str | None = None
    due: date | None = None
    until: date | None = None
    actor: str | None = None
    at: datetime | None = None
    comment: str | None = None
    comments: int = 0
    cause: str | None = None
    resolution: str | None = None
    resolved_on: date | None = None
    resolved_by: str | None = None

    def hear(self, event: Event) -> None:
        """Take one more event of this exception in; events come as they happened."""
        said = event.payload
        if event.kind == "comment":
            self.comments += 1
            self.comment = said.get("text")
            return
        if event.kind == "assignment":
            self.owner = said.get("owner")
            self.due = day(said.get("due"))
            ran_out = self.state == "ACKNOWLEDGED" and self.until is not None and self.until < event.at.date()
            # who is handed something that was at rest has it to do again; work in progress stays so
            if self.state is None or self.state in (*RESTING, "NEW", "REOPENED") or ran_out:
                self._becomes("ASSIGNED", None)
        elif event.kind == "acknowledgement":
            self._becomes("ACKNOWLEDGED", said.get("reason"))
            self.until = day(said.get("until"))
        else:
            self._becomes(said.get("state"), said.get("reason"))
            self.cause = said.get("root_cause_code") or self.cause
            self.resolution = said.get("resolution_code") or self.resolution
            if self.state in RESOLVED:
                self.resolved_on, self.resolved_by = event.at.date(), event.actor
        self.actor, self.at = event.actor, event.at

    def _becomes(self, state: str | None, reason: str | None) -> None:
        self.state, self.reason, self.until = state, reason, None
        self.resolved_on = self.resolved_by = None


def day(text: Any) -> date | None:
    """The day of an ISO date or instant; None without one."""
    return date.fromisoformat(str(text)[:10]) if text else None


def standing(events: Iterable[Event]) -> dict[str, Said]:
    """The words that stand per exception, out of events of any kind in the order they happened."""
    found: dict[str, Said] = {}
    for event in events:
        if event.kind in KINDS:
            found.setdefault(event.object_id, Said()).hear(event)
    return found


def standing_waivers(events: Iterable[Event]) -> dict[str, Event]:
    """The waiver that stands per exception; one that was revoked stands no longer."""
    found: dict[str, Event] = {}
    for event in events:
        if event.kind == "waiver":
            found[event.object_id] = event
        elif event.kind == "waiver_revoked":
            found.pop(event.object_id, None)
    return found


def status(row: Mapping[str, Any], said: Said | None, known_at: datetime) -> str:
    """The state to show for `row` of a run that knew until `known_at`.

    What people said after the run stands over what the run made of their earlier words; a waiver does not:
    it counts from the next run on, as the row's outcome then says.
    """
    computed = str(row["state"])
    if row["outcome"] == "WAIVED" or said is None or said.at is None or said.at <= known_at:
        return computed
    return computed if said.state is None or said.state == "WAIVED" else said.state
