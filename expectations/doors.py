"""What is looked at behind each door: one small table of facts per suite, read from the warehouse's files.

Each statement returns one row per thing judged (a dataset, a table, an identity) with the measured figures as
columns. The expectations then judge the figures, so that a failing one names what it is about.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

Frame = list[dict[str, object]]

ENVELOPE = ("tl_record_id", "tl_payload_hash", "tl_load_id", "tl_loaded_at", "tl_known_at")


@dataclass(frozen=True)
class Table:
    """A table of a file: schema, name, columns."""

    schema: str
    name: str
    columns: tuple[str, ...]


def tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[Table]:
    """Base tables of an attached database, without the loader's own."""
    found: dict[tuple[str, str], list[str]] = {}
    statement = (
        "select c.schema_name, c.table_name, c.column_name from duckdb_columns() c join duckdb_tables() t "
        "using (database_name, schema_name, table_name) where c.database_name = ? order by all"
    )
    for schema, name, column in connection.execute(statement, [database]).fetchall():
        found.setdefault((schema, name), []).append(column)
    return [
        Table(schema, name, tuple(columns)) for (schema, name), columns in found.items() if name[:4] != "_dlt"
    ]


def landed_datasets(connection: duckdb.DuckDBPyConnection) -> Frame:
    """One row per landed dataset: rows, missing keys and stamps, repeated versions, odd clocks."""
    rows: Frame = []
    for table in tables(connection, "raw"):
        if "tl_record_id" not in table.columns:
            continue
        source = f'raw."{table.schema}"."{table.name}"'
        missing = " + ".join(f"count(*) filter (where {column} is null)" for column in ENVELOPE)
        statement = (
            f"select count(*), {missing}, "
            "count(*) - count(distinct (tl_record_id, tl_payload_hash, tl_load_id)), "
            "count(*) filter (where tl_known_at > tl_loaded_at), "
            "count(*) filter (where tl_source_updated_at > tl_loaded_at + interval 1 day), "
            "coalesce(count(*) filter (where tl_is_deleted), 0) "
            f"from {source}"
        )
        total, absent, repeats, known_early, from_future, deleted = (
            connection.execute(statement).fetchone() or ()
        )
        rows.append(
            {
                "dataset": f"{table.schema}.{table.name}",
                "rows": total,
                "missing_envelope": absent,
                "repeated_versions": repeats,
                "known_after_load": known_early,
                "updated_after_load": from_future,
                "deleted_share": 0.0 if not total else deleted / total,
                "variant_columns": sum(1 for column in table.columns if "__v_" in column),
            }
        )
    return rows


def extract_runs(connection: duckdb.DuckDBPyConnection) -> Frame:
    """One row per dataset's newest extraction: status, volume, hours behind the newest of all."""
    statement = """
        with ranked as (
            select
                dataset, status, rows_extracted, rows_rejected, ended_at,
                row_number() over (partition by dataset order by started_at desc) as newest,
            from raw.landing.extract_run
        )
        select
            dataset, status, rows_extracted, rows_rejected,
            date_diff('minute', ended_at, max(ended_at) over ()) / 60.0 as hours_behind_newest
        from ranked where newest = 1 order by dataset
    """
    cursor = connection.execute(statement)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def published_grains(connection: duckdb.DuckDBPyConnection, grains: dict[str, tuple[str, ...]]) -> Frame:
    """One row per table with a declared grain: rows, and rows that repeat it or lack a part of it."""
    rows: Frame = []
    present = {f"{t.schema}.{t.name}" for t in tables(connection, "candidate")}
    for table, columns in grains.items():
        if table not in present:
            rows.append({"table": table, "present": 0, "rows": 0, "repeated_grains": 0, "null_grains": 0})
            continue
        parts = ", ".join(f'"{column}"' for column in columns)
        nulls = " or ".join(f'"{column}" is null' for column in columns)
        statement = (
            f"select count(*), "
            f"count(*) - (select count(*) from (select distinct {parts} from candidate.{table})), "
            f"count(*) filter (where {nulls}) from candidate.{table}"
        )
        total, repeated, null_grains = connection.execute(statement).fetchone() or (0, 0, 0)
        rows.append(
            {
                "table": table,
                "present": 1,
                "rows": total,
                "repeated_grains": repeated,
                "null_grains": null_grains,
            }
        )
    return rows


def identities(connection: duckdb.DuckDBPyConnection, statements: dict[str, str]) -> Frame:
    """One row per identity: how many rows break it and by how much in the worst row."""
    rows: Frame = []
    for name, statement in statements.items():
        broken, worst = connection.execute(statement).fetchone() or (None, None)
        rows.append(
            {"identity": name, "broken_rows": int(broken or 0), "worst_difference": float(worst or 0)}
        )
    return rows
