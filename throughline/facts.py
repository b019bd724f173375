"""Rows to drill into: split by period into files of their own, which runs share.

At publish the rows of `marts.metric_drill` leave the candidate for one file per period. A file's name holds
the hash of its rows, so a period whose rows have not changed is the file that is there already, and a file
never changes. The serving file lists what it needs in `publication.facts` and shows it as the view
`marts.metric_drill` over the files, which whoever opens it attaches under their own names.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from throughline import content
from throughline.content import literal, quoted

SCHEMA, TABLE = "marts", "metric_drill"
LIST = "facts"
PREFIX, SUFFIX = "facts_", ".duckdb"
# A flow's row belongs to its month; what is a position at a date, or has no month, to this file.
POSITIONS = "positions"
# What is asked for together lies together.
ORDER = "metric_id, as_of, legal_entity_id"
READ_ONLY = 0o444


@dataclass(frozen=True)
class Facts:
    """One file of rows: its name without folder and suffix, period, number of rows, SHA-256 of the rows."""

    name: str
    period: str
    rows: int
    sha256: str

    @property
    def file(self) -> str:
        """The file's name in the serving folder."""
        return self.name + SUFFIX


def paths(folder: Path) -> list[Path]:
    """All facts files in `folder`, needed or not."""
    return sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))


def listed(connection: duckdb.DuckDBPyConnection, catalog: str | None = None) -> list[Facts]:
    """What the opened file (or the one attached as `catalog`) says it needs, by period, if anything."""
    table = (catalog,) if catalog else ()
    try:
        rows = connection.execute(
            "select file_name, period, row_count, content_hash"
            f" from {quoted(*table, content.OWN_SCHEMA, LIST)} order by period"
        ).fetchall()
    except duckdb.CatalogException:
        return []
    return [Facts(str(name), str(period), int(number), str(digest)) for name, period, number, digest in rows]


def attach(connection: duckdb.DuckDBPyConnection, folder: Path, facts: list[Facts]) -> None:
    """Attach the files read-only, each under its own name. Raises duckdb.Error when one cannot be opened."""
    connection.execute(
        ";".join(
            f"attach if not exists {literal(str(folder / one.file))} as {quoted(one.name)} (read_only)"
            for one in facts
        )
    )


def of_file(path: Path) -> list[Facts]:
    """What the serving file at `path` needs. Raises duckdb.Error when it cannot be read."""
    connection = duckdb.connect()
    try:
        connection.execute(f"attach {literal(str(path))} as published (read_only)")
        return listed(connection, "published")
    finally:
        connection.close()


def _within(period: str) -> str:
    """SQL: the row is of this period. A comparison with a constant, so that other months are skipped."""
    return "period_month is null" if period == POSITIONS else f"period_month = date '{period}-01'"


def _hashed(connection: duckdb.DuckDBPyConnection, columns: list[tuple[str, str]]) -> list[Facts]:
    """Every period's rows and their hash, the one `content.table_hash` gives for the period's file.

    The rows are read once; then one period's row hashes at a time are put in order.
    """
    header = "".join(f"{name}:{kind}\n" for name, kind in columns)
    connection.execute(
        "create or replace temp table row_hash as select period_month, md5(cast(t as varchar)) as h"
        f" from {quoted(SCHEMA, TABLE)} as t order by period_month"
    )
    found = []
    for (month,) in connection.execute("select distinct period_month from row_hash order by 1").fetchall():
        period = f"{month:%Y-%m}" if month is not None else POSITIONS
        said = connection.execute(
            f"select count(*), sha256({literal(header)} || string_agg(h, '' order by h))"
            f" from row_hash where {_within(period)}"
        ).fetchone()
        assert said is not None, "an aggregate has a row"
        found.append(Facts(f"{PREFIX}{period}_{said[1][:16]}", period, int(said[0]), str(said[1])))
    connection.execute("drop table row_hash")
    return found


def _whole(connection: duckdb.DuckDBPyConnection, path: Path, one: Facts) -> bool:
    """Whether the file at `path` is there, can be read and says it holds exactly these rows."""
    if not path.exists():
        return False
    try:
        connection.execute(f"attach {literal(str(path))} as kept (read_only)")
    except duckdb.Error:
        return False
    try:
        return listed(connection, "kept") == [one]
    except duckdb.Error:
        return False
    finally:
        connection.execute("detach kept")


def _write(connection: duckdb.DuckDBPyConnection, path: Path, one: Facts, names: str) -> None:
    """Write one period's rows, and beside them what the file is, under a passing name; then name it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    connection.execute(f"attach {literal(str(temporary))} as written (block_size 16384)")
    try:
        connection.execute(f"create schema written.{SCHEMA}; create schema written.{content.OWN_SCHEMA}")
        connection.execute(
            f"create table written.{SCHEMA}.{TABLE} as select {names} from row_behind"
            f" where {_within(one.period)} order by {ORDER}, {names}"
        )
        declare(connection, [one], "written")
    finally:
        connection.execute("detach written")
    temporary.chmod(READ_ONLY)
    temporary.replace(path)


def declare(connection: duckdb.DuckDBPyConnection, facts: list[Facts], catalog: str) -> None:
    """Write the list of `facts` into the file attached as `catalog`."""
    table = quoted(catalog, content.OWN_SCHEMA, LIST)
    connection.execute(
        f"create table {table} (file_name varchar, period varchar, row_count bigint, content_hash varchar)"
    )
    content.insert(connection, table, [(one.name, one.period, one.rows, one.sha256) for one in facts])


def split(
    connection: duckdb.DuckDBPyConnection, folder: Path, reached: Callable[[str], None]
) -> tuple[list[Facts], int]:
    """Put the rows of the opened candidate into files in `folder`; the files, and how many had to be written.

    The candidate stays as it is. `reached` is told before each file that is written. No rows table, no files.
    """
    columns = content.columns(connection, SCHEMA, TABLE)
    if not columns:
        return [], 0
    names = ", ".join(quoted(name) for name, _ in columns)
    facts = _hashed(connection, columns)
    missing = [one for one in facts if not _whole(connection, folder / one.file, one)]
    if missing:
        wanted = " or ".join(_within(one.period) for one in missing)
        # Sorted once, so that each file's rows are found without reading all the others.
        connection.execute(
            f"create or replace temp table row_behind as select {names} from {quoted(SCHEMA, TABLE)}"
            f" where {wanted} order by period_month, {ORDER}, {names}"
        )
        for one in missing:
            reached("facts")
            _write(connection, folder / one.file, one, names)
        connection.execute("drop table row_behind")
    return facts, len(missing)


def show(connection: duckdb.DuckDBPyConnection, catalog: str, folder: Path, facts: list[Facts]) -> None:
    """Make `marts.metric_drill` of the file attached as `catalog` a view over `facts` (at least one)."""
    attach(connection, folder, facts)
    names = ", ".join(quoted(name) for name, _ in content.columns(connection, SCHEMA, TABLE))
    parts = " union all ".join(f"select {names} from {quoted(one.name, SCHEMA, TABLE)}" for one in facts)
    connection.execute(f"create view {quoted(catalog, SCHEMA, TABLE)} as {parts}")


def unfold(path: Path, folder: Path) -> None:
    """Make the writable copy of a serving file at `path` whole again: its rows in a table, no list."""
    connection = duckdb.connect(str(path))
    try:
        facts = listed(connection)
        if not facts:
            return
        attach(connection, folder, facts)
        connection.execute("begin")
        connection.execute(f"create table {SCHEMA}.whole as select * from {SCHEMA}.{TABLE}")
        connection.execute(f"drop view {SCHEMA}.{TABLE}")
        connection.execute(f"alter table {SCHEMA}.whole rename to {TABLE}")
        connection.execute(f"drop table {content.OWN_SCHEMA}.{LIST}")
        connection.execute("commit")
        connection.execute("checkpoint")
    finally:
        connection.close()


def leave_out(path: Path) -> None:
    """Take the rows to drill into and the list of their files out of a writable copy of a serving file."""
    connection = duckdb.connect(str(path))
    try:
        if not listed(connection):
            return
        connection.execute("begin")
        connection.execute(f"drop view {quoted(SCHEMA, TABLE)}")
        connection.execute(f"drop table {quoted(content.OWN_SCHEMA, LIST)}")
        connection.execute("commit")
    finally:
        connection.close()
