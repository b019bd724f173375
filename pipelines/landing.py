"""Landing: what the vendors hold, as they hold it, version by version.

`run_source` reads one source instance, resource by resource: a closed window of the cursor with overlap, the
contract check, the comparison with what is landed, the deletions, then one load by dlt. A resource that fails
leaves the others alone. What happened stands in landing.extract_run, also for a resource that failed, and the
next window starts from there, never from local state.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tomllib
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines import keyed, personal
from pipelines.contract import ORDER, PERSONAL_HASH, REJECTED, Drift, check, extra_columns
from pipelines.manifest import SQL_TYPES, Manifest, Resource
from pipelines.parquet import raw_store
from pipelines.rejects import RESOLVED, open_rejects, reject_rows
from pipelines.sources import Source, load_source, served
from pipelines.span import PLAIN, Span
from pipelines.spool import Spool
from pipelines.store import LANDING, RECORDS, RawStore
from pipelines.transports.base import Control, Found, Reader, Recognising, Selective, Window
from pipelines.transports.http import QuotaStopError, RefusedError
from pipelines.versions import LOAD_ORDER, Load, Versions, empty_table, load_order
from throughline import clock
from throughline.errors import ThroughlineError, error

LOG = logging.getLogger("throughline.pipelines.landing")
OK, PARTIAL, FAILED = "OK", "PARTIAL", "FAILED"
# up to this many live records every run compares all keys; above it, every so many days, and at once when the
# source counts other than what is held (up to so many landed rows, beyond which counting them costs too much)
COMPARE_ROWS = 20_000
COUNT_ROWS = 100_000
# How often the last minutes of a source in use are read again until its figures agree, how far ahead its
# clock may be, and how far two sums may differ that were added up by different engines.
SETTLE_READS = 3
SETTLE_AHEAD = timedelta(minutes=1)
SETTLED = Decimal("0.005")
COMPARE_DAYS = 7
# rows that are checked together
CHECK_ROWS = 20_000
# a read that lacks more than this share of what is landed is taken for half an answer, not for deletions
ABSENT_SHARE = 0.5
FEWEST_ABSENT = 5


@dataclass
class ResourceResult:
    """How one resource fared; the counts of its extract_run row."""

    resource: str
    dataset: str
    status: str = FAILED
    rows_extracted: int = 0
    rows_landed: int = 0
    rows_unchanged: int = 0
    rows_rejected: int = 0
    rows_deleted: int = 0
    source_count: int | None = None
    source_amount: Decimal | None = None
    pages: int = 0
    requests: int = 0
    retries: int = 0
    cursor_from: datetime | None = None
    cursor_to: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    schema_hash: str | None = None
    content_hash: str | None = None
    quota_used: Decimal | None = None
    is_backfill: bool = False
    control_amount_field: str | None = None
    error: ThroughlineError | None = None


@dataclass
class SourceResult:
    """One run of one source instance. `status` is OK when every resource is, FAILED when none is."""

    source: str
    instance: str
    load_id: str
    resources: list[ResourceResult] = field(default_factory=list)

    @property
    def status(self) -> str:
        found = {resource.status for resource in self.resources}
        if found <= {OK}:
            return OK
        return FAILED if found == {FAILED} else PARTIAL

    @property
    def errors(self) -> list[ThroughlineError]:
        return [resource.error for resource in self.resources if resource.error]

    @property
    def rows_landed(self) -> int:
        return sum(resource.rows_landed for resource in self.resources)


@dataclass
class _Prepared:
    """A resource that was read: what to give to dlt and what to write down."""

    result: ResourceResult
    spool: Spool | None = None
    rejected: pa.Table | None = None
    personal: pa.Table | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)
    compared: tuple[int, int, int] | None = None
    touched: pa.Table | None = None
    gone: pa.Table | None = None


@dataclass(frozen=True)
class _Previous:
    """What earlier runs of a resource reached. `whole_at` is none until one of them read all it should."""

    cursor_to: datetime | None
    whole_at: datetime | None
    live_rows: int | None


def run_source(
    source_name: str,
    instance: str,
    home: Path,
    config: Mapping[str, Any],
    run_id: str,
    resources: list[str] | None = None,
    span: Span = PLAIN,
) -> SourceResult:
    """Land one source instance into `home`/raw.duckdb, or where `config` says so (landing = "parquet") into
    the Parquet files under `home`/raw.

    `span` asks for other than what is new. `config` holds base_url, limits, mode and the like; credentials
    are read from `home`/.dlt/secrets.toml and the environment. Raises ThroughlineError for what stops the
    whole source before it starts (configuration, storage); what stops a resource is in the result.
    """
    source = load_source(source_name)
    manifest = source.manifest
    # tables are made of all resources: the models join a port over all folders, whichever of them hold it
    held = served(manifest, config.get("ports"))
    wanted = [held.resource(name) for name in resources] if resources else list(held.resources)
    # where it is and which one: an inbox lies in the home itself
    whereabouts = {"home": str(home), "instance": instance}
    settings = {**read_secrets(home, source_name, instance), **config, **whereabouts}
    store = raw_store(home, source_name, instance, config.get("landing"))
    store.recover()
    now = clock.now()
    page_size = settings.get("limits", {}).get("page_size")
    # what has been landed is opened once to be read, for the load's name and for all resources
    with store.reading() as landed:
        load_id = store.next_load_id(landed, now, [item.name for item in manifest.resources])
        run = _Run(source, store, settings, Load(load_id, now, instance), run_id, span)
        run.read(
            [
                replace(item, page_size=int(page_size)) if page_size else item
                for item in manifest.resources
                if item in wanted
            ],
            landed,
        )
    return run.keep()


def read_secrets(home: Path, source: str, instance: str) -> dict[str, Any]:
    """The table [sources.<source>] of the home's secrets, overlaid by its table for the instance.

    The environment goes before both: SOURCES__<SOURCE>__<NAME>, SOURCES__<SOURCE>__<INSTANCE>__<NAME>. Raises
    ThroughlineError E-CFG-001 when the file is not TOML.
    """
    path = home / ".dlt" / "secrets.toml"
    tables: dict[str, Any] = {}
    if path.exists():
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as problem:
            raise error("E-CFG-001", path=path, detail=f"not valid TOML: {problem}") from None
    found = tables.get("sources", {}).get(source, {})
    own = found.get(instance, {})
    plain = {name: value for name, value in found.items() if not isinstance(value, dict)}
    general, particular = {}, {}
    for variable, value in os.environ.items():
        match variable.split("__"):
            case ["SOURCES", name, key] if name == source.upper():
                general[key.lower()] = value
            case ["SOURCES", name, one, key] if (name, one) == (source.upper(), instance.upper()):
                particular[key.lower()] = value
    return {**plain, **(own if isinstance(own, dict) else {}), **general, **particular}


def last_whole_loads(home: Path, manifest: Manifest, instance: str) -> dict[str, datetime]:
    """When the last load of each resource ended that read all it should."""
    store = raw_store(home, manifest.source, instance)
    with store.reading() as connection:
        if not store.columns(connection, "extract_run", LANDING):
            return {}
        rows = connection.execute(
            f"select resource, max(ended_at) from {store.table('extract_run', LANDING)}"
            f" where source_system = ? and source_instance = ? and status = '{OK}' group by resource",
            [manifest.source_system, instance],
        ).fetchall()
    return dict(rows)


def landed_types(home: Path, manifest: Manifest, instance: str) -> list[tuple[str, str, str, str]]:
    """Resource, column, declared and landed type where the two differ, so that a load would be refused."""
    store = raw_store(home, manifest.source, instance)
    with store.reading() as connection:
        found = store.tables(connection)
    return [
        (resource.name, item.column, item.kind, found[resource.name][item.column].lower())
        for resource in manifest.resources
        for item in resource.fields
        if item.column in found.get(resource.name, {})
        and found[resource.name][item.column].lower() != SQL_TYPES[item.kind]
    ]


class _Run:
    def __init__(
        self,
        source: Source,
        store: RawStore,
        settings: Mapping[str, Any],
        load: Load,
        run_id: str,
        span: Span,
    ) -> None:
        self.span = span
        self._source = source
        self._manifest: Manifest = source.manifest
        self._store = store
        self._settings = settings
        self._limits: Mapping[str, Any] = settings.get("limits", {})
        self.compare_rows = int(self._limits.get("key_compare_rows", COMPARE_ROWS))
        self._load = load
        self._run_id = run_id
        self._done: dict[str, _Prepared] = {}
        self._windows: dict[str, Window] = {}
        # where the windows ended of resources that were read beyond them
        self._cut: dict[str, datetime] = {}

    def read(self, wanted: list[Resource], landed: duckdb.DuckDBPyConnection) -> None:
        """Read what is wanted from the source and compare it with what is `landed`."""
        reader = self._source.reader(self._settings)
        stop: ThroughlineError | None = None
        try:
            try:
                reader.open()
            except QuotaStopError as quota:
                stop = quota.problem
            except ThroughlineError as problem:
                stop = problem
            if stop is not None:
                LOG.warning("%s: %s", self._store.dataset, stop)
            for resource in self._offered(reader, wanted, landed) if stop is None else wanted:
                prepared = self._read(reader, resource, stop, landed)
                self._done[resource.name] = prepared
                problem_here = prepared.result.error
                if problem_here is not None and problem_here.code in {"E-SRC-003", "E-SRC-006"}:
                    stop = problem_here
        finally:
            reader.close()

    def keep(self) -> SourceResult:
        """Store what was read; how it fared."""
        if self.span.dry:
            self._drop_all()
        else:
            with self._store.writing():
                self._store_all()
            self._drop_all()
        return SourceResult(
            source=self._manifest.source,
            instance=self._load.instance,
            load_id=self._load.load_id,
            resources=[prepared.result for prepared in self._done.values()],
        )

    def _offered(
        self, reader: Reader, wanted: list[Resource], landed: duckdb.DuckDBPyConnection
    ) -> list[Resource]:
        """What to read of a source that need not have everything: what it has, and what it had once."""
        if not isinstance(reader, Selective):
            return wanted
        had: set[str] = set()
        if self._store.columns(landed, "extract_run", LANDING):
            rows = landed.execute(
                f"select distinct resource from {self._store.table('extract_run', LANDING)}"
                f" where source_system = ? and source_instance = ? and status <> '{FAILED}'",
                [self._manifest.source_system, self._load.instance],
            ).fetchall()
            had = {row[0] for row in rows}
        return [item for item in wanted if reader.offers(item) or item.name in had]

    def _read(
        self,
        reader: Reader,
        resource: Resource,
        stop: ThroughlineError | None,
        landed: duckdb.DuckDBPyConnection,
    ) -> _Prepared:
        result = ResourceResult(
            resource=resource.name,
            dataset=f"{self._store.dataset}.{resource.name}",
            started_at=self._load.at,
            control_amount_field=resource.control_amount,
        )
        before = (reader.http.counters.requests, reader.http.counters.retries)
        prepared = _Prepared(result)
        try:
            if stop is not None:
                raise stop
            with self._store.beside(landed) as connection:
                _Reading(self, reader, resource, prepared, connection).run()
        except ThroughlineError as problem:
            self._fail(prepared, problem)
        except QuotaStopError as quota:
            self._fail(prepared, quota.problem)
        except RefusedError as refused:
            self._fail(prepared, self._error("E-SRC-009", resource, detail=refused.text))
        except Exception as problem:
            # a traceback may carry what the vendor was sent
            trace = reader.http.clean(traceback.format_exc(), limit=20_000)
            LOG.error("%s: stopped\n%s", result.dataset, trace)
            detail = reader.http.clean(f"{type(problem).__name__}: {problem}")
            self._fail(prepared, self._error("E-SRC-021", resource, detail=detail))
        result.requests = reader.http.counters.requests - before[0]
        result.retries = reader.http.counters.retries - before[1]
        result.quota_used = reader.http.counters.quota
        result.ended_at = clock.now()
        if result.error is not None:
            # what stops the whole source is told once
            LOG.log(
                logging.DEBUG if result.error is stop else logging.WARNING,
                "%s: %s",
                result.dataset,
                result.error,
            )
        else:
            LOG.info("%s: %d landed, %d unchanged", result.dataset, result.rows_landed, result.rows_unchanged)
        return prepared

    def _fail(self, prepared: _Prepared, problem: ThroughlineError) -> None:
        result = prepared.result
        if prepared.spool:
            prepared.spool.drop()
        prepared.spool, prepared.rejected, prepared.compared = None, None, None
        prepared.personal = None
        prepared.touched, prepared.gone = None, None
        prepared.changes = [change for change in prepared.changes if change["change"] != "ADDED"]
        result.status, result.error = FAILED, problem
        result.rows_landed = result.rows_unchanged = result.rows_rejected = result.rows_deleted = 0
        result.cursor_to = None

    def _error(self, code: str, resource: Resource, **known: Any) -> ThroughlineError:
        return error(code, source=self._manifest.source, resource=resource.name, **known)

    def _store_all(self) -> None:
        with self._store.reading() as connection:
            landed = self._store.tables(connection)
            missing = {
                resource.name: empty_table(
                    connection,
                    Versions(connection, resource, None, []).columns(None),
                )
                for resource in self._manifest.resources
                if self._lacks_columns(landed.get(resource.name, {}), resource)
            }
        tables: dict[str, Iterable[pa.Table]] = {}
        for resource in self._manifest.resources:
            prepared = self._done.get(resource.name)
            if prepared and prepared.spool and prepared.spool.rows:
                tables[resource.name] = prepared.spool.tables()
            elif resource.name in missing:
                tables[resource.name] = [missing[resource.name]]
        rejects, fields = self._rejects()
        personal.hold(self._store, fields)
        if tables:
            empty = {name: table.schema for name, table in missing.items() if name in tables}
            self._store.land(self._source.tables(tables), empty)
        self._store.record(self._records(rejects))
        self._store.record({"extract_run": self._extract_runs()})

    def _drop_all(self) -> None:
        for prepared in self._done.values():
            if prepared.spool:
                prepared.spool.drop()

    @staticmethod
    def _lacks_columns(landed: Mapping[str, str], resource: Resource) -> bool:
        return not landed or (bool(resource.pii) and PERSONAL_HASH not in landed)

    def _rejects(self) -> tuple[list[pa.Table], list[pa.Table]]:
        """Rows of landing.reject, and the personal fields of all that was read."""
        rejects, fields = [], []
        for name, prepared in self._done.items():
            if prepared.rejected is not None:
                secret = keyed.home_secret(self._store.home)
                refused, told = reject_rows(prepared.rejected, self._manifest, name, self._load, secret)
                rejects.append(refused)
                fields.append(told)
            if prepared.personal is not None:
                fields.append(prepared.personal)
        return rejects, fields

    def _records(self, rejects: list[pa.Table]) -> dict[str, pa.Table]:
        """Everything but extract_run, which comes last: it says that all the rest is stored."""
        changes, compares = [], []
        for name, prepared in self._done.items():
            changes += prepared.changes
            if prepared.compared and prepared.compared[0] > self.compare_rows:
                at_source, absent, missed = prepared.compared
                compares.append(
                    {
                        **self._identity(name),
                        "at": self._load.at,
                        "keys_at_source": at_source,
                        "keys_absent": absent,
                        "keys_missed": missed,
                    }
                )
        tables = {
            "schema_change": pa.Table.from_pylist(changes, RECORDS["schema_change"]),
            "key_compare": pa.Table.from_pylist(compares, RECORDS["key_compare"]),
        }
        with self._store.reading() as connection:
            if rejects:
                tables["reject"] = self._unknown_rejects(connection, pa.concat_tables(rejects))
            again = {key for table in rejects for key in table.column("reject_id").to_pylist()}
            resolved = self._resolved(connection, again)
            if resolved.num_rows:
                tables["reject_event"] = resolved
        return tables

    def _unknown_rejects(self, connection: duckdb.DuckDBPyConnection, rejects: pa.Table) -> pa.Table:
        connection.register("new_rejects", rejects)
        known = ""
        if self._store.columns(connection, "reject", LANDING):
            known = f"where reject_id not in (select reject_id from {self._store.table('reject', LANDING)})"
        return connection.execute(
            f"select distinct on (reject_id) * from new_rejects {known}"
        ).to_arrow_table()

    def _resolved(self, connection: duckdb.DuckDBPyConnection, again: set[str]) -> pa.Table:
        """Events for open rejects whose record has now been landed from the source itself.

        Not for those that were refused `again`: a file may hold a good row and a bad one of the same key.
        """
        empty = RECORDS["reject_event"].empty_table()
        waiting = open_rejects(self._store, connection)
        if not waiting:
            return empty
        rows = []
        for name, prepared in self._done.items():
            if prepared.touched is None:
                continue
            touched = prepared.touched.column("record_id")
            for reject in waiting:
                if reject["resource"] != name or reject["reject_id"] in again:
                    continue
                if not pc.index(touched, reject["record_id"]).as_py() >= 0:
                    continue
                rows.append(
                    {
                        "reject_id": reject["reject_id"],
                        "action": RESOLVED,
                        "load_id": self._load.load_id,
                        "at": self._load.at,
                    }
                )
        return pa.Table.from_pylist(rows, RECORDS["reject_event"])

    def _identity(self, resource: str) -> dict[str, Any]:
        return {
            "source_system": self._manifest.source_system,
            "source_instance": self._load.instance,
            "resource": resource,
            "load_id": self._load.load_id,
        }

    def _extract_runs(self) -> pa.Table:
        rows = []
        for name, prepared in self._done.items():
            result = prepared.result
            key = f"{self._manifest.source}|{self._load.instance}|{name}|{self._load.load_id}"
            row = {column: getattr(result, column, None) for column in RECORDS["extract_run"].names}
            row.update(self._identity(name))
            row.update(
                extract_run_id=hashlib.sha256(key.encode()).hexdigest()[:32],
                run_id=self._run_id,
                error_code=result.error.code if result.error else None,
                error=result.error.what if result.error else None,
                quota_used=_scaled(result.quota_used, 8),
                source_amount=_scaled(result.source_amount, 4),
            )
            rows.append(row)
        return pa.Table.from_pylist(rows, RECORDS["extract_run"])


class _Reading:
    """One resource from the first request to the rows that are new."""

    def __init__(
        self,
        run: _Run,
        reader: Reader,
        resource: Resource,
        prepared: _Prepared,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        self._run = run
        self._reader = reader
        self._resource = resource
        self._prepared = prepared
        self._result = prepared.result
        self._sql = connection
        self._store = run._store
        self._landed_columns = self._store.columns(connection, resource.name)
        self._read = Spool(self._store.work / resource.name / "read")
        self._rejected: list[pa.Table] = []
        self._drift = Drift()

    def run(self) -> None:
        self._check_landed_types()
        previous = self._previous()
        first = previous is None or previous.whole_at is None
        self._result.is_backfill = first
        span = self._run.span
        if span.since is not None and first:
            raise self._error("E-SRC-049", since=span.since.date())
        compare = previous is not None and not first and span.until is None and self._compare_due(previous)
        window = self._window(previous, compare)
        self._run._windows[self._resource.name] = window
        self._result.cursor_from = window.start
        found = self._discover()
        if self._is_as_before():
            return
        complete = self._fetch(window, found)
        if span.until is not None:
            # what lies behind the end was not looked at, so nothing can be told of deletions
            complete, self._result.status = False, PARTIAL
        self._judge_drift()
        self._note_columns(found)
        tombstones = None
        if complete:
            tombstones, compare = self._tombstones(previous, compare)
        versions = self._versions()
        reads_all = complete and self._reader.reads_all(self._resource, window)
        parents = self._parents()
        everything = compare or reads_all or self._landed_is_small()
        parent_column = self._parent_column()
        prepare: dict[str, Any] = {
            "tombstones": tombstones,
            "parents": parents,
            "parent_column": parent_column,
            "everything": everything,
        }
        versions.prepare(self._read, **prepare)
        self._refuse(versions)
        self._control(window)
        if complete:
            window = self._settle(versions, window, found, everything=everything, prepare=prepare)
        if complete and not (compare or first or reads_all) and self._miscounted(versions, window):
            LOG.info("%s: the source counts another number than is held", self._result.dataset)
            compare = True
        missed = None
        if complete and (compare or (reads_all and not first)):
            missed = self._present(versions, window, found, reads_all, prepare)
        versions.delete_tombstones()
        if missed is not None:
            self._delete_absent(versions, missed)
        if parents is not None and parent_column and complete:
            versions.delete_absent_children(parent_column)
        self._finish(versions, complete)

    def _check_landed_types(self) -> None:
        for item in self._resource.fields:
            landed = self._landed_columns.get(item.column)
            declared = SQL_TYPES[item.kind]
            if landed is not None and landed.lower() != declared:
                raise self._error("E-SRC-017", column=item.column, declared=item.kind, found=landed.lower())

    def _previous(self) -> _Previous | None:
        if not self._store.columns(self._sql, "extract_run", LANDING):
            return None
        row = self._sql.execute(
            f"""
            select
                max(cursor_to),
                max(started_at) filter (where status = '{OK}'),
                arg_max(source_count, started_at),
                count(*)
            from {self._store.table("extract_run", LANDING)}
            where source_system = ? and source_instance = ? and resource = ? and status <> '{FAILED}'
            """,
            [self._run._manifest.source_system, self._run._load.instance, self._resource.name],
        ).fetchone()
        if row is None or row[3] == 0:
            return None
        return _Previous(cursor_to=row[0], whole_at=row[1], live_rows=row[2])

    def _compare_due(self, previous: _Previous) -> bool:
        if not self._resource.deletes.key_compare:
            return False
        rows = previous.live_rows
        if rows is None and self._landed_columns:
            counted = self._sql.execute(f"select count(*) from {self._landed}").fetchone()
            rows = counted[0] if counted else 0
        if (rows or 0) <= self._run.compare_rows:
            return True
        last = None
        if self._store.columns(self._sql, "key_compare", LANDING):
            row = self._sql.execute(
                f'select max("at") from {self._store.table("key_compare", LANDING)}'
                " where source_system = ? and source_instance = ? and resource = ?",
                [self._run._manifest.source_system, self._run._load.instance, self._resource.name],
            ).fetchone()
            last = row[0] if row else None
        days = int(self._run._limits.get("key_compare_days", COMPARE_DAYS))
        since = last or self._first_started()
        return since is None or self._run._load.at - since >= timedelta(days=days)

    def _first_started(self) -> datetime | None:
        row = self._sql.execute(
            f"select min(started_at) from {self._store.table('extract_run', LANDING)}"
            f" where source_system = ? and source_instance = ? and resource = ? and status <> '{FAILED}'",
            [self._run._manifest.source_system, self._run._load.instance, self._resource.name],
        ).fetchone()
        return row[0] if row else None

    def _window(self, previous: _Previous | None, compare: bool) -> Window:
        end = self._run._load.at - self._run._manifest.safety
        start = None
        full = previous is None or self._resource.window == "full"
        if not full and previous is not None and previous.cursor_to is not None:
            start = self._run.span.start(previous.cursor_to - self._resource.lag, previous.cursor_to)
        if start is not None and self._resource.window == "parent" and self._resource.parent:
            parent = self._run._windows.get(self._resource.parent.resource)
            # children of every parent that was read have to be in the window
            if parent is not None:
                start = None if parent.start is None else min(start, parent.start)
        if compare and start is not None:
            ask = Window(start, end)
            if self._reader.keys(self._resource, ask) is None:
                # only a full read can tell which keys are left
                start = None
        return Window(start, self._run.span.end(end))

    def _discover(self) -> Found:
        try:
            return self._reader.discover(self._resource)
        except ThroughlineError as problem:
            self._note_drift(problem)
            raise

    def _is_as_before(self) -> bool:
        """Whether all that would be read is what the last load read: then its figures are this one's too."""
        if not isinstance(self._reader, Recognising):
            return False
        result, asked = self._result, self._run.span
        result.content_hash = self._reader.content_hash(self._resource)
        columns = self._store.columns(self._sql, "extract_run", LANDING)
        if (
            asked != replace(PLAIN, dry=asked.dry)
            or not self._landed_columns
            or "content_hash" not in columns
        ):
            return False
        row = self._sql.execute(
            f"""
            select
                content_hash, status, {load_order("started_at", "load_id")} as load_order,
                rows_extracted, rows_landed - rows_deleted + rows_unchanged, rows_rejected,
                source_count, source_amount, schema_hash
            from {self._store.table("extract_run", LANDING)}
            where source_system = ? and source_instance = ? and resource = ? and status <> '{FAILED}'
            order by load_order desc limit 1
            """,
            [self._run._manifest.source_system, self._run._load.instance, self._resource.name],
        ).fetchone()
        if row is None or row[:2] != (result.content_hash, OK) or self._landed_behind(row[2]):
            return False
        result.rows_extracted, result.rows_unchanged, result.rows_rejected = row[3:6]
        result.source_count, result.source_amount, result.schema_hash = row[6:]
        result.status = OK
        return True

    def _landed_behind(self, order: int) -> bool:
        """Whether anything came after that load, as a replayed reject does: only a read tells if it stays."""
        query = f"select 1 from {self._landed} where {LOAD_ORDER} > ? limit 1"
        return self._sql.execute(query, [order]).fetchone() is not None

    def _fetch(self, window: Window, found: Found) -> bool:
        """Read the window. False when the vendor's allowance ended it early but what came is a window."""
        try:
            self._take_all(self._reader.rows(self._resource, window, found))
        except QuotaStopError as quota:
            if not (self._reader.ordered(self._resource) and self._read.rows and self._in_order()):
                raise
            self._result.status, self._result.error = PARTIAL, quota.problem
            return False
        except ThroughlineError as problem:
            self._note_drift(problem)
            raise
        return True

    def _in_order(self) -> bool:
        """Whether the rows read so far really came in the order of the cursor; else they are no window."""
        self._sql.register("so_far", self._read.relation())
        row = self._sql.execute(
            f"select count(*) from (select tl_source_updated_at < lag(tl_source_updated_at)"
            f" over (order by {ORDER}) as behind from so_far) where behind"
        ).fetchone()
        self._sql.unregister("so_far")
        return row is not None and row[0] == 0

    def _take_all(self, pages: Iterable[pa.Table]) -> None:
        """Take pages in, several at once: the contract's check costs more per call than per row."""
        waiting: list[pa.Table] = []
        try:
            for page in pages:
                self._result.pages += 1
                if waiting and page.schema != waiting[0].schema:
                    self._take(waiting)
                    waiting = []
                waiting.append(page)
                if sum(table.num_rows for table in waiting) >= CHECK_ROWS:
                    self._take(waiting)
                    waiting = []
        except QuotaStopError:
            # what came before the vendor's allowance ended may be a window of its own
            self._take(waiting)
            raise
        self._take(waiting)

    def _take(self, pages: list[pa.Table]) -> None:
        if not pages:
            return
        batch = pa.concat_tables(pages)
        checked = check(self._sql, self._resource, batch, self._reader.zone, self._result.rows_extracted)
        self._result.rows_extracted += batch.num_rows
        self._drift.add(batch.num_rows, checked.rejected)
        if checked.rejected is not None:
            self._rejected.append(checked.rejected)
        self._read.add(checked.good)

    def _judge_drift(self) -> None:
        column = self._drift.retyped()
        if column:
            declared = next(item.kind for item in self._resource.fields if item.column == column)
            problem = self._error(
                "E-SRC-012", column=column, declared=declared, found="text that does not fit"
            )
            self._note(column, "RETYPED", declared, "text")
            raise problem
        column = self._drift.removed()
        if column:
            problem = self._error("E-SRC-011", column=column)
            self._note(column, "REMOVED", "", None)
            raise problem

    def _note_drift(self, problem: ThroughlineError) -> None:
        """Record the change of schema that an error tells of."""
        kinds = {"E-SRC-011": "REMOVED", "E-SRC-012": "RETYPED"}
        if problem.code not in kinds:
            return
        item = next((item for item in self._resource.fields if item.name in problem.what.split()), None)
        words = problem.what.split()
        column = item.column if item else words[words.index("column") + 1] if "column" in words else ""
        found = words[-1] if problem.code == "E-SRC-012" else None
        self._note(column, kinds[problem.code], item.kind if item else "", found)

    def _note_columns(self, found: Found) -> None:
        read = self._read.schema.names if self._read.rows else []
        declared = {item.column for item in self._resource.fields}
        told = extra_columns(self._resource, list(found.extra)).values()
        extras = {name for name in (*read, *told) if name not in declared and not name.startswith("tl_")}
        shape = {item.column: item.kind for item in self._resource.fields} | dict.fromkeys(
            sorted(extras), "text"
        )
        digest = hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:16]
        self._result.schema_hash = digest
        if not self._landed_columns or self._result.is_backfill:
            return
        types = {
            column: found.types.get(name)
            for name, column in extra_columns(self._resource, list(found.extra)).items()
        }
        for column in sorted(extras - self._landed_columns.keys()):
            self._note(column, "ADDED", None, types.get(column) or "text")

    def _note(self, column: str, change: str, declared: str | None, found: str | None) -> None:
        self._prepared.changes.append(
            {
                **self._run._identity(self._resource.name),
                "column_name": column,
                "change": change,
                "declared_type": declared,
                "found_type": found,
                "at": self._run._load.at,
            }
        )

    def _tombstones(self, previous: _Previous | None, compare: bool) -> tuple[pa.Table | None, bool]:
        """The feed since the last run; and the key compare, which is due when the feed has a gap."""
        if previous is None or previous.whole_at is None or not self._resource.deletes.tombstone:
            return None, compare
        start = previous.whole_at - self._run._manifest.safety - self._resource.lag
        window = Window(start, self._run._load.at - self._run._manifest.safety)
        table, whole = self._reader.tombstones(self._resource, window)
        return table, compare or (not whole and self._resource.deletes.key_compare)

    def _versions(self) -> Versions:
        declared = {item.column for item in self._resource.fields}
        extras = [
            name
            for name in self._landed_columns
            if name not in declared and not name.startswith(("tl_", "_dlt"))
        ]
        return Versions(self._sql, self._resource, self._landed if self._landed_columns else None, extras)

    @property
    def _landed(self) -> str:
        return self._store.table(self._resource.name)

    def _landed_is_small(self) -> bool:
        if not self._landed_columns:
            return True
        row = self._sql.execute(f"select count(*) from {self._landed}").fetchone()
        return row is None or int(row[0]) <= COUNT_ROWS

    def _miscounted(self, versions: Versions, window: Window) -> bool:
        """Whether the source counts another number than will be held: a key is missing, or is gone there."""
        if not (self._resource.deletes.key_compare and self._landed_is_small()):
            return False
        told = self._result.source_count
        if told is None or told == versions.expected():
            return False
        return self._reader.keys(self._resource, window) is not None

    def _parents(self) -> pa.Table | None:
        """Parents whose children were all read, and parents that were deleted in this run."""
        parent = self._resource.parent
        if parent is None:
            return None
        names = pa.chunked_array([self._reader.replaced(self._resource) or []], pa.string())
        parts = [pa.table({"parent_id": names})]
        done = self._run._done.get(parent.resource)
        if done is not None and done.result.status != FAILED:
            known = done.touched if self._resource.window == "parent" else done.gone
            if known is not None:
                parts.append(known.rename_columns(["parent_id"]))
        return pa.concat_tables(parts).group_by("parent_id").aggregate([])

    def _parent_column(self) -> str | None:
        parent = self._resource.parent
        return self._resource.field(parent.field).column if parent else None

    def _refuse(self, versions: Versions) -> None:
        if self._rejected:
            versions.refuse(pa.concat_tables(self._rejected).select(["record_id"]))

    def _present(
        self,
        versions: Versions,
        window: Window,
        found: Found,
        reads_all: bool,
        prepare: Mapping[str, Any],
    ) -> int | None:
        """Learn which keys are live and fetch what was missed: how many; none when it cannot be learnt."""
        if reads_all:
            versions.present_from_read()
            return 0
        keys = self._reader.keys(self._resource, window)
        if keys is None:
            return None
        for chunk in keys:
            versions.add_present(chunk)
        missed = versions.missed()
        if missed:
            LOG.info("%s: %d rows behind the cursor", self._result.dataset, len(missed))
            self._take_all(self._reader.rows_by_key(self._resource, missed, found))
            versions.prepare(self._read, **prepare)
            self._refuse(versions)
        return len(missed)

    def _delete_absent(self, versions: Versions, missed: int) -> None:
        live = versions.live()
        at_source, absent = versions.delete_absent()
        share = float(self._run._limits.get("absent_share", ABSENT_SHARE))
        if not at_source and absent and share < 1 and self._resource.options.get("empty_is_suspect"):
            raise self._error("E-SRC-022", absent=absent, live=live)
        if absent >= FEWEST_ABSENT and absent > share * live:
            raise self._error("E-SRC-022", absent=absent, live=live)
        self._prepared.compared = (at_source, absent, missed)

    def _control(self, window: Window) -> None:
        """Ask the source what it holds. No answer is an empty figure, which no control takes for green."""
        try:
            control: Control | None = self._reader.control(self._resource, window)
        except (QuotaStopError, ThroughlineError) as problem:
            LOG.warning("%s: no control figures: %s", self._result.dataset, problem)
            return
        if control is not None:
            self._result.source_count, self._result.source_amount = control.rows, control.amount

    def _finish(self, versions: Versions, complete: bool) -> None:
        result = self._result
        load = self._run._load
        tables, landed, unchanged, deleted = versions.changed(load, first=result.is_backfill)
        out = Spool(self._store.work / self._resource.name / "new")
        for table in tables:
            out.add(table)
        self._prepared.personal = versions.personal(self._run._manifest.source_system, load)
        result.rows_landed, result.rows_unchanged, result.rows_deleted = landed, unchanged, deleted
        if self._rejected:
            self._prepared.rejected = pa.concat_tables(self._rejected).cast(REJECTED)
            result.rows_rejected = self._prepared.rejected.num_rows
        result.cursor_to = self._cursor_to(versions)
        self._prepared.touched = versions.touched_ids()
        self._prepared.gone = versions.gone_ids()
        self._prepared.spool = out
        if complete:
            result.status = OK
        self._read.drop()

    def _settle(
        self,
        versions: Versions,
        window: Window,
        found: Found,
        *,
        everything: bool,
        prepare: Mapping[str, Any],
    ) -> Window:
        """Take in what changed at the source behind the window's end, when the source's figures count it.

        The source tells its figures as of now, and it is in use: without this every edit of the last minutes
        would be a load that does not match. The next window still begins where this one should have ended,
        because a change of those minutes may not be visible yet. Returns the window the figures are for.
        """
        if self._resource.cursor is None or self._agrees(versions, everything):
            return window
        tail = Window(window.end, clock.now() + max(self._run._manifest.safety, SETTLE_AHEAD))
        for _ in range(SETTLE_READS):
            before = versions.state()
            try:
                self._take_all(self._reader.rows(self._resource, tail, found))
            except (QuotaStopError, ThroughlineError) as problem:
                LOG.warning("%s: the last minutes could not be read: %s", self._result.dataset, problem)
                return window
            versions.prepare(self._read, **prepare)
            self._refuse(versions)
            if versions.state() == before:
                break
            self._run._cut[self._resource.name] = window.end
            self._control(tail)
            if self._agrees(versions, everything):
                break
        return tail if self._resource.name in self._run._cut else window

    def _agrees(self, versions: Versions, everything: bool) -> bool:
        """Whether the source's own figures are those of what will be held; no figures are none to doubt."""
        told = self._result
        if told.source_count is None:
            return True
        if not everything or told.source_count != versions.expected():
            return False
        if told.source_amount is None or self._resource.control_amount is None:
            return True
        column = self._resource.field(self._resource.control_amount).column
        held = versions.expected_amount(column)
        return held is None or abs(held - told.source_amount) < SETTLED

    def _cursor_to(self, versions: Versions) -> datetime | None:
        """The newest stamp read; where nothing was read, the stamp the window was drawn from."""
        if self._resource.window == "parent" and self._resource.parent and not self._resource.cursor:
            done = self._run._done.get(self._resource.parent.resource)
            return done.result.cursor_to if done else None
        if self._resource.cursor is None:
            return None
        newest = versions.newest() if self._read.rows else None
        cut = self._run._cut.get(self._resource.name)
        if newest is not None and cut is not None:
            newest = min(newest, cut)
        previous = self._previous()
        before = previous.cursor_to if previous else None
        return max(newest, before) if newest and before else newest or before

    def _error(self, code: str, **known: Any) -> ThroughlineError:
        return self._run._error(code, self._resource, **known)


def _scaled(value: Decimal | None, places: int) -> Decimal | None:
    return None if value is None else round(value, places)
