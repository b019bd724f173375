"""What the integration bus remembers of each business event it carried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Report:
    """One line of the delivery log: how the delivery stood from ``at`` on."""

    at: datetime
    status: str
    attempts: int
    error_class: str | None = None
    last_error: str | None = None
    approval_id: str | None = None


@dataclass(slots=True)
class BusinessEvent:
    """An event and its deliveries. ``entity_key`` is the native id of what moves, of a project_week the
    project's and its Monday. ``is_test``: from the bus's test environment. ``is_repeated``: the bus pushes
    everything about it twice."""

    event_id: str
    event_type: str
    entity_type: str
    entity_key: str
    correlation_id: str
    target: str
    created_at: datetime
    reports: list[Report]
    is_test: bool = False
    is_repeated: bool = False
