"""What a DuckDB file holds: its tables, their row counts, and hashes of their content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb

# The schema in which a published file says of itself what it is; not part of its content.
OWN_SCHEMA = "publication"
BATCH = 100_000


def quoted(*parts: str) -> str:
    """An SQL name of these parts."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(value: Any) -> str:
    """`value` (None, bool, int, Decimal, date, aware datetime or text) as an SQL literal.

    Small tables are written with these: binding values makes DuckDB import pandas, which takes two seconds.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return f"timestamptz '{value.astimezone(UTC).isoformat()}'"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise TypeError(f"no SQL literal for {type(value).__name__}")


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Append `rows` to `table` (a name as SQL has it)."""
    for start in range(0, len(rows), 1000):
        values = ",\n".join(
            "(" + ", ".join(literal(value) for value in row) + ")" for row in rows[start : start + 1000]
        )
        connection.execute(f"insert into {table} values {values}")


def tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """(schema, table) of the opened file, sorted; without what the file says of itself."""
    return [
        (str(schema), str(name))
        for schema, name in connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = current_database() and not internal"
            f" and schema_name <> {literal(OWN_SCHEMA)} order by 1, 2"
        ).fetchall()
    ]


def views(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """(schema, view) of the opened file, sorted."""
    return [
        (str(schema), str(name))
        for schema, name in connection.execute(
            "select schema_name, view_name from duckdb_views()"
            " where database_name = current_database() and not internal order by 1, 2"
        ).fetchall()
    ]


def columns(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> list[tuple[str, str]]:
    """Names and types of the columns of a table or view of the opened file, in order; none, no such table."""
    return [
        (str(column), str(kind))
        for column, kind in connection.execute(
            "select column_name, data_type from duckdb_columns()"
            f" where database_name = current_database() and schema_name = {literal(schema)}"
            f" and table_name = {literal(name)} order by column_index"
        ).fetchall()
    ]


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Rows of every table."""
    counts = {}
    for schema, name in tables(connection):
        found = connection.execute(f"select count(*) from {quoted(schema, name)}").fetchone()
        counts[schema, name] = int(found[0]) if found else 0
    return counts


def published_counts(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Rows of every table of a published file, as it says itself; what it shows as a view counts too."""
    rows = connection.execute(f"select table_name, row_count from {OWN_SCHEMA}.content").fetchall()
    return {(str(name).split(".")[0], str(name).split(".", 1)[1]): int(number) for name, number in rows}


def table_hash(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> tuple[int, str]:
    """Rows and SHA-256 of one table: its columns' names and types, then its rows in sorted order.

    The order rows lie in the file does not count, so the same content hashes the same however it was built.
    """
    digest = hashlib.sha256()
    for column, kind in columns(connection, schema, name):
        digest.update(f"{column}:{kind}\n".encode())
    rows = 0
    cursor = connection.cursor()
    try:
        cursor.execute(f"select md5(cast(t as varchar)) as h from {quoted(schema, name)} as t order by h")
        while batch := cursor.fetchmany(BATCH):
            rows += len(batch)
            digest.update("".join(row[0] for row in batch).encode())
    finally:
        cursor.close()
    return rows, digest.hexdigest()
