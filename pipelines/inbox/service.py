"""The receiver: `POST /events`, answered once what came is on the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.inbox.cloudevents import BINARY, DATA, MOST_EVENTS, MalformedError, read
from pipelines.inbox.journal import Journal, as_json
from pipelines.inbox.signature import INVALID, NONE, Verdict, verify
from throughline import clock

LOG = logging.getLogger("throughline.pipelines.inbox")
MOST_BYTES = 1 << 20
WINDOW_SECONDS = 300


@dataclass(frozen=True)
class Settings:
    """How strict the receiver is. `secrets` are those in force; without `signed` unsigned requests count."""

    secrets: tuple[str, ...] = ()
    signed: bool = True
    window: int = WINDOW_SECONDS
    most_bytes: int = MOST_BYTES
    most_events: int = MOST_EVENTS


class Inbox:
    """One spool's receiver."""

    def __init__(self, journal: Journal, settings: Settings, now: Callable[[], datetime] = clock.now) -> None:
        self._journal = journal
        self._settings = settings
        self._now = now

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/events", self.receive, methods=["POST"]),
                Route("/health", self.health, methods=["GET"]),
            ]
        )

    async def health(self, _request: Request) -> Response:
        """Whether it is there, and how far it has received."""
        return JSONResponse({"status": "ok", "position": self._journal.position})

    async def receive(self, request: Request) -> Response:
        """One request: 202 when it is stored for good, else why not."""
        try:
            body = await self._body(request)
            headers = [(name.lower(), value) for name, value in request.headers.items()]
            verdict = verify(self._settings.secrets, headers, body, self._now(), self._settings.window)
            if verdict.signature == NONE and self._settings.signed:
                return _refusal(401, verdict.reason)
            delivery = read(headers, body, self._settings.most_events)
        except MalformedError as problem:
            return _refusal(problem.status, str(problem))
        except ClientDisconnect:
            return _refusal(400, "the request broke off")
        try:
            await run_in_threadpool(self._store, delivery.mode, delivery.events, verdict)
        except OSError as problem:
            LOG.error("nothing could be stored: %s", problem.strerror)
            return _refusal(503, "nothing can be stored at the moment; send it again")
        except RecursionError:
            return _refusal(400, "the data is nested too deeply")
        LOG.info("%d stored, %s, signature %s", len(delivery.events), delivery.mode, verdict.signature)
        return JSONResponse({"stored": len(delivery.events), "signature": verdict.signature}, 202)

    async def _body(self, request: Request) -> bytes:
        """The whole body. Raises MalformedError as soon as it is too large."""
        most = self._settings.most_bytes
        told = request.headers.get("content-length", "")
        parts: list[bytes] = []
        size = 0
        if not (told.isdigit() and int(told) > most):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    break
                parts.append(part)
            else:
                return b"".join(parts)
        raise MalformedError(f"a request may have {most} bytes; send smaller batches", 413)

    def _store(self, mode: str, events: tuple[dict[str, object], ...], verdict: Verdict) -> None:
        if not events:
            return
        told: dict[str, object] = {
            "mode": mode,
            "signature": verdict.signature,
            "counts": verdict.signature != INVALID,
        }
        if verdict.signature == INVALID:
            told["reason"] = verdict.reason
        self._journal.append([{**told, **_apart(event)} for event in events], self._now())


def _apart(event: Mapping[str, object]) -> dict[str, object]:
    """An event as its attributes, and its data as text, which nobody reads as numbers on the way."""
    kept = {name: value for name, value in event.items() if name not in (DATA, BINARY)}
    payload = event.get(BINARY) if BINARY in event else as_json(event[DATA]) if DATA in event else None
    return {"event": kept, "payload": payload}


def _refusal(status: int, reason: str) -> Response:
    LOG.warning("refused with %d: %s", status, reason)
    return JSONResponse({"error": reason}, status)
