"""What each table was made of, so that a build leaves alone what the same words would make of the same rows.

Every table of the build file and of the candidate has a row in its file: `fingerprint.node` of the one and
`publication.node` of the other (name, fingerprint, content). `content` is the hash of its rows in whatever
order they lie, and of its SQL, which stands for the names of its columns; `fingerprint` that of its SQL and
of the content of everything it reads. A model whose fingerprint would be what it is stands as it is
(macros/in_place.sql). What comes from outside is told here before dbt begins: the landed tables, the inputs,
the seeds. Rows and hash are written in one transaction, so a killed build leaves both or neither.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from throughline.content import OWN_SCHEMA, literal, quoted

BUILD_SCHEMA, TABLE = "fingerprint", "node"
COLUMNS = "name varchar, fingerprint varchar, content varchar"
# the catalogue names of the file that is landed into and of the one that is published
RAW, SERVING = "raw", "serving"
# the schema of what a run is given, and in it the run's one row, of which a model reads some columns
GIVEN, RUN = "inputs", "run_context"
# A run that knows everything that was landed answers as any other that does, and one on whose day the same
# settings are in force as any other with them.
KNOWLEDGE, SETTINGS = "knowledge", "settings"
# days on which settings begin, and days behind those on which they end
CHANGES = {
    "parameter": ("effective_from",),
    "system_of_record": ("valid_from", "valid_to + 1"),
}


Table = tuple[str, str, str]


def rows_hash(table: str) -> str:
    """SQL: number and hash of the rows of `table`, whatever their order; the same row twice is not none."""
    return f"(select concat_ws('-', count(*), bit_xor(hash(t)), sum(hash(t))) from {table} as t)"


def set_up(connection: duckdb.DuckDBPyConnection, build: str) -> None:
    """The two tables, where they are not there yet; `build` is the catalogue name of the build file."""
    for database, schema in ((build, BUILD_SCHEMA), (SERVING, OWN_SCHEMA)):
        connection.execute(f"create schema if not exists {quoted(database, schema)}")
        connection.execute(f"create table if not exists {quoted(database, schema, TABLE)} ({COLUMNS})")


def keep(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Copy what the opened candidate says of its tables, if anything, into the file attached as `catalog`."""
    target = quoted(catalog, OWN_SCHEMA, TABLE)
    with suppress(duckdb.CatalogException):
        connection.execute(
            f"create table {target} as select * from {quoted(OWN_SCHEMA, TABLE)} order by name"
        )


def drop_others(connection: duckdb.DuckDBPyConnection, tables: set[tuple[str, str]]) -> None:
    """Drop tables and views of the candidate that no model (schema, name) makes any more."""
    for schema, name, kind in connection.execute(
        "select schema_name, table_name, 'table' from duckdb_tables() where database_name = 'serving'"
        " union all select schema_name, view_name, 'view' from duckdb_views()"
        " where database_name = 'serving' and not internal order by all"
    ).fetchall():
        if schema != OWN_SCHEMA and (str(schema), str(name)) not in tables:
            connection.execute(f"drop {kind} {quoted(SERVING, schema, name)}")


def forget(connection: duckdb.DuckDBPyConnection, build: str, names: set[str]) -> None:
    """Drop what is said of everything but `names`, the tables that the project's nodes make."""
    kept = ", ".join(literal(name) for name in sorted(names)) or "''"
    for database, schema in ((build, BUILD_SCHEMA), (SERVING, OWN_SCHEMA)):
        connection.execute(f"delete from {quoted(database, schema, TABLE)} where name not in ({kept})")


def tell(connection: duckdb.DuckDBPyConnection, build: str, rows: Iterable[tuple[str, str]]) -> None:
    """Say of `rows` (name, content) what they hold now."""
    table = quoted(build, BUILD_SCHEMA, TABLE)
    for name, said in rows:
        connection.execute(f"delete from {table} where name = {literal(name)}")
        connection.execute(f"insert into {table} values ({literal(name)}, null, {literal(said)})")


def contents(connection: duckdb.DuckDBPyConnection, build: str) -> list[tuple[str, str]]:
    """What every landed table and every input holds: (name, content), the run's row by column."""
    tables: dict[Table, dict[str, str]] = {
        (str(database), str(schema), str(name)): {str(one): str(kind) for one, kind in columns.items()}
        for database, schema, name, columns in connection.execute(
            "select database_name, schema_name, table_name, map_from_entries(list((column_name, data_type)))"
            f" from duckdb_columns() where database_name = {literal(RAW)}"
            f" or database_name = {literal(build)} and schema_name = {literal(GIVEN)} group by all"
        ).fetchall()
    }
    # another release may hash otherwise
    release, run = duckdb.__version__, (build, GIVEN, RUN)
    found = []
    for table, columns in sorted(tables.items()):
        if table == run:
            for column in columns:
                found.append(
                    (f"{'.'.join(run)}:{column}", _one(connection, f"(select {column} from {quoted(*run)})"))
                )
        else:
            named = hashlib.sha256(repr(sorted(columns.items())).encode()).hexdigest()[:16]
            rows = _one(connection, rows_hash(quoted(*table)))
            found.append((".".join(table), f"{release} {named} {rows}"))
    if run in tables:
        known = [quoted(*table) for table, columns in tables.items() if "tl_known_at" in columns]
        found.append((f"{'.'.join(run)}:{KNOWLEDGE}", _knowledge(connection, known, quoted(*run))))
        found.append((f"{'.'.join(run)}:{SETTINGS}", _settings(connection, set(tables), run)))
    return found


def _knowledge(connection: duckdb.DuckDBPyConnection, landed: list[str], run: str) -> str:
    """The run's known_at where something was landed later, else that it knows all."""
    newest = " union all ".join(f"select max(tl_known_at) as known_at from {table}" for table in landed)
    last = f"(select max(known_at) from ({newest}))" if landed else "null"
    known_at = f"(select known_at from {run})"
    return _one(
        connection,
        f"(case when coalesce({last} > {known_at}, false) then {known_at}::varchar else 'all' end)",
    )


def _settings(connection: duckdb.DuckDBPyConnection, there: set[Table], run: Table) -> str:
    """The last day up to the run's on which another setting came into force."""
    changes = [
        f"select {day} as day from {quoted(*run[:2], name)}"
        for name, days in CHANGES.items()
        for day in days
        if (*run[:2], name) in there
    ]
    if not changes:
        return "no settings"
    told = " union all ".join(changes)
    return _one(
        connection, f"(select max(day) from ({told}) where day <= (select as_of from {quoted(*run)}))"
    )


def _one(connection: duckdb.DuckDBPyConnection, expression: str) -> str:
    row = connection.execute(f"select coalesce({expression}::varchar, 'null')").fetchone()
    assert row is not None, "a select without a from has a row"
    return str(row[0])


def files_of_dbt() -> dict[str, str]:
    """Catalogue name -> path of the files dbt will open, as its profile is told."""
    build = os.environ["THROUGHLINE_BUILD_DB"]
    return {
        RAW: os.environ["THROUGHLINE_RAW_DB"],
        Path(build).stem: build,
        SERVING: os.environ["THROUGHLINE_SERVING_DB"],
    }


def begin(files: dict[str, str], manifest: Any) -> None:
    """Say what comes from outside, before the models of `manifest` (dbt's) are built.

    `files`: catalogue name -> path of the raw, the build and the serving file; the build file has dbt's
    catalogue name, the others are `raw` and `serving`.
    """
    build = next(name for name in files if name not in (RAW, SERVING))
    connection = duckdb.connect()
    try:
        connection.execute("set TimeZone = 'UTC'")
        for name, path in files.items():
            connection.execute(
                f"attach {literal(path)} as {quoted(name)}{' (read_only)' if name == RAW else ''}"
            )
        set_up(connection, build)
        # a statement changes one file only
        said = contents(connection, build) + _seeds(manifest)
        made = {(str(one.database), one.schema, one.alias) for one in manifest.nodes.values()}
        drop_others(connection, {table[1:] for table in made if table[0] == SERVING})
        forget(connection, build, {".".join(table) for table in made})
        connection.execute("begin")
        tell(connection, build, said)
        connection.execute("commit")
    finally:
        connection.close()


def _seeds(manifest: Any) -> list[tuple[str, str]]:
    return [
        (
            f"{one.database}.{one.schema}.{one.alias}",
            f"{one.checksum.checksum} {json.dumps(one.config.column_types, sort_keys=True, default=str)}",
        )
        for _, one in sorted(manifest.nodes.items())
        if str(one.resource_type) == "seed"
    ]
