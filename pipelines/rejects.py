"""Rows that the contract refused: kept with their payload, listed, shown, and fed in again once.

Personal fields are no part of the payload that is kept: they stand in landing.personal under the reject's id,
and a replay takes them from there, or goes without them once they are erased.
A reject is open until it is replayed, or until the source itself sends a readable row of the same record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines import keyed, personal
from pipelines.contract import ZONE, check
from pipelines.manifest import Manifest, Resource
from pipelines.parquet import raw_store
from pipelines.sources import Source, load_source, source_names
from pipelines.spool import Spool
from pipelines.store import LANDING, RECORDS, RawStore
from pipelines.transports.base import text_of, text_table
from pipelines.versions import Load, Versions
from throughline import clock
from throughline.errors import error

# a row that is refused for its place among the others passes the contract alone: only a correction frees it
BY_ITS_PLACE = frozenset({"DUPLICATE_KEY"})
REPLAYED, SUPERSEDED, RESOLVED = "REPLAYED", "SUPERSEDED", "RESOLVED"
OPEN = "OPEN"


@dataclass
class ReplayResult:
    """What a replay did: reject ids by outcome, and rows that were new."""

    load_id: str | None = None
    replayed: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    rows_landed: int = 0


def reject_rows(
    rejected: pa.Table, manifest: Manifest, resource: str, load: Load, secret: str
) -> tuple[pa.Table, pa.Table]:
    """Refused rows of one read as rows of landing.reject, and their fields for landing.personal."""
    rows, fields = [], []
    for row in rejected.to_pylist():
        told = row.pop("personal")
        parts = [manifest.source, load.instance, resource, row["record_id"], row["payload"]]
        if told:
            # keyed, so that nobody finds a name by trying names on the id
            parts.append(keyed.digest(secret, told))
        record = {
            "reject_id": hashlib.sha256("|".join(parts).encode()).hexdigest()[:32],
            "source_system": manifest.source_system,
            "source_instance": load.instance,
            "resource": resource,
            "record_id": row["record_id"],
            "load_id": load.load_id,
        }
        rows.append({**row, **record, "rejected_at": load.at, "contract_version": manifest.version})
        fields += [
            {**record, "field": name, "value": value}
            for name, value in json.loads(told or "{}").items()
            if value is not None
        ]
    return pa.Table.from_pylist(rows, RECORDS["reject"]), pa.Table.from_pylist(fields, RECORDS["personal"])


def open_rejects(store: RawStore, connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The open rejects of one source instance, oldest first."""
    return _query(
        store,
        connection,
        "source_system = ? and source_instance = ? and state = 'OPEN'",
        [
            store.source,
            store.instance,
        ],
    )


def list_rejects(
    home: Path, *, source: str | None = None, resource: str | None = None, state: str | None = OPEN
) -> list[dict[str, Any]]:
    """Rejects with their state (OPEN, REPLAYED, SUPERSEDED, RESOLVED; none = all), oldest first."""
    wanted = {"source_system": source, "resource": resource, "state": state}
    given = {name: value for name, value in wanted.items() if value}
    store = raw_store(home, source or "", "")
    where = " and ".join(f"{name} = ?" for name in given) or "true"
    with store.reading() as connection:
        return _query(store, connection, where, list(given.values()))


def show_reject(home: Path, reject_id: str) -> dict[str, Any]:
    """One reject by its id or an unambiguous beginning of it. Raises ThroughlineError E-SRC-020."""
    store = raw_store(home, "", "")
    with store.reading() as connection:
        found = _query(store, connection, "starts_with(reject_id, ?)", [reject_id])
    if len(found) != 1 or len(reject_id) < 4:
        raise error("E-SRC-020", reject_id=reject_id)
    return found[0]


def replay(
    home: Path,
    reject_ids: Sequence[str] | None = None,
    *,
    source: str | None = None,
    corrections: Mapping[str, Mapping[str, Any]] | None = None,
) -> ReplayResult:
    """Feed open rejects through the contract again and land what passes now.

    `reject_ids` chooses (none = all open ones, of `source` if given); `corrections` gives vendor fields to
    overwrite per reject id. A row whose record the source has meanwhile sent anew is SUPERSEDED and not
    landed. Replaying what is closed changes nothing. Raises ThroughlineError E-SRC-020.
    """
    if reject_ids is None:
        chosen = list_rejects(home, source=source)
    else:
        chosen = [show_reject(home, reject_id) for reject_id in reject_ids]
    corrected = {_full_id(chosen, name): dict(fields) for name, fields in (corrections or {}).items()}
    result = ReplayResult()
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for reject in chosen:
        if reject["state"] == OPEN:
            groups.setdefault((reject["source_system"], reject["source_instance"]), []).append(reject)
    for (system, instance), rejects in groups.items():
        _replay_group(home, _source_of(system), instance, rejects, corrected, result)
    return result


def _replay_group(
    home: Path,
    source: Source,
    instance: str,
    rejects: list[dict[str, Any]],
    corrected: Mapping[str, Mapping[str, Any]],
    result: ReplayResult,
) -> None:
    manifest = source.manifest
    store = raw_store(home, manifest.source, instance)
    store.recover()
    tables: dict[str, list[pa.Table]] = {}
    fields: list[pa.Table] = []
    events: list[dict[str, Any]] = []
    now = clock.now()
    with store.reading() as connection:
        names = [resource.name for resource in manifest.resources]
        load = Load(store.next_load_id(connection, now, names), now, instance)
        for resource in manifest.resources:
            here = [reject for reject in rejects if reject["resource"] == resource.name]
            if here:
                replayed, superseded = _replay_resource(
                    store, connection, resource, load, here, corrected, result, tables, fields
                )
                for action, ids in ((REPLAYED, replayed), (SUPERSEDED, superseded)):
                    events += [
                        {"reject_id": key, "action": action, "load_id": load.load_id, "at": now}
                        for key in ids
                    ]
                result.replayed += replayed
                result.superseded += superseded
    personal.hold(store, fields)
    if tables:
        store.land(source.tables(tables))
    if events:
        store.record({"reject_event": pa.Table.from_pylist(events, RECORDS["reject_event"])})
        result.load_id = load.load_id


def _replay_resource(
    store: RawStore,
    connection: duckdb.DuckDBPyConnection,
    resource: Resource,
    load: Load,
    rejects: list[dict[str, Any]],
    corrected: Mapping[str, Mapping[str, Any]],
    result: ReplayResult,
    tables: dict[str, list[pa.Table]],
    fields: list[pa.Table],
) -> tuple[list[str], list[str]]:
    """Land what passes of one resource. The ids replayed and the ids superseded."""
    spool = Spool(store.work / resource.name / "replay")
    passed: dict[str, list[str]] = {}
    superseded: list[str] = []
    landed_columns = store.columns(connection, resource.name)
    landed = store.table(resource.name)
    for position, reject in enumerate(rejects):
        if reject["reason_code"] in BY_ITS_PLACE and reject["reject_id"] not in corrected:
            result.refused[reject["reject_id"]] = reject["reason"]
            continue
        payload = {
            **json.loads(reject["payload"]),
            **personal.held_by_reject(store, connection, reject["reject_id"]),
            **corrected.get(reject["reject_id"], {}),
        }
        zone = str(payload.pop(ZONE, "UTC"))
        flat = {name: text_of(value) for name, value in payload.items()}
        checked = check(connection, resource, text_table([flat], list(flat)), zone, position)
        if checked.rejected is not None:
            result.refused[reject["reject_id"]] = checked.rejected.column("reason")[0].as_py()
            continue
        row = checked.good.to_pylist()[0]
        if landed_columns and _newer_landed(connection, landed, row, reject):
            superseded.append(reject["reject_id"])
            continue
        passed.setdefault(row["tl_record_id"], []).append(reject["reject_id"])
        spool.add(checked.good)
    if not spool.rows:
        return [], superseded
    declared = {item.column for item in resource.fields}
    extras = [
        name for name in landed_columns if name not in declared and not name.startswith(("tl_", "_dlt"))
    ]
    versions = Versions(connection, resource, landed if landed_columns else None, extras)
    versions.prepare(spool)
    rows, count, _, _ = versions.changed(load, first=False)
    found = [table for table in rows if table.num_rows]
    if found:
        tables[resource.name] = found
    told = versions.personal(rejects[0]["source_system"], load)
    if told is not None:
        fields.append(told)
    result.rows_landed += count
    spool.drop()
    return [key for keys in passed.values() for key in keys], superseded


def _newer_landed(
    connection: duckdb.DuckDBPyConnection, landed: str, row: Mapping[str, Any], reject: Mapping[str, Any]
) -> bool:
    """Whether the source sent a version of the record that is newer than the refused row."""
    found = connection.execute(
        f"""
        select count(*) from {landed}
        where tl_record_id = ? and tl_payload_hash <> ?
            and (tl_source_updated_at > ? or (? is null and tl_loaded_at > ?))
        """,
        [
            row["tl_record_id"],
            row["tl_payload_hash"],
            row["tl_source_updated_at"],
            row["tl_source_updated_at"],
            reject["rejected_at"],
        ],
    ).fetchone()
    return bool(found and found[0])


def _query(
    store: RawStore, connection: duckdb.DuckDBPyConnection, where: str, values: list[Any]
) -> list[dict[str, Any]]:
    if not store.columns(connection, "reject", LANDING):
        return []
    table = connection.execute(
        f"""
        with closed as (
            select reject_id, arg_max(action, "at") as action
            from {store.table("reject_event", LANDING)}
            group by reject_id
        ),
        stated as (
            select r.*, coalesce(c.action, 'OPEN') as state
            from {store.table("reject", LANDING)} as r
            left join closed as c on c.reject_id = r.reject_id
        )
        select distinct on (reject_id) * from stated where {where} order by reject_id
        """,
        values,
    ).to_arrow_table()
    rows: list[dict[str, Any]] = table.to_pylist()
    return sorted(rows, key=lambda row: (row["rejected_at"], row["resource"], row["record_id"]))


def _full_id(chosen: list[dict[str, Any]], name: str) -> str:
    found = [reject["reject_id"] for reject in chosen if reject["reject_id"].startswith(name)]
    if len(found) != 1:
        raise error("E-SRC-020", reject_id=name)
    return str(found[0])


def _source_of(system: str) -> Source:
    for name in source_names():
        source = load_source(name)
        if source.manifest.source_system == system:
            return source
    return load_source(system)
