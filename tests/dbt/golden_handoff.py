"""What the handoff's examples add to the golden firm: business events whose delivery failed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.dbt.golden_estimates import hours, line
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


PROJECT = [("2026-01-02", None, None)]


def add_posting(told: Firm) -> None:
    """Lines of practice REVP: months of work, and when their revenue was posted."""
    # January's on the third working day, February's on the ninth; March waits, and April has only just ended
    line(told, 1950, "TM", "9000", PROJECT, practice_code="REVP")
    for day, worth in (
        ("2026-01-20", "1000"),
        ("2026-02-20", "500"),
        ("2026-03-20", "700"),
        ("2026-04-20", "300"),
    ):
        hours(told, 1950, "10", worth, day)
    _posted(told, 1950, "1000", "2026-01", "2026-02-04")
    _posted(told, 1950, "500", "2026-02", "2026-03-12")
    # what came after for January changes nothing
    _posted(
        told, 1950, "50", "2026-01", "2026-03-12", entry_type="CATCH_UP", accounting_date=date(2026, 2, 28)
    )
    # within its month
    line(told, 1951, "RETAINER", "1200", [], practice_code="REVP")
    _posted(told, 1951, "100", "2026-01", "2026-01-15")
    # a cap of 100 that January reached: February has nothing left to post
    line(told, 1952, "TM_CAPPED", "100", PROJECT, practice_code="REVP", ceiling=Decimal(100))
    for day in ("2026-01-20", "2026-02-20"):
        hours(told, 1952, "1", "100", day)
    _posted(told, 1952, "100", "2026-01", "2026-02-04")


def _posted(told: Firm, number: int, amount: str, month: str, at: str, **values: object) -> None:
    first = date.fromisoformat(f"{month}-01")
    told.add(
        "revenue_entry", f"netsuite:main:r{number}-{month}-{len(values)}", FIRST, backfill=True,
        contract_line_id=f"netsuite:main:{number}", amount=Decimal(amount), currency_code="USD",
        posted_at=instant(f"{at}T12:00"), service_from=first, kind="recognised",
        **({"entry_type": "NORMAL", "accounting_date": first.replace(day=28)} | values),
    )  # fmt: skip


GB, CH = "netsuite:main:2", "netsuite:main:3"
# G-ROI-03: entity and practice -> working days from won deal to project, won in November and in March
SET_UP = {
    (GB, "ROIA"): ((6, 6, 8), (2, 3, 3)),
    (GB, "ROIB"): ((2,), (4, 4, 4)),
    (CH, "ROIA"): ((5, 5), (1,)),
}
WON = ("2025-11-10", "2026-03-02")
# the working days after those two days
MADE = {
    "2025-11-10": {2: "2025-11-12", 5: "2025-11-17", 6: "2025-11-18", 8: "2025-11-20"},
    "2026-03-02": {1: "2026-03-03", 2: "2026-03-04", 3: "2026-03-05", 4: "2026-03-06"},
}


def add_set_ups(told: Firm) -> None:
    """Won deals of two entities and two practices, and their projects."""
    for (entity, practice), windows in SET_UP.items():
        for won, taken in zip(WON, windows, strict=True):
            for place, days in enumerate(taken):
                key = f"{practice}{entity[-1]}{won[:4]}{place}"
                told.add(
                    "opportunity", f"salesforce:main:{key}", FIRST, backfill=True, currency_code="USD",
                    customer_id="salesforce:main:A9", services_amount=Decimal(1000), stage="CLOSED_WON",
                    is_closed=True, legal_entity_id=entity, practice_code=practice, region_code="EU",
                    planned_start=date(2026, 8, 3), opportunity_type="new", created_at=instant("2025-10-06"),
                )  # fmt: skip
                told.add(
                    "opportunity_stage_event", f"salesforce:main:{key}h", FIRST, backfill=True,
                    opportunity_id=f"salesforce:main:{key}", stage="CLOSED_WON",
                    changed_at=instant(f"{won}T10:00"),
                )  # fmt: skip
                told.add(
                    "project", f"certinia:main:{key}", FIRST, backfill=True, legal_entity_id=entity,
                    opportunity_id=f"salesforce:main:{key}", currency_code="USD", is_template=False,
                    status="OPEN", created_at=instant(f"{MADE[won][days]}T11:00"),
                )  # fmt: skip


def add(told: Firm) -> None:
    """The reports of these events, postings, and how long setting up took."""
    add_posting(told)
    add_set_ups(told)
    for event, reports in EVENTS.items():
        for number, (at, status) in enumerate(reports):
            told.add(
                "integration_event", f"events:main:{event}r{number}", FIRST, backfill=True,
                business_event_id=f"events:main:{event}", business_event_type="invoice.posted",
                event_time=instant(at), status=status, attempts=number, entity_type="invoice",
                entity_key="netsuite:main:i1", target="PSA",
            )  # fmt: skip
