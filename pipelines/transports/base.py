"""What landing asks of any transport, whatever it speaks on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from pipelines.manifest import Resource
from pipelines.transports.http import Http

TOMBSTONES = pa.schema([("record_id", pa.string()), ("deleted_at", pa.timestamp("us", "UTC"))])


@dataclass(frozen=True)
class Window:
    """A closed stretch of the cursor: `start` inclusive (none = from the beginning), `end` exclusive, UTC."""

    start: datetime | None
    end: datetime


@dataclass(frozen=True)
class Control:
    """What the source's own query says it holds: live rows, and their sum in the control amount field."""

    rows: int
    amount: Decimal | None


@dataclass(frozen=True)
class Found:
    """What the vendor offers of a resource.

    `extra`: fields the manifest does not name; `types`: the vendor's own type words where it tells them.
    """

    extra: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)


class Reader(Protocol):
    """One vendor account, opened. All tables carry vendor field names.

    Columns are strings as the vendor wrote them, or already the declared type where that was as fast to get.
    Every method may raise ThroughlineError.
    """

    http: Http
    zone: str

    def open(self) -> None:
        """Log in and check what holds for the whole account."""

    def discover(self, resource: Resource) -> Found:
        """What there is to read. Raises E-SRC-010, E-SRC-011 or E-SRC-012 when less than declared."""

    def rows(self, resource: Resource, window: Window, found: Found) -> Iterator[pa.Table]:
        """All rows changed in `window`, deleted ones included where the vendor still shows them."""

    def rows_by_key(self, resource: Resource, keys: Sequence[str], found: Found) -> Iterator[pa.Table]:
        """The rows with these record ids."""

    def tombstones(self, resource: Resource, window: Window) -> tuple[pa.Table, bool]:
        """Deleted keys as TOMBSTONES, and whether the feed covers the whole window."""

    def keys(self, resource: Resource, window: Window) -> Iterator[pa.Array] | None:
        """The record ids of all live rows; none when only a full read can tell."""

    def control(self, resource: Resource, window: Window) -> Control | None:
        """Rows and amount by the source's own query; none when it cannot be asked."""

    def ordered(self, resource: Resource) -> bool:
        """Whether rows come in the order of the cursor, so that a read cut short is still a window."""

    def reads_all(self, resource: Resource, window: Window) -> bool:
        """Whether `rows` over this window returns every live row there is."""

    def replaced(self, resource: Resource) -> list[str] | None:
        """Parents of which the last `rows` returned all children; none when the transport cannot tell."""

    def close(self) -> None:
        """Give back connections."""


@runtime_checkable
class Selective(Protocol):
    """A reader of a source that need not have all that its manifest names."""

    def offers(self, resource: Resource) -> bool:
        """Whether there is anything to read of `resource`."""


@runtime_checkable
class Recognising(Protocol):
    """A reader that can tell what it would return without returning it."""

    def content_hash(self, resource: Resource) -> str:
        """A hash of all that `rows` depends on, after `discover`: another one whenever a row may be."""


def text_of(value: Any) -> str | None:
    """A JSON value as text: numbers as written, booleans `true` and `false`, nested values as JSON."""
    if value is None or value.__class__ is str:
        return value  # type: ignore[no-any-return]
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def text_table(records: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> pa.Table:
    """Flat records as a table of strings with exactly `columns`; what a record lacks is null."""
    arrays = {}
    for column in columns:
        values = [record.get(column) for record in records]
        arrays[column] = pa.array(
            [value if value.__class__ is str or value is None else text_of(value) for value in values],
            pa.string(),
        )
    return pa.table(arrays)


def join_key(parts: Sequence[Any]) -> str:
    """The record id of a composite key: its parts joined by a bar."""
    return "|".join(str(part) for part in parts)
