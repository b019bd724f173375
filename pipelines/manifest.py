"""What a source holds: `source.yml`, read into types and checked before anything is asked of the vendor.

A field is written `Name: kind`, with `!` behind the kind when a row is useless without it (the row is then
rejected) and `?` when an account may lack the column altogether. Long form: a mapping with `type`, `path`
(where it stands in a JSON record), `column`, `fallback` (a configuration key that fills a lacking column) and
`null_values`, which a resource may also set by kind.

`pii` names the fields that hold people's names, addresses or what people typed; `"*"` among them stands for
every column that the manifest does not name, as a person's record may have more of them than anybody lists.
Their values stand in landing.personal, where they can be erased.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import yaml

from throughline.errors import error

KINDS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "money": pa.decimal128(19, 4),
    "rate": pa.decimal128(18, 8),
    "fx": pa.decimal128(18, 10),
    "hours": pa.decimal128(9, 2),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "ts": pa.timestamp("us", "UTC"),
}
SQL_TYPES: dict[str, str] = {
    "id": "varchar",
    "text": "varchar",
    "money": "decimal(19,4)",
    "rate": "decimal(18,8)",
    "fx": "decimal(18,10)",
    "hours": "decimal(9,2)",
    "int": "bigint",
    "bool": "boolean",
    "date": "date",
    "ts": "timestamp with time zone",
}
# in `pii`: all columns that the manifest does not name
OTHERS = "*"
NUMBERS = frozenset({"money", "rate", "fx", "hours", "int"})
TRANSPORTS = frozenset({"soql", "suiteql", "json_pages", "files", "inbox"})
# kinds of system: sales, delivery, people, finance, buying, signatures, messages between systems, files
DOMAINS = ("crm", "psa", "hr", "erp", "procurement", "documents", "events", "files")
_DURATION = re.compile(r"^(\d+)\s*(s|m|h|d)$")
_CLOCK = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def snake_case(name: str) -> str:
    """The landed column of a vendor name: `AccountId` is `account_id`, `pse__Date__c` is `pse__date__c`."""
    text = re.sub(r"[^0-9A-Za-z_]", "_", name)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    return text.lower()


@dataclass(frozen=True)
class Field:
    """One vendor field and how it lands. `paths` are the places to look for it in a JSON record, in order."""

    name: str
    kind: str
    column: str
    required: bool = False
    optional: bool = False
    paths: tuple[str, ...] = ()
    fallback: str | None = None
    null_values: tuple[str, ...] = ()

    @property
    def arrow(self) -> pa.DataType:
        return KINDS[self.kind]


@dataclass(frozen=True)
class Deletes:
    """How a resource's deletions are seen: a flag in the row, a tombstone feed, a status, the key compare."""

    flag: str | None = None
    tombstone: bool = False
    tombstone_types: tuple[str, ...] = ()
    key_compare: bool = True
    status_field: str | None = None
    status_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parent:
    """A child's tie to the resource whose change means that all its children are read anew."""

    resource: str
    object: str
    field: str
    cursor: str


@dataclass(frozen=True)
class Resource:
    """One table to land. `key` are vendor field names; `window` is own, parent or full."""

    name: str
    object: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    cursor: str | None
    created: str | None
    window: str
    lag: timedelta
    page_size: int
    write: str
    deletes: Deletes
    freshness_hours: int
    control_amount: str | None
    volatile: frozenset[str]
    pii: frozenset[str]
    where: str | None
    parent: Parent | None
    ignore: frozenset[str]
    options: Mapping[str, Any] = field(default_factory=dict)

    def field(self, name: str) -> Field:
        """The declared field `name`. Raises KeyError."""
        return next(item for item in self.fields if item.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.fields)

    def personal_columns(self, extras: Iterable[str] = ()) -> tuple[str, ...]:
        """The landed columns whose values stand in landing.personal.

        `extras` are columns that the manifest does not name.
        """
        named = (item.column for item in self.fields if item.name in self.pii)
        return (*named, *(sorted(extras) if OTHERS in self.pii else ()))


@dataclass(frozen=True)
class Manifest:
    """A source: its resources in the order in which they are read."""

    source: str
    source_system: str
    domain: str  # the kind of system it is, one of DOMAINS
    transport: str
    safety: timedelta
    version: str
    resources: tuple[Resource, ...]
    settings: Mapping[str, Any]
    # who answers for it, and by when on which clock its data has to be there; a firm may say otherwise
    owner: str | None = None
    due: str | None = None
    time_zone: str | None = None

    def resource(self, name: str) -> Resource:
        """The resource `name`. Raises ThroughlineError E-SRC-018."""
        for resource in self.resources:
            if resource.name == name:
                return resource
        known = ", ".join(resource.name for resource in self.resources)
        raise error("E-SRC-018", kind=f"resource of {self.source} named", name=name, known=known)


def duration(text: str) -> timedelta:
    """`10m`, `24h`, `7d` or `0s` as a timedelta. Raises ValueError."""
    match = _DURATION.match(str(text).strip())
    if not match:
        raise ValueError(f"'{text}' is no duration such as 10m, 24h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def load_manifest(path: Path) -> Manifest:
    """The manifest at `path`. Raises ThroughlineError E-SRC-001 naming what is wrong in it."""
    text = path.read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    try:
        return _manifest(data)
    except (KeyError, TypeError, ValueError) as problem:
        source = data.get("source", path.parent.name) if isinstance(data, dict) else path.parent.name
        detail = f"missing key {problem}" if isinstance(problem, KeyError) else str(problem)
        raise error("E-SRC-001", path=path.name, detail=detail, source=source) from problem


def _manifest(data: Mapping[str, Any]) -> Manifest:
    if data["transport"] not in TRANSPORTS:
        raise ValueError(f"transport {data['transport']} is unknown")
    if data["domain"] not in DOMAINS:
        raise ValueError(f"domain {data['domain']} is unknown; known are {', '.join(DOMAINS)}")
    defaults = data.get("defaults", {})
    resources = tuple(_resource({**defaults, **entry}) for entry in data["resources"])
    names = [resource.name for resource in resources]
    if len(set(names)) < len(names):
        raise ValueError("two resources bear the same name")
    for position, resource in enumerate(resources):
        if resource.parent and resource.parent.resource not in names[:position]:
            raise ValueError(f"{resource.name}: its parent {resource.parent.resource} must stand before it")
    digest = hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()[:8]
    return Manifest(
        source=data["source"],
        source_system=data.get("source_system", data["source"]),
        domain=data["domain"],
        transport=data["transport"],
        safety=duration(data.get("safety", "0s")),
        version=f"{data.get('version', 1)}.{digest}",
        resources=resources,
        settings=data.get("settings", {}),
        **care(data),
    )


def care(data: Mapping[str, Any]) -> dict[str, str]:
    """Owner, due and time_zone as far as they are there. Raises ValueError for what is no time or zone."""
    told = {name: str(data[name]) for name in ("owner", "due", "time_zone") if data.get(name)}
    if "due" in told and not _CLOCK.match(told["due"]):
        raise ValueError(f'due is "{told["due"]}", which is no time of day such as "07:00"')
    if "time_zone" in told:
        try:
            ZoneInfo(told["time_zone"])
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"time_zone {told['time_zone']} is no zone such as UTC") from None
    return told


def _resource(entry: Mapping[str, Any]) -> Resource:
    name = entry["name"]
    written = {**entry["fields"], **entry.get("common", {})}
    fields = tuple(_field(key, value, entry.get("null_values", {})) for key, value in written.items())
    names = {item.name for item in fields}
    columns = [item.column for item in fields]
    doubles = sorted({column for column in columns if columns.count(column) > 1})
    if doubles:
        raise ValueError(f"{name}: several fields land in column {', '.join(doubles)}")
    for column in columns:
        if column.startswith("tl_") or "__v_" in column:
            raise ValueError(f"{name}: column {column} has a reserved name")
    key = tuple([entry["key"]] if isinstance(entry["key"], str) else entry["key"])
    deletes = _deletes(entry.get("deletes", {}))
    mentioned = {
        "key": key,
        "cursor": [entry.get("cursor")],
        "created": [entry.get("created")],
        "control_amount": [entry.get("control_amount")],
        "volatile": entry.get("volatile", []),
        "pii": [item for item in entry.get("pii", []) if item != OTHERS],
        "deletes.flag": [deletes.flag],
        "deletes.status_field": [deletes.status_field],
    }
    for where, wanted in mentioned.items():
        unknown = [item for item in wanted if item is not None and item not in names]
        if unknown:
            raise ValueError(f"{name}: {where} names {', '.join(unknown)}, which is no field")
    fields = tuple(
        Field(**{**item.__dict__, "required": True}) if item.name in key else item for item in fields
    )
    _check_personal(name, fields, mentioned)
    parent = entry.get("parent")
    window = entry.get("window", "parent" if parent else "own" if entry.get("cursor") else "full")
    if window not in {"own", "parent", "full"}:
        raise ValueError(f"{name}: window {window} is none of own, parent, full")
    if window == "own" and not entry.get("cursor"):
        raise ValueError(f"{name}: a window of its own needs a cursor")
    return Resource(
        name=name,
        object=entry["object"],
        key=key,
        fields=fields,
        cursor=entry.get("cursor"),
        created=entry.get("created"),
        window=window,
        lag=duration(entry.get("lag", "10m")),
        page_size=int(entry.get("page_size", 1000)),
        write=entry.get("write", "append"),
        deletes=deletes,
        freshness_hours=int(entry.get("freshness_hours", 26)),
        control_amount=entry.get("control_amount"),
        volatile=frozenset(entry.get("volatile", [])),
        pii=frozenset(entry.get("pii", [])),
        where=entry.get("where"),
        parent=Parent(**parent) if parent else None,
        ignore=frozenset(str(item).lower() for item in entry.get("ignore", [])),
        options=entry.get("options", {}),
    )


def _check_personal(name: str, fields: tuple[Field, ...], mentioned: Mapping[str, Any]) -> None:
    """A personal field leaves its row and can be erased, so nothing may rest on it."""
    pii = set(mentioned["pii"])
    for where, used in mentioned.items():
        if where not in {"pii", "volatile"} and pii & set(used):
            raise ValueError(f"{name}: {where} is in pii, and a personal field can be erased")
    required = sorted(item.name for item in fields if item.required and item.name in pii)
    if required:
        raise ValueError(f"{name}: {', '.join(required)} is in pii and required, but can be erased")


def _deletes(entry: Mapping[str, Any]) -> Deletes:
    return Deletes(
        flag=entry.get("flag"),
        tombstone=bool(entry.get("tombstone", False)),
        tombstone_types=tuple(str(item).lower() for item in entry.get("tombstone_types", [])),
        key_compare=bool(entry.get("key_compare", True)),
        status_field=entry.get("status_field"),
        status_values=tuple(entry.get("status_values", [])),
    )


def _field(name: str, value: str | Mapping[str, Any], null_values: Mapping[str, Any]) -> Field:
    entry: Mapping[str, Any] = {"type": value} if isinstance(value, str) else value
    kind = str(entry["type"])
    required, optional = "!" in kind, "?" in kind
    kind = kind.rstrip("!?")
    if kind not in KINDS:
        raise ValueError(f"{name}: type {kind} is none of {', '.join(KINDS)}")
    paths = entry.get("path", name)
    return Field(
        name=name,
        kind=kind,
        column=entry.get("column", snake_case(name)),
        required=required,
        optional=optional,
        paths=(paths,) if isinstance(paths, str) else tuple(paths),
        fallback=entry.get("fallback"),
        null_values=tuple(str(item) for item in entry.get("null_values", null_values.get(kind, []))),
    )
