"""From a number back to where it came from: number -> rows behind -> ledger rows -> source records -> load.

The number, the rows that add up to it and the exceptions are read from what is published; the ledger's rows
from the build file, as far as they were known to the published run; the source's records, every version of
them, from the raw file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.ports import SYSTEMS
from throughline import behind, content, files, warehouse
from throughline.behind import Total
from throughline.content import literal, quoted
from throughline.errors import error
from throughline.home import Home

Row = dict[str, Any]
KEY = re.compile(r"^[a-z0-9_]+:[a-z0-9_]+:.+$")
# A control's id and 16 hexadecimal digits, or the beginning of it, as `recon` takes it.
EXCEPTION = re.compile(r"^(?:[A-Z]+-)+\d{3}-[0-9a-f]{1,16}$")
JOURNAL = ("ledger", "fct_value_movement")


@dataclass
class Trace:
    """What was found, step by step; a step that found nothing is an empty list."""

    subject: str
    run_id: str
    numbers: list[Row] = field(default_factory=list)
    behind: list[Row] = field(default_factory=list)
    total: Total | None = None
    exceptions: list[Row] = field(default_factory=list)
    movements: list[Row] = field(default_factory=list)
    records: list[Row] = field(default_factory=list)
    loads: list[Row] = field(default_factory=list)

    def steps(self) -> list[tuple[str, list[Row]]]:
        """The steps in the order of the way back."""
        return [
            ("number", self.numbers),
            ("row behind", self.behind),
            ("exception", self.exceptions),
            ("ledger row", self.movements),
            ("source record", self.records),
            ("load", self.loads),
        ]


class _File:
    """One DuckDB file of the home, read-only; a file that is missing or lacks a table simply has no rows."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None) -> None:
        self.connection = connection

    @classmethod
    def at(cls, path: Path) -> _File:
        """The file at `path`. Raises E-QRY-003 while a run holds it, E-RUN-033 when it is damaged."""
        try:
            return cls(warehouse.open_file(path) if path.exists() else None)
        except duckdb.Error as problem:
            detail = str(problem).splitlines()[0]
            if "set lock" in detail:
                raise error("E-QRY-003", path=path, detail=detail) from problem
            raise error("E-RUN-033", detail=detail) from problem

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()

    def columns(self, schema: str, table: str) -> list[str]:
        if self.connection is None:
            return []
        return [name for name, _ in content.columns(self.connection, schema, table)]

    def tables(self) -> list[tuple[str, str]]:
        return content.tables(self.connection) if self.connection is not None else []

    def rows(self, sql: str) -> list[Row]:
        if self.connection is None:
            return []
        cursor = self.connection.execute(sql)
        names = [name for name, *_ in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _any_of(columns: Iterable[str], values: Sequence[str]) -> str:
    """SQL: one of `columns` is one of `values`; false when there are none."""
    listed = ", ".join(literal(value) for value in values)
    return " or ".join(f"{quoted(name)} in ({listed})" for name in columns) if values else "false"


def _keys_of(columns: Sequence[str]) -> list[str]:
    """The columns that hold canonical keys."""
    return [
        name
        for name in columns
        if name.endswith("_id") and name not in ("metric_id", "movement_id", "load_id")
    ]


class Tracer:
    """Traces subjects in one home, against one published run."""

    def __init__(self, home: Home, run_id: str | None, limit: int) -> None:
        self.home = home
        self.limit = limit
        self.publication = warehouse.resolve(home, run_id)
        self.published = _File(warehouse.open_published(home, self.publication.run_id))
        said = self.published.rows(f"select as_of, known_at from {content.OWN_SCHEMA}.run")[0]
        self.as_of: date = said["as_of"]
        self.known_at: datetime = said["known_at"]
        self.build = _File.at(home.build)
        self.raw = _File.at(home.raw)

    def close(self) -> None:
        """Close the three files."""
        for one in (self.published, self.build, self.raw):
            one.close()

    def trace(self, subject: str, key: str | None, period: str | None) -> Trace:
        """Trace a metric (narrowed to `key` and one period type), an exception id or a canonical key.

        Raises E-QRY-002 when the subject is none of them, E-QRY-003 while a run holds a file.
        """
        found = Trace(subject, self.publication.run_id)
        if EXCEPTION.match(subject):
            self._exception(found)
        elif KEY.match(subject):
            self._key(found, [subject])
        else:
            self._metric(found, key, period)
        if not any(rows for _, rows in found.steps()):
            grains = self._grains(subject)
            if grains:
                raise error(
                    "E-QRY-004",
                    metric=subject,
                    asked=f"{key or 'the firm'} {period or ''}".strip(),
                    grains=grains,
                )
            raise error("E-QRY-002", given=subject)
        return found

    def _grains(self, metric: str) -> str:
        """The grains and periods a metric is published for, in words; empty for what is no metric."""
        if not self.published.columns("marts", "metric_value"):
            return ""
        return ", ".join(
            f"{row['grain']} ({row['periods']})"
            for row in self.published.rows(
                "select grain, string_agg(distinct period_type, ' ' order by period_type) as periods"
                f" from marts.metric_value where metric_id = {literal(metric)} group by grain order by grain"
            )
        )

    # The three beginnings.

    def _metric(self, found: Trace, key: str | None, period: str | None) -> None:
        columns = self.published.columns("marts", "metric_value")
        where = [f"metric_id = {literal(found.subject)}", f"as_of = {literal(self.as_of)}"]
        where.append(f"({_any_of(_keys_of(columns), [key])})" if key else "grain = 'FIRM'")
        if period:
            where.append(f"period_type = {literal(period)}")
        if columns:
            found.numbers = self.published.rows(
                f"select * from marts.metric_value where {' and '.join(where)}"
                " order by currency_view <> 'RC', period_type <> 'POINT', period_type <> 'MONTH', value desc"
                f" limit {self.limit}"
            )
        if found.numbers:
            self._behind(found, found.numbers[0])
            self._records_of_movements(found)

    def _behind(self, found: Trace, number: Row) -> None:
        """The rows the number is the sum of, the sum of all of them, and the movements of those shown."""
        columns = self.published.columns("marts", "metric_drill")
        amount = behind.amount(number)
        if not columns or amount not in columns:
            return
        where = behind.condition(number, columns)
        summed = self.published.rows(
            f"select count(*) as rows, sum({amount}) as total, count(*) = count({amount}) as known"
            f" from marts.metric_drill where {where}"
        )[0]
        numerator = number.get("numerator", number["value"])
        found.total = Total(summed["rows"], summed["total"] if summed["known"] else None, numerator)
        rest = ", ".join(quoted(name) for name in columns)
        found.behind = self.published.rows(
            f"select * from marts.metric_drill where {where}"
            f" order by abs({amount}) desc nulls last, {rest} limit {self.limit}"
        )
        journal = self.build.columns(*JOURNAL)
        seen: dict[str, Row] = {}
        for row in found.behind:
            for movement in self._journal(f"({behind.journal(row, journal)})"):
                seen.setdefault(str(movement["movement_id"]), movement)
        found.movements = list(seen.values())

    def _key(self, found: Trace, keys: list[str]) -> None:
        columns = self.published.columns("marts", "metric_value")
        if columns:
            found.numbers = self.published.rows(
                f"select * from marts.metric_value where as_of = {literal(self.as_of)}"
                f" and currency_view = 'RC' and ({_any_of(_keys_of(columns), keys)})"
                f" order by metric_id, period_type limit {self.limit}"
            )
        if not found.exceptions:
            found.exceptions = self._exceptions(keys)
        journal = self.build.columns(*JOURNAL)
        own = " or ".join(
            f"(source_system = {literal(key.split(':')[0])}"
            + (f" and source_instance = {literal(key.split(':')[1])}" if "source_instance" in journal else "")
            + f" and source_record_id = {literal(self._landed_as(key)[1])})"
            for key in keys
        )
        found.movements = self._journal(f"({_any_of(_keys_of(journal), keys)} or {own})")
        for key in keys:
            dataset, record_id = self._landed_as(key)
            found.records += self._records(dataset, record_id, None, None)
        self._loads(found)

    def _exception(self, found: Trace) -> None:
        columns = self.published.columns("reconciliation", "exception")
        if columns:
            found.exceptions = self.published.rows(
                "select * from reconciliation.exception"
                f" where starts_with(exception_id, {literal(found.subject)}) order by exception_id"
            )
        if not found.exceptions:
            return
        if len(found.exceptions) > 1:
            raise error("E-REC-001", number=len(found.exceptions), run_id=found.run_id, given=found.subject)
        row = found.exceptions[0]
        named = [str(part) for part in str(row["grain_key"]).split("|")]
        named += [str(row[name]) for name in ("contract_line_id", "project_id") if row.get(name)]
        self._key(found, sorted({name for name in named if KEY.match(name)}))

    # The steps.

    def _journal(self, where: str) -> list[Row]:
        if not self.build.columns(*JOURNAL):
            return []
        return self.build.rows(
            f"select * from {quoted(*JOURNAL)} where known_at <= {literal(self.known_at)} and {where}"
            f" order by abs(amount_rc) desc nulls last, movement_id limit {self.limit}"
        )

    def _exceptions(self, keys: list[str]) -> list[Row]:
        columns = self.published.columns("reconciliation", "exception")
        if not columns:
            return []
        parts = " or ".join(f"list_contains(string_split(grain_key, '|'), {literal(key)})" for key in keys)
        return self.published.rows(
            f"select * from reconciliation.exception where {_any_of(_keys_of(columns), keys)}"
            f" or {parts or 'false'} order by amount_at_risk desc nulls last, exception_id limit {self.limit}"
        )

    def _records_of_movements(self, found: Trace) -> None:
        """The source records of the movements, and of rows behind that have none (a deal, a person)."""
        seen = set()
        for movement in found.movements:
            instance = movement.get("source_instance")
            mark = (
                movement["source_system"], movement["source_record_id"], movement["load_id"], instance,
            )  # fmt: skip
            if mark in seen:
                continue
            seen.add(mark)
            native = str(movement["source_record_id"]).split(":", 2)[-1]
            tables = self._tables_behind(movement)
            for dataset in self._datasets(str(movement["source_system"]), instance):
                found.records += self._records(dataset, native, movement["load_id"], tables)
        with_movements = {
            (system, str(record).split("|")[0], instance) for system, record, _, instance in seen
        }
        for system, record, instance in dict.fromkeys(
            (str(row["source_system"]), str(row["source_record_id"]), row.get("source_instance"))
            for row in found.behind
            if row.get("source_system") and row.get("source_record_id")
        ):
            if (system, record.split("|")[0], instance) not in with_movements and not found.movements:
                for dataset in self._datasets(system, instance):
                    found.records += self._records(dataset, record, None, None)
        self._loads(found)

    def _datasets(self, system: str, instance: str | None = None) -> list[str]:
        """The datasets a system's records (of one instance, where it is known) may lie in.

        A file's row bears a kind of system, such as `erp`.
        """
        schemas = {schema for schema, _ in self.raw.tables()}
        own = sorted(
            schema
            for schema in schemas
            if schema == f"{system}_{instance}" or (instance is None and schema.startswith(f"{system}_"))
        )
        if own or system not in SYSTEMS:
            return own
        return sorted(schema for schema in schemas if schema.startswith("files_"))

    def _landed_as(self, key: str) -> tuple[str, str]:
        """The dataset and the record id under which the record of a canonical key was landed."""
        system, instance, native = key.split(":", 2)
        if system in SYSTEMS and f"files_{instance}" in self._datasets(system):
            return f"files_{instance}", f"{system}|{native}"
        return f"{system}_{instance}", native

    def _tables_behind(self, movement: Row) -> set[str] | None:
        """Raw tables of the entity that holds the movement's source row; None when it cannot be told."""
        parents = self._parents()
        shared = ("contract_line_id", "project_id", "customer_id")
        tables: set[str] = set()
        for schema, name in self.build.tables():
            if schema != "canonical":
                continue
            columns = self.build.columns(schema, name)
            same = [f"{column} = {literal(movement[column])}" for column in shared if column in columns]
            if "source_record_id" not in columns or not same:
                continue
            hit = self.build.rows(
                f"select 1 from {quoted(schema, name)}"
                f" where source_system = {literal(movement['source_system'])}"
                f" and source_record_id = {literal(movement['source_record_id'])}"
                f" and load_id = {literal(movement['load_id'])} and ({' or '.join(same)}) limit 1"
            )
            if hit:
                tables |= _sources_of(parents, f"model.throughline.{name}")
        return tables or None

    def _parents(self) -> dict[str, list[str]]:
        """dbt's graph of the published run: node -> the nodes it reads."""
        manifest = files.read_json(self.home.run(self.publication.run_id) / "dbt" / "manifest.json", {})
        return dict(manifest.get("parent_map", {}))

    def _records(self, dataset: str, native: str, load_id: str | None, tables: set[str] | None) -> list[Row]:
        """Every version of a record landed in `dataset`, or (load_id) the one that this load brought."""
        found = []
        for schema, name in self.raw.tables():
            if schema != dataset or name.startswith("_dlt") or (tables is not None and name not in tables):
                continue
            if "tl_record_id" not in self.raw.columns(schema, name):
                continue
            only = f" and tl_load_id = {literal(load_id)}" if load_id else ""
            for row in self.raw.rows(
                f"select * from {quoted(schema, name)} where tl_record_id = {literal(native)}{only}"
                " order by tl_loaded_at, length(tl_load_id), tl_load_id, tl_known_at"
            ):
                found.append({"dataset": f"{schema}.{name}", **row})
        return found

    def _loads(self, found: Trace) -> None:
        """The loads that brought the records, resource by resource."""
        if not self.raw.columns("landing", "extract_run"):
            return
        pairs = {(row["dataset"], row["tl_load_id"]) for row in found.records}
        for dataset, load_id in sorted(pairs, key=lambda pair: (pair[0], _load_order(pair[1]))):
            found.loads += self.raw.rows(
                f"select * from landing.extract_run where dataset = {literal(dataset)}"
                f" and load_id = {literal(load_id)} order by started_at"
            )


def _load_order(load_id: str) -> tuple[str, int]:
    """A load's id as it sorts: its second, then its number within it, which is 1 where none is written."""
    second, _, number = load_id.partition("-")
    return second, int(number) if number.isdigit() else 1


def _sources_of(parents: dict[str, list[str]], node: str) -> set[str]:
    """The raw tables `node` is made of, through mapping and staging but no other canonical table."""
    found: set[str] = set()
    waiting = list(parents.get(node, []))
    while waiting:
        parent = waiting.pop()
        if parent.startswith("source."):
            found.add(parent.split(".")[-1])
        elif "canonical__" not in parent:
            waiting += parents.get(parent, [])
    return found


def trace(
    home: Home,
    subject: str,
    *,
    key: str | None = None,
    period: str | None = None,
    run_id: str | None = None,
    limit: int = 10,
) -> Trace:
    """Trace `subject`; see `Tracer.trace`. `limit` bounds each step's rows, largest amounts first."""
    tracer = Tracer(home, run_id, limit)
    try:
        return tracer.trace(subject, key, period)
    finally:
        tracer.close()
