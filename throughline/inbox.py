"""`python -m throughline.inbox --home DIR [--instance main] [--port 0]`: receive events until it is ended.

Listens on the loopback only; whoever is outside reaches it through a proxy that ends TLS. Writes
HOME/inbox/<instance>/serve.json ({"pid", "url"}) once it answers, and takes it away on the way out. Settings
are [sources.events] of throughline.toml, the secret stands in .dlt/secrets.toml.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.inbox.journal import Journal, folder_of
from pipelines.inbox.server import serve, settings
from pipelines.landing import read_secrets
from throughline.config import load
from throughline.errors import ThroughlineError, error, render
from throughline.files import read_json, write_json
from throughline.home import Home, resolve

SOURCE = "events"


def options(home: Home, instance: str) -> dict[str, Any]:
    """What throughline.toml says of this inbox; empty when it says nothing."""
    for source in load(home).sources.values():
        if (source.connector, source.instance) == (SOURCE, instance):
            return source.options
    return {}


@contextlib.contextmanager
def announced(folder: Path, url: str) -> Iterator[None]:
    """The address in `folder`/serve.json while it answers; another process's word is left alone."""
    announcement = folder / "serve.json"
    write_json(announcement, {"pid": os.getpid(), "url": url})
    print(f"inbox listens on {url}, spool {folder}", flush=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ThroughlineError, KeyError, TypeError):
            if read_json(announcement)["pid"] == os.getpid():
                announcement.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 after a clean stop, else the error's exit code."""
    parser = argparse.ArgumentParser(prog="throughline.inbox", description="Receive CloudEvents into a home.")
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
        asyncio.run(serve(journal, wanted, given.port, functools.partial(announced, journal.folder)))
    except OSError as problem:
        known = error("E-SRC-094", port=given.port, detail=problem.strerror or str(problem))
        print(render(known), file=sys.stderr)
        return known.exit_code
    finally:
        journal.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
