"""Senders of events for tests: requests in every mode, signed, and receivers in and out of this process."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from pipelines.inbox.journal import Journal, folder_of
from pipelines.inbox.service import Inbox, Settings
from pipelines.inbox.signature import sign

SECRET = "a-secret-of-a-test"
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def event(number: int | str, **more: Any) -> dict[str, Any]:
    """A small event."""
    told = {"specversion": "1.0", "id": f"e{number}", "source": "/psa", "type": "timecard.approved"}
    return {**told, "time": "2026-03-10T11:00:00Z", "data": {"record_id": f"a{number}"}, **more}


def delivery(number: int | str, about: str, status: str, **data: Any) -> dict[str, Any]:
    """A report of how the delivery of `about` stands."""
    told = {
        "event_id": about,
        "event_type": "opportunity.won",
        "status": status,
        "attempts": 1,
        "created_at": "2026-03-10T10:00:00Z",
        "entity_type": "opportunity",
        "entity_key": "006A",
    }
    return event(number, type="integration.delivery.changed", data={**told, **data})


class Sender:
    """Sends to a receiver in this process, on a clock that the test moves."""

    def __init__(self, home: Path, settings: Settings | None = None, rotate_at: int = 16 << 20) -> None:
        self.now = NOW
        self.journal = Journal(folder_of(home, "main"), rotate_at)
        self.journal.open()
        inbox = Inbox(self.journal, settings or Settings(secrets=(SECRET,)), lambda: self.now)
        self._transport = httpx.ASGITransport(app=inbox.app(), raise_app_exceptions=False)

    def raw(self, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """One request as it is."""

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://inbox") as client:
                return await client.post("/events", content=body, headers=dict(headers))

        return asyncio.run(ask())

    def send(
        self,
        body: Any,
        headers: Mapping[str, str] = STRUCTURED,
        *,
        secret: str = SECRET,
        at: datetime | None = None,
    ) -> httpx.Response:
        """One signed request; `body` is bytes or what becomes JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.raw(content, signed(content, headers, secret, at or self.now))


def signed(content: bytes, headers: Mapping[str, str], secret: str, at: datetime) -> dict[str, str]:
    """The headers of a signed request."""
    stamp = int(at.timestamp())
    value = sign(secret, stamp, list(headers.items()), content)
    return {**headers, "throughline-timestamp": str(stamp), "throughline-signature": value}


def spooled(home: Path) -> list[dict[str, Any]]:
    """All lines of the spool."""
    files = sorted(folder_of(home, "main").glob("events-*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def write_secret(home: Path) -> None:
    """The secret where the receiver looks for it, and a configuration that has an inbox."""
    (home / ".dlt").mkdir(parents=True, exist_ok=True)
    (home / ".dlt" / "secrets.toml").write_text(f'[sources.events]\nsecret = "{SECRET}"\n', encoding="utf-8")
    (home / "throughline.toml").write_text("[sources.events]\nenabled = true\n", encoding="utf-8")


@contextmanager
def receiver(home: Path, *command: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A receiver as a process of its own: the process and its address. It is killed at the end."""
    write_secret(home)
    words = command or ("-m", "throughline.inbox")
    with (home / "inbox.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *words, "--home", str(home)],
            stderr=log,
            stdout=log,
            env={**os.environ, "THROUGHLINE_NOW": "2026-03-10T12:00:00Z"},
        )
    try:
        announcement = folder_of(home, "main") / "serve.json"
        until = time.monotonic() + 60
        while True:
            told = json.loads(announcement.read_text()) if announcement.exists() else {}
            if told.get("pid") == process.pid:
                break
            assert process.poll() is None, (home / "inbox.log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)
        yield process, str(told["url"])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
