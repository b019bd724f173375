"""A small firm written by hand as canonical tables, and a dbt project of the ledger's own rooms over it.

The tables have the ports' columns; a row names only what it needs. `Firm.add` says when a row became known,
so that a test can build the warehouse as of any instant, or from only what had been loaded by then.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tests.support import records
from throughline.inputs import TABLES

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"

_TYPES = {
    "t": "varchar",
    "m": "decimal(19,4)",
    "r": "decimal(18,8)",
    "f": "decimal(18,10)",
    "p": "decimal(9,6)",
    "h": "decimal(9,2)",
    "d": "date",
    "i": "timestamptz",
    "b": "boolean",
    "n": "integer",
}
ENVELOPE = (
    "source_system t, source_instance t, source_record_id t, source_created_at i, source_updated_at i,"
    " is_deleted b, deleted_at i, deletion_basis t, load_id t, payload_hash t, is_backfill b, known_from i,"
    " known_to i, version_number n"
)
# entity -> (key column, own columns with a letter for the type; boolean and text defaults are below)
PORTS: dict[str, str] = {
    "legal_entity": "legal_entity_id t, entity_code t, name t, country_code t, functional_currency t,"
    " is_elimination b, is_active b, calendar_id t",
    "exchange_rate": "exchange_rate_id t, from_currency t, to_currency t, rate f, rate_type t,"
    " effective_from d",
    "org_unit": "org_unit_id t, code t, name t, unit_type t, is_active b",
    "customer": "customer_id t, name t, currency_code t, is_active b, customer_type t",
    "integration_event": "integration_event_id t, business_event_id t, business_event_type t, event_time i,"
    " status t, attempts n, error_class t, target t, entity_type t, entity_key t, approval_id t, is_test b",
    "opportunity": "opportunity_id t, name t, customer_id t, stage t, amount m, services_amount m,"
    " first_30_days_revenue m, currency_code t, close_date d, is_closed b, is_won b, owner_id t,"
    " created_at i, opportunity_type t, legal_entity_code t, legal_entity_id t, planned_start d,"
    " term_start d, term_end d, is_contract_required b, parent_opportunity_id t, practice_code t,"
    " region_code t, billing_method t",
    "opportunity_stage_event": "event_id t, opportunity_id t, stage_raw t, stage t, amount m, probability p,"
    " close_date d, changed_at i",
    "plan_target": "plan_target_id t, plan_name t, metric t, period t, legal_entity_id t, region_code t,"
    " practice_code t, amount m, currency_code t, decided_on d",
    "contract": "contract_id t, contract_number t, opportunity_id t, customer_id t, legal_entity_id t,"
    " currency_code t, billing_method t, signed_on d, closed_on d, status_raw t, status t, created_at i,"
    " customer_po_number t, hold_until d",
    "contract_line": "contract_line_id t, contract_id t, line_number n, billing_method t, original_value m,"
    " ceiling m, transaction_price m, revenue_method t, effective_from d, effective_to d,"
    " noncancellable_to d, practice_code t, region_code t, group_code t,"
    " currency_code t",
    "customer_po": "customer_po_id t, number t, customer_id t, amount m, currency_code t, valid_to d",
    "contract_amendment": "contract_amendment_id t, contract_id t, contract_line_id t, opportunity_id t,"
    " delta_value m, delta_ceiling m, delta_hours h, signed_on d, effective_on d,"
    " effective_to_before d, status t, treatment t",
    "project": "project_id t, project_number t, name t, customer_id t, opportunity_id t, contract_line_id t,"
    " expense_line_id t, project_manager_id t, region_id t, practice_id t, group_id t, service_line_code t,"
    " billing_method t, is_billable b, is_template b, status t, start_date d, currency_code t,"
    " legal_entity_code t, legal_entity_id t, created_at i, activated_at i, closed_at i, planned_hours h,"
    " budget_revenue m, budget_cost m, eac_cost m, eac_hours h, eac_updated_on d",
    "rate_card_line": "rate_card_line_id t, customer_id t, region_id t, practice_id t, role t, bill_rate r,"
    " rate_unit t, cost_rate r, currency_code t, effective_from d, effective_to d",
    "resource_request": "resource_request_id t, project_id t, role t, status t, requested_hours h,"
    " requested_bill_rate r",
    "assignment": "assignment_id t, project_id t, resource_id t, role t, is_hard b, is_billable b,"
    " bill_rate r, currency_code t, start_date d, created_at i",
    "assignment_schedule_day": "assignment_id t, work_date d, scheduled_hours h, is_hard b",
    "time_entry": "time_entry_id t, project_id t, resource_id t, assignment_id t, timesheet_id t,"
    " work_date d, hours h, is_billable b, status t, billable_amount m, currency_code t, bill_rate r,"
    " cost_amount m, submitted_at i, approved_at i, is_billed b, invoice_number t",
    "expense_line": "expense_line_id t, expense_report_id t, resource_id t, project_id t, expense_date d,"
    " category t, incurred_amount m, incurred_currency_code t, billing_amount m, billing_currency_code t,"
    " is_billable b, status t, submitted_at i, approved_at i",
    "milestone": "milestone_id t, project_id t, name t, amount m, currency_code t, status t, target_date d,"
    " completed_on d, accepted_on d, is_acceptance_required b, is_billed b, is_cancelled b",
    "resource": "resource_id t, display_name_key t, worker_type t, is_active b, employee_number t, role t,"
    " grade t, legal_entity_code t, legal_entity_id t, practice_code t, region_code t, hire_date d,"
    " termination_date d, fte r, weekly_hours h, is_time_required b",
    "cost_rate": "cost_rate_id t, resource_id t, valid_from d, valid_to d, rate r, currency_code t",
    "time_off": "time_off_id t, resource_id t, start_date d, end_date d, hours h, absence_type t, status t",
    "billing_item": "billing_item_id t, source_type t, source_key t, contract_line_id t, work_date d,"
    " quantity r, unit_price m, amount m, currency_code t, is_billable b, eligible_at i, hold_reason t,"
    " status t, created_at i",
    "invoice": "invoice_id t, document_type t, doc_type t, invoice_number t, customer_id t,"
    " legal_entity_id t, contract_id t, invoice_date d, due_date d, posting_period_id t, currency_code t,"
    " exchange_rate f, total_amount m, tax_amount m, net_amount m, amount_due m, status_raw t,"
    " status t, posted_at i, related_invoice_id t, reason_code t, period_from d, period_to d",
    "invoice_line": "invoice_line_id t, invoice_id t, line_number n, source_type t, source_key t,"
    " contract_line_id t, quantity r, unit_price m, net_amount m, currency_code t, period_from d,"
    " period_to d",
    "customer_payment": "customer_payment_id t, customer_id t, legal_entity_id t, payment_date d, amount m,"
    " currency_code t, exchange_rate f, status t",
    "payment_application": "payment_application_id t, invoice_id t, customer_payment_id t,"
    " credit_invoice_id t, applied_amount m, currency_code t, applied_date d, kind t",
    "accounting_period": "period_id t, period_name t, start_date d, end_date d, is_adjustment b, is_closed b,"
    " is_ar_closed b, is_ap_closed b, closed_at i",
    "opening_balance": "opening_balance_id t, kind t, balance_date d, legal_entity_id t, contract_line_id t,"
    " customer_id t, invoice_id t, due_date d, amount m, amount_functional m, currency_code t, hours h",
    "revenue_entry": "revenue_entry_id t, contract_line_id t, amount m, amount_functional m, currency_code t,"
    " accounting_date d, period_id t, posted_at i, service_from d, service_to d, entry_type t, kind t",
    "purchase_order_line": "purchase_order_line_id t, purchase_order_id t, project_id t, resource_id t,"
    " quantity r, unit_price r, net_amount m, currency_code t",
    "vendor_bill": "vendor_bill_id t, bill_number t, vendor_id t, legal_entity_id t, bill_date d,"
    " currency_code t, exchange_rate f, total_amount m",
    "vendor_bill_line": "vendor_bill_line_id t, vendor_bill_id t, purchase_order_line_id t, project_id t,"
    " resource_id t, quantity r, unit_price m, net_amount m, currency_code t, period_from d, period_to d",
}
PLAIN: dict[str, tuple[str, str]] = {
    "canonical__work_calendar_day": (
        "canonical",
        "calendar_id t, calendar_date d, standard_hours h, is_holiday b, holiday_name t, is_working_day b",
    ),
    "master__entity_xref": (
        "master",
        "entity_type t, left_key t, right_key t, match_rule t, match_confidence r, valid_from d, valid_to d,"
        " decided_by t, known_from i, known_to i",
    ),
    "master__entity_zone": ("master", "legal_entity_id t, time_zone t"),
    "master__calendar_day": (
        "master",
        "calendar_id t, legal_entity_id t, calendar_date d, is_working_day b, working_day_number n,"
        " next_working_day d",
    ),
}
CLOSING = (
    "recon__close",
    "close_content",
    "restatement",
    "close_difference",
    "period_close",
    "close_bridge",
)
INPUTS = {
    "run_context": "run_id varchar, as_of date, known_at timestamptz, reporting_currency varchar,"
    " started_at timestamptz",
    "parameter": "name varchar, value varchar, effective_from date",
    "system_of_record": "domain varchar, legal_entity_id varchar, source_system varchar,"
    " source_instance varchar, valid_from date, valid_to date, excluded_entities varchar",
}
TRUE_BY_DEFAULT = {
    "is_active",
    "is_billable",
    "is_contract_required",
    "is_hard",
    "is_time_required",
    "is_won",
}


def instant(text: str) -> datetime:
    """`2026-03-08` or `2026-03-08T23:30` as an aware instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def columns_of(text: str) -> dict[str, str]:
    """Column -> DuckDB type of a port's line above."""
    return {name: _TYPES[kind] for name, kind in (part.split() for part in text.split(", "))}


@dataclass
class Firm:
    """Rows told to the warehouse, each with when it became known and whether the first load brought it."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    plain: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    # (name, value, effective from) beside the constant-currency date
    parameters: list[tuple[str, str, date]] = field(default_factory=list)
    # inputs.system_of_record
    records: list[dict[str, Any]] = field(default_factory=records.rows)
    # what was decided of periods and what was published, by the columns of inputs
    inputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(
        self,
        entity: str,
        key: str,
        known: str,
        *,
        backfill: bool = False,
        deleted: bool = False,
        made: str | None = None,
        **values: Any,
    ):
        """A version of record `key` (its canonical key) of `entity`, known from `known`.

        The record was `made` in its own system then too, unless something else is said.
        """
        columns = columns_of(PORTS[entity])
        unknown = set(values) - set(columns)
        assert not unknown, f"{entity} has no {unknown}"
        row: dict[str, Any] = {
            name: (name in TRUE_BY_DEFAULT if kind == "boolean" else None) for name, kind in columns.items()
        }
        row[next(iter(columns))] = key
        row.update(values)
        row.update(known=instant(known), backfill=backfill, deleted=deleted, record=key)
        row["made"] = instant(made or known)
        self.rows.setdefault(entity, []).append(row)

    def change(self, entity: str, key: str, known: str, *, deleted: bool = False, **values: Any):
        """The last version of `key`, changed in `values`, known from `known`."""
        last = next(row for row in reversed(self.rows[entity]) if row["record"] == key)
        own = {name: last[name] for name in columns_of(PORTS[entity])}
        own.update(values)
        self.add(
            entity,
            key,
            known,
            deleted=deleted,
            **{k: v for k, v in own.items() if v is not key or k in values},
        )

    def versions(self, entity: str, until: datetime | None) -> list[tuple[Any, ...]]:
        """The canonical table's rows, from what was known at `until`."""
        columns = columns_of(PORTS[entity])
        by_key: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows.get(entity, []):
            if until is None or row["known"] <= until:
                by_key.setdefault(row["record"], []).append(row)
        table: list[tuple[Any, ...]] = []
        for key, versions in by_key.items():
            versions.sort(key=lambda row: row["known"])
            for number, row in enumerate(versions, start=1):
                own = [row[name] for name in columns]
                digest = hashlib.sha256(json.dumps([own, row["deleted"]], default=str).encode()).hexdigest()
                later = versions[number]["known"] if number < len(versions) else None
                system, home = [*key.split(":"), "main"][:2]
                load = row["known"].strftime("%Y%m%dT%H%M%SZ")
                table.append(
                    (*own, system, home, key, versions[0]["made"], row["known"], row["deleted"], None, None,
                     load, digest, row["backfill"], row["known"], later, number)
                )  # fmt: skip
        return table

    def write(self, path: Path, *, as_of: str, known_at: str, only_loaded: bool = False) -> None:
        """The build file: canonical and master tables as fixtures, and the run's inputs.

        `only_loaded` leaves out whatever became known after `known_at`.
        """
        at = instant(known_at)
        until = at if only_loaded else None
        connection = duckdb.connect(str(path))
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create schema fixtures")
        connection.execute("create schema inputs")
        for entity, text in PORTS.items():
            columns = columns_of(f"{text}, {ENVELOPE}")
            _table(connection, f"fixtures.canonical__{entity}", columns, self.versions(entity, until))
        for name, (_, text) in PLAIN.items():
            columns = columns_of(text)
            rows = [
                tuple(row.get(column) for column in columns)
                for row in self.plain.get(name, [])
                if until is None or row.get("known_from") is None or row["known_from"] <= until
            ]
            _table(connection, f"fixtures.{name}", columns, rows)
        _table(
            connection, "inputs.run_context",
            dict(part.split() for part in INPUTS["run_context"].split(", ")),
            [("run-1", date.fromisoformat(as_of), at, "USD", at)],
        )  # fmt: skip
        _table(
            connection, "inputs.parameter", dict(part.split() for part in INPUTS["parameter"].split(", ")),
            [("constant_currency_date", "2025-12-31", date(2020, 1, 1)), *self.parameters],
        )  # fmt: skip
        _table(
            connection, "inputs.system_of_record",
            dict(part.split() for part in INPUTS["system_of_record"].split(", ")),
            [tuple(row[column] for column in records.COLUMNS) for row in self.records],
        )  # fmt: skip
        for name, columns in CLOSES.items():
            kinds = dict(part.strip().split(" ", 1) for part in _parts(columns))
            rows = [
                tuple(row.get(column) for column in kinds)
                for row in self.inputs.get(name, [])
                if until is None or row.get("known_at") is None or row["known_at"] <= until
            ]
            _table(connection, f"inputs.{name}", kinds, rows)
        connection.close()


CLOSES = {name: TABLES[name] for name in ("period_close", "close_content", "prior_run", "prior_outlook")}


def _parts(columns: str) -> list[str]:
    """The declarations in a list of columns, whose types may hold commas."""
    return re.split(r",\s*(?![^(]*\))", columns)


def _table(
    connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str], rows: list[tuple[Any, ...]]
) -> None:
    connection.execute(f"create table {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
    if rows:
        texts = [
            pa.array([None if row[i] is None else str(row[i]) for row in rows], pa.string())
            for i in range(len(columns))
        ]
        told = pa.table(dict(zip(columns, texts, strict=True)))
        connection.register("told", told)
        cast = ", ".join(f"cast({c} as {t})" for c, t in columns.items())
        connection.execute(f"insert into {name} select {cast} from told")
        connection.unregister("told")


def make_project(folder: Path, reconciliation: tuple[str, ...] = ()) -> Path:
    """A dbt project of the ledger, the life cycle and the marts over the fixture tables; its folder.

    `reconciliation` names models of that room to go with them.
    """
    project = folder / "project"
    for part in ("macros", "tests/generic", "models/ledger", "models/lifecycle", "models/marts"):
        shutil.copytree(PROJECT / part, project / part, ignore=shutil.ignore_patterns("exposures.yml"))
    for part in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(PROJECT / part, project / part)
    for name in reconciliation:
        (project / "models" / "reconciliation").mkdir(exist_ok=True)
        shutil.copy(PROJECT / "models" / "reconciliation" / f"{name}.sql", project / "models/reconciliation")
    (project / "seeds").mkdir()
    for part in ("metric_registry.csv", "metric_registry.yml"):
        if (PROJECT / "seeds" / part).exists():
            shutil.copy(PROJECT / "seeds" / part, project / "seeds" / part)
    for name, schema in [(f"canonical__{entity}", "canonical") for entity in PORTS] + [
        (name, schema) for name, (schema, _) in PLAIN.items()
    ]:
        stub = project / "models" / schema / f"{name}.sql"
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text("{{ config(materialized='view') }}\nselect * from fixtures." + name + "\n")
    (project / "models" / "inputs.yml").write_text(
        "sources:\n  - name: inputs\n    schema: inputs\n"
        "    tables: [{name: run_context}, {name: parameter}, {name: system_of_record}, {name: period_close},"
        " {name: close_content}, {name: prior_run}, {name: prior_outlook}]\n"
    )
    for test in sorted((PROJECT / "tests").glob("*.sql")) if (PROJECT / "tests").exists() else []:
        if test.name.split("__")[0] in ("ledger", "lifecycle", "marts"):
            (project / "tests").mkdir(exist_ok=True)
            shutil.copy(test, project / "tests" / test.name)
    return project


def dbt(project: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt over the build file in `folder` in a process of its own; the completed process."""
    raw = folder / "raw.duckdb"
    if not raw.exists():
        duckdb.connect(str(raw)).close()
    environment = os.environ | {
        "THROUGHLINE_BUILD_DB": str(folder / "build.duckdb"),
        "THROUGHLINE_RAW_DB": str(raw),
        "THROUGHLINE_SERVING_DB": str(folder / "serving.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_PROFILES_DIR": str(project),
        "DO_NOT_TRACK": "1",
    }
    command = [
        sys.executable, "-m", "throughline.dbt_quick", "--quiet", *arguments, "--project-dir", str(project)
    ]  # fmt: skip
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def replay(compiled: Path, place: Path) -> None:
    """Build `place` in this process from the SQL that dbt compiled for the build in `compiled`.

    The same statements in the same order, without a dbt process per build; seeds are copied.
    """
    connection = duckdb.connect(str(place / "build.duckdb"))
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"attach '{place / 'serving.duckdb'}' as serving")
    connection.execute(f"attach '{compiled / 'build.duckdb'}' as compiled (read_only)")
    connection.execute("create schema seeds")
    connection.execute("create table seeds.metric_registry as from compiled.seeds.metric_registry")
    for schema, statement in statements(compiled):
        connection.execute(f"create schema if not exists {schema}")
        connection.execute(statement)
    connection.close()


def statements(compiled: Path, wanted: Collection[str] | None = None) -> list[tuple[str, str]]:
    """Every model that dbt compiled in `compiled` as its schema and its statement, in an order that builds.

    With `wanted`, only the models of these names and what they rest on.
    """
    manifest = json.loads((compiled / "target" / "manifest.json").read_text(encoding="utf-8"))
    nodes = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    if wanted is not None:
        known = {node["name"]: name for name, node in nodes.items()}
        needed, asked = set[str](), [known[name] for name in wanted]
        while asked:
            name = asked.pop()
            if name in nodes and name not in needed:
                needed.add(name)
                asked += nodes[name]["depends_on"]["nodes"]
        nodes = {name: node for name, node in nodes.items() if name in needed}
    waiting, done, told = dict(nodes), set[str](), list[tuple[str, str]]()
    while waiting:
        ready = [
            name
            for name, node in waiting.items()
            if all(one in done or one not in nodes for one in node["depends_on"]["nodes"])
        ]
        for name in ready:
            node = waiting.pop(name)
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            told.append(
                (
                    f'"{node["database"]}"."{node["schema"]}"',
                    f"create {kind} {node['relation_name']} as {node['compiled_code']}",
                )
            )
            done.add(name)
    return told


def rates(firm: Firm, first: date, last: date, worth: dict[str, str], known: str) -> None:
    """Spot rates for every ordered pair and day, from the first load; `change` restates one."""
    day = first
    while day <= last:
        for left, of_left in worth.items():
            for right, of_right in worth.items():
                if left != right:
                    rate = (Decimal(of_left) / Decimal(of_right)).quantize(Decimal("1e-10"), ROUND_HALF_UP)
                    firm.add(
                        "exchange_rate", f"netsuite:main:{left}-{right}-{day}", known, backfill=True,
                        from_currency=left, to_currency=right, rate=rate, rate_type="spot",
                        effective_from=day,
                    )  # fmt: skip
        day += timedelta(days=1)


def calendar(firm: Firm, entities: dict[str, str], first: date, last: date) -> None:
    """Monday to Friday for every entity (key -> calendar key)."""
    for entity, name in entities.items():
        number, day = 0, first
        while day <= last:
            working = day.weekday() < 5
            number += working
            following = day + timedelta(days=1)
            while following.weekday() >= 5:
                following += timedelta(days=1)
            firm.plain.setdefault("master__calendar_day", []).append(
                {"calendar_id": name, "legal_entity_id": entity, "calendar_date": day,
                 "is_working_day": working, "working_day_number": number, "next_working_day": following}
            )  # fmt: skip
            firm.plain.setdefault("canonical__work_calendar_day", []).append(
                {"calendar_id": name, "calendar_date": day, "standard_hours": Decimal(8 * working),
                 "is_holiday": False, "is_working_day": working}
            )  # fmt: skip
            day += timedelta(days=1)
