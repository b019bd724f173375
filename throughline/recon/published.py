"""Reading a published run's reconciliation into one report: its rows, names, texts and what people said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from throughline import content, publish, warehouse
from throughline.errors import error
from throughline.home import Home
from throughline.recon import people
from throughline.recon.digest import content_hash
from throughline.recon.people import Said
from throughline.state import Event, Store

Row = dict[str, Any]
OPEN = "EXCEPTION"
# what must stand in a published file for a report to be made of it
NEEDED = ("exception", "exception_history", "control_run", "control_period", "recon__control",
          "recon__dataset_status", "recon__due", "recon__reporting_rate", "conservation")  # fmt: skip
STATES = ("NEW", "ASSIGNED", "IN_PROGRESS", "RESOLVED_PENDING_VERIFY", "CLOSED", "REOPENED", "ACKNOWLEDGED",
          "WAIVED")  # fmt: skip
SEVERITIES = ("S1", "S2", "S3", "S4")


@dataclass(frozen=True)
class Filter:
    """What part of a run is asked for; an empty tuple means all. Entities are ERP keys or codes."""

    entities: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()

    def admits(self, row: Row) -> bool:
        """Whether `row` of the exceptions (with `entity_code` and `status`) is in scope.

        What could not be judged for want of a load belongs to no entity and no state: it stays in every
        scope, because leaving it out would make a control look clean that has not run.
        """
        if row["outcome"] == "NOT_EVALUABLE" and row["legal_entity_id"] is None:
            return not self.controls or row["control_id"] in self.controls
        return (
            (
                not self.entities
                or row["legal_entity_id"] in self.entities
                or row["entity_code"] in self.entities
            )
            and (not self.states or row["status"] in self.states)
            and (not self.controls or row["control_id"] in self.controls)
            and (not self.severities or row["severity"] in self.severities)
        )

    @property
    def is_narrow(self) -> bool:
        """Whether a control's exceptions may be in scope in part, so that its earlier totals compare to
        nothing here. A filter of another kind chooses by rules of its own."""
        return type(self) is not Filter or bool(self.states or self.severities)

    def text(self) -> str:
        """The filter in words, for the cover."""
        said = [
            f"{name} {', '.join(values)}"
            for name, values in (
                ("entity", self.entities),
                ("status", self.states),
                ("control", self.controls),
                ("severity", self.severities),
            )
            if values
        ]
        return "; ".join(said) or "everything"


@dataclass(frozen=True)
class Report:
    """One run's reconciliation within a filter. Money is Decimal; the lists are in reading order."""

    run_id: str
    as_of: date
    known_at: datetime
    started_at: datetime
    reporting_currency: str
    snapshot: str
    filter: Filter
    exceptions: list[Row]
    control_runs: list[Row]
    controls: dict[str, Row]
    datasets: list[Row]
    conservation: list[Row]
    rates: dict[str, Decimal]
    history: dict[str, Row]
    names: dict[str, dict[str, Row]]
    due: dict[str, Row]
    trend: list[Row]
    content: list[Row]
    tie_outs: list[Row] = field(default_factory=list)
    tie_out_items: list[Row] = field(default_factory=list)
    roll_forwards: list[Row] = field(default_factory=list)
    periods: list[Row] = field(default_factory=list)
    restatements: list[Row] = field(default_factory=list)
    close_bridge: list[Row] = field(default_factory=list)
    people: dict[str, list[Event]] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)
    waivers: dict[str, Event] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """The content hash of this scope."""
        return content_hash(
            self.exceptions, {name: int(row["version"]) for name, row in self.controls.items()}
        )

    def of(self, *outcomes: str) -> list[Row]:
        """The exceptions with one of these outcomes."""
        return [row for row in self.exceptions if row["outcome"] in outcomes]

    @property
    def open(self) -> list[Row]:
        return self.of(OPEN)

    @property
    def headline(self) -> Decimal:
        """Amount at risk of this scope, each risk counted once, in the reporting currency."""
        return headline(self.exceptions)

    @property
    def verdict(self) -> str:
        """INCOMPLETE when something could not be judged, else EXCEPTIONS or CLEAN."""
        if self.of("NOT_EVALUABLE"):
            return "INCOMPLETE"
        return "EXCEPTIONS" if self.open else "CLEAN"


def headline(rows: Sequence[Row]) -> Decimal:
    """The sum over risk type and object of the largest amount among open rows that no other row explains."""
    largest: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        if row["outcome"] != OPEN or row["root_exception_id"] is not None or row["amount_at_risk"] is None:
            continue
        key = (row["risk_type"], row["risk_object"])
        largest[key] = max(largest.get(key, row["amount_at_risk"]), row["amount_at_risk"])
    return sum(largest.values(), Decimal("0.0000"))


def order(row: Row) -> tuple[Any, ...]:
    """Reading order: severity, then amount, then age, largest first, then id."""
    amount = row["amount_at_risk"]
    return (
        row["severity"],
        amount is None,
        -(amount or Decimal(0)),
        -(row["age_days"] or 0),
        row["exception_id"],
    )


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Table name -> its schema."""
    return {
        str(name): str(schema)
        for schema, name in connection.execute(
            "select table_schema, table_name from information_schema.tables order by 1, 2"
        ).fetchall()
    }


def _names(connection: duckdb.DuckDBPyConnection, tables: dict[str, str]) -> dict[str, dict[str, Row]]:
    """The dimensions' rows by key: what keys are called. A dimension that is not there gives no names."""
    found: dict[str, dict[str, Row]] = {}
    for name, key in (
        ("legal_entity", "legal_entity_id"),
        ("customer", "customer_id"),
        ("contract_line", "contract_line_id"),
        ("project", "project_id"),
        ("org_unit", "org_unit_id"),
    ):
        table = f"dim_{name}"
        found[name] = {}
        if table in tables:
            rows = _rows(connection, f'select * from "{tables[table]}"."{table}"')
            found[name] = {str(row[key]): row for row in rows}
    return found


def _tie_outs(
    connection: duckdb.DuckDBPyConnection,
    tables: dict[str, str],
    name: str,
    asked: Filter,
    codes: dict[str, str],
) -> list[Row]:
    """The rows of a tie-out's table in the scope's entities; a run published before it was made has none.

    A filter by control, state or severity leaves them as they are: they belong to none.
    """
    if tables.get(name) != "reconciliation":
        return []
    rows = _rows(connection, f'select * from reconciliation."{name}" order by 1, 2, 3, 4, 5')
    return [row for row in rows if _of_entity(row, asked, codes)]


def _closing(
    connection: duckdb.DuckDBPyConnection,
    tables: dict[str, str],
    asked: Filter,
    codes: dict[str, str],
    sql: str,
) -> list[Row]:
    """Rows about closed periods in the scope's entities; a run published before they were made has none."""
    if tables.get("period_close") != "reconciliation":
        return []
    return [row for row in _rows(connection, sql) if _of_entity(row, asked, codes)]


def _of_entity(row: Row, asked: Filter, codes: dict[str, str]) -> bool:
    """Whether a row belongs to one of the scope's entities."""
    entity = row["legal_entity_id"]
    return not asked.entities or entity in asked.entities or codes.get(entity) in asked.entities


# balance -> (its roll-forward, what moves it in the order in which it is told)
ROLL_FORWARDS = {
    "BACKLOG": (
        "backlog_rollforward",
        ("opening_balance", "booked", "amended", "recognised", "cancelled", "completed_under_run",
         "beyond_value", "closure_timing"),
    ),
    "WIP": (
        "wip_rollforward", ("performed", "wip_billed", "reopened_by_credit_note", "multiple_billing"),
    ),
    "DEFERRED_REVENUE": (
        "contract_liability_rollforward",
        ("opening_balance", "billed", "credited", "released", "made_unconditional", "netting_reclass"),
    ),
    "RECEIVABLES": (
        "ar_rollforward", ("opening_balance", "invoiced", "credited", "collected", "credits_applied"),
    ),
}  # fmt: skip
DATES_TOLD = 13


def _roll_forwards(
    connection: duckdb.DuckDBPyConnection, tables: dict[str, str], asked: Filter, codes: dict[str, str]
) -> list[Row]:
    """Every balance by entity and currency from date to date: opening, movements, closing, and the closing
    before; the newest thirteen dates. A run published before one of them, or a step of it, was made has none
    of it."""
    found: list[Row] = []
    for balance, (table, told) in ROLL_FORWARDS.items():
        if tables.get(table) != "marts" or tables.get("metric_value") != "marts":
            continue
        held = {name for name, _ in content.columns(connection, "marts", table)}
        steps = [step for step in told if step in held]
        sums = ", ".join(f"sum({column}) as {column}" for column in ("opening", *steps, "closing"))
        rows = _rows(
            connection,
            f"with told as (select as_of, legal_entity_id, line_currency_code as currency_code, {sums}"
            f" from marts.{table} where currency_view = 'TC' group by all), dates as (select as_of,"
            f" lag(as_of) over (order by as_of) as before, row_number() over (order by as_of desc) as back"
            " from (select distinct as_of from marts.metric_value where grain = 'FIRM'))"
            " select told.*, case when dates.before is not null then coalesce(earlier.closing, 0) end"
            " as closed_before from told join dates on dates.as_of = told.as_of left join told as earlier"
            " on earlier.as_of = dates.before and earlier.legal_entity_id = told.legal_entity_id"
            " and earlier.currency_code = told.currency_code"
            f" where dates.back <= {DATES_TOLD}"
            " order by told.legal_entity_id, told.currency_code, told.as_of",
        )
        for row in rows:
            moved = {step: row[step] for step in steps}
            if _of_entity(row, asked, codes) and any((row["opening"], row["closing"], *moved.values())):
                found.append({**row, "balance": balance, "moved": moved})
    return found


def _people(events: Sequence[Event]) -> dict[str, list[Event]]:
    said: dict[str, list[Event]] = {}
    for event in events:
        if event.kind in people.KINDS:
            said.setdefault(event.object_id, []).append(event)
    return said


def _check(asked: Filter, controls: dict[str, Row], entities: dict[str, Row]) -> None:
    """That every word of the filter is one the run knows: a slip of the pen would look like a clean firm."""
    known = {
        "entity": {*entities, *(str(row.get("entity_code")) for row in entities.values())},
        "control": set(controls),
        "severity": set(SEVERITIES),
        "status": set(STATES),
    }
    for name, given in (
        ("entity", asked.entities),
        ("control", asked.controls),
        ("severity", asked.severities),
        ("status", asked.states),
    ):
        for word in given:
            if word not in known[name]:
                choices = sorted(one for one in known[name] if ":" not in one)
                raise error("E-REC-004", option=f"--{name}", given=word, known=", ".join(choices))


def find_run(home: Home, run_id: str | None, as_of: date | None) -> str | None:
    """The published run asked for: by id, else the newest for `as_of`, else None for the current one.

    Raises E-REC-002 when no kept run was made for `as_of`.
    """
    if run_id is not None or as_of is None:
        return run_id
    for candidate in reversed(publish.published_runs(home)):
        connection = warehouse.open_published(home, candidate)
        try:
            said = connection.execute("select as_of from publication.run").fetchone()
        finally:
            connection.close()
        if said is not None and said[0] == as_of:
            return candidate
    raise error("E-REC-002", as_of=as_of.isoformat(), home=home.root)


def read_report(
    home: Home, scope: Filter | None = None, *, run_id: str | None = None, as_of: date | None = None
) -> Report:
    """The reconciliation of a published run.

    Raises E-PUB-001 or E-PUB-002 when there is no such run, E-REC-002 when none was made for `as_of`,
    E-REC-003 when the published file holds no reconciliation, E-REC-004 when the scope names what the run
    does not know.
    """
    asked = scope or Filter()
    connection = warehouse.open_published(home, find_run(home, run_id, as_of))
    try:
        tables = _tables(connection)
        said = _rows(connection, "select * from publication.run")[0]
        missing = [name for name in NEEDED if tables.get(name) != "reconciliation"]
        if missing:
            raise error("E-REC-003", run_id=said["run_id"], missing=", ".join(missing))
        names = _names(connection, tables)
        codes = {key: str(row.get("entity_code")) for key, row in names["legal_entity"].items()}
        exceptions = _rows(connection, "select * from reconciliation.exception")
        control_runs = _rows(
            connection, "select * from reconciliation.control_run order by control_id, legal_entity_id"
        )
        events = Store(home).read()
        standing = people.standing(events)
        for row in (*exceptions, *control_runs):
            row["entity_code"] = codes.get(str(row["legal_entity_id"]), row["legal_entity_id"])
        for row in exceptions:
            row["facts"] = json.loads(row["evidence"])
            row["status"] = people.status(row, standing.get(row["exception_id"]), said["known_at"])
        controls = {
            str(row["control_id"]): row
            for row in _rows(connection, "select * from reconciliation.recon__control order by control_id")
        }
        _check(asked, controls, names["legal_entity"])
        return Report(
            run_id=str(said["run_id"]),
            as_of=said["as_of"],
            known_at=said["known_at"],
            started_at=said["started_at"],
            reporting_currency=str(said["reporting_currency"]),
            snapshot=str(said["content_hash"]),
            filter=asked,
            exceptions=sorted((row for row in exceptions if asked.admits(row)), key=order),
            control_runs=control_runs,
            controls=controls,
            datasets=_rows(connection, "select * from reconciliation.recon__dataset_status order by dataset"),
            conservation=_rows(
                connection,
                "select * from reconciliation.conservation"
                " order by source_system, source_instance, resource, currency_code",
            ),
            rates={
                str(row["from_currency"]): row["rate"]
                for row in _rows(connection, "select * from reconciliation.recon__reporting_rate")
            },
            history={
                str(row["exception_id"]): row
                for row in _rows(connection, "select * from reconciliation.exception_history")
            },
            names=names,
            due={
                str(row["exception_id"]): row
                for row in _rows(connection, "select * from reconciliation.recon__due")
            },
            trend=_rows(
                connection,
                "select * from reconciliation.control_period order by period, control_id, legal_entity_id",
            ),
            content=_rows(connection, "select * from publication.content order by table_name"),
            tie_outs=_tie_outs(connection, tables, "tie_out", asked, codes),
            tie_out_items=_tie_outs(connection, tables, "tie_out_item", asked, codes),
            roll_forwards=_roll_forwards(connection, tables, asked, codes),
            periods=_closing(
                connection, tables, asked, codes,
                "select * from reconciliation.period_close order by period desc, legal_entity_id, area",
            ),
            restatements=_closing(
                connection, tables, asked, codes,
                "select * from reconciliation.restatement where is_last"
                " order by period desc, legal_entity_id, area, abs(delta_rc) desc, restatement_id",
            ),
            close_bridge=_closing(
                connection, tables, asked, codes,
                "select * from reconciliation.close_bridge where currency_view = 'RC'"
                " order by period desc, legal_entity_id, metric_id",
            ),
            people=_people(events),
            said=standing,
            waivers=people.standing_waivers(one for one in events if one.at <= said["known_at"]),
        )  # fmt: skip
    finally:
        connection.close()
