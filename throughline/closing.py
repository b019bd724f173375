"""Closing periods: what was decided, what may be decided, and what a close keeps of what it closed.

A close is an instant on the knowledge clock: the `known_at` of the published run that was closed. What that
run said of the period goes into the event itself, with its SHA-256; so a close is there with its proof or not
at all. Areas are closed apart: AR and AP may be on days of their own, GL is everything else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from throughline import clock
from throughline.errors import error
from throughline.state import Event

AREAS = ("GL", "AR", "AP")
ALL = "ALL"
OPEN, SOFT, HARD, REOPENED = "OPEN", "SOFT_CLOSED", "HARD_CLOSED", "REOPENED"
# what may be closed softly, closed hard, reopened
BEFORE = {"SOFT": (OPEN, REOPENED), "HARD": (SOFT,), "REOPEN": (SOFT, HARD)}
AFTER = {"SOFT": SOFT, "HARD": HARD, "REOPEN": REOPENED}
REASON_LENGTH = 20
# reconciliation.close_content, without what the event says itself
CONTENT = (
    "movement_type", "is_increase", "currency_code", "functional_currency", "amount_tc", "amount_fc",
    "amount_rc", "hours", "rows_standing",
)  # fmt: skip
_AMOUNTS = ("amount_tc", "amount_fc", "amount_rc", "hours")

Key = tuple[str, str, str]  # legal entity, period, area
Content = tuple[Any, ...]


@dataclass(frozen=True)
class Decision:
    """A close (SOFT, HARD) or a reopening (REOPEN) of one area of a legal entity's period.

    `known_at` is what was closed: None for a reopening. `content` has the columns CONTENT, money as Decimal.
    """

    event_id: int
    legal_entity_id: str
    period: str
    area: str
    close_type: str
    known_at: datetime | None
    at: datetime
    actor: str
    run_id: str | None = None
    content_sha256: str | None = None
    approver: str | None = None
    reason: str | None = None
    content: tuple[Content, ...] = ()


def as_text(rows: Iterable[Content]) -> list[list[Any]]:
    """Content as JSON holds it: amounts as text, rows in one order whatever order they came in."""
    told = [[str(value) if isinstance(value, Decimal) else value for value in row] for row in rows]
    return sorted(told, key=json.dumps)


def sha256(rows: Sequence[Sequence[Any]]) -> str:
    """The SHA-256 of content in the form of `as_text`: one JSON list per row and line, UTF-8, no spaces."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


def _content(event: Event) -> tuple[Content, ...]:
    """What a close stored. Raises E-CLS-006 when it is not what its hash says."""
    said = event.payload
    rows = said.get("content") or []
    if "content_sha256" in said and sha256(rows) != said["content_sha256"]:
        raise error("E-CLS-006", event=event.event_id, closed=event.object_id)
    places = [CONTENT.index(name) for name in _AMOUNTS]
    return tuple(
        tuple(Decimal(value) if place in places else value for place, value in enumerate(row)) for row in rows
    )


def decisions(events: Iterable[Event]) -> list[Decision]:
    """Closes and reopenings among events of any kind, as they happened.

    Raises E-CLS-006 when somebody changed what one of them stored.
    """
    found = []
    for event in events:
        if event.kind not in ("close", "reopen"):
            continue
        said = event.payload
        known = said.get("known_at")
        is_close = event.kind == "close"
        found.append(
            Decision(
                event_id=event.event_id,
                legal_entity_id=str(said["legal_entity_id"]),
                period=str(said["period"]),
                area=str(said.get("area", ALL)),
                close_type=str(said.get("close_type", "SOFT")) if is_close else "REOPEN",
                known_at=(clock.parse_instant(known) if known else event.at) if is_close else None,
                at=event.at,
                actor=event.actor,
                run_id=said.get("run_id"),
                content_sha256=said.get("content_sha256"),
                approver=said.get("approver"),
                reason=said.get("reason"),
                content=_content(event) if is_close else (),
            )
        )
    return found


def states(published: dict[Key, str], decided: Iterable[Decision]) -> dict[Key, str]:
    """Where each area of each period stands: as published, and over it what people decided, in order."""
    found = dict(published)
    for one in decided:
        for area in AREAS if one.area == ALL else (one.area,):
            found[one.legal_entity_id, one.period, area] = AFTER[one.close_type]
    return found


def last_day(period: str) -> date:
    """The last day of a month YYYY-MM. Raises E-RUN-001 (exit 64) when it is none."""
    try:
        first = date.fromisoformat(f"{period}-01")
    except ValueError:
        raise error("E-RUN-001", detail=f"{period!r} is not a month like 2026-05") from None
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def areas_to_close(
    standing: dict[Key, str], entity: str, code: str, period: str, asked: str, close_type: str
) -> list[str]:
    """The areas of a period that a decision changes. All that are asked for must be able to; of ALL, those
    that are there already stay as they are.

    Raises E-CLS-003 when none is in a state from which the decision leads on, E-CLS-004 when a close would
    leave an open period between closed ones.
    """
    wanted = AREAS if asked == ALL else (asked,)
    state = {area: standing.get((entity, period, area), OPEN) for area in wanted}
    able = [area for area in wanted if state[area] in BEFORE[close_type]]
    stuck = [area for area in wanted if area not in able and state[area] not in _beyond(close_type)]
    if not able or stuck:
        told = ", ".join(f"{area} {state[area]}" for area in wanted)
        leads = " or ".join(BEFORE[close_type])
        raise error(
            "E-CLS-003", entity=code, period=period, states=told, wanted=leads, verb=close_type.lower()
        )
    if close_type != "REOPEN":
        for area in able:
            _no_gap(standing, entity, code, period, area)
    return able


def _beyond(close_type: str) -> tuple[str, ...]:
    """States in which nothing is left to do for a decision about all areas."""
    return {"SOFT": (SOFT, HARD), "HARD": (HARD,), "REOPEN": (OPEN, REOPENED)}[close_type]


def _no_gap(standing: dict[Key, str], entity: str, code: str, period: str, area: str) -> None:
    months = sorted(
        (month, state)
        for (whose, month, what), state in standing.items()
        if whose == entity and what == area and month < period
    )
    closed = [month for month, state in months if state in (SOFT, HARD)]
    gaps = [month for month, state in months if closed and month > closed[0] and state in (OPEN, REOPENED)]
    if gaps:
        raise error("E-CLS-004", entity=code, period=period, area=area, gap=", ".join(gaps))
