"""What the command line hands to dbt as tables before a build: the `inputs` schema of the build file.

Everything a build depends on beside the landed rows stands here, and its hash stands in the run's manifest:
the same raw rows with the same inputs give the same tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from throughline import clock, content, warehouse
from throughline.config import Config
from throughline.errors import ThroughlineError
from throughline.home import Home
from throughline.state import Store

Row = tuple[Any, ...]

# table -> its columns as DuckDB declares them
TABLES: dict[str, str] = {
    "run_context": "run_id varchar, as_of date, known_at timestamptz, reporting_currency varchar,"
    " started_at timestamptz",
    "parameter": "name varchar, value varchar, effective_from date",
    "system_of_record": "domain varchar, legal_entity_id varchar, source_system varchar,"
    " source_instance varchar, valid_from date, valid_to date",
    "entity_calendar": "legal_entity_id varchar, calendar varchar, time_zone varchar,"
    " fiscal_year_start_month integer",
    "entity_whitelist": "control_id varchar, legal_entity_id_a varchar, legal_entity_id_b varchar,"
    " valid_from date, valid_to date",
    "source_instance": "source_system varchar, source_instance varchar, dataset varchar",
    "waiver": "exception_id varchar, reason_code varchar, reason varchar, valid_from date, valid_to date,"
    " amount_cap decimal(19,4), currency_code varchar, approver varchar, actor varchar,"
    " decided_at timestamptz",
    "period_close": "legal_entity_id varchar, period varchar, close_type varchar, known_at timestamptz,"
    " actor varchar, decided_at timestamptz",
    "exception_state": "exception_id varchar, state varchar, owner varchar, reason varchar,"
    " acknowledged_until date, actor varchar, decided_at timestamptz",
    "prior_exception": "exception_id varchar, control_id varchar, grain_key varchar, outcome varchar,"
    " state varchar, severity varchar, becomes_exception_on date, amount_at_risk decimal(19,4),"
    " root_exception_id varchar, run_id varchar",
}


def _day(value: Any) -> date | None:
    return date.fromisoformat(str(value)[:10]) if value else None


def _amount(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))


def _waivers(store: Store, known_at: datetime) -> list[Row]:
    standing: dict[str, Row] = {}
    for event in store.read(until=known_at):
        if event.kind == "waiver":
            said = event.payload
            standing[event.object_id] = (
                event.object_id, said.get("reason_code"), said.get("reason"),
                _day(said.get("valid_from")) or event.at.date(), _day(said.get("valid_to")),
                _amount(said.get("amount_cap")), said.get("currency"), said.get("approver"),
                event.actor, event.at,
            )  # fmt: skip
        elif event.kind == "waiver_revoked":
            standing.pop(event.object_id, None)
    return list(standing.values())


def _closes(store: Store, known_at: datetime) -> list[Row]:
    standing: dict[tuple[str, str], Row] = {}
    for event in store.read(until=known_at):
        if event.kind not in ("close", "reopen"):
            continue
        key = (str(event.payload["legal_entity_id"]), str(event.payload["period"]))
        if event.kind == "reopen":
            standing.pop(key, None)
            continue
        known = event.payload.get("known_at")
        standing[key] = (
            *key, event.payload.get("close_type"), clock.parse_instant(known) if known else event.at,
            event.actor, event.at,
        )  # fmt: skip
    return list(standing.values())


def _states(store: Store, known_at: datetime) -> list[Row]:
    """What people have made of each exception: the last state, owner and acknowledgement they gave it."""
    standing: dict[str, dict[str, Any]] = {}
    for event in store.read(until=known_at):
        if event.kind not in ("state", "assignment", "acknowledgement"):
            continue
        said = standing.setdefault(event.object_id, {})
        if event.kind == "assignment":
            said["owner"] = event.payload.get("owner")
            said.setdefault("state", "ASSIGNED")
        elif event.kind == "acknowledgement":
            said["state"] = "ACKNOWLEDGED"
            said["until"] = _day(event.payload.get("until"))
            said["reason"] = event.payload.get("reason")
        else:
            said["state"] = event.payload.get("state")
            said["reason"] = event.payload.get("reason")
        said["actor"], said["at"] = event.actor, event.at
    return [
        (key, said.get("state"), said.get("owner"), said.get("reason"), said.get("until"),
         said["actor"], said["at"])
        for key, said in standing.items()
    ]  # fmt: skip


def _prior_exceptions(home: Home) -> list[Row]:
    """The exceptions of the run published now, from which a build knows what is new, the same or gone."""
    try:
        publication = warehouse.current(home)
        connection = warehouse.open_published(home, publication.run_id)
    except ThroughlineError:
        return []
    try:
        exists = connection.execute(
            "select count(*) from information_schema.tables"
            " where table_schema = 'reconciliation' and table_name = 'exception'"
        ).fetchone()
        if not exists or not exists[0]:
            return []
        return connection.execute(
            "select exception_id, control_id, grain_key, outcome, state, severity, becomes_exception_on,"
            f" amount_at_risk, root_exception_id, '{publication.run_id}' from reconciliation.exception"
        ).fetchall()
    finally:
        connection.close()


def collect(
    home: Home, config: Config, *, run_id: str, as_of: date, known_at: datetime, started_at: datetime
) -> dict[str, list[Row]]:
    """The rows of every input table, sorted."""
    store = Store(home)
    rows: dict[str, Sequence[Row]] = {
        "run_context": [(run_id, as_of, known_at, config.reporting_currency, started_at)],
        "parameter": [(one.name, one.value, one.effective_from) for one in config.parameters],
        "system_of_record": [
            (
                one.domain,
                one.legal_entity_id,
                one.source_system,
                one.source_instance,
                one.valid_from,
                one.valid_to,
            )
            for one in config.systems_of_record
        ],
        "entity_calendar": [
            (one.legal_entity_id, one.calendar, one.time_zone, one.fiscal_year_start_month)
            for one in config.entities
        ],
        "entity_whitelist": [
            (one.control_id, one.legal_entity_id_a, one.legal_entity_id_b, one.valid_from, one.valid_to)
            for one in config.entity_whitelist
        ],
        "source_instance": [(one.name, one.instance, one.dataset) for one in config.enabled_sources()],
        "waiver": _waivers(store, known_at),
        "period_close": _closes(store, known_at),
        "exception_state": _states(store, known_at),
        "prior_exception": _prior_exceptions(home),
    }
    return {name: sorted(rows[name], key=lambda row: tuple(str(value) for value in row)) for name in TABLES}


def write(build: Path, rows: dict[str, list[Row]]) -> dict[str, dict[str, Any]]:
    """Replace the `inputs` schema of the build file by `rows`; rows and SHA-256 per table.

    One transaction: a build finds all of the new inputs or all of the old.
    """
    summary: dict[str, dict[str, Any]] = {}
    connection = duckdb.connect(str(build))
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("begin")
        connection.execute("create schema if not exists inputs")
        for name, columns in TABLES.items():
            connection.execute(f"create or replace table inputs.{name} ({columns})")
            content.insert(connection, f"inputs.{name}", rows[name])
            text = json.dumps(rows[name], default=str)
            summary[name] = {"rows": len(rows[name]), "sha256": hashlib.sha256(text.encode()).hexdigest()}
        connection.execute("commit")
    finally:
        connection.close()
    return summary
