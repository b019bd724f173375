"""What the mapping models make of landed files: keys, references, defaults, types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from pipelines.landing import run_source
from pipelines.ports import load_ports
from throughline.home import PROJECT_ROOT
from throughline.mappings import mappings

Ask = Callable[[str], list[tuple[Any, ...]]]
FILES = {
    "customer": [
        "source_system,customer_id,name,erp_customer_id,crm_account_id",
        'crm,A1,"Acme Holdings, Inc.",C1,',
        "erp,C1,ACME Holdings,,A1",
    ],
    "project": [
        "source_system,project_id,name,customer_id,status,billing_method,is_billable,start_date,currency_code,"
        "contract_line_id,expense_line_id,project_manager_id,practice_id,opportunity_id",
        "psa,P1,One,A1,OPEN,TM,yes,2026-01-01,USD,netsuite:main:7,L2,R1,U1,O1",
    ],
    "resource": [
        "source_system,resource_id,worker_type,display_name,email",
        "hr,R1,employee,Ada,ada@x.example",
    ],
    "time_entry": [
        "time_entry_id,project_id,resource_id,work_date,hours,is_billable,status,timesheet_id,submitted_at",
        "T1,P1,R1,2026-03-02,7.5,yes,approved,S1,2026-03-03T09:00:00+01:00",
        "T2,P1,R1,2026-03-02,1,no,draft,,",
    ],
    "cost_rate": ["cost_rate_id,resource_id,valid_from,rate,currency_code", "1,R1,2026-01-01,50.125,USD"],
    "billing_item": [
        "billing_item_id,source_type,source_key,contract_line_id,amount,currency_code,is_billable,status",
        "1,TIME,T1,L1,750,USD,yes,OPEN",
        "2,RETAINER,L1-2026-03,L1,100,USD,yes,OPEN",
    ],
    "opportunity": [
        "source_system,opportunity_id,name,customer_id,stage,amount,expense_amount,currency_code,close_date,"
        "is_closed,is_won,probability,parent_opportunity_id",
        ",O1,Deal,A1,CLOSED_WON,1000,250.5,USD,2026-01-01,true,true,0.25,O0",
    ],
    "invoice": [
        "invoice_id,document_type,invoice_number,customer_id,legal_entity_id,invoice_date,currency_code,"
        "total_amount,net_amount,status,related_invoice_id",
        "1,invoice,A1,C1,E1,2026-02-28,USD,119,100,open,",
        "2,credit_memo,A2,C1,E1,2026-03-01,USD,-119,-100,draft,1",
    ],
    "currency": ["currency_code", "USD"],
    "opening_balance": [
        "opening_balance_id,kind,balance_date,legal_entity_id,contract_line_id,customer_id,invoice_id,amount,"
        "currency_code",
        "1,REVENUE_TO_DATE,2025-12-31,,netsuite:main:7,,,60000,USD",
        "2,RECEIVABLE,2025-12-31,E1,,C1,netsuite:main:JE1,12000,USD",
        "3,RECEIVABLE,2025-12-31,E1,,C1,,300,USD",
    ],
    "work_calendar_day": [
        "calendar_id,calendar_date,standard_hours,is_holiday",
        "US,2026-03-02,8,",
        "US,2026-03-03,8,yes",
    ],
}


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """A folder landed, and the mapping models over it."""
    root = tmp_path_factory.mktemp("files")
    folder, home = root / "books", root / "home"
    folder.mkdir()
    home.mkdir()
    for port, lines in FILES.items():
        (folder / f"{port}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    landed = run_source("files", "files", home, {"path": str(folder)}, "run-1")
    assert (landed.status, landed.errors) == ("OK", [])
    assert [one.rows_rejected for one in landed.resources] == [0] * len(FILES)
    databases = {name: str(root / f"{name}.duckdb") for name in ("build", "serving")}
    environment = {
        **os.environ,
        "THROUGHLINE_RAW_DB": str(home / "raw.duckdb"),
        "THROUGHLINE_BUILD_DB": databases["build"],
        "THROUGHLINE_SERVING_DB": databases["serving"],
    }
    said = {"systems": "files", "mappings": mappings(["files"])}
    done = subprocess.run(
        [
            sys.executable, "-m", "throughline.dbt_process", "--project", str(PROJECT_ROOT / "dbt_project"),
            "--target", str(root / "target"), "--select", "path:models/mapping/files", "--steps", "models",
            "--vars", json.dumps(said),
        ],
        env=environment, cwd=PROJECT_ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]

    def query(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(databases["build"], read_only=True) as connection:
            connection.execute(f"attach '{home / 'raw.duckdb'}' as raw (read_only)")
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    return query


def test_own_keys_bear_the_rows_system_and_the_instance(ask: Ask) -> None:
    assert ask("select customer_id, source_system from mapping.files__customer order by 1") == [
        ("crm:files:A1", "crm"),
        ("erp:files:C1", "erp"),
    ]
    assert ask("select calendar_id, calendar_name from mapping.files__work_calendar_day limit 1") == [
        ("psa:files:US", "US")
    ]
    assert ask("select currency_code from mapping.files__currency") == [("USD",)]


def test_references_name_the_system_that_keeps_the_port(ask: Ask) -> None:
    assert ask(
        "select customer_id, opportunity_id, contract_line_id, expense_line_id, project_manager_id,"
        " practice_id from mapping.files__project"
    ) == [
        ("crm:files:A1", "crm:files:O1", "netsuite:main:7", "erp:files:L2", "psa:files:R1", "psa:files:U1"),
    ]  # fmt: skip
    assert ask(
        "select erp_customer_id, crm_account_id from mapping.files__customer order by customer_id"
    ) == [
        ("erp:files:C1", None),
        (None, "crm:files:A1"),
    ]
    assert ask("select project_id, resource_id, timesheet_id from mapping.files__time_entry order by 3") == [
        ("psa:files:P1", "psa:files:R1", "psa:files:S1"),
        ("psa:files:P1", "psa:files:R1", None),
    ]
    assert ask("select resource_id, rate from mapping.files__cost_rate") == [
        ("hr:files:R1", Decimal("50.125"))
    ]
    assert ask(
        "select customer_id, legal_entity_id, related_invoice_id from mapping.files__invoice order by 3"
    ) == [
        ("erp:files:C1", "erp:files:E1", "erp:files:1"),
        ("erp:files:C1", "erp:files:E1", None),
    ]
    assert ask(
        "select opening_balance_id, contract_line_id, legal_entity_id, customer_id, invoice_id"
        " from mapping.files__opening_balance order by 1"
    ) == [
        ("erp:files:1", "netsuite:main:7", None, None, None),
        ("erp:files:2", None, "erp:files:E1", "erp:files:C1", "netsuite:main:JE1"),
        ("erp:files:3", None, "erp:files:E1", "erp:files:C1", None),
    ]
    assert ask("select parent_opportunity_id, customer_id from mapping.files__opportunity") == [
        ("crm:files:O0", "crm:files:A1")
    ]


def test_what_is_billed_is_named_by_its_kind(ask: Ask) -> None:
    assert ask("select source_type, source_key from mapping.files__billing_item order by 1") == [
        ("RETAINER", "erp:files:L1-2026-03"),
        ("TIME", "psa:files:T1"),
    ]


def test_a_row_that_does_not_say_takes_the_default(ask: Ask) -> None:
    assert ask(
        "select services_amount, expense_amount, stage_raw, is_contract_required, probability::varchar"
        " from mapping.files__opportunity"
    ) == [(Decimal("749.5"), Decimal("250.5"), "CLOSED_WON", True, "0.250000")]
    assert ask(
        "select doc_type, tax_amount, posted_at::varchar from mapping.files__invoice order by 1 desc"
    ) == [
        ("STANDARD", Decimal(19), "2026-02-28 00:00:00+00"),
        ("CREDIT_NOTE", Decimal(-19), None),
    ]
    assert ask(
        "select status_raw, is_billed, submitted_at::varchar, approved_at::varchar"
        " from mapping.files__time_entry order by 1"
    ) == [
        ("approved", False, "2026-03-03 08:00:00+00", "2026-03-02 00:00:00+00"),
        ("draft", False, None, None),
    ]
    assert ask("select is_holiday, is_working_day from mapping.files__work_calendar_day order by 1") == [
        (False, True),
        (True, False),
    ]


def test_what_the_models_compute_is_no_column_of_a_file(ask: Ask) -> None:
    assert ask("select distinct normalised_name from mapping.files__customer") == [("ACME HOLDINGS",)]
    assert ask("select display_name_key, legal_entity_id from mapping.files__resource") == [
        ("hr:files:R1", None)
    ]


def test_people_stand_in_the_table_of_people_alone(ask: Ask) -> None:
    assert ask("select * from mapping.files__person") == [("hr:files:R1", "Ada", "ada@x.example")]
    columns = ask("select column_name from duckdb_columns() where table_name = 'files__resource'")
    assert not {"display_name", "email"} & {name for (name,) in columns}


def test_every_port_has_its_model(ask: Ask) -> None:
    found = ask("select view_name from duckdb_views() where schema_name = 'mapping'")
    assert {name for (name,) in found} == {f"files__{port}" for port in (*load_ports(), "person")}
