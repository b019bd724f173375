"""Whether two homes hold the same: the tables of raw, of the build and of what is published, as multisets."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from throughline import content, warehouse
from throughline.home import Home

# What names a load or a run, not the world: a load that was killed and read again has another number.
NAMES = r"(r?\d{8}T\d{6}Z)-\d+"
OF_DLT = "_dlt"
# What landing and the command line say of their own runs.
OF_THE_RUN = {
    ("landing", "extract_run"),
    ("landing", "key_compare"),
    ("canonical", "canonical__extract_run"),
    ("controls", "control__load"),
}
# The window of a dataset's last read, which is another when it was read again.
WINDOW = {"cursor_from", "cursor_to"}
# What INT-003 draws from loads: the window once more, a sample chosen by the load's id, and how many grains
# it looked at. A load that follows another has one more, the gap between the two.
OF_THE_LOAD = {"evidence", "pass_sample", "pass_count", "population_count"}
GAP = "control_id <> 'INT-003' or not ends_with(grain_key, '|GAP')"
SCHEMAS_OF_THE_RUN = {"inputs", content.OWN_SCHEMA}
Table = tuple[str, str]


def differences(reference: Path, home: Path, *files: str) -> dict[str, list[tuple[object, ...]]]:
    """Rows that one home has (-) or the other (+) alone, by table; `files` of raw, build, published."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for name in files:
        # One after the other: the views of a published file know the files of rows by their names.
        left, right = _content(reference, name), _content(home, name)
        for table in sorted(left.keys() | right.keys()):
            rows = _unlike(left.get(table), right.get(table))
            if rows:
                found[f"{name} {'.'.join(table)}"] = rows
    return found


def _open(root: Path, name: str) -> duckdb.DuckDBPyConnection:
    home = Home(root)
    if name == "published":
        return warehouse.open_published(home)
    connection = duckdb.connect(str(home.raw if name == "raw" else home.build), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def _content(root: Path, name: str) -> dict[Table, pa.Table]:
    """Every table that is compared; landing may say twice what it did, so of that the distinct rows."""
    connection = _open(root, name)
    try:
        shown = content.tables(connection) + (content.views(connection) if name == "published" else [])
        return {
            (schema, table): connection.execute(_select(connection, schema, table, name)).to_arrow_table()
            for schema, table in shown
            if (schema, table) not in OF_THE_RUN
            and schema not in SCHEMAS_OF_THE_RUN
            and not table.startswith(OF_DLT)
        }
    finally:
        connection.close()


def _select(connection: duckdb.DuckDBPyConnection, schema: str, table: str, name: str) -> str:
    columns = connection.execute(
        "select column_name, data_type from duckdb_columns() where database_name = current_database()"
        " and schema_name = ? and table_name = ? and not starts_with(column_name, ?) order by column_name",
        [schema, table, OF_DLT],
    ).fetchall()
    names = {column for column, _ in columns}
    of_control = "control_id" in names
    wanted = []
    for column, kind in columns:
        value = f'"{column}"'
        if kind == "VARCHAR":
            value = f"regexp_replace({value}, '{NAMES}', '\\1', 'g')"
        if of_control and column in OF_THE_LOAD:
            value = f"case when control_id <> 'INT-003' then {value} end"
        if column not in WINDOW:
            wanted.append(f'{value} as "{column}"')
    kept = GAP if {"control_id", "grain_key"} <= names else "true"
    distinct = "distinct" if name == "raw" and schema == "landing" else ""
    return f'select {distinct} {", ".join(wanted)} from "{schema}"."{table}" where {kept}'


def _unlike(left: pa.Table | None, right: pa.Table | None) -> list[tuple[object, ...]]:
    if left is None or right is None:
        return [("the table is there once",)]
    if left.column_names != right.column_names:
        return [("other columns",)]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("l", left)
        connection.register("r", right)
        return connection.execute(
            "(select '-', * from (select * from l except all select * from r))"
            " union all (select '+', * from (select * from r except all select * from l)) limit 6"
        ).fetchall()
