"""The personal fields of all sources: one table, landing.personal, so that erasing a record's is one delete.

A landed row names its fields by `personal_hash` (its tl_personal_hash), a reject by `reject_id`. Fields that
stay the same from version to version stand once. What was erased is remembered in landing.erased, because the
vendor goes on sending it.

    python -m pipelines.personal HOME SOURCE INSTANCE RESOURCE RECORD_ID
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.parquet import raw_store
from pipelines.sources import load_source
from pipelines.store import LANDING, RECORDS, RawStore
from throughline import clock

RECORD = ("source_system", "source_instance", "resource", "record_id")


def hold(store: RawStore, tables: Sequence[pa.Table]) -> None:
    """Append to landing.personal what it does not hold yet, without the records that were erased.

    Comes before the rows themselves are landed: a run that is killed in between leaves fields that no row
    names yet, and the next run finds them here. The other way round it would take the rows for landed and
    never bring their names.
    """
    fields = [table.cast(RECORDS["personal"]) for table in tables if table.num_rows]
    if not fields:
        return
    with store.reading() as connection:
        connection.register("new_fields", pa.concat_tables(fields))
        where = ["true"]
        if store.columns(connection, "personal", LANDING):
            where.append(
                f"""not exists (
                    select 1 from {store.table("personal", LANDING)} as p
                    where {_same("p")} and p.field = n.field
                        and coalesce(p.personal_hash, p.reject_id) = coalesce(n.personal_hash, n.reject_id)
                )"""
            )
        if store.columns(connection, "erased", LANDING):
            where.append(
                f"not exists (select 1 from {store.table('erased', LANDING)} as e where {_same('e')})"
            )
        new = connection.execute(
            f"select distinct n.* from new_fields as n where {' and '.join(where)}"
        ).to_arrow_table()
    store.record({"personal": new})


def held_by_reject(store: RawStore, connection: duckdb.DuckDBPyConnection, reject_id: str) -> dict[str, str]:
    """The personal fields of a refused row by their vendor names; none once they are erased."""
    if not store.columns(connection, "personal", LANDING):
        return {}
    rows = connection.execute(
        f"select field, value from {store.table('personal', LANDING)} where reject_id = ?", [reject_id]
    ).fetchall()
    return dict(rows)


def erase(home: Path, source: str, instance: str, resource: str, record_id: str) -> int:
    """Delete a record's personal fields for good and remember that; how many were deleted.

    To be called while nothing lands. Raises ThroughlineError E-SRC-018 for an unknown source or resource.
    """
    manifest = load_source(source).manifest
    record = (manifest.source_system, instance, manifest.resource(resource).name, record_id)
    store = raw_store(home, source, instance)
    where = " and ".join(f"{name} = ?" for name in RECORD)
    # first the memory: killed behind it, the fields are still there and are erased by doing it again
    with store.reading() as connection:
        known = (
            bool(store.columns(connection, "erased", LANDING))
            and connection.execute(
                f"select 1 from {store.table('erased', LANDING)} where {where}", record
            ).fetchone()
        )
    if not known:
        row = {**dict(zip(RECORD, record, strict=True)), "erased_at": clock.now()}
        store.record({"erased": pa.Table.from_pylist([row], RECORDS["erased"])})
    deleted = store.delete_records("personal", where, record)
    # packages that an earlier release let dlt keep once they were loaded
    for package in store.pipelines.glob("*/load/loaded/*"):
        shutil.rmtree(package, ignore_errors=True)
    return deleted


def _same(alias: str) -> str:
    return " and ".join(f"{alias}.{name} = n.{name}" for name in RECORD)


def main(arguments: Sequence[str]) -> int:
    """Erase what the command line names."""
    if len(arguments) != 5:
        print("usage: python -m pipelines.personal HOME SOURCE INSTANCE RESOURCE RECORD_ID", file=sys.stderr)
        return 64
    home, source, instance, resource, record_id = arguments
    print(f"{erase(Path(home), source, instance, resource, record_id)} fields erased")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
