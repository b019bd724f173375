"""What the handoff's examples add to the golden firm: business events whose delivery failed."""

from __future__ import annotations

from tests.dbt.ledger_support import Firm, instant

FIRST = "2025-01-02"
# event -> its reports, as time and state
EVENTS: dict[str, tuple[tuple[str, str], ...]] = {
    # failed twice, and three and a half hours after the first failure it was there
    "e1": (
        ("2026-04-14T09:58", "CREATED"),
        ("2026-04-14T10:00", "RETRYING"),
        ("2026-04-14T12:00", "RETRYING"),
        ("2026-04-14T13:30", "APPLIED"),
    ),
    # given up, sent again, and there after an hour
    "e2": (
        ("2026-04-15T10:00", "DEAD_LETTERED"),
        ("2026-04-15T10:40", "REPLAYED"),
        ("2026-04-15T11:00", "APPLIED"),
    ),
    # still waits; made good by a later one; never failed
    "e3": (("2026-04-30T20:30", "RETRYING"), ("2026-04-30T21:30", "DEAD_LETTERED")),
    "e4": (("2026-04-16T10:00", "RETRYING"), ("2026-04-17T10:00", "SUPERSEDED")),
    "e5": (("2026-04-16T10:00", "CREATED"), ("2026-04-16T10:01", "APPLIED")),
}


def add(told: Firm) -> None:
    """The reports of these events."""
    for event, reports in EVENTS.items():
        for number, (at, status) in enumerate(reports):
            told.add(
                "integration_event", f"events:main:{event}r{number}", FIRST, backfill=True,
                business_event_id=f"events:main:{event}", business_event_type="invoice.posted",
                event_time=instant(at), status=status, attempts=number, entity_type="invoice",
                entity_key="netsuite:main:i1", target="PSA",
            )  # fmt: skip
