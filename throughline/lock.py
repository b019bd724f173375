"""One advisory lock per home: whoever writes holds it, and says who it is.

The operating system releases it when its holder dies, so a killed run never leaves a lock behind; what stays
in the file is only the note of who held it last.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO

from throughline import clock
from throughline.errors import error
from throughline.home import Home


@dataclass(frozen=True)
class Holder:
    """Who holds the lock: process, machine, run or verb, and since when."""

    pid: int
    host: str
    run_id: str
    since: str


def _read(handle: IO[str]) -> Holder | None:
    handle.seek(0)
    try:
        return Holder(**json.loads(handle.read()))
    except (ValueError, TypeError):
        return None


def holder(home: Home) -> Holder | None:
    """Who holds the home's lock now; None when it is free."""
    if not home.lock.exists():
        return None
    with home.lock.open("r+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return _read(handle) or Holder(pid=0, host="unknown", run_id="unknown", since="unknown")
        fcntl.flock(handle, fcntl.LOCK_UN)
    return None


@contextmanager
def exclusive(home: Home, run_id: str) -> Iterator[None]:
    """Hold the home's lock for the block. Raises E-RUN-075 (exit 75) at once when another process has it."""
    home.root.mkdir(parents=True, exist_ok=True)
    with home.lock.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            other = _read(handle)
            raise error(
                "E-RUN-075",
                home=home.root,
                pid=other.pid if other else "unknown",
                host=other.host if other else "unknown",
                run_id=other.run_id if other else "unknown",
                since=other.since if other else "unknown",
            ) from None
        me = Holder(os.getpid(), socket.gethostname(), run_id, clock.iso(clock.now()))
        handle.seek(0)
        handle.truncate()
        handle.write(json.dumps(asdict(me)))
        handle.flush()
        try:
            yield
        finally:
            handle.seek(0)
            handle.truncate()
            handle.flush()
            fcntl.flock(handle, fcntl.LOCK_UN)
