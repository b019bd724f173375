"""The one place that asks what time it is.

`THROUGHLINE_NOW` moves the clock: either an ISO instant (`2026-07-08T23:30:00Z`) or `@path` of a JSON file
whose key `now` holds one, so that a sandbox and everything it drives read the same moving clock.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

VARIABLE = "THROUGHLINE_NOW"


def parse_instant(text: str) -> datetime:
    """An ISO instant as an aware UTC datetime. A bare date is midnight UTC; a missing zone means UTC.

    Raises ValueError when `text` is not ISO 8601.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def now() -> datetime:
    """The present instant, aware, in UTC. Raises ValueError when THROUGHLINE_NOW cannot be understood."""
    setting = os.environ.get(VARIABLE, "").strip()
    if not setting:
        return datetime.now(UTC)
    if not setting.startswith("@"):
        return parse_instant(setting)
    path = Path(setting[1:])
    try:
        return parse_instant(str(json.loads(path.read_text(encoding="utf-8"))["now"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{VARIABLE} points at {path}, which holds no instant under the key 'now'"
        ) from error


def today() -> date:
    """The present day in UTC."""
    return now().date()


def iso(moment: datetime) -> str:
    """`moment` in UTC as `2026-07-08T23:30:00Z`, with microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
