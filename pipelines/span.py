"""What a load is asked to read, where that is not what is new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Span:
    """`since` inclusive, `until` exclusive, by the resources' cursors; `full` = everything, as a first load.

    With `dry` all is read and compared, and nothing is stored.
    """

    since: datetime | None = None
    until: datetime | None = None
    full: bool = False
    dry: bool = False

    def start(self, usual: datetime, newest: datetime) -> datetime | None:
        """Where to begin, when a load would begin at `usual` and what is landed ends at `newest`."""
        if self.full:
            return None
        if self.since is None:
            return usual
        # a stretch that ends behind what is landed may leave a gap before it, which nothing would ever fill
        within = self.until is not None and self.until <= newest
        return self.since if within else min(self.since, usual)

    def end(self, usual: datetime) -> datetime:
        """Where to end, when a load would end at `usual`."""
        return usual if self.until is None else min(self.until, usual)


PLAIN = Span()
