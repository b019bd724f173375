"""The integration bus: pushes its delivery log as CloudEvents to an inbox, up to the sandbox clock.

`POST /_sandbox/deliver {"to": URL}` sends what has happened since the last time, in signed batches: in some
disorder, some of it twice, the first two events alone in structured and in binary mode. What is not answered
with 2xx is sent again, with growing waits, and in the end left for the next call. How far it came stands in
DIR/bus.json, so that a bus that is started again goes on there.
"""

from __future__ import annotations

import hmac
import json
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.emission.events import LOG, STORE
from sandbox.emulators.plumbing import Emulator, Exchange
from throughline.clock import parse_instant
from throughline.files import read_json, write_json

BATCH = 100
ATTEMPTS = 5
# one event in so many is sent again with the next batch, as at-least-once delivery does
TWICE_IN = 9
REPLAYED = timedelta(days=3)


class Bus(Emulator):
    """The bus of one sandbox. Needs the receiver's secret in the sandbox's credentials."""

    vendor: ClassVar[str] = STORE

    def __init__(
        self,
        root: Path,
        credentials: Mapping[str, Any],
        settings: Mapping[str, Any] | None = None,
        store: str | None = None,
    ) -> None:
        super().__init__(root, credentials, settings, store)
        path = root / "stores" / self.name / LOG
        self._log = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        self._state = root / "bus.json"

    def routes(self) -> list[Route]:
        """Only the sandbox's own: nobody asks a bus."""
        return [Route("/_sandbox/deliver", self.endpoint(self._deliver), methods=["POST"])]

    def failure(self, kind: str) -> Response:
        """Faults strike what is pushed, never an answer."""
        return JSONResponse({"fault": kind}, 500)

    def reset(self) -> None:
        """Begin again with the first event."""
        super().reset()
        self._state.unlink(missing_ok=True)

    def _deliver(self, exchange: Exchange) -> Response:
        to = str((exchange.json() or {}).get("to") or "")
        if not to:
            return JSONResponse({"error": 'say where to: {"to": URL}'}, 400)
        now = self.store.now
        begin = int((read_json(self._state) or {}).get("delivered", 0))
        end = sum(parse_instant(line["at"]).replace(tzinfo=None) <= now for line in self._log)
        sent = 0
        with httpx.Client(timeout=30) as client:
            again: list[dict[str, Any]] = []
            for first in range(begin, end, BATCH):
                batch = self._log[first : min(first + BATCH, end)]
                wanted = self._bent(exchange, [line["event"] for line in batch])
                rng = random.Random(f"bus {first}")
                rng.shuffle(wanted)
                if not self._push(client, to, exchange, [*again, *wanted], first == 0):
                    exchange.note.update(sent=sent, failed=True)
                    return JSONResponse({"delivered": first, "error": "the inbox did not take it"}, 502)
                sent += len(wanted)
                again = [event for event in wanted if rng.randrange(TWICE_IN) == 0]
                again += [line["event"] for line in batch if line["twice"]]
                write_json(self._state, {"delivered": first + len(batch)})
            if again and not self._push(client, to, exchange, again, False):
                return JSONResponse({"delivered": end, "error": "the inbox did not take it"}, 502)
            if self.faults.take("replay", exchange.path, None) is not None:
                self._replay(client, to, exchange, end)
        exchange.note.update(sent=sent)
        return JSONResponse({"delivered": end, "sent": sent})

    def _bent(self, exchange: Exchange, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A batch as the fault profile leaves it."""
        gap = self.faults.take("gap", exchange.path, None)
        if gap is not None:
            exchange.note["bent"] = "gap"
            events = events[int(gap.params.get("events", 1)) :]
        if self.faults.take("unknown_type", exchange.path, None) is not None and events:
            exchange.note["bent"] = "unknown_type"
            stranger = {
                **events[0],
                "id": f"{events[0]['id']}.stranger",
                "type": "com.example.never.heard.of",
            }
            events = [*events, stranger]
        return events

    def _replay(self, client: httpx.Client, to: str, exchange: Exchange, end: int) -> None:
        """What was sent three days before, byte for byte with the signature of then."""
        then = self.store.now - REPLAYED
        old = [
            line["event"]
            for line in self._log[:end]
            if parse_instant(line["at"]).replace(tzinfo=None) <= then
        ][-BATCH:]
        if old:
            self._send(client, to, old, "batch", stamp=int(_utc(then)))

    def _push(
        self, client: httpx.Client, to: str, exchange: Exchange, events: list[dict[str, Any]], is_first: bool
    ) -> bool:
        """Send events until they are taken, at most so often. Whether they were."""
        if is_first:
            singles, events = events[:2], events[2:]
            for event, mode in zip(singles, ("structured", "binary"), strict=False):
                if not self._until_taken(client, to, exchange, [event], mode):
                    return False
        return not events or self._until_taken(client, to, exchange, events, "batch")

    def _until_taken(
        self, client: httpx.Client, to: str, exchange: Exchange, events: list[dict[str, Any]], mode: str
    ) -> bool:
        if self.faults.take("bad_signature", exchange.path, None) is not None:
            exchange.note["bent"] = "bad_signature"
            self._send(client, to, events[:1], mode if mode != "batch" else "structured", secret="another")
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(0.05 * 2**attempt)
            if self._send(client, to, events, mode):
                return True
        return False

    def _send(
        self,
        client: httpx.Client,
        to: str,
        events: list[dict[str, Any]],
        mode: str,
        *,
        secret: str | None = None,
        stamp: int | None = None,
    ) -> bool:
        headers, body = _request(events, mode)
        at = int(_utc(self.store.now)) if stamp is None else stamp
        known = secret or str(self.credentials[STORE]["secret"])
        signed = _signature(known, at, headers, body)
        try:
            answer = client.post(
                to,
                content=body,
                headers={**headers, "throughline-timestamp": str(at), "throughline-signature": signed},
            )
        except httpx.HTTPError:
            return False
        return answer.is_success


def _request(events: list[dict[str, Any]], mode: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of a request in one of the three modes."""
    if mode == "batch":
        return {"content-type": "application/cloudevents-batch+json"}, json.dumps(events).encode()
    [event] = events
    if mode == "structured":
        return {"content-type": "application/cloudevents+json"}, json.dumps(event).encode()
    told = {
        f"ce-{name}": quote(str(value), safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~")
        for name, value in event.items()
        if name not in ("data", "datacontenttype")
    }
    return {**told, "content-type": event["datacontenttype"]}, json.dumps(event["data"]).encode()


def _signature(secret: str, stamp: int, headers: Mapping[str, str], body: bytes) -> str:
    """Written from the description of the signature, not with the receiver's own function."""
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("ce-"))
    message = f"{stamp}.{lines}".encode() + body
    return "v1=" + hmac.new(secret.encode(), message, "sha256").hexdigest()


def _utc(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()
