"""The raw warehouse as landing sees it: what is there, and the one way in, which is dlt.

dlt repeats a load package that was cut off before it looks at new data, and its append is at least once. So a
package left behind is never finished: it is dropped with all local state, which is restored from the
destination, and the windows are read again. What had already arrived is recognised by the comparison with the
landed versions.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

# before dlt is imported: it reads these once
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")
# a loaded package is a second copy of its rows, personal fields included, that no erasure would reach
os.environ.setdefault("LOAD__DELETE_COMPLETED_JOBS", "true")

import dlt
import duckdb
import pyarrow as pa

from pipelines import keyed
from pipelines.contract import quoted
from throughline.errors import ThroughlineError, error

LANDING = "landing"


def literal(text: str) -> str:
    """`text` as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


_TS = pa.timestamp("us", "UTC")
RECORDS: dict[str, pa.Schema] = {
    "extract_run": pa.schema(
        [
            ("extract_run_id", pa.string()),
            ("run_id", pa.string()),
            ("source_system", pa.string()),
            ("source_instance", pa.string()),
            ("resource", pa.string()),
            ("dataset", pa.string()),
            ("load_id", pa.string()),
            ("started_at", _TS),
            ("ended_at", _TS),
            ("cursor_from", _TS),
            ("cursor_to", _TS),
            ("rows_extracted", pa.int64()),
            ("rows_landed", pa.int64()),
            ("rows_unchanged", pa.int64()),
            ("rows_rejected", pa.int64()),
            ("rows_deleted", pa.int64()),
            ("source_count", pa.int64()),
            ("source_amount", pa.decimal128(38, 4)),
            ("control_amount_field", pa.string()),
            ("pages", pa.int64()),
            ("requests", pa.int64()),
            ("retries", pa.int64()),
            ("quota_used", pa.decimal128(18, 8)),
            ("schema_hash", pa.string()),
            ("status", pa.string()),
            ("is_backfill", pa.bool_()),
            ("error_code", pa.string()),
            ("error", pa.string()),
            # of what was read, where the source can be recognised by it without being read
            ("content_hash", pa.string()),
        ]
    ),
    "reject": pa.schema(
        [
            ("reject_id", pa.string()),
            ("source_system", pa.string()),
            ("source_instance", pa.string()),
            ("resource", pa.string()),
            ("record_id", pa.string()),
            ("column_name", pa.string()),
            ("reason_code", pa.string()),
            ("reason", pa.string()),
            ("payload", pa.string()),
            ("amount", pa.decimal128(19, 4)),
            ("load_id", pa.string()),
            ("rejected_at", _TS),
            ("contract_version", pa.string()),
        ]
    ),
    "reject_event": pa.schema(
        [("reject_id", pa.string()), ("action", pa.string()), ("load_id", pa.string()), ("at", _TS)]
    ),
    "schema_change": pa.schema(
        [
            ("source_system", pa.string()),
            ("source_instance", pa.string()),
            ("resource", pa.string()),
            ("column_name", pa.string()),
            ("change", pa.string()),
            ("declared_type", pa.string()),
            ("found_type", pa.string()),
            ("load_id", pa.string()),
            ("at", _TS),
        ]
    ),
    "personal": pa.schema(
        [
            ("source_system", pa.string()),
            ("source_instance", pa.string()),
            ("resource", pa.string()),
            ("record_id", pa.string()),
            ("personal_hash", pa.string()),
            ("reject_id", pa.string()),
            ("field", pa.string()),
            ("value", pa.string()),
            ("load_id", pa.string()),
        ]
    ),
    "erased": pa.schema(
        [
            ("source_system", pa.string()),
            ("source_instance", pa.string()),
            ("resource", pa.string()),
            ("record_id", pa.string()),
            ("erased_at", _TS),
        ]
    ),
    "key_compare": pa.schema(
        [
            ("source_system", pa.string()),
            ("source_instance", pa.string()),
            ("resource", pa.string()),
            ("load_id", pa.string()),
            ("at", _TS),
            ("keys_at_source", pa.int64()),
            ("keys_absent", pa.int64()),
            ("keys_missed", pa.int64()),
        ]
    ),
}
RECORD_KEYS: dict[str, tuple[str, ...]] = {
    "extract_run": ("extract_run_id",),
    "reject": ("reject_id",),
    "reject_event": ("reject_id", "action"),
    "schema_change": ("source_system", "source_instance", "resource", "column_name", "change", "load_id"),
    "personal": ("source_system", "source_instance", "resource", "record_id", "field"),
    "erased": ("source_system", "source_instance", "resource", "record_id"),
    "key_compare": ("source_system", "source_instance", "resource", "load_id"),
}


class RawStore:
    """The raw warehouse of a home, for one source instance. `dataset` is its schema there."""

    def __init__(self, home: Path, source: str, instance: str) -> None:
        self.home = home
        self.path = home / "raw.duckdb"
        self.source = source
        self.instance = instance
        self.dataset = f"{source}_{instance}"
        self._dlt = home / ".dlt"
        self.work = self._dlt / "work" / self.dataset
        self.pipelines = self._dlt / "pipelines"
        # whether every table of landing's own is known to be there
        self._has_records = False
        # the raw warehouse, while it is held open for several loads
        self._held: duckdb.DuckDBPyConnection | None = None

    def recover(self) -> None:
        """Make good what a killed run left (spooled rows, unfinished packages, an open write-ahead log)
        and see that the home has its secret.
        """
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True, exist_ok=True)
        # made here, not when first read: looking at rejects writes nothing
        keyed.home_secret(self.home)
        for name in (self.dataset, f"{LANDING}_{self.dataset}"):
            if self._unfinished(name):
                shutil.rmtree(self.pipelines / name, ignore_errors=True)
        self._mend()

    def _mend(self) -> None:
        """Make good what a kill left of the raw warehouse itself."""
        wal = self.path.with_name(self.path.name + ".wal")
        if self.path.exists() and wal.exists():
            with duckdb.connect(str(self.path)) as connection:
                connection.execute("checkpoint")

    def _unfinished(self, name: str) -> bool:
        if not (self.pipelines / name).exists():
            return False
        try:
            return bool(self._pipeline(name, self.dataset).has_pending_data)
        except Exception:
            # state torn by a kill cannot be read, whatever it raises; the destination holds a copy
            return True

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the raw warehouse open over several loads, and reads between them.

        dlt opens it anew for every step of a load, which reads the whole catalogue, and writes everything
        down at every closing; with a connection open already it joins that. Raises ThroughlineError E-SRC-019
        where it cannot be opened to be written, as while another program reads it.
        """
        try:
            held = duckdb.connect(str(self.path))
        except duckdb.Error as problem:
            raise self._not_written(problem) from problem
        with held:
            self._held = held
            try:
                yield
            finally:
                self._held = None

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A scratch connection with the raw warehouse attached read-only as `raw`, when it exists."""
        if self._held is not None:
            # its database is called after the file: raw
            with self.beside(self._held) as own:
                yield own
            return
        connection = duckdb.connect(":memory:")
        try:
            self._make_ready(connection)
            connection.execute(f"set temp_directory = '{self.work / 'spill'}'")
            if self.path.exists():
                self._attach(connection)
            yield connection
        finally:
            connection.close()

    @contextmanager
    def beside(self, connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
        """Another such connection with temporary tables of its own, on what `connection` has attached.

        Attaching reads the whole catalogue of the raw warehouse: a tenth of a second, each time.
        """
        own = connection.cursor()
        try:
            self._make_ready(own)
            yield own
        finally:
            own.close()

    def _make_ready(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Give a connection what its statements rely on: the time zone and the home's secret."""
        connection.execute("set TimeZone = 'UTC'")
        if keyed.secret_path(self.home).exists():
            keyed.hand_over(connection, keyed.home_secret(self.home))

    def _attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Give the scratch connection the landed tables, as the database `raw`."""
        connection.execute(f"attach {literal(str(self.path))} as raw (read_only)")

    def columns(
        self, connection: duckdb.DuckDBPyConnection, table: str, schema: str | None = None
    ) -> dict[str, str]:
        """Column to DuckDB type of a raw table; empty when it does not exist."""
        try:
            rows = connection.execute(f"describe {self.table(table, schema)}").fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            # no such table, or no raw warehouse; to ask the catalogue first takes four times as long
            return {}
        return {name: kind for name, kind, *_ in rows}

    def tables(self, connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
        """Column to DuckDB type of every raw table of the dataset."""
        rows = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'raw' and schema_name = $1"
            " union all"
            " select view_name from duckdb_views() where database_name = 'raw' and schema_name = $1",
            [self.dataset],
        ).fetchall()
        return {name: self.columns(connection, name) for (name,) in sorted(rows)}

    def table(self, name: str, schema: str | None = None) -> str:
        """A raw table's full name in SQL."""
        return f"raw.{quoted(schema or self.dataset)}.{quoted(name)}"

    def next_load_id(
        self, connection: duckdb.DuckDBPyConnection, now: datetime, tables: Iterable[str]
    ) -> str:
        """The run's clock time, with -2, -3 ... behind it when this instance already landed under it."""
        base = now.strftime("%Y%m%dT%H%M%SZ")
        used: set[str] = set()
        if self.columns(connection, "extract_run", LANDING):
            used |= {
                row[0]
                for row in connection.execute(
                    f"select distinct load_id from {self.table('extract_run', LANDING)}"
                    " where source_system = ? and source_instance = ? and starts_with(load_id, ?)",
                    [self.source, self.instance, base],
                ).fetchall()
            }
        landed = self.tables(connection)
        for name in tables:
            if name in landed:
                used |= {
                    row[0]
                    for row in connection.execute(
                        f"select distinct tl_load_id from {self.table(name)}"
                        " where tl_load_id >= ? and starts_with(tl_load_id, ?)",
                        [base, base],
                    ).fetchall()
                }
        number, load_id = 1, base
        while load_id in used:
            number += 1
            load_id = f"{base}-{number}"
        return load_id

    def land(self, source: Any, empty: Mapping[str, pa.Schema] | None = None) -> None:
        """Append the tables of a dlt source; `empty` are those of them that have no rows yet.

        Raises ThroughlineError E-SRC-019.
        """
        self._run(self._pipeline(self.dataset, self.dataset), source)
        self._landed(self.dataset, empty or {})

    def record(self, tables: Mapping[str, pa.Table]) -> None:
        """Append records of landing itself; on first use all of its tables are made."""
        wanted = {name: table.cast(RECORDS[name]) for name, table in tables.items() if table.num_rows}
        if not self._has_records:
            with self.reading() as connection:
                present = {name for name in RECORDS if self.columns(connection, name, LANDING)}
            for name in RECORDS.keys() - present - wanted.keys():
                wanted[name] = RECORDS[name].empty_table()
        if wanted:
            self._run(
                self._pipeline(f"{LANDING}_{self.dataset}", LANDING),
                landing_records(wanted),
            )
            self._landed(LANDING, {name: table.schema for name, table in wanted.items()})
        self._has_records = True

    def _pipeline(self, name: str, dataset: str) -> Any:
        known = (self.pipelines / name).exists()
        pipeline = dlt.pipeline(
            name,
            pipelines_dir=str(self.pipelines),
            destination=self._destination(),
            dataset_name=dataset,
        )
        # the schema is asked back from the destination only when the local copy is gone
        pipeline.config.restore_from_destination = not known
        return pipeline

    def _destination(self) -> Any:
        return dlt.destinations.duckdb(str(self.path))

    def _landed(self, dataset: str, tables: Mapping[str, pa.Schema]) -> None:
        """Called behind a load with tables it was to bring; DuckDB has made them, with rows or without."""

    def delete_records(self, table: str, where: str, values: Sequence[str]) -> int:
        """Delete the rows of a table of landing's own for good; how many. Not to be called while landing."""
        with duckdb.connect(str(self.path)) as connection:
            deleted = connection.execute(
                f"delete from {LANDING}.{quoted(table)} where {where} returning 1", values
            ).fetchall()
            connection.execute("checkpoint")
        return len(deleted)

    def _run(self, pipeline: Any, source: Any) -> None:
        try:
            info = pipeline.run(source, loader_file_format="parquet")
            info.raise_on_failed_jobs()
        except Exception as problem:
            shutil.rmtree(self.pipelines / pipeline.pipeline_name, ignore_errors=True)
            raise self._not_written(problem) from problem

    def _not_written(self, problem: Exception) -> ThroughlineError:
        return error("E-SRC-019", source=self.source, detail=str(problem)[:300])


def table_resource(name: str, tables: Iterable[pa.Table], primary_key: tuple[str, ...]) -> Any:
    """A dlt resource that appends ready Arrow tables as they are."""
    return dlt.resource(
        iter(tables),
        name=name,
        primary_key=primary_key,
        write_disposition="append",
        file_format="parquet",
        schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"},
    )


@dlt.source(name="landing", max_table_nesting=0)
def landing_records(tables: Mapping[str, pa.Table]) -> Any:
    """What landing says of its own work: runs, rejects, changes of schema."""
    for name, table in tables.items():
        yield table_resource(name, [_required(table, RECORD_KEYS[name])], RECORD_KEYS[name])


def _required(table: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    """`table` with `columns` marked not null, as dlt declares keys."""
    schema = pa.schema([item.with_nullable(False) if item.name in columns else item for item in table.schema])
    return table.cast(schema)
