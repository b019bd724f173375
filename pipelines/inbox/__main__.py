"""`python -m pipelines.inbox --home DIR [--instance main] [--port 0]`: receive events until it is ended.

Listens on the loopback only; whoever is outside reaches it through a proxy that ends TLS. Writes
HOME/inbox/<instance>/serve.json ({"pid", "url"}) once it answers, and takes it away on the way out. Settings
are [sources.events] of throughline.toml, the secret stands in .dlt/secrets.toml.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from pipelines.inbox.cloudevents import MOST_EVENTS
from pipelines.inbox.journal import Journal, folder_of
from pipelines.inbox.service import MOST_BYTES, WINDOW_SECONDS, Inbox, Settings
from pipelines.landing import read_secrets
from throughline.config import load
from throughline.errors import ThroughlineError, error, render
from throughline.files import write_json
from throughline.home import Home, resolve

HOST = "127.0.0.1"
SOURCE = "events"


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def options(home: Home, instance: str) -> dict[str, Any]:
    """What throughline.toml says of this inbox; empty when it says nothing."""
    for source in load(home).sources.values():
        if (source.connector, source.instance) == (SOURCE, instance):
            return source.options
    return {}


def settings(told: Mapping[str, Any], secrets: Mapping[str, Any]) -> Settings:
    """Settings of the receiver. Raises ThroughlineError E-SRC-091 when it could check no signature."""
    found = tuple(str(secrets[name]) for name in ("secret", "previous_secret") if secrets.get(name))
    signed = told.get("unsigned", "refuse") != "accept"
    if signed and not found:
        raise error("E-SRC-091")
    limits: Mapping[str, Any] = told.get("limits", {})
    return Settings(
        secrets=found,
        signed=signed,
        window=int(limits.get("window_seconds", WINDOW_SECONDS)),
        most_bytes=int(limits.get("request_bytes", MOST_BYTES)),
        most_events=int(limits.get("batch_events", MOST_EVENTS)),
    )


async def serve(journal: Journal, wanted: Settings, port: int) -> None:
    """Serve until SIGTERM or SIGINT; what is being received then is still stored and answered."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    config = uvicorn.Config(
        Inbox(journal, wanted).app(),
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started and not running.done():
        await asyncio.sleep(0.01)
    announcement = journal.folder / "serve.json"
    url = f"http://{HOST}:{bound.getsockname()[1]}/events"
    write_json(announcement, {"pid": os.getpid(), "url": url})
    print(f"inbox listens on {url}, spool {journal.folder}", flush=True)
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopped, running}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await running
    finally:
        with contextlib.suppress(OSError, ValueError, KeyError):
            if json.loads(announcement.read_text(encoding="utf-8"))["pid"] == os.getpid():
                announcement.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 after a clean stop, else the error's exit code."""
    parser = argparse.ArgumentParser(prog="pipelines.inbox", description="Receive CloudEvents into a home.")
    parser.add_argument("--home", type=Path, default=None, help="the warehouse's folder (./.throughline)")
    parser.add_argument("--instance", default="main", help="which inbox, where there are several")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    home = resolve(given.home)
    try:
        told = {**options(home, given.instance)}
        wanted = settings(told, read_secrets(home.root, SOURCE, given.instance))
        journal = Journal(folder_of(home.root, given.instance))
        journal.open()
    except ThroughlineError as problem:
        print(render(problem), file=sys.stderr)
        return problem.exit_code
    try:
        asyncio.run(serve(journal, wanted, given.port))
    except OSError as problem:
        known = error("E-SRC-094", port=given.port, detail=problem.strerror or str(problem))
        print(render(known), file=sys.stderr)
        return known.exit_code
    finally:
        journal.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
