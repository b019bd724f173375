"""What each table was made of, so that a build leaves alone what the same words would make of the same rows.

Every table of the build file and of the candidate has a row in its file: `fingerprint.node` of the one and
`publication.node` of the other (node, fingerprint, content). `content` is the hash of its rows in whatever
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from throughline.content import OWN_SCHEMA, literal, quoted

BUILD_SCHEMA, TABLE = "fingerprint", "node"
COLUMNS = "node varchar, fingerprint varchar, content varchar"
# the catalogue name of the file that is published
SERVING = "serving"
# the one row of a run: a model reads some of its columns
RUN = "source.throughline.inputs.run_context"
# A run that knows everything that was landed answers as any other that does ...
KNOWLEDGE = f"{RUN}:knowledge"
# ... and one on whose day the same settings are in force as any other with them.
SETTINGS = f"{RUN}:settings"
# days on which settings begin, and days behind those on which they end
CHANGES = {
    "parameter": ("effective_from",),
    "system_of_record": ("valid_from", "valid_to + 1"),
}


@dataclass(frozen=True)
class Told:
    """A source of dbt's: its name, and the table it is (database, schema, table)."""

    node: str
    table: tuple[str, str, str]


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
            f"create table {target} as select * from {quoted(OWN_SCHEMA, TABLE)} order by node"
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


def forget(connection: duckdb.DuckDBPyConnection, build: str, nodes: dict[str, str]) -> None:
    """Drop what is said of nodes that are no more, or are in the other file by now; node -> its database."""
    for database, schema in ((build, BUILD_SCHEMA), (SERVING, OWN_SCHEMA)):
        kept = ", ".join(literal(node) for node, where in nodes.items() if where == database) or "''"
        connection.execute(f"delete from {quoted(database, schema, TABLE)} where node not in ({kept})")


def tell(connection: duckdb.DuckDBPyConnection, build: str, rows: Iterable[tuple[str, str]]) -> None:
    """Say of `rows` (node, content) what they hold now."""
    table = quoted(build, BUILD_SCHEMA, TABLE)
    for node, said in rows:
        connection.execute(f"delete from {table} where node = {literal(node)}")
        connection.execute(f"insert into {table} values ({literal(node)}, null, {literal(said)})")


def contents(connection: duckdb.DuckDBPyConnection, sources: list[Told]) -> list[tuple[str, str]]:
    """What the sources hold: (node, content), the run's row by column; one without a table holds nothing."""
    there = {
        (str(database), str(schema), str(name)): {str(one): str(kind) for one, kind in columns.items()}
        for database, schema, name, columns in connection.execute(
            "select database_name, schema_name, table_name, map_from_entries(list((column_name, data_type)))"
            " from duckdb_columns() group by all"
        ).fetchall()
    }
    # another release may hash otherwise
    release = duckdb.__version__
    found, newest = [], []
    for one in sources:
        columns, table = there.get(one.table), quoted(*one.table)
        if columns is None:
            found.append((one.node, "no table"))
        elif one.node == RUN:
            for column in columns:
                found.append((f"{RUN}:{column}", _one(connection, f"(select {column} from {table})")))
        else:
            named = hashlib.sha256(repr(sorted(columns.items())).encode()).hexdigest()[:16]
            found.append((one.node, f"{release} {named} {_one(connection, rows_hash(table))}"))
        if columns is not None and "tl_known_at" in columns:
            newest.append(f"select max(tl_known_at) as known_at from {table}")
    run = next((one.table for one in sources if one.node == RUN and one.table in there), None)
    if run is not None:
        found.append((KNOWLEDGE, _knowledge(connection, newest, quoted(*run))))
        found.append((SETTINGS, _settings(connection, there, run)))
    return found


def _knowledge(connection: duckdb.DuckDBPyConnection, newest: list[str], run: str) -> str:
    landed = f"(select max(known_at) from ({' union all '.join(newest)}))" if newest else "null"
    known_at = f"(select known_at from {run})"
    return _one(
        connection,
        f"(case when coalesce({landed} > {known_at}, false) then {known_at}::varchar else 'all' end)",
    )


def _settings(
    connection: duckdb.DuckDBPyConnection,
    there: dict[tuple[str, str, str], dict[str, str]],
    run: tuple[str, str, str],
) -> str:
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
        "raw": os.environ["THROUGHLINE_RAW_DB"],
        Path(build).stem: build,
        SERVING: os.environ["THROUGHLINE_SERVING_DB"],
    }


def begin(files: dict[str, str], manifest: Any) -> None:
    """Say what comes from outside, before the models of `manifest` (dbt's) are built.

    `files`: catalogue name -> path of the raw, the build and the serving file; the build file has dbt's
    catalogue name, the others are `raw` and `serving`.
    """
    build = next(name for name in files if name not in ("raw", SERVING))
    connection = duckdb.connect()
    try:
        connection.execute("set TimeZone = 'UTC'")
        for name, path in files.items():
            connection.execute(
                f"attach {literal(path)} as {quoted(name)}{' (read_only)' if name == 'raw' else ''}"
            )
        set_up(connection, build)
        sources = [
            Told(node, (one.database or build, one.schema, one.identifier))
            for node, one in sorted(manifest.sources.items())
        ]
        said = contents(connection, sources) + _seeds(manifest)
        drop_others(
            connection,
            {(one.schema, one.alias) for one in manifest.nodes.values() if one.database == SERVING},
        )
        forget(connection, build, {node: str(one.database) for node, one in manifest.nodes.items()})
        connection.execute("begin")
        tell(connection, build, said)
        connection.execute("commit")
    finally:
        connection.close()


def _seeds(manifest: Any) -> list[tuple[str, str]]:
    return [
        (node, f"{one.checksum.checksum} {json.dumps(one.config.column_types, sort_keys=True, default=str)}")
        for node, one in sorted(manifest.nodes.items())
        if str(one.resource_type) == "seed"
    ]
