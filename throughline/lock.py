"""One advisory lock per home: whoever writes holds it, and says who it is.

The operating system releases it when its holder dies, so a killed run never leaves a lock behind; what stays
in the file is only the note of who held it last. The children of a holder share the lock: as long as one of
them may still write, it is not free, and whoever comes in that moment waits for a dead holder's rest to go.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO

from throughline import clock, process
from throughline.errors import error
from throughline.home import Home

# how long the children of a killed holder may take to end, and how often that is looked at
PATIENCE, PAUSE = 30.0, 0.05


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


def _take(handle: IO[str]) -> bool:
    """Take the lock; False when it belongs to somebody who is alive, or to a dead one's rest that stays."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            other = _read(handle)
            if other is None or _lives(other) or time.monotonic() > until:
                return False
            time.sleep(PAUSE)
        else:
            return True


def _lives(other: Holder) -> bool:
    """Whether a holder may still be there; one on another machine is taken to be."""
    if other.host != socket.gethostname():
        return True
    try:
        os.kill(other.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def exclusive(home: Home, run_id: str) -> Iterator[None]:
    """Hold the home's lock for the block, and let the processes started in it share it.

    Raises E-RUN-075 (exit 75) at once when another process has it. When that process is dead and only its
    children are left, they are on their way out: they are waited for, half a minute at most.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    with home.lock.open("a+", encoding="utf-8") as handle:
        if not _take(handle):
            other = _read(handle)
            raise error(
                "E-RUN-075",
                home=home.root,
                pid=other.pid if other else "unknown",
                host=other.host if other else "unknown",
                run_id=other.run_id if other else "unknown",
                since=other.since if other else "unknown",
            )
        me = Holder(os.getpid(), socket.gethostname(), run_id, clock.iso(clock.now()))
        handle.seek(0)
        handle.truncate()
        handle.write(json.dumps(asdict(me)))
        handle.flush()
        try:
            with process.sharing(handle.fileno()):
                yield
        finally:
            handle.seek(0)
            handle.truncate()
            handle.flush()
            fcntl.flock(handle, fcntl.LOCK_UN)
