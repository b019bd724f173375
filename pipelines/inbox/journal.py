"""The spool: files of one JSON line per received event, only ever appended to.

HOME/inbox/<instance>/events-<first position>.jsonl. A line holds `position` (1, 2, 3 ... over all files),
`received_at` (never before the line above), `signature` (valid, invalid, none) with `reason`, `counts`, the
`event`'s attributes and its data as text, `payload`. Lines are durable once `append` returns. One process
writes at a time; what a kill left half written was never answered for and is cut off by the next one.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from throughline.clock import iso, parse_instant
from throughline.errors import error

PATTERN = "events-*.jsonl"
ROTATE_AT = 16 << 20
_TAIL = 1 << 16


@dataclass(frozen=True)
class Part:
    """One file of the spool as far as it is complete: `size` bytes, ending with a line."""

    path: Path
    size: int


def _sync_folder(folder: Path) -> None:
    """Make a new file's name in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def folder_of(home: Path, instance: str) -> Path:
    """Where the spool of an instance lies."""
    return home / "inbox" / instance


def parts(folder: Path) -> list[Part]:
    """The files there are now, oldest first, without a last line that is still being written."""
    found = []
    for path in sorted(folder.glob(PATTERN)):
        size = path.stat().st_size
        found.append(Part(path, _complete(path, size)))
    return found


def lines(part: Part) -> list[bytes]:
    """The lines of a part."""
    with part.path.open("rb") as handle:
        data = handle.read(part.size)
    return data.split(b"\n")[:-1]


class Journal:
    """The spool, opened for writing. Thread-safe."""

    def __init__(self, folder: Path, rotate_at: int = ROTATE_AT) -> None:
        self.folder = folder
        self._rotate_at = rotate_at
        self._guard = threading.Lock()
        self._lock = -1
        self._file = -1
        self._size = 0
        self.position = 0
        self._received_at: datetime | None = None

    def open(self) -> None:
        """Take the spool and put its end in order. Raises ThroughlineError E-SRC-090 when it is taken."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise error("E-SRC-090", folder=self.folder) from None
        found = parts(self.folder)
        for part in found:
            if part.path.stat().st_size > part.size:
                os.truncate(part.path, part.size)
        for part in reversed(found):
            if part.size:
                last = _last_line(part)
                self.position, self._received_at = last["position"], parse_instant(last["received_at"])
                break
        self._start(found[-1].path if found else self._path(self.position + 1))

    def append(self, records: Sequence[Mapping[str, Any]], now: datetime) -> datetime:
        """Write `records` as lines and wait until the disk has them; the instant they were received at.

        Raises OSError when the disk refuses; nothing of `records` is there then.
        """
        with self._guard:
            if self._size >= self._rotate_at:
                os.close(self._file)
                self._start(self._path(self.position + 1))
            received = now if self._received_at is None else max(now, self._received_at)
            text = "".join(
                _line({"position": self.position + number, "received_at": iso(received), **record})
                for number, record in enumerate(records, start=1)
            ).encode()
            self._write(text)
            self._size += len(text)
            self.position += len(records)
            self._received_at = received
            return received

    def close(self) -> None:
        """Give the spool back."""
        with self._guard:
            for descriptor in (self._file, self._lock):
                if descriptor >= 0:
                    os.close(descriptor)
            self._file = self._lock = -1

    def _write(self, text: bytes) -> None:
        try:
            left = memoryview(text)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError:
            # what was not answered for must not stand before what will be
            os.ftruncate(self._file, self._size)
            raise

    def _start(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._file).st_size
        os.fsync(self._file)
        _sync_folder(self.folder)

    def _path(self, first: int) -> Path:
        return self.folder / f"events-{first:012d}.jsonl"


def _line(record: Mapping[str, Any]) -> str:
    return as_json(record) + "\n"


def as_json(value: Any) -> str:
    """JSON in one line; a number with a point is written as exactly as it was read."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(key))}:{as_json(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(as_json(one) for one in value) + "]"
    return json.dumps(value)


def _complete(path: Path, size: int) -> int:
    """The length of `path` up to its last line break within `size`."""
    for end, block in _backwards(path, size):
        cut = block.rfind(b"\n")
        if cut >= 0:
            return end - len(block) + cut + 1
    return 0


def _last_line(part: Part) -> dict[str, Any]:
    """The last line of a part. Raises ThroughlineError E-SRC-093 when it cannot be read."""
    tail = b""
    for _, block in _backwards(part.path, part.size):
        tail = block + tail
        if b"\n" in tail[:-1]:
            break
    try:
        found = json.loads(tail.rstrip(b"\n").rpartition(b"\n")[2])
        return {"position": int(found["position"]), "received_at": str(found["received_at"])}
    except (ValueError, TypeError, KeyError):
        raise error("E-SRC-093", path=part.path) from None


def _backwards(path: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """Blocks of the first `size` bytes from the end on, each with where it ends."""
    with path.open("rb") as handle:
        end = size
        while end > 0:
            begin = max(end - _TAIL, 0)
            handle.seek(begin)
            yield end, handle.read(end - begin)
            end = begin
