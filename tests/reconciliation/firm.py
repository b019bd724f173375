"""A firm of a few rows: canonical rows by hand, run through the compiled SQL of the controls in DuckDB.

The project is compiled once; each test fills the tables a model stands on and asks for its rows. Rows need
only the columns that matter, the rest is taken from `DEFAULTS` or is null.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from pipelines.manifest import snake_case
from tests.support import records
from throughline.inputs import TABLES

Row = dict[str, Any]
AS_OF = date(2026, 7, 8)  # a Wednesday
KNOWN = "2026-07-08 23:30:00+00"
GB, US = "netsuite:main:4", "netsuite:main:1"
HOLIDAYS = {GB: {date(2026, 5, 25)}, US: {date(2026, 7, 3)}}
RATES = {"USD": Decimal(1), "GBP": Decimal("1.25"), "EUR": Decimal("1.10")}
LANDING = {
    "extract_run": "source_system varchar, source_instance varchar, resource varchar, load_id varchar,"
    " started_at timestamptz, cursor_from timestamptz, cursor_to timestamptz, source_count bigint,"
    " source_amount decimal(38,4), status varchar, error_code varchar, error varchar,"
    " control_amount_field varchar, schema_hash varchar",
    "reject": "reject_id varchar, source_system varchar, source_instance varchar, resource varchar,"
    " record_id varchar, amount decimal(19,4), load_id varchar, rejected_at timestamptz",
    "reject_event": 'reject_id varchar, action varchar, load_id varchar, "at" timestamptz',
    "schema_change": "source_system varchar, source_instance varchar, resource varchar, column_name varchar,"
    ' change varchar, load_id varchar, "at" timestamptz',
}
ENVELOPE: Row = {
    "source_system": "x",
    "source_instance": "main",
    "source_record_id": "x",
    "is_deleted": False,
    "load_id": "L1",
    "payload_hash": "h",
    "is_backfill": False,
    "known_from": "2020-01-01 00:00:00+00",
    "version_number": 1,
}
DEFAULTS: dict[str, Row] = {
    "canonical__opportunity": {
        "opportunity_id": "salesforce:main:O1", "name": "Deal one", "customer_id": "salesforce:main:A1",
        "services_amount": "80000", "first_30_days_revenue": "20000", "currency_code": "USD", "is_won": True,
        "is_closed": True, "probability": "1", "close_date": "2026-06-01", "is_contract_required": True,
        "legal_entity_code": "US01", "legal_entity_id": US, "billing_method": "TM",
        "billing_method_raw": "T&M",
        "payment_terms_days": 30, "term_start": "2026-06-01", "term_end": "2026-12-31",
        "planned_start": "2026-07-20", "created_at": "2026-01-05 09:00:00+00",
    },
    "canonical__opportunity_stage_event": {
        "event_id": "salesforce:main:H1", "opportunity_id": "salesforce:main:O1", "stage": "CLOSED_WON",
        "changed_at": "2026-06-01 10:00:00+00",
    },
    "canonical__contract": {
        "contract_id": "netsuite:main:C1", "contract_number": "SO1", "opportunity_id": "salesforce:main:O1",
        "customer_id": "netsuite:main:K1", "legal_entity_id": US, "currency_code": "USD",
        "billing_method": "TM",
        "payment_terms_days": 30, "effective_from": "2026-06-01", "effective_to": "2026-12-31",
        "status": "ACTIVE", "signed_on": "2026-06-01", "created_at": "2026-06-02 09:00:00+00",
    },
    "canonical__contract_line": {
        "contract_line_id": "netsuite:main:L1", "contract_id": "netsuite:main:C1", "billing_method": "TM",
        "original_value": "80000", "currency_code": "USD",
    },
    "canonical__contract_amendment": {
        "contract_amendment_id": "netsuite:main:AM1", "contract_id": "netsuite:main:C1",
        "contract_line_id": "netsuite:main:L1", "status": "SIGNED", "signed_on": "2026-06-10",
        "effective_on": "2026-06-10", "delta_value": "0", "delta_ceiling": "0",
    },
    "canonical__contract_document": {
        "contract_document_id": "docusign:main:D1", "document_system": "docusign", "title": "Work",
        "document_type": "SOW", "status": "FULLY_SIGNED", "match_key": "SO1",
        "opportunity_id": "salesforce:main:O1", "customer_id": "salesforce:main:A1",
        "customer_name": "Acme, Inc.",
        "document_value": "80000", "currency_code": "USD", "value_basis": "NET",
        "sent_at": "2026-05-26 09:00:00+00", "completed_at": "2026-05-29 15:00:00+00",
        "is_retroactive": False, "file_hash": "a" * 64, "registered_hash": "a" * 64,
        "updated_at": "2026-05-29 15:00:00+00", "source_system": "docusign",
    },
    "canonical__contract_line_share": {
        "contract_line_share_id": "netsuite:main:S1", "contract_line_id": "netsuite:main:L1", "share": "1",
        "customer_id": "netsuite:main:K1",
    },
    "canonical__project": {
        "project_id": "certinia:main:P1", "name": "Project one", "customer_id": "salesforce:main:A1",
        "opportunity_id": "salesforce:main:O1", "contract_line_id": "netsuite:main:L1", "is_billable": True,
        "is_template": False, "status": "OPEN", "billing_method": "TM",
        "billing_method_raw": "Time and Materials",
        "service_line_code": "DATA", "currency_code": "USD", "legal_entity_code": "US01",
        "legal_entity_id": US,
        "created_at": "2026-06-02 12:00:00+00", "source_system": "certinia",
    },
    "canonical__time_entry": {
        "time_entry_id": "certinia:main:T1-1", "project_id": "certinia:main:P1",
        "resource_id": "certinia:main:R1",
        "work_date": "2026-06-15", "hours": "8", "is_billable": True, "status": "approved",
        "billable_amount": "1600", "currency_code": "USD", "bill_rate": "200", "is_billed": False,
        "submitted_at": "2026-06-19 15:00:00+00", "approved_at": "2026-06-22 10:00:00+00",
    },
    "canonical__expense_line": {
        "expense_line_id": "certinia:main:E1", "project_id": "certinia:main:P1", "expense_date": "2026-06-15",
        "billing_amount": "120", "billing_currency_code": "USD", "is_billable": True, "status": "approved",
        "submitted_at": "2026-06-19 15:00:00+00", "approved_at": "2026-06-22 10:00:00+00",
    },
    "canonical__milestone": {
        "milestone_id": "certinia:main:M1", "project_id": "certinia:main:P1", "amount": "5000",
        "currency_code": "USD", "status": "approved", "accepted_on": "2026-06-15",
        "is_acceptance_required": True, "is_billed": False, "is_cancelled": False,
    },
    "canonical__billing_item": {
        "billing_item_id": "netsuite:main:B1", "source_type": "TIME", "source_key": "certinia:main:T1-1",
        "contract_line_id": "netsuite:main:L1", "work_date": "2026-06-15", "quantity": "8",
        "unit_price": "200",
        "amount": "1600", "currency_code": "USD", "is_billable": True,
        "eligible_at": "2026-06-23 03:00:00+00",
        "status": "OPEN",
    },
    "canonical__invoice": {
        "invoice_id": "netsuite:main:I1", "doc_type": "STANDARD", "document_type": "invoice",
        "invoice_number": "INV1", "customer_id": "netsuite:main:K1", "legal_entity_id": US,
        "contract_id": "netsuite:main:C1", "invoice_date": "2026-06-30", "currency_code": "USD",
        "net_amount": "1600", "status": "open", "posted_at": "2026-07-02 10:00:00+00",
    },
    "canonical__invoice_line": {
        "invoice_line_id": "netsuite:main:IL1", "invoice_id": "netsuite:main:I1", "source_type": "TIME",
        "source_key": "certinia:main:T1-1", "contract_line_id": "netsuite:main:L1", "quantity": "8",
        "unit_price": "200", "net_amount": "1600", "currency_code": "USD",
    },
    "canonical__customer": {
        "customer_id": "netsuite:main:K1", "name": "Acme", "status": "ACTIVE", "tax_profile": "STANDARD",
        "credit_status": "PASSED", "is_bill_to_complete": True, "is_active": True,
        "source_system": "netsuite",
    },
    "canonical__customer_entity": {
        "customer_entity_id": "netsuite:main:CE1", "customer_id": "netsuite:main:K1", "legal_entity_id": US,
        "status": "ACTIVE",
    },
    "canonical__currency": {"currency_code": "USD", "name": "US dollar"},
    "canonical__revenue_entry": {
        "revenue_entry_id": "netsuite:main:R1", "contract_line_id": "netsuite:main:L1", "amount": "500",
        "currency_code": "USD", "accounting_date": "2026-06-30", "posted_at": "2026-07-02 09:00:00+00",
    },
    "canonical__opening_balance": {
        "opening_balance_id": "erp:files:OB1", "kind": "BILLED_TO_DATE", "balance_date": "2026-05-31",
        "contract_line_id": "netsuite:main:L1", "amount": "30000", "currency_code": "USD",
        "source_system": "erp", "source_instance": "files",
    },
    "canonical__legal_entity": {"legal_entity_id": US, "entity_code": "US01", "name": "US one"},
    "canonical__resource": {"resource_id": "certinia:main:R1", "source_system": "certinia"},
    "canonical__assignment": {
        "assignment_id": "certinia:main:AS1", "project_id": "certinia:main:P1", "is_hard": True,
        "is_billable": True, "bill_rate": "200", "currency_code": "USD",
    },
    "canonical__assignment_schedule_day": {
        "assignment_id": "certinia:main:AS1", "work_date": "2026-07-10", "scheduled_hours": "8",
        "is_hard": True,
    },
    "canonical__integration_event": {
        "event_source": "/bus", "event_id": "events:main:r1", "event_type": "integration.delivery.changed",
        "event_time": "2026-07-06 09:00:00+00", "received_at": "2026-07-06 09:00:05+00",
        "signature_ok": True,
        "is_test": False, "business_event_id": "events:main:evt-1",
        "business_event_type": "opportunity.won",
        "status": "DEAD_LETTERED", "attempts": 5, "error_class": "TIMEOUT", "last_error": "504",
        "target": "ERP",
        "entity_type": "opportunity", "entity_key": "salesforce:main:O1", "correlation_id": "O1",
        "created_at": "2026-07-06 08:00:00+00",
    },
    "master__entity_xref": {
        "entity_type": "customer", "left_key": "salesforce:main:A1", "right_key": "netsuite:main:K1",
        "match_rule": "explicit_link", "known_from": "2020-01-01 00:00:00+00",
    },
    "master__code": {
        "code_type": "service_line", "source_system": "certinia", "source_value": "DATA",
        "canonical_value": "DATA", "valid_from": "1900-01-01",
    },
}  # fmt: skip


def working_days(entity: str, day: date, count: int) -> date:
    """The `count`-th working day strictly after `day` on the hand-made calendar."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5 and day not in HOLIDAYS[entity]
    return day


@cache
def calendar() -> pa.Table:
    """The hand-made calendar of 2026: Monday to Friday without the entity's holidays."""
    rows = []
    for entity, holidays in HOLIDAYS.items():
        day, number = date(2026, 1, 1), 0
        while day <= date(2026, 12, 31):
            working = day.weekday() < 5 and day not in holidays
            number += working
            rows.append(
                {
                    "calendar_id": entity,
                    "legal_entity_id": entity,
                    "calendar_date": day,
                    "is_working_day": working,
                    "working_day_number": number,
                }
            )
            day += timedelta(days=1)
    return pa.Table.from_pylist(rows)


@dataclass
class Compiled:
    """The project's manifest: compiled SQL, columns and parents by model."""

    manifest: dict[str, Any]
    root: Path

    @cached_property
    def nodes(self) -> dict[str, Row]:
        return {node["name"]: node for node in self.manifest["nodes"].values() if "depends_on" in node}

    @cached_property
    def seeds(self) -> dict[str, Row]:
        return {
            node["name"]: node for node in self.manifest["nodes"].values() if node["resource_type"] == "seed"
        }

    def is_own(self, name: str) -> bool:
        """Whether the model is the controls' or the reconciliation's, and so run, not filled by hand."""
        return self.nodes[name]["schema"] in ("controls", "reconciliation")

    def upstream(self, name: str) -> list[str]:
        """The own models that `name` needs, itself last, parents before children."""
        order: list[str] = []

        def visit(model: str) -> None:
            for parent in self.nodes[model]["depends_on"]["nodes"]:
                kind, _, parent_name = parent.split(".", 2)
                if kind == "model" and self.is_own(parent_name):
                    visit(parent_name)
            if model not in order:
                order.append(model)

        visit(name)
        return order

    def inputs(self, models: Iterable[str]) -> set[tuple[str, str]]:
        """(kind, name) of everything the models stand on that is not their own."""
        found = set()
        for model in models:
            for parent in self.nodes[model]["depends_on"]["nodes"]:
                kind, _, name = parent.split(".", 2)
                if kind != "model" or not self.is_own(name):
                    found.add((kind, name))
        return found


@dataclass
class Firm:
    """Rows by table; `rows_of(model)` builds what the model needs and returns its rows."""

    compiled: Compiled
    as_of: date = AS_OF
    known_at: str = KNOWN
    tables: dict[str, list[Row]] = field(default_factory=dict)
    parameters: dict[tuple[str, str], Any] = field(default_factory=dict)
    # (control, column) -> its values in turn, each from a date until the next, a row of the table each
    dated: dict[tuple[str, str], list[tuple[Any, str]]] = field(default_factory=dict)
    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def __post_init__(self) -> None:
        self.connection.execute("set TimeZone = 'UTC'")
        for name in ("build", "raw", "serving"):
            self.connection.execute(f"attach ':memory:' as {name}")

    def add(self, table: str, **values: Any) -> Row:
        """A row of `table` (a canonical port without its prefix, or a full name)."""
        name = table if "__" in table or table in TABLES or "." in table else f"canonical__{table}"
        row = {**(ENVELOPE if name.startswith("canonical") else {}), **DEFAULTS.get(name, {}), **values}
        self.tables.setdefault(name, []).append(row)
        return row

    def standard(self) -> Firm:
        """A deal with its customer, contract, line and project, all in order, won on 1 June 2026."""
        for table in ("opportunity", "opportunity_stage_event", "contract", "contract_line", "project",
                      "customer", "customer_entity", "legal_entity", "resource", "currency"):  # fmt: skip
            self.add(table)
        self.add("customer", customer_id="salesforce:main:A1", source_system="salesforce")
        self.add("master__entity_xref")
        self.add("master__code")
        return self

    def _insert(self, relation: str, rows: list[Row]) -> None:
        for row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" for _ in row)
            self.connection.execute(f"insert into {relation} ({names}) values ({marks})", list(row.values()))

    def _create(self, schema: str, name: str, columns: str, rows: list[Row]) -> None:
        self.connection.execute(f"create schema if not exists {schema}")
        self.connection.execute(f'create or replace table {schema}."{name}" ({columns})')
        self._insert(f'{schema}."{name}"', rows)

    def _model(self, name: str) -> None:
        node = self.compiled.nodes[name]
        columns = ", ".join(f'"{one["name"]}" {one["data_type"]}' for one in node["columns"].values())
        if name.startswith("stg_"):
            columns = landed_columns(*name.removeprefix("stg_").split("__", 1))
        rows = self.tables.get(name, [])
        if name == "master__exchange_rate_day" and not rows:
            rows = [
                {"from_currency": currency, "to_currency": "USD", "rate_date": self.as_of, "rate": rate}
                for currency, rate in RATES.items()
            ]
        if name == "master__calendar_day":
            self._create("build.master", name, columns, [])
            self.connection.register("calendar_rows", calendar())
            self.connection.execute(f"insert into build.master.{name} by name select * from calendar_rows")
            self.connection.unregister("calendar_rows")
            return
        self._create(f"build.{node['schema']}", name, columns, rows)

    def _seed(self, name: str) -> None:
        node = self.compiled.seeds[name]
        types = node["config"]["column_types"]
        path = self.compiled.root / node["original_file_path"]
        with path.open(encoding="utf-8", newline="") as handle:
            rows = [
                {column: value if value != "" else None for column, value in row.items()}
                for row in csv.DictReader(handle)
            ]
        for (control_id, column), value in self.parameters.items():
            for row in rows:
                if row["control_id"] == control_id and column in row:
                    row[column] = value
        for (control_id, column), values in self.dated.items():
            held = [row for row in rows if row["control_id"] == control_id and column in row]
            for row in held:
                rows.remove(row)
                ends = [start for _, start in values[1:]] + [None]
                rows += [
                    {**row, column: value, "effective_from": start, "effective_to": end}
                    for (value, start), end in zip(values, ends, strict=True)
                ]
        columns = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
        self._create(f"build.{node['schema']}", name, columns, rows)

    def _source(self, schema: str, name: str) -> None:
        if schema == "inputs":
            rows = self.tables.get(name, [])
            if name == "system_of_record" and not rows:
                # the other domains' rows come from no system in particular
                rows = records.rows("customer", "resource")
            if name == "run_context":
                rows = [{"run_id": "r1", "as_of": self.as_of, "known_at": self.known_at,
                         "reporting_currency": "USD", "started_at": self.known_at}]  # fmt: skip
            self._create("build.inputs", name, TABLES[name].replace(", at ", ', "at" '), rows)
        elif schema == "landing":
            self._create("raw.landing", name, LANDING[name], self.tables.get(f"landing.{name}", []))
        else:
            columns = landed_columns(schema, name)
            self._create(f"raw.{schema}_main", name, columns, self.tables.get(f"{schema}.{name}", []))

    def build(self, *models: str) -> None:
        """Build what `models` stand on, and them, each once."""
        needed = list(dict.fromkeys(name for model in models for name in self.compiled.upstream(model)))
        for kind, name in sorted(self.compiled.inputs(needed)):
            if kind == "seed":
                self._seed(name)
            elif kind == "source":
                self._source(*name.split(".", 1))
            else:
                self._model(name)
        for name in needed:
            node = self.compiled.nodes[name]
            relation = f'"{node["database"]}"."{node["schema"]}"'
            self.connection.execute(f"create schema if not exists {relation}")
            self.connection.execute(f'create or replace table {relation}."{name}" as {node["compiled_code"]}')

    def rows_of(self, model: str) -> list[Row]:
        """Build what `model` stands on, run it, and return its rows, in its contract's columns."""
        self.build(model)
        return self.built(model)

    def built(self, model: str) -> list[Row]:
        """The rows of a model that was built before, in its contract's columns."""
        node = self.compiled.nodes[model]
        cursor = self.connection.execute(f'select * from "{node["database"]}"."{node["schema"]}"."{model}"')
        names = [column[0] for column in cursor.description or []]
        if node["columns"]:
            assert names == list(node["columns"]), f"{model} does not have its contract's columns"
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def every_grain(self, model: str) -> list[Row]:
        """What a control that was built said of each grain, before the passes were counted together."""
        steps, counted, _ = self.compiled.nodes[model]["compiled_code"].partition(
            ",\n\n-- one row per grain that did not"
        )
        assert counted, f"{model} does not count what passed"
        cursor = self.connection.execute(f"{steps}\nselect * from every_grain")
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def control(self, control_id: str) -> dict[str, Row]:
        """What a control says of each grain, passes too, with the evidence read and its grain unique."""
        model = "ctl_" + control_id.lower().replace("-", "_")
        self.build(model)
        rows = self.every_grain(model)
        found = {row["grain_key"]: {**row, "facts": json.loads(row["evidence"])} for row in rows}
        assert len(found) == len(rows), "a grain stands twice"
        assert all(row["control_id"] == control_id for row in rows)
        return found

    def one(self, control_id: str) -> Row:
        """The only row of a control."""
        found = list(self.control(control_id).values())
        assert len(found) == 1, f"{len(found)} rows: {[row['grain_key'] for row in found]}"
        return found[0]


def landed_columns(source: str, resource: str) -> str:
    """The columns of a landed table, and of the staging view on it, that the reconciliation reads."""
    amount = control_amounts().get((source, resource))
    return (
        "tl_instance varchar, tl_record_id varchar, tl_is_deleted boolean, tl_loaded_at timestamptz,"
        " tl_known_at timestamptz, tl_load_id varchar, tl_payload_hash varchar, currency_iso_code varchar,"
        " custrecord_tl_bi_currency varchar"
    ) + (f", {amount} decimal(19,4)" if amount else "")


@cache
def control_amounts() -> dict[tuple[str, str], str]:
    """(source, resource) -> the landed column of its control amount, from the connectors' own manifests."""
    root = Path(__file__).resolve().parents[2] / "pipelines" / "sources"
    found = {}
    for path in sorted(root.glob("*/source.yml")):
        manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
        for resource in manifest["resources"]:
            if resource.get("control_amount"):
                found[manifest["source"], resource["name"]] = snake_case(resource["control_amount"])
    return found
