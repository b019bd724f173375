"""The inbox with senders of its own, in a vendor's place: events are signed, received and spooled as ever."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from pipelines.conform.vendor import DRIFT_CODES, Drift, Report, Trouble
from pipelines.inbox.journal import Journal
from pipelines.inbox.service import Inbox, Settings
from pipelines.inbox.signature import sign
from pipelines.manifest import Resource

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
SIGNED_WITH = "what-the-senders-sign-with"
# two senders that number alike: only both parts of the key together name an event
SENDERS, NUMBERS = ("/crm", "/psa"), 7
SUBJECT = {"resource": "event", "text": "payload", "needed": "signature_ok", "number": "position"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
EXEMPT = {
    "change_once": "an event was received or was not; none is edited afterwards",
    "late_row": "the cursor is the time of reception, which no event is late by",
    "page_boundary": "a spool has no pages",
    "deletes": "what was received was received; nothing takes it back",
    "resume": "nothing is asked of anybody, so no answer breaks off; a line half written is not there yet",
    "drift_stops": "an event may lack what another has; CloudEvents fixes the rest",
    "new_column": "attributes beyond the named ones stay in the spool",
    "retries": "nothing is asked of anybody",
}


class SpooledEvents:
    """A spool of invented events, filled through the receiver itself; every landing finds all sent again."""

    remembers = False
    exempt: Mapping[str, str] = EXEMPT
    codes: Mapping[Drift, str] = DRIFT_CODES

    def __init__(self) -> None:
        self._held = tempfile.TemporaryDirectory(prefix="conform-inbox-")
        self.folder = Path(self._held.name)
        self._now = BEGIN
        self._journal = Journal(self.folder)
        self._journal.open()
        inbox = Inbox(self._journal, Settings(secrets=(SIGNED_WITH,)), lambda: self._now)
        self._transport = httpx.ASGITransport(app=inbox.app())
        self.events = [invented(sender, number) for number in range(NUMBERS) for sender in SENDERS]
        self._forged: set[str] = set()

    def begin(self) -> datetime:
        """A day in March, an hour after the first events were received."""
        self._now = BEGIN
        self._send(self.events)
        return BEGIN + timedelta(hours=1)

    def at(self, now: datetime) -> None:
        """Senders that had no answer have sent everything again, as they may."""
        self._now = now - timedelta(hours=1)
        self._send([one for one in self.events if key_of(one) not in self._forged])

    def settings(self) -> Mapping[str, Any]:
        """Where the spool lies."""
        return {"spool": str(self.folder)}

    def secrets(self) -> frozenset[str]:
        """What the senders sign with; landing never sees it, and the receiver must not tell."""
        return frozenset({SIGNED_WITH})

    def update(self, resource: Resource, key: str, at: datetime, fields: Mapping[str, Any]) -> None:
        """The event comes once more with other data; without `signature_ok` it is signed by a stranger."""
        [known] = [one for one in self.events if key_of(one) == key]
        self._now = at
        forged = "signature_ok" in fields and fields["signature_ok"] is None
        if forged:
            self._forged.add(key)
        self._send([{**known, "data": dict(fields)}], "a stranger's secret" if forged else SIGNED_WITH)

    def delete(self, resource: Resource, key: str, at: datetime) -> None:
        """Nothing takes an event back; a check that asks for it has to be exempt. Raises ValueError."""
        raise ValueError(f"{resource.name} {key} was received, and nothing takes it back")

    restore = purge = delete

    def trouble(self, kind: Trouble | None, *, times: int | None = None, after: int = 0) -> None:
        """Nothing is asked of anybody who could make any."""

    def drift(self, kind: Drift | None, resource: Resource, field: str = "") -> None:
        """Events have the shape that CloudEvents gives them."""

    def came(self, resource: Resource) -> int | None:
        """The events that were sent."""
        return len(self.events)

    def report(self, resource: Resource) -> Report | None:
        """As many as were invented."""
        return Report(len(self.events), None)

    def _send(self, events: Sequence[Mapping[str, Any]], secret: str = SIGNED_WITH) -> None:
        content = json.dumps(list(events)).encode()
        stamp = int(self._now.timestamp())
        headers = {
            **BATCH,
            "throughline-timestamp": str(stamp),
            "throughline-signature": sign(secret, stamp, list(BATCH.items()), content),
        }

        async def post() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://inbox") as client:
                return await client.post("/events", content=content, headers=headers)

        asyncio.run(post()).raise_for_status()


def invented(sender: str, number: int) -> dict[str, Any]:
    """An event; of each sender's last ones, a report of a delivery."""
    told = {"specversion": "1.0", "id": f"e{number}", "source": sender, "time": "2026-02-28T11:00:00Z"}
    if number < NUMBERS - 2:
        return {**told, "type": "timecard.approved", "data": {"record_id": f"a{number}", "名": "Ærø\n"}}
    data = {
        "event_id": f"evt-{number}",
        "event_type": "opportunity.won",
        "status": "CREATED",
        "created_at": "2026-02-28T10:00:00Z",
    }
    return {**told, "type": "integration.delivery.changed", "data": data}


def key_of(event: Mapping[str, Any]) -> str:
    """The record id that an event is landed under."""
    return f"{event['source']}|{event['id']}"
