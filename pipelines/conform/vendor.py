"""What the kit asks of whatever stands in for a vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from pipelines.manifest import Resource


class Trouble(StrEnum):
    """How a vendor misbehaves. All but ECHO pass by waiting, if they pass."""

    BUSY = "busy"  # 429, Retry-After in seconds
    BUSY_UNTIL = "busy until"  # 429, Retry-After as a date
    DOWN = "down"  # 503
    CUT_OFF = "cut off"  # JSON that ends in the middle
    FOR_PEOPLE = "page for people"  # HTML with a success code
    ECHO = "echo"  # 400 with all that was sent, login included


class Drift(StrEnum):
    """How a vendor's table changes its shape."""

    ADDED = "added"
    REMOVED = "removed"
    RETYPED = "retyped"


# the errors that a column's going and its change of type end in, where rows come from a vendor
DRIFT_CODES: Mapping[Drift, str] = {Drift.REMOVED: "E-SRC-011", Drift.RETYPED: "E-SRC-012"}
NONE_EXEMPT: Mapping[str, str] = {}


@dataclass(frozen=True)
class Report:
    """What the source's own report says of a resource: live rows, and the sum of its control amount."""

    rows: int | None
    amount: Decimal | None


class Vendor(Protocol):
    """A vendor for one check. Keys are record ids as they are landed; fields are named as in source.yml.

    `remembers`: what one check does to its records is still there in the next one. `exempt`: checks that do
    not apply to it, and why. `codes`: which error each drift of its shape has to end in.
    """

    remembers: bool
    exempt: Mapping[str, str]
    codes: Mapping[Drift, str]

    def begin(self) -> datetime:
        """Behave, with nothing left to land but what is there; returns the instant from which to act."""

    def at(self, now: datetime) -> None:
        """It is `now` at the vendor."""

    def settings(self) -> Mapping[str, Any]:
        """What the source's reader is given, credentials included."""

    def secrets(self) -> frozenset[str]:
        """The texts among the settings that must never be printed."""

    def update(self, resource: Resource, key: str, at: datetime, fields: Mapping[str, Any]) -> None:
        """A user's edit at an instant."""

    def delete(self, resource: Resource, key: str, at: datetime) -> None:
        """A user's deletion, as the vendor shows deletions."""

    def restore(self, resource: Resource, key: str, at: datetime) -> None:
        """Undo a deletion."""

    def purge(self, resource: Resource, key: str, at: datetime) -> None:
        """Gone without a trace."""

    def trouble(self, kind: Trouble | None, *, times: int | None = None, after: int = 0) -> None:
        """Misbehave on the next `times` requests for data (none = from now on), after `after` good ones."""

    def drift(self, kind: Drift | None, resource: Resource, field: str = "") -> None:
        """Change the shape of a resource from now on; none = as it was."""

    def came(self, resource: Resource) -> int | None:
        """How many records there are to read, doubles included; none when it cannot be told."""

    def report(self, resource: Resource) -> Report | None:
        """The source's own report; none when it is only known through the reader."""
