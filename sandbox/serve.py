"""`python -m sandbox.serve --dir DIR [--ports 0]`: the vendors' emulators on the loopback, in one process.

Writes DIR/serve.json ({"pid", "endpoints", "credentials"}) once all of them answer, and takes it away on
the way out (SIGTERM, SIGINT). `--ports 0` lets the system choose; else one port per store, by commas, in
the order salesforce, bamboohr, netsuite, docusign, then the integration bus and second instances by name.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from sandbox.emulators.bamboohr import BambooHR
from sandbox.emulators.credentials import ensure
from sandbox.emulators.docusign import DocuSign
from sandbox.emulators.events import Bus
from sandbox.emulators.netsuite import NetSuite
from sandbox.emulators.plumbing import Emulator
from sandbox.emulators.salesforce import Salesforce

VENDORS: tuple[type[Emulator], ...] = (Salesforce, BambooHR, NetSuite, DocuSign)
# served where the firm has a store of it
OTHERS: tuple[type[Emulator], ...] = (Bus,)
HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process: several share one loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(port: int) -> socket.socket:
    """A loopback socket bound to `port` (0: any). Raises OSError when it is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((HOST, port))
    return found


def stores(root: Path) -> dict[str, type[Emulator]]:
    """The stores of a sandbox and who serves them: each vendor's first, then second instances by name."""
    found = {vendor.vendor: vendor for vendor in VENDORS}
    first = {**found, **{other.vendor: other for other in OTHERS}}
    for path in sorted((root / "stores").iterdir()):
        vendor = first.get(path.name.partition("_")[0])
        if vendor is not None:
            found.setdefault(path.name, vendor)
    return found


async def serve(root: Path, ports: list[int], stop: asyncio.Event) -> None:
    """Serve the stores of `root` until `stop` is set."""
    credentials = ensure(root)
    sockets = [bind(port) for port in ports]
    endpoints = {
        name: f"http://{HOST}:{found.getsockname()[1]}"
        for name, found in zip(stores(root), sockets, strict=True)
    }
    servers = []
    for name, vendor in stores(root).items():
        config = uvicorn.Config(
            (
                vendor(root, credentials) if name == vendor.vendor else vendor(root, credentials, store=name)
            ).app(),
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=3,
        )
        servers.append(_Server(config))
    running = [
        asyncio.create_task(server.serve(sockets=[found]))
        for server, found in zip(servers, sockets, strict=True)
    ]
    while not all(server.started for server in servers):
        for task in running:
            if task.done():
                task.result()
        await asyncio.sleep(0.01)
    announce(root, endpoints, credentials)
    await stop.wait()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)


def announce(root: Path, endpoints: dict[str, str], credentials: dict[str, Any]) -> None:
    """Write DIR/serve.json in one step, so that whoever waits for it never reads half."""
    body = {"pid": os.getpid(), "endpoints": endpoints, "credentials": credentials}
    draft = root / "serve.json.new"
    draft.write_text(json.dumps(body, indent=2), encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(root / "serve.json")


async def _main(root: Path, ports: list[int]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await serve(root, ports, stop)
    finally:
        path = root / "serve.json"
        with contextlib.suppress(OSError, ValueError):
            if json.loads(path.read_text(encoding="utf-8"))["pid"] == os.getpid():
                path.unlink()


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 after a clean stop, 64 on a bad call."""
    parser = argparse.ArgumentParser(prog="sandbox.serve", description="Serve a sandbox's vendor emulators.")
    parser.add_argument("--dir", required=True, type=Path, help="the sandbox directory")
    parser.add_argument("--ports", default="0", help="0, or one port per store, by commas")
    given = parser.parse_args(arguments)
    root = given.dir.resolve()
    ports = [int(part) for part in str(given.ports).split(",")]
    served = len(stores(root)) if (root / "stores").is_dir() else 0
    if ports == [0]:
        ports = [0] * served
    if not served or len(ports) != served:
        sys.stderr.write("sandbox.serve: needs a port per store (or 0) and a directory with stores/\n")
        return 64
    asyncio.run(_main(root, ports))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
