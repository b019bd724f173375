"""People's input: one append-only log of events in SQLite.

Comments, assignments, acknowledgements, waivers, sign-offs, closes, saved views and exports are events; what
stands now is what the events add up to. Nothing is updated and nothing is deleted. The file is in WAL mode:
any number of readers (the dashboard's sessions) beside one writer at a time, who waits ten seconds at most.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from throughline import clock
from throughline.errors import error
from throughline.home import Home

KINDS = (
    "comment",  # {"text"}
    "assignment",  # {"owner", "due"?}
    "state",  # {"state", "reason"?}: a step of the exception's states
    "acknowledgement",  # {"reason", "until"}
    "waiver",  # {"reason", "reason_code", "valid_from", "valid_to", "amount_cap"?, "currency"?, "approver"?}
    "waiver_revoked",  # {"reason"}
    "signoff",  # {"scope", "run_id", "hash", ...}
    "signoff_void",  # {"reason"}
    # {"legal_entity_id", "period", "area", "close_type", "known_at", "run_id", "content", "content_sha256"}
    "close",
    "reopen",  # {"legal_entity_id", "period", "area", "reason", "approver"}
    "saved_view",  # {"name", "query", "shared"}; {"deleted": true} takes it away
    "export",  # {"file", "hash", "rows", "run_id", "filters"}
    "publication",  # {"action": "publish|rollback|pin|unpin", "from"?}
)

SCHEMA = """
create table if not exists event (
    event_id integer primary key autoincrement,
    kind text not null,
    object_id text not null,
    actor text not null,
    at text not null,
    payload text not null
);
create index if not exists event_object on event (kind, object_id, event_id);
create trigger if not exists event_is_final before update on event
begin select raise(abort, 'events are append-only'); end;
create trigger if not exists event_stays before delete on event
begin select raise(abort, 'events are append-only'); end;
"""


@dataclass(frozen=True)
class Event:
    """One thing somebody did. `event_id` grows with time within a home."""

    event_id: int
    kind: str
    object_id: str
    actor: str
    at: datetime
    payload: dict[str, Any]


def reached(point: str) -> None:
    """Called after every event of several that are recorded as one; tests replace it to stop there."""


@contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.executescript(SCHEMA)
        yield connection
    finally:
        connection.close()


class Store:
    """The event log of one home."""

    def __init__(self, home: Home) -> None:
        self.path = home.state

    def append(self, kind: str, object_id: str, actor: str, payload: dict[str, Any]) -> Event:
        """Record one event at the clock's present instant and return it.

        `payload` must be JSON; money in it is text. Raises E-STA-001 for an unknown kind or an empty actor.
        """
        return self.append_all(actor, [(kind, object_id, payload)])[0]

    def append_all(self, actor: str, told: Sequence[tuple[str, str, dict[str, Any]]]) -> list[Event]:
        """Record several events (kind, object_id, payload) of one actor at one instant: all of them or none.

        Raises E-STA-001 as `append` does, before anything is recorded.
        """
        for kind, object_id, _ in told:
            if kind not in KINDS or not actor.strip() or not object_id.strip():
                raise error("E-STA-001", kind=kind, object_id=object_id, actor=actor)
        at = clock.now()
        recorded: list[Event] = []
        with _connect(self.path) as connection:
            connection.execute("begin immediate")
            for kind, object_id, payload in told:
                text = json.dumps(payload, sort_keys=True)
                number = connection.execute(
                    "insert into event (kind, object_id, actor, at, payload) values (?, ?, ?, ?, ?)",
                    (kind, object_id, actor, clock.iso(at), text),
                ).lastrowid
                assert number is not None
                recorded.append(Event(number, kind, object_id, actor, at, json.loads(text)))
                reached(f"recorded {len(recorded)}")
            connection.execute("commit")
        return recorded

    def read(
        self, kind: str | None = None, object_id: str | None = None, *, until: datetime | None = None
    ) -> list[Event]:
        """Events as they happened, of one kind, of one object, up to `until`, as far as given."""
        if not self.path.exists():
            return []
        with _connect(self.path) as connection:
            rows = connection.execute(
                "select event_id, kind, object_id, actor, at, payload from event"
                " where (?1 is null or kind = ?1) and (?2 is null or object_id = ?2) order by event_id",
                (kind, object_id),
            ).fetchall()
        events = [
            Event(number, what, which, who, clock.parse_instant(at), json.loads(payload))
            for number, what, which, who, at, payload in rows
        ]
        return [event for event in events if until is None or event.at <= until]

    def latest(self, kind: str) -> dict[str, Event]:
        """The last event of `kind` per object."""
        return {event.object_id: event for event in self.read(kind)}


def append(home: Home, kind: str, object_id: str, actor: str, payload: dict[str, Any]) -> Event:
    """`Store(home).append(...)`, for callers with one thing to say."""
    return Store(home).append(kind, object_id, actor, payload)


def read(home: Home, kind: str | None = None, object_id: str | None = None) -> list[Event]:
    """`Store(home).read(...)`, for callers with one thing to ask."""
    return Store(home).read(kind, object_id)
