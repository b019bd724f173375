"""Records through time: a vendor's parquet versions in an in-memory DuckDB, seen from the sandbox clock.

Per object there are two tables. `v_<object>` holds every version with the interval in which it was the newest
one and the modification stamp it carried; it is made once, and only the keys touched by an overlay edit are
made again. `s_<object>` is the state at the clock's now: a filter over the intervals, so moving the clock
costs one scan. Both are made on first use and cached until the file they came from, the overlay or the clock
changes. Timestamps are naive UTC, except in the state of a store with a local zone (NetSuite), which shows
them in that zone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from throughline.clock import parse_instant

# A later edit at the same instant wins over the simulator's own versions.
OVERLAY_SEQ = 1 << 40

SQL_TYPES = {
    "boolean": "BOOLEAN",
    "currency": "DECIMAL(19,4)",
    "double": "DECIMAL(18,8)",
    "percent": "DECIMAL(9,4)",
    "int": "BIGINT",
    "date": "DATE",
    "datetime": "TIMESTAMP",
}
OVERLAY_OPS = {
    "insert": "upsert",
    "update": "upsert",
    "silent": "upsert",
    "touch": "upsert",
    "delete": "delete",
    "restore": "restore",
    "purge": "purge",
}


class StoreError(Exception):
    """The store's files contradict raw-store format; the message names file and object."""


@dataclass(frozen=True)
class FieldDef:
    """One field as schema.json declares it. `sql_type` is its DuckDB type in the state table."""

    name: str
    type: str
    sql_type: str
    raw: Mapping[str, Any]

    @property
    def references(self) -> tuple[str, ...]:
        """Objects this reference may point at, when schema.json says so; else empty."""
        for key in ("references", "reference_to", "referenceTo", "ref"):
            value = self.raw.get(key)
            if isinstance(value, str):
                return (value,)
            if isinstance(value, list):
                return tuple(str(item) for item in value)
        return ()


@dataclass(frozen=True)
class ObjectDef:
    """One object of a store: its key columns, fields in declared order, and whether edits stamp it."""

    name: str
    label: str
    key: tuple[str, ...]
    fields: dict[str, FieldDef]
    modified: bool
    volatile: frozenset[str]
    raw: Mapping[str, Any]


def quote(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def utc_naive(moment: datetime) -> datetime:
    """`moment` (aware, or naive meaning UTC) as naive UTC."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


class WatchedJson:
    """A JSON file that may be absent, parsed again only when its stamp or size changes."""

    def __init__(self, path: Path, default: Any) -> None:
        self.path = path
        self._default = default
        self._stamp: tuple[int, int] | None = (-1, -1)
        self._value: Any = default

    def read(self) -> tuple[Any, bool]:
        """(value, changed since the last read). A half-written file counts as unchanged."""
        stamp = file_stamp(self.path)
        if stamp == self._stamp:
            return self._value, False
        if stamp is None:
            self._value = self._default
        else:
            try:
                self._value = json.loads(self.path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return self._value, False
        self._stamp = stamp
        return self._value, True


def file_stamp(path: Path) -> tuple[int, int] | None:
    """(mtime in ns, size), or None when the file is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


class SandboxClock:
    """The instant DIR/clock.json names; without the file, the machine's own clock."""

    def __init__(self, root: Path) -> None:
        self._file = WatchedJson(root / "clock.json", None)

    def now(self) -> datetime:
        """Aware UTC."""
        value, _ = self._file.read()
        return parse_instant(str(value["now"])) if value else datetime.now(UTC)


@dataclass
class _Loaded:
    parquet: tuple[int, int] | None
    edits: list[str] = field(default_factory=list)
    state_at: datetime | None = None


class Store:
    """One vendor's records at the sandbox clock. Thread-safe: every call holds the store's lock.

    `local_zone` (an IANA name) makes the state show its timestamps in that zone.
    """

    def __init__(self, root: Path, vendor: str, local_zone: str | None = None) -> None:
        self.root = root
        self.vendor = vendor
        self.folder = root / "stores" / vendor
        self.clock = SandboxClock(root)
        self.lock = threading.RLock()
        self.local_zone = local_zone
        self.formulas_move_stamp = False
        self.generation = 0
        self._schema_file = WatchedJson(self.folder / "schema.json", None)
        self._overlay_stamp: tuple[int, int] | None = (-1, -1)
        self._edits: dict[str, list[str]] = {}
        self._objects: dict[str, ObjectDef] = {}
        self._loaded: dict[str, _Loaded] = {}
        self._now = utc_naive(self.clock.now())
        self._con = duckdb.connect(":memory:", config={"threads": 2})
        self._con.execute("set timezone = 'UTC'")
        self.settings: dict[str, Any] = {}
        self.refresh()

    def refresh(self) -> None:
        """Look at clock, schema and overlay; what they make stale is rebuilt on next use."""
        with self.lock:
            schema, changed = self._schema_file.read()
            if schema is None:
                raise StoreError(f"{self._schema_file.path} is missing or not JSON")
            if changed:
                self._objects = {name: _object(name, spec) for name, spec in schema["objects"].items()}
                self.settings = dict(schema.get("settings") or {})
                self._loaded.clear()
                self.generation += 1
            now = utc_naive(self.clock.now())
            if now != self._now:
                self._now = now
                self.generation += 1
            self._read_overlay()

    def set_local_zone(self, zone: str | None) -> None:
        """Show state timestamps in `zone` from now on."""
        with self.lock:
            if zone != self.local_zone:
                self.local_zone = zone
                self.generation += 1
                for loaded in self._loaded.values():
                    loaded.state_at = None

    def set_formulas_move_stamp(self, moves: bool) -> None:
        """Whether a version in which only volatile fields differ counts as an edit from now on."""
        with self.lock:
            if moves != self.formulas_move_stamp:
                self.formulas_move_stamp = moves
                self.generation += 1
                self._loaded.clear()

    @property
    def now(self) -> datetime:
        """The clock's instant as of the last refresh, naive UTC."""
        return self._now

    @property
    def objects(self) -> dict[str, ObjectDef]:
        """Objects the schema declares, by name."""
        return self._objects

    def object(self, name: str) -> ObjectDef | None:
        """The object of that name, whatever the case; None when there is none."""
        found = self._objects.get(name)
        if found is not None:
            return found
        lowered = name.lower()
        return next((item for key, item in self._objects.items() if key.lower() == lowered), None)

    def state(self, name: str) -> str:
        """Quoted name of the table of the object's records at the clock's now, soft-deleted ones included.

        Columns: the fields, then _modified, _user_modified, _created, _since (timestamps) and _op.
        """
        with self.lock:
            loaded = self._ensure_versions(name)
            table = quote(f"s_{name}")
            if loaded.state_at != self._now:
                definition = self._objects[name]
                columns = [
                    self._shown(quote(item.name), item.sql_type) + f" as {quote(item.name)}"
                    for item in definition.fields.values()
                ]
                columns += [
                    self._shown(source, "TIMESTAMP") + f" as {alias}"
                    for source, alias in (
                        ("_modified", "_modified"),
                        ("_user_modified", "_user_modified"),
                        ("_created", "_created"),
                        ("_valid_from", "_since"),
                    )
                ]
                order = ", ".join(quote(part) for part in definition.key)
                self._con.execute(
                    f"create or replace table {table} as select {', '.join(columns)}, _op "
                    f"from {quote(f'v_{name}')} "
                    "where _valid_from <= $now and (_valid_to is null or _valid_to > $now) "
                    f"and _op <> 'purge' order by {order}",
                    {"now": self._now},
                )
                loaded.state_at = self._now
            return table

    def versions(self, name: str) -> str:
        """Quoted name of the table of all versions; timestamps in UTC.

        Beside the fields: _valid_from, _seq, _op, _valid_to, _modified, _user_modified, _created, _prev_op.
        """
        with self.lock:
            self._ensure_versions(name)
            return quote(f"v_{name}")

    def query(self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> pa.Table:
        """Run `sql` over state and version tables; an Arrow table. Raises duckdb.Error."""
        with self.lock:
            return self._con.execute(sql, params if params else None).to_arrow_table()

    def rows(
        self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run `sql`; rows as tuples. Raises duckdb.Error."""
        with self.lock:
            return self._con.execute(sql, params if params else None).fetchall()

    def over(self, table: pa.Table, select: str) -> list[Any]:
        """First column of `select ... from page`, `page` being `table`: how one page is rendered to text."""
        with self.lock:
            self._con.register("page", table)
            try:
                return [row[0] for row in self._con.execute(select).fetchall()]
            finally:
                self._con.unregister("page")

    def _shown(self, expression: str, sql_type: str) -> str:
        if self.local_zone is None or not sql_type.startswith("TIMESTAMP"):
            return expression
        return local_time(expression, self.local_zone)

    def _read_overlay(self) -> None:
        path = self.folder / "overlay.jsonl"
        stamp = file_stamp(path)
        if stamp == self._overlay_stamp:
            return
        self._overlay_stamp = stamp
        edits: dict[str, list[str]] = {}
        text = path.read_text(encoding="utf-8") if stamp else ""
        for number, line in enumerate(text.split("\n")):
            if line.strip():
                name = str(json.loads(line)["object"])
                if name not in self._objects:
                    raise StoreError(f"{path} line {number + 1}: no object {name}")
                edits.setdefault(name, []).append(line)
        if edits != self._edits:
            self._edits = edits
            self.generation += 1

    def _ensure_versions(self, name: str) -> _Loaded:
        definition = self._objects[name]
        path = self.folder / f"{name}.parquet"
        stamp = file_stamp(path)
        loaded = self._loaded.get(name)
        wanted = self._edits.get(name, [])
        if loaded is not None and (loaded.parquet != stamp or loaded.edits != wanted[: len(loaded.edits)]):
            loaded = None
        if loaded is None:
            self._load(definition, path if stamp else None)
            loaded = self._loaded[name] = _Loaded(stamp)
            self.generation += 1
        if len(wanted) > len(loaded.edits):
            self._apply(self._objects[name], wanted[len(loaded.edits) :], len(loaded.edits))
            loaded.edits = list(wanted)
            loaded.state_at = None
            self.generation += 1
        return loaded

    def _load(self, definition: ObjectDef, path: Path | None) -> None:
        raw = quote(f"b_{definition.name}")
        if path is None:
            columns = [f"null::{item.sql_type} as {quote(item.name)}" for item in definition.fields.values()]
            source = "(select null::TIMESTAMP as _valid_from, 0::BIGINT as _seq, 'upsert' as _op where false)"
            stamp = "_valid_from"
        else:
            found = self._parquet_types(path)
            missing = [part for part in definition.key if part not in found]
            if missing:
                raise StoreError(f"{path}: key column {missing[0]} is not in the file")
            literal = str(path).replace("'", "''")
            source = f"read_parquet('{literal}')"
            whole = self._numeric_ids(definition, source, found)
            columns = [
                f"{quote(item.name)}::BIGINT as {quote(item.name)}"
                if item.name in whole
                else _typed(item, found.get(item.name))
                for item in definition.fields.values()
            ]
            stamp = _naive("_valid_from", found["_valid_from"])
        self._con.execute(
            f"create or replace table {raw} as select {', '.join(columns)}, {stamp} as _valid_from, "
            f"_seq::BIGINT as _seq, _op, null::VARCHAR as _flag from {source}"
        )
        self._note_types(definition, raw)
        self._con.execute(
            f"create or replace table {quote(f'v_{definition.name}')} as "
            + self._with_intervals(self._objects[definition.name], raw)
        )
        self._con.execute(f"drop table {raw}")

    def _parquet_types(self, path: Path) -> dict[str, str]:
        literal = str(path).replace("'", "''")
        described = self._con.execute(f"describe select * from read_parquet('{literal}')").fetchall()
        return {str(row[0]): str(row[1]) for row in described}

    def _numeric_ids(self, definition: ObjectDef, source: str, found: Mapping[str, str]) -> set[str]:
        """Text id columns of a NetSuite object that hold only integers, as the vendor's internal ids are."""
        if self.vendor != "netsuite":
            return set()
        names = [
            item.name
            for item in definition.fields.values()
            if item.type in ("id", "reference") and found.get(item.name) == "VARCHAR"
        ]
        if not names:
            return set()
        # A number written another way (007, +5) would not come back as it was: such a column stays text.
        tests = [
            f"coalesce(bool_and(cast(try_cast({quote(name)} as BIGINT) as VARCHAR) is not distinct from "
            f"{quote(name)}), true)"
            for name in names
        ]
        row = self._con.execute(f"select {', '.join(tests)} from {source}").fetchone()
        assert row is not None
        return {name for name, whole in zip(names, row, strict=True) if whole}

    def _note_types(self, definition: ObjectDef, raw: str) -> None:
        described = {str(row[0]): str(row[1]) for row in self._con.execute(f"describe {raw}").fetchall()}
        fields = {
            name: FieldDef(name, item.type, described[name], item.raw)
            for name, item in definition.fields.items()
        }
        self._objects[definition.name] = ObjectDef(
            definition.name,
            definition.label,
            definition.key,
            fields,
            definition.modified,
            definition.volatile,
            definition.raw,
        )

    def _with_intervals(self, definition: ObjectDef, raw: str) -> str:
        """Select of `raw` with intervals and stamps; windows run on a narrow projection, joined by row id."""
        key = ", ".join(quote(part) for part in definition.key)
        stable = [name for name in definition.fields if name not in definition.volatile]
        silent = "coalesce(_flag = 'silent', false)"
        hashes = ""
        if definition.volatile and not self.formulas_move_stamp:
            hashes = (
                f", hash({', '.join(quote(name) for name in stable)}) as _stable"
                f", hash({', '.join(quote(name) for name in sorted(definition.volatile))}) as _loose"
            )
            # Only what the vendor computes moved: the row differs but its stamp stands still.
            silent += (
                " or (_flag is null and _op = 'upsert' and lag(_op) over w in ('upsert', 'restore')"
                " and lag(_stable) over w = _stable and lag(_loose) over w <> _loose)"
            )
        return f"""
            with narrow as (
                select rowid as _row, {key}, _valid_from, _seq, _op, _flag{hashes} from {raw}
            ),
            flagged as (
                select _row, {key}, _valid_from, _seq, _op, _flag, coalesce({silent}, false) as _silent
                from narrow window w as (partition by {key} order by _valid_from, _seq)
            ),
            spans as (
                select
                    _row,
                    lead(_valid_from) over w as _valid_to,
                    lag(_op) over w as _prev_op,
                    max(case when not _silent then _valid_from end) over w as _modified,
                    max(case when not _silent and _flag is distinct from 'touch' then _valid_from end) over w
                        as _user_modified,
                    min(_valid_from) over w as _created
                from flagged window w as (partition by {key} order by _valid_from, _seq)
            )
            select b.*, s.* exclude (_row) from {raw} as b join spans as s on b.rowid = s._row
        """

    def _apply(self, definition: ObjectDef, lines: Iterable[str], already: int) -> None:
        """Add overlay edits, then make the intervals of the keys they touch again."""
        table = quote(f"v_{definition.name}")
        own = [*definition.fields, "_valid_from", "_seq", "_op", "_flag"]
        own_sql = ", ".join(quote(name) for name in own)
        types = {name: item.sql_type for name, item in definition.fields.items()}
        touched: list[dict[str, Any]] = []
        match = " and ".join(
            f"cast({quote(part)} as VARCHAR) = ${index + 1}" for index, part in enumerate(definition.key)
        )
        for number, line in enumerate(lines, start=already):
            edit = json.loads(line)
            key = {part: str(edit["key"][part]) for part in definition.key}
            at = utc_naive(parse_instant(str(edit["at"])))
            operation = OVERLAY_OPS[edit["op"]]
            changes = {**(edit.get("fields") or {}), **(edit["key"] if edit["op"] == "insert" else {})}
            flag = edit["op"] if edit["op"] in ("silent", "touch") else None
            seq = OVERLAY_SEQ + number
            params: list[Any] = [*key.values(), at]
            parts = []
            for name in definition.fields:
                if name in changes:
                    params.append(_bindable(changes[name]))
                    parts.append(f"cast(${len(params)} as {types[name]}) as {quote(name)}")
                elif edit["op"] == "insert":
                    parts.append(f"null::{types[name]} as {quote(name)}")
                else:
                    parts.append(quote(name))
            stamp = f"${len(definition.key) + 1}::TIMESTAMP"
            params += [seq, operation, flag]
            size = len(params)
            tail = f"{stamp}, ${size - 2}::BIGINT, ${size - 1}::VARCHAR, ${size}::VARCHAR"
            if edit["op"] == "insert":
                # The key parameters still have to be used for the statement to bind.
                keep = " and ".join(
                    f"${index + 1}::VARCHAR is not null" for index in range(len(definition.key))
                )
                source = f"where {keep}"
            else:
                source = (
                    f"from {table} where {match} and _valid_from <= {stamp} "
                    "order by _valid_from desc, _seq desc limit 1"
                )
            self._con.execute(
                f"insert into {table} ({own_sql}) select {', '.join(parts)}, {tail} {source}", params
            )
            touched.append(key)
        self._con.execute(
            "create or replace temp table touched as select * from (values "
            + ", ".join(
                "(" + ", ".join("'" + value.replace("'", "''") + "'" for value in key.values()) + ")"
                for key in touched
            )
            + f") as t({', '.join(quote(part) for part in definition.key)})"
        )
        join = " and ".join(f"cast(v.{quote(part)} as VARCHAR) = t.{quote(part)}" for part in definition.key)
        self._con.execute(
            f"create or replace table edited as select {own_sql} from {table} as v "
            f"where exists (select 1 from touched as t where {join})"
        )
        self._con.execute(f"delete from {table} as v where exists (select 1 from touched as t where {join})")
        self._con.execute(f"insert into {table} " + self._with_intervals(definition, "edited"))
        self._con.execute("drop table edited")


@cache
def offsets(zone: str) -> tuple[tuple[datetime, int], ...]:
    """(naive UTC instant from which it holds, minutes east of UTC) for `zone`, 1970 to 2045, newest first.

    Raises zoneinfo.ZoneInfoNotFoundError.
    """
    place = ZoneInfo(zone)

    def minutes(hour: int) -> int:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        offset = moment.astimezone(place).utcoffset()
        assert offset is not None
        return int(offset.total_seconds() // 60)

    found = [(datetime(1970, 1, 1), minutes(0))]  # noqa: DTZ001 - naive UTC is what the tables hold
    week, last = 24 * 7, 24 * 366 * 75
    for start in range(0, last, week):
        if minutes(start) == minutes(start + week):
            continue
        change = next(
            hour for hour in range(start + 1, start + week + 1) if minutes(hour) != minutes(hour - 1)
        )
        found.append((datetime(1970, 1, 1) + timedelta(hours=change), minutes(change)))  # noqa: DTZ001
    return tuple(reversed(found))


def local_time(expression: str, zone: str) -> str:
    """SQL for a naive UTC timestamp shown in `zone`; a case over the zone's changes, faster than ICU."""
    *changes, first = offsets(zone)
    whens = " ".join(f"when {expression} >= TIMESTAMP '{at}' then {minutes}" for at, minutes in changes)
    shift = f"case {whens} else {first[1]} end" if changes else str(first[1])
    return f"{expression} + to_minutes({shift})"


def _object(name: str, spec: Mapping[str, Any]) -> ObjectDef:
    fields = {
        key: FieldDef(key, str(value["type"]), SQL_TYPES.get(str(value["type"]), "VARCHAR"), dict(value))
        for key, value in spec["fields"].items()
    }
    key = tuple(str(part) for part in spec["key"])
    for part in key:
        if part not in fields:
            raise StoreError(f"schema.json: key {part} of {name} is not among its fields")
    return ObjectDef(
        name=name,
        label=str(spec.get("label") or name),
        key=key,
        fields=fields,
        modified=bool(spec.get("modified", True)),
        volatile=frozenset(str(item) for item in spec.get("volatile") or ()) & frozenset(fields),
        raw=dict(spec),
    )


def _typed(item: FieldDef, found: str | None) -> str:
    """Select expression of one field: the file's own type where that fits, else the declared one."""
    column = quote(item.name)
    if found is None:
        return f"null::{item.sql_type} as {column}"
    if found.startswith("TIMESTAMP"):
        return f"{_naive(column, found)} as {column}"
    if found in ("DOUBLE", "FLOAT"):
        kind = item.sql_type if item.sql_type.startswith("DECIMAL") else "DECIMAL(28,10)"
        return f"{column}::{kind} as {column}"
    if found == "VARCHAR" and item.sql_type != "VARCHAR":
        return f"{column}::{item.sql_type} as {column}"
    if item.sql_type == "VARCHAR" and found != "VARCHAR" and item.type not in ("id", "reference"):
        return f"{column}::VARCHAR as {column}"
    return column


def _naive(column: str, found: str) -> str:
    if found == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {column})"
    return f"{column}::TIMESTAMP"


def _bindable(value: Any) -> Any:
    """JSON numbers go in as text, so that a decimal is cast from what was written, not from a float."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) >= 20 and value[10:11] == "T":
        return utc_naive(parse_instant(value)).isoformat(sep=" ")
    return str(value)
