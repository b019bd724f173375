"""What was asked of an emulator: kept in memory for assertions and appended to DIR/requests.jsonl.

No header, token, assertion or form body is ever written; a query text is, since tests read it.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from pathlib import Path
from typing import Any

_SECRET = ("token", "secret", "assertion", "password", "code", "key")


def without_secrets(query: dict[str, str]) -> dict[str, str]:
    """Query parameters with the value of anything that may be a credential taken out."""
    return {
        name: "***" if any(word in name.lower() for word in _SECRET) else value
        for name, value in query.items()
    }


class RequestLog:
    """Newest 20,000 requests of one vendor; thread-safe."""

    def __init__(self, root: Path, vendor: str) -> None:
        self.vendor = vendor
        self._path = root / "requests.jsonl"
        self._entries: deque[dict[str, Any]] = deque(maxlen=20_000)
        self._lock = threading.Lock()

    def add(self, entry: dict[str, Any]) -> None:
        """Keep one entry (at, clock, vendor, method, path, query, status, object, rows, ms, fault ...)."""
        line = json.dumps(entry, default=str, ensure_ascii=False)
        with self._lock:
            self._entries.append(entry)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def entries(self) -> list[dict[str, Any]]:
        """Oldest first."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Forget what is in memory; the file stays."""
        with self._lock:
            self._entries.clear()
