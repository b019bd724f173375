"""Edits of a vendor's store as that vendor's user would make them, appended to its overlay.jsonl.

`mutate` writes one edit after checking it against schema.json. The rest are edits that checks are made of:
a late change of an amount, a deletion, a restore, a record posted again under a new id, a restated rate, and
drift of the schema (which goes through profile.json, since it changes what is shown, not what is stored).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from sandbox.emulators.faults import parse_rule
from sandbox.emulators.store import OVERLAY_OPS, Store
from throughline.clock import iso, parse_instant

Key = Mapping[str, Any]
# Rows that live and die with their transaction.
NETSUITE_CHILDREN = {
    "transactionline": "transaction",
    "transactionaccountingline": "transaction",
}


class MutationError(Exception):
    """The edit names something that the store does not have; the message says what it has."""


def mutate(
    root: Path,
    vendor: str,
    obj: str,
    key: Key | str,
    op: str,
    fields: Mapping[str, Any] | None = None,
    at: datetime | str | None = None,
) -> dict[str, Any]:
    """Append one edit and return it as written.

    `op`: insert, update, delete, restore, purge, touch (only the stamp moves), silent (fields change, the
    stamp does not). `key` may be the bare id of an object with one key column. `at` defaults to the clock.
    Decimals are written as text, so that no float comes between. Raises MutationError.
    """
    spec = _spec(root, vendor, obj)
    if op not in OVERLAY_OPS:
        raise MutationError(f"no operation {op!r}; there are {', '.join(OVERLAY_OPS)}")
    full = {spec["key"][0]: key} if isinstance(key, str) else dict(key)
    if set(full) != set(spec["key"]):
        raise MutationError(f"{vendor} {obj} is keyed by {', '.join(spec['key'])}, not {', '.join(full)}")
    changes = dict(fields or {})
    unknown = sorted(set(changes) - set(spec["fields"]))
    if unknown:
        raise MutationError(f"{vendor} {obj} has no field {unknown[0]}; it has {', '.join(spec['fields'])}")
    moved = sorted(set(changes) & set(spec["key"])) if op != "insert" else []
    if moved:
        raise MutationError(f"{moved[0]} is the key of {obj}; delete and insert instead")
    moment = Store(root, vendor).clock.now() if at is None else _moment(at)
    edit = {
        "object": obj,
        "key": {name: _plain(value) for name, value in full.items()},
        "op": op,
        "at": iso(moment),
        "fields": {name: _plain(value) for name, value in changes.items()},
    }
    path = root / "stores" / vendor / "overlay.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(edit, ensure_ascii=False) + "\n")
    return edit


def record(root: Path, vendor: str, obj: str, key: Key | str) -> dict[str, Any]:
    """A record's fields as the store has them at the sandbox clock. Raises MutationError."""
    spec = _spec(root, vendor, obj)
    full = {spec["key"][0]: key} if isinstance(key, str) else dict(key)
    store = Store(root, vendor)
    where = " and ".join(
        f'cast("{name}" as VARCHAR) = ${number}' for number, name in enumerate(full, start=1)
    )
    found = store.query(
        f"select * exclude (_modified, _user_modified, _created, _since) "
        f"from {store.state(obj)} where {where}",
        [str(value) for value in full.values()],
    ).to_pylist()
    if not found:
        raise MutationError(f"{vendor} {obj} has no record {full}")
    return dict(found[0])


def late_edit(
    root: Path, vendor: str, obj: str, key: Key | str, field: str, amount: Decimal | str, at: datetime | str
) -> dict[str, Any]:
    """Change an amount (or any one field) of a record after the fact."""
    return mutate(root, vendor, obj, key, "update", {field: amount}, at)


def delete(root: Path, vendor: str, obj: str, key: Key | str, at: datetime | str) -> list[dict[str, Any]]:
    """Delete a record; a NetSuite transaction takes its lines with it."""
    done = [mutate(root, vendor, obj, key, "delete", None, at)]
    if vendor == "netsuite" and obj == "transaction":
        done += [
            mutate(root, vendor, child, child_key, "delete", None, at)
            for child, child_key in _children(root, done[0]["key"]["id"])
        ]
    return done


def restore(root: Path, vendor: str, obj: str, key: Key | str, at: datetime | str) -> dict[str, Any]:
    """Bring a deleted record back (Salesforce's recycle bin)."""
    return mutate(root, vendor, obj, key, "restore", None, at)


def repost(
    root: Path,
    vendor: str,
    obj: str,
    key: Key | str,
    new_key: Key | str,
    at: datetime | str,
    fields: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Delete a record and enter it again under a new id, as re-approval does to timecard splits."""
    spec = _spec(root, vendor, obj)
    before = record(root, vendor, obj, key)
    before.pop("_op")
    again = {spec["key"][0]: new_key} if isinstance(new_key, str) else dict(new_key)
    content = {name: value for name, value in before.items() if name not in spec["key"]}
    return [
        mutate(root, vendor, obj, key, "delete", None, at),
        mutate(root, vendor, obj, again, "insert", {**content, **dict(fields or {})}, at),
    ]


def restate_rate(
    root: Path, vendor: str, obj: str, key: Key | str, field: str, rate: Decimal | str, at: datetime | str
) -> dict[str, Any]:
    """Correct an exchange rate that was already used; tables without a stamp change without a sign."""
    modified = bool(_spec(root, vendor, obj).get("modified", True))
    return mutate(root, vendor, obj, key, "update" if modified else "silent", {field: rate}, at)


def drift(root: Path, rule: Mapping[str, Any]) -> None:
    """Add a rule (schema_rename, schema_retype, field_hidden, permission_lost ...) to profile.json.

    Raises sandbox.emulators.faults.ProfileError on an unknown kind.
    """
    parse_rule(rule)
    path = root / "profile.json"
    rules = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    rules = rules.get("rules", []) if isinstance(rules, dict) else rules
    draft = path.with_suffix(".json.new")
    draft.write_text(json.dumps([*rules, dict(rule)], indent=2), encoding="utf-8")
    draft.replace(path)


def _spec(root: Path, vendor: str, obj: str) -> dict[str, Any]:
    path = root / "stores" / vendor / "schema.json"
    if not path.exists():
        raise MutationError(f"{root} has no store of {vendor}")
    objects = json.loads(path.read_text(encoding="utf-8"))["objects"]
    if obj not in objects:
        raise MutationError(f"{vendor} has no object {obj}; it has {', '.join(sorted(objects))}")
    return dict(objects[obj])


def _children(root: Path, transaction: str) -> list[tuple[str, dict[str, Any]]]:
    store = Store(root, "netsuite")
    found = []
    for name, owner in NETSUITE_CHILDREN.items():
        definition = store.objects.get(name)
        if definition is None or owner not in definition.fields:
            continue
        keys = ", ".join(f'cast("{part}" as VARCHAR)' for part in definition.key)
        try:
            rows = store.rows(
                f'select {keys} from {store.state(name)} where cast("{owner}" as VARCHAR) = $1 '
                "and _op <> 'delete'",
                [transaction],
            )
        except duckdb.Error as error:
            raise MutationError(f"the lines of {transaction} could not be read: {error}") from error
        found += [(name, dict(zip(definition.key, row, strict=True))) for row in rows]
    return found


def _moment(at: datetime | str) -> datetime:
    return parse_instant(at) if isinstance(at, str) else parse_instant(at.isoformat())


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return iso(parse_instant(value.isoformat()))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        raise MutationError(f"{value!r} is a float; write amounts as text or Decimal")
    return value
