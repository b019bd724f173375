"""Versions of one vendor object, collected row by row and written column by column.

A record's fields are split in two: those that never change after creation are kept once per record, those
that may change once per version; the columns of the file are taken from both. That keeps a firm of two years
in a few hundred megabytes and makes writing a matter of Arrow calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

STAMP = pa.timestamp("us", tz="UTC")
CHUNK = 50_000

# kind of the specification -> (type in schema.json, its attributes, Arrow type)
KINDS: dict[str, tuple[str, dict[str, int], pa.DataType]] = {
    "id": ("id", {"length": 18}, pa.string()),
    "ref": ("reference", {"length": 18}, pa.string()),
    "text": ("string", {"length": 255}, pa.string()),
    "area": ("textarea", {"length": 4000}, pa.string()),
    "pick": ("picklist", {"length": 80}, pa.string()),
    "email": ("email", {"length": 80}, pa.string()),
    "bool": ("boolean", {}, pa.bool_()),
    "money": ("currency", {"precision": 19, "scale": 4}, pa.decimal128(19, 4)),
    "rate": ("double", {"precision": 18, "scale": 8}, pa.decimal128(18, 8)),
    "percent": ("percent", {"precision": 18, "scale": 8}, pa.decimal128(18, 8)),
    "fx": ("double", {"precision": 18, "scale": 10}, pa.decimal128(18, 10)),
    "hours": ("double", {"precision": 9, "scale": 2}, pa.decimal128(9, 2)),
    "int": ("int", {}, pa.int64()),
    "date": ("date", {}, pa.date32()),
    "ts": ("datetime", {}, STAMP),
}


@dataclass(frozen=True)
class FieldSpec:
    """One field. `moving`: may change after creation; `volatile`: without moving the modification stamp."""

    name: str
    kind: str
    moving: bool
    volatile: bool


@dataclass(frozen=True)
class ObjectSpec:
    """One vendor object: its fields in order, its key, and whether the vendor stamps its changes."""

    name: str
    label: str
    key: tuple[str, ...]
    fields: tuple[FieldSpec, ...]
    modified: bool

    def schema(self) -> dict[str, Any]:
        """The object's entry in schema.json."""
        return {
            "key": list(self.key),
            "label": self.label,
            "fields": {
                item.name: {"type": KINDS[item.kind][0], **KINDS[item.kind][1]} for item in self.fields
            },
            "modified": self.modified,
            "volatile": [item.name for item in self.fields if item.volatile],
        }


def describe(name: str, label: str, key: str, fields: str, *, modified: bool = True) -> ObjectSpec:
    """An object from its fields written one per line or comma: `Name kind`, `*` = moving, `~` = volatile.

    Raises ValueError for an unknown kind, a repeated name, or a key that is missing or moves.
    """
    parsed: list[FieldSpec] = []
    for piece in fields.replace("\n", ",").split(","):
        if not piece.strip():
            continue
        field_name, kind = piece.split()
        volatile = kind.endswith("~")
        moving = volatile or kind.endswith("*")
        kind = kind.rstrip("*~")
        if kind not in KINDS:
            raise ValueError(f"{name}.{field_name}: no kind {kind}")
        parsed.append(FieldSpec(field_name, kind, moving, volatile))
    names = [item.name for item in parsed]
    if len(set(names)) != len(names):
        raise ValueError(f"{name}: a field stands twice")
    fixed = {item.name for item in parsed if not item.moving}
    parts = tuple(key.split())
    if not set(parts) <= fixed:
        raise ValueError(f"{name}: the key {key} must be among the fields that never change")
    return ObjectSpec(name, label, parts, tuple(parsed), modified)


Change = tuple[datetime, Mapping[str, Any]] | tuple[datetime, Mapping[str, Any], str]


class Table:
    """Collects the versions of one object."""

    def __init__(self, spec: ObjectSpec) -> None:
        self.spec = spec
        self._known = frozenset(item.name for item in spec.fields)
        self._fixed = tuple(item.name for item in spec.fields if not item.moving)
        self._moving = tuple(item.name for item in spec.fields if item.moving)
        self._place = {name: position for position, name in enumerate(self._moving)}
        self._rows = 0
        self._versions = 0
        self._fixed_rows: list[tuple[Any, ...]] = []
        self._version_rows: list[tuple[Any, ...]] = []
        self._fixed_chunks: list[pa.Table] = []
        self._version_chunks: list[pa.Table] = []
        kinds = {item.name: KINDS[item.kind][2] for item in spec.fields}
        self._fixed_schema = pa.schema([(name, kinds[name]) for name in self._fixed])
        self._version_schema = pa.schema(
            [
                ("_row", pa.int64()),
                ("_valid_from", STAMP),
                ("_seq", pa.int64()),
                ("_op", pa.string()),
                *((name, kinds[name]) for name in self._moving),
            ]
        )

    def __len__(self) -> int:
        """Versions collected so far."""
        return self._versions

    @property
    def records(self) -> int:
        """Records collected so far."""
        return self._rows

    def record(self, at: datetime, values: Mapping[str, Any], changes: Iterable[Change] = ()) -> None:
        """One record: born at `at` with `values` (fields not named are empty), then changed.

        A change is (instant, fields that differ) or (instant, fields, op) with op delete, restore or purge.
        Changes at one instant become one version; one that changes nothing becomes none; one dated before the
        birth is part of it. Raises KeyError for a field that the object does not have or that may not move.
        """
        if not values.keys() <= self._known:
            raise KeyError(f"{self.spec.name} has no {sorted(values.keys() - self._known)}")
        state = [values.get(name) for name in self._moving]
        ordered = sorted(changes, key=_instant)
        position, count = 0, len(ordered)
        while position < count and ordered[position][0] <= at and len(ordered[position]) == 2:
            self._apply(state, ordered[position][1])
            position += 1
        latest = tuple(state)
        steps: list[tuple[datetime, str, tuple[Any, ...]]] = [(at, "upsert", latest)]
        while position < count:
            when = ordered[position][0]
            operation = "upsert"
            while position < count and ordered[position][0] == when:
                change = ordered[position]
                self._apply(state, change[1])
                if len(change) == 3:
                    operation = change[2]
                position += 1
            now = tuple(state)
            if operation != "upsert" or now != latest:
                steps.append((when, operation, now))
                latest = now
        row = self._rows
        self._rows += 1
        self._fixed_rows.append(tuple(map(values.get, self._fixed)))
        self._version_rows.extend(
            (row, when, sequence, operation, *moving)
            for sequence, (when, operation, moving) in enumerate(steps)
        )
        self._versions += len(steps)
        if len(self._version_rows) >= CHUNK:
            self._flush()

    def _apply(self, state: list[Any], change: Mapping[str, Any]) -> None:
        place = self._place
        for name, value in change.items():
            if name not in place:
                raise KeyError(f"{self.spec.name}.{name} is declared as never changing")
            state[place[name]] = value

    def _flush(self) -> None:
        for rows, schema, chunks in (
            (self._fixed_rows, self._fixed_schema, self._fixed_chunks),
            (self._version_rows, self._version_schema, self._version_chunks),
        ):
            if rows:
                columns = zip(*rows, strict=True)
                chunks.append(
                    pa.table(
                        [pa.array(column, item.type) for column, item in zip(columns, schema, strict=True)],
                        schema=schema,
                    )
                )
                rows.clear()

    def to_arrow(self, instance: str = "main") -> pa.Table:
        """All versions by key, _valid_from, _seq; fields in declared order, then the version's three.

        Ids of `instance`, in whose store they are written, are bare there.
        """
        self._flush()
        fixed = (
            pa.concat_tables(self._fixed_chunks) if self._fixed_chunks else self._fixed_schema.empty_table()
        )
        versions = (
            pa.concat_tables(self._version_chunks)
            if self._version_chunks
            else self._version_schema.empty_table()
        )
        # One chunk makes take linear.
        fixed = fixed.combine_chunks()
        taken = fixed.take(versions["_row"])
        source = {name: taken[name] for name in self._fixed}
        source.update({name: versions[name] for name in self._moving})
        # in front of an id, also where a text is made of one (JE-1042)
        mark = f"(^|[-_ ]){instance}:"
        source = {
            name: pc.replace_substring_regex(column, mark, r"\1")
            if pa.types.is_string(column.type)
            else column
            for name, column in source.items()
        }
        ordered = pa.table(
            {
                **{item.name: source[item.name] for item in self.spec.fields},
                **{name: versions[name] for name in ("_valid_from", "_seq", "_op")},
            }
        )
        return ordered.sort_by([(name, "ascending") for name in (*self.spec.key, "_valid_from", "_seq")])

    def write(self, folder: Path, instance: str = "main") -> None:
        """Write `<Object>.parquet` into `folder`: same versions, same bytes."""
        pq.write_table(
            self.to_arrow(instance),
            folder / f"{self.spec.name}.parquet",
            compression="zstd",
            version="2.6",
            use_dictionary=True,
            write_statistics=True,
            row_group_size=1 << 17,
            store_schema=True,
        )


def _instant(change: Change) -> datetime:
    return change[0]
