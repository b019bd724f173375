"""The receiver as a server on the loopback: its settings, and serving until it is asked to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import uvicorn

from pipelines.inbox.cloudevents import MOST_EVENTS
from pipelines.inbox.journal import Journal
from pipelines.inbox.service import MOST_BYTES, WINDOW_SECONDS, Inbox, Settings
from throughline.errors import error

HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


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


async def serve(
    journal: Journal,
    wanted: Settings,
    port: int,
    announced: Callable[[str], contextlib.AbstractContextManager[None]],
) -> None:
    """Serve until SIGTERM or SIGINT; what is being received then is still stored and answered.

    `announced` is entered with the address once it answers, and left when it no longer does.
    """
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
    with announced(f"http://{HOST}:{bound.getsockname()[1]}/events"):
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({stopped, running}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await running
