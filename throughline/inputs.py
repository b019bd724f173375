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

from pipelines.sources import manifest_of, source_names
from throughline import closing, content, records
from throughline.config import FILE_SYSTEMS, RECORD_DOMAINS, Config
from throughline.home import Home
from throughline.recon import archive, people
from throughline.state import Store

Row = tuple[Any, ...]

# table -> its columns as DuckDB declares them
TABLES: dict[str, str] = {
    "run_context": "run_id varchar, as_of date, known_at timestamptz, reporting_currency varchar,"
    " started_at timestamptz",
    "parameter": "name varchar, value varchar, effective_from date",
    "system_of_record": "domain varchar, legal_entity_id varchar, source_system varchar,"
    " source_instance varchar, valid_from date, valid_to date, excluded_entities varchar",
    "entity_calendar": "legal_entity_id varchar, calendar varchar, time_zone varchar,"
    " fiscal_year_start_month integer",
    "entity_whitelist": "control_id varchar, legal_entity_id_a varchar, legal_entity_id_b varchar,"
    " valid_from date, valid_to date",
    "source_instance": "source_system varchar, source_instance varchar, dataset varchar",
    "waiver": "exception_id varchar, reason_code varchar, reason varchar, valid_from date, valid_to date,"
    " amount_cap decimal(19,4), currency_code varchar, approver varchar, actor varchar,"
    " decided_at timestamptz",
    "period_close": "event_id bigint, legal_entity_id varchar, period varchar, area varchar,"
    " close_type varchar, known_at timestamptz, decided_at timestamptz, run_id varchar,"
    " content_sha256 varchar, actor varchar, approver varchar, reason varchar",
    "close_content": "event_id bigint, area varchar, movement_type varchar, is_increase boolean,"
    " currency_code varchar, functional_currency varchar, amount_tc decimal(28,4), amount_fc decimal(28,4),"
    " amount_rc decimal(28,4), hours decimal(28,2), rows_standing bigint",
    "exception_state": "exception_id varchar, state varchar, owner varchar, reason varchar,"
    " acknowledged_until date, actor varchar, decided_at timestamptz",
    "prior_outlook": "frozen_for date, run_id varchar, as_of date, measure varchar, month_start date,"
    " legal_entity_id varchar, practice_id varchar, amount_cc decimal(28,4)",
    "prior_exception": "exception_id varchar, control_id varchar, grain_key varchar, outcome varchar,"
    " state varchar, severity varchar, becomes_exception_on date, amount_at_risk decimal(19,4),"
    " root_exception_id varchar, run_id varchar, known_at timestamptz, first_seen_on date,"
    " last_seen_on date, occurrences integer, was_open boolean, period_outcome varchar,"
    " period_amount_at_risk decimal(19,4)",
    "prior_run": "run_id varchar, as_of date, known_at timestamptz",
    "prior_control_run": "run_id varchar, as_of date, known_at timestamptz, control_id varchar,"
    " legal_entity_id varchar, control_version integer, status varchar, is_blocked boolean,"
    " pending_count bigint, exception_count bigint, exception_amount decimal(19,4)",
}


def _amount(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))


def _waivers(store: Store, known_at: datetime) -> list[Row]:
    found: list[Row] = []
    for exception_id, event in people.standing_waivers(store.read(until=known_at)).items():
        said = event.payload
        found.append(
            (
                exception_id, said.get("reason_code"), said.get("reason"),
                people.day(said.get("valid_from")) or event.at.date(), people.day(said.get("valid_to")),
                _amount(said.get("amount_cap")), said.get("currency"), said.get("approver"),
                event.actor, event.at,
            )
        )  # fmt: skip
    return found


def _closes(events: Sequence[closing.Decision]) -> list[Row]:
    """Every close and reopening, as it was decided."""
    return [
        (
            one.event_id, one.legal_entity_id, one.period, one.area, one.close_type, one.known_at, one.at,
            one.run_id, one.content_sha256, one.actor, one.approver, one.reason,
        )
        for one in events
    ]  # fmt: skip


def _close_contents(events: Sequence[closing.Decision]) -> list[Row]:
    """What the closes stored of what they closed."""
    return [(one.event_id, one.area, *row) for one in events for row in one.content]


def _states(store: Store, known_at: datetime) -> list[Row]:
    """What people have made of each exception: the last state, owner and acknowledgement they gave it."""
    return [
        (key, said.state, said.owner, said.reason, said.until, said.actor, said.at)
        for key, said in people.standing(store.read(until=known_at)).items()
        if said.at is not None
    ]


def _kinds(config: Config) -> dict[tuple[str, str], str]:
    """(source system, instance) -> the kind of system it is, of the enabled sources there are.

    Landing says of a source that is not there that it is not; it holds nothing, so a build can go without it.
    """
    found: dict[tuple[str, str], str] = {}
    for one in config.enabled_sources():
        if one.connector not in source_names():
            continue
        manifest = manifest_of(one.connector)
        if manifest.domain == "files":
            # rows out of files bear the kind of system they speak for; a folder that holds none of what has a
            # record must not stand in the way of the system that does
            ports = one.options.get("ports", RECORD_DOMAINS)
            if not RECORD_DOMAINS.keys().isdisjoint(ports):
                found |= {(kind, one.instance): kind for kind in FILE_SYSTEMS}
        else:
            found[manifest.source_system, one.instance] = manifest.domain
    return found


def collect(
    home: Home, config: Config, *, run_id: str, as_of: date, known_at: datetime, started_at: datetime
) -> dict[str, list[Row]]:
    """The rows of every input table, sorted."""
    store = Store(home)
    prior_exceptions, prior_control_runs = archive.history(home, as_of, known_at)
    decisions = closing.decisions(store.read(until=known_at))
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
                one.excluded_entities,
            )
            for one in records.resolve(config.systems_of_record, _kinds(config))
        ],
        "entity_calendar": [
            (one.legal_entity_id, one.calendar, one.time_zone, one.fiscal_year_start_month)
            for one in config.entities
        ],
        "entity_whitelist": [
            (one.control_id, one.legal_entity_id_a, one.legal_entity_id_b, one.valid_from, one.valid_to)
            for one in config.entity_whitelist
        ],
        "source_instance": [(one.connector, one.instance, one.dataset) for one in config.enabled_sources()],
        "waiver": _waivers(store, known_at),
        "period_close": _closes(decisions),
        "close_content": _close_contents(decisions),
        "exception_state": _states(store, known_at),
        "prior_run": [
            (made.run_id, made.as_of, made.known_at) for made in archive.before(home, as_of, known_at)
        ],
        "prior_outlook": archive.outlooks(home, as_of, known_at),
        "prior_exception": prior_exceptions,
        "prior_control_run": prior_control_runs,
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
