"""Tracing: number, ledger rows, source records, load; only what the published run knew."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from tests.unit.core_support import a_home
from throughline import behind, files, publish, runs, trace
from throughline.behind import Total
from throughline.cli import app
from throughline.errors import ThroughlineError
from throughline.home import Home

PUBLISHED = """
create schema marts; create schema reconciliation;
create table marts.metric_value as
select 'billed' as metric_id, date '2026-06-30' as as_of, 'MONTH' as period_type, grain,
    line as contract_line_id,
    'ALL' as project_id, 'ALL' as customer_id, 'RC' as currency_view, 'EUR' as currency_code,
    value::decimal(19,4) as value
from (values ('FIRM', 'ALL', 300), ('CONTRACT_LINE', 'erp:main:L1', 100)) as t(grain, line, value);
create table marts.metric_drill as
select 'billed' as metric_id, last_day(month::date) as as_of, month::date as period_month,
    'billed' as movement_type, line as contract_line_id, 'erp:main:P' as project_id,
    'erp:main:C' as customer_id, day::date as business_date, 'EUR' as currency_code,
    amount::decimal(28,4) as amount_tc, amount::decimal(28,4) as amount_rc,
    'E' as legal_entity_id, 'erp' as source_system, record as source_record_id, 'load1' as load_id
from (values
    ('2026-06-01', '2026-06-10', 'erp:main:L1', 100, '7'),
    ('2026-06-01', '2026-06-12', 'erp:main:L2', 200, '8'),
    ('2026-05-01', '2026-05-31', 'erp:main:L1', 999, '7')
) as t(month, day, line, amount, record);
create table reconciliation.exception as
select id as exception_id, 'BIL-001' as control_id, 'erp:main:L1|2026-06' as grain_key,
    'EXCEPTION' as outcome, 'S1' as severity, 10::decimal(19,4) as amount_at_risk,
    line as contract_line_id,
    null::varchar as project_id, '{}' as evidence
from (values
    ('BIL-001-0123456789abcdef', 'erp:main:L1'),
    ('BIL-001-0199999999999999', 'erp:main:L9')
) as t(id, line);
"""
BUILD = """
create schema ledger; create schema canonical;
create table ledger.ledger__metric_flow as select 'billed' as metric_id, 'billed' as movement_type;
create table ledger.fct_value_movement as
select movement_id, kind as movement_type, day::date as business_date, known::timestamptz as known_at,
    line as contract_line_id, 'erp:main:P' as project_id, 'erp:main:C' as customer_id,
    amount::decimal(19,4) as amount_rc,
    'erp' as source_system, 'main' as source_instance, record as source_record_id, load as load_id
from (values
    ('m1', 'billed', '2026-06-10', '2026-06-11', 'erp:main:L1', 100, '7', 'load1'),
    ('m2', 'billed', '2026-06-12', '2026-06-13', 'erp:main:L2', 200, '8', 'load1'),
    ('m3', 'billed', '2026-05-31', '2026-06-01', 'erp:main:L1', 999, '7', 'load1'),
    ('m4', 'billed', '2026-06-20', '2026-07-09', 'erp:main:L1', 999, '9', 'load2'),
    ('m5', 'booked', '2026-06-20', '2026-06-21', 'erp:main:L1', 999, '9', 'load1')
) as t(movement_id, kind, day, known, line, amount, record, load);
create table canonical.canonical__invoice_line as
select 'erp' as source_system, '7' as source_record_id, 'load1' as load_id,
    'erp:main:L1' as contract_line_id;
"""
RAW = """
create schema erp_main; create schema landing;
create table erp_main.invoice_line as
select '7' as tl_record_id, load as tl_load_id, '2026-06-11'::timestamptz as tl_loaded_at,
    '2026-06-11'::timestamptz as tl_known_at, false as tl_is_deleted, 'h' as tl_payload_hash,
    100.0000 as amount
from (values ('load1'), ('load0')) as t(load);
-- another instance holds a record with the same id, which is another record
create schema erp_acquired;
create table erp_acquired.invoice_line as select * replace (7.0 as amount) from erp_main.invoice_line;
create table erp_main.customer as select * replace (5.0 as amount) from erp_main.invoice_line;
create table landing.extract_run as
select 'erp_main.invoice_line' as dataset, 'load1' as load_id, 'r1' as run_id, 2 as rows_landed,
    'OK' as status, '2026-06-11'::timestamptz as started_at;
"""
GRAPH = {
    "model.throughline.canonical__invoice_line": ["model.throughline.erp__invoice_line"],
    "model.throughline.erp__invoice_line": ["model.throughline.stg", "model.throughline.canonical__customer"],
    "model.throughline.stg": ["source.throughline.erp_main.invoice_line"],
    "model.throughline.canonical__customer": ["source.throughline.erp_main.customer"],
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    found, settings = a_home(tmp_path)
    run = runs.start(found, settings, verb="run", quiet=True)
    run.manifest |= {"as_of": "2026-06-30", "known_at": "2026-07-01T00:00:00Z"}
    for path, sql in ((found.candidate(run.run_id), PUBLISHED), (found.build, BUILD), (found.raw, RAW)):
        connection = duckdb.connect(str(path))
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(sql)
        connection.close()
    files.write_json(run.folder / "dbt" / "manifest.json", {"parent_map": GRAPH})
    with run.stage("check"):
        pass
    publish.publish(run)
    monkeypatch.setenv("THROUGHLINE_HOME", str(found.root))
    return found


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["movement_id"] for row in rows]


def test_a_metric_leads_to_what_it_sums_and_no_further(home: Home) -> None:
    found = trace.trace(home, "billed")
    assert [row["grain"] for row in found.numbers] == ["FIRM"]
    assert ids(found.movements) == ["m2", "m1"], "not last month's, not what became known later, not bookings"
    assert sum(row["amount_rc"] for row in found.movements) == found.numbers[0]["value"]
    assert found.total == Total(2, Decimal("300.0000"), Decimal("300.0000"))
    assert found.total.ties
    assert [(row["dataset"], row["tl_load_id"]) for row in found.records] == [
        ("erp_main.invoice_line", "load1")
    ]
    assert [row["load_id"] for row in found.loads] == ["load1"]


def test_a_metric_of_one_key(home: Home) -> None:
    found = trace.trace(home, "billed", key="erp:main:L1")
    assert [str(row["value"]) for row in found.numbers] == ["100.0000"]
    assert ids(found.movements) == ["m1"]
    assert found.total is not None
    assert (found.total.rows, found.total.total) == (1, Decimal("100.0000"))


def test_rows_that_do_not_add_up_are_told(home: Home) -> None:
    path = home.published(publish.published_runs(home)[0])
    path.chmod(0o644)
    connection = duckdb.connect(str(path))
    connection.execute("update marts.metric_value set value = value + 0.01")
    connection.close()
    total = trace.trace(home, "billed").total
    assert total is not None
    assert total.ties is False
    assert "DIFFERS" in total.text()
    assert Total(0, None, Decimal(1)).ties is None
    assert Total(3, None, Decimal(1)).text().endswith("cannot be compared")


def test_a_key_leads_to_all_that_is_known_of_it(home: Home) -> None:
    found = trace.trace(home, "erp:main:7")
    assert ids(found.movements) == ["m3", "m1"]
    assert {row["dataset"] for row in found.records} == {"erp_main.invoice_line", "erp_main.customer"}
    assert len(found.records) == 4, "every version of the record"
    by_line = trace.trace(home, "erp:main:L1")
    assert [row["exception_id"] for row in by_line.exceptions] == [
        "BIL-001-0123456789abcdef",
        "BIL-001-0199999999999999",
    ], "by its line, and by its grain key"
    assert ids(by_line.movements) == ["m3", "m5", "m1"]


@pytest.mark.parametrize("given", ["BIL-001-0123456789abcdef", "BIL-001-012"])
def test_an_exception_leads_to_its_records(home: Home, given: str) -> None:
    found = trace.trace(home, given)
    assert [row["exception_id"] for row in found.exceptions] == ["BIL-001-0123456789abcdef"]
    assert found.exceptions[0]["grain_key"] == "erp:main:L1|2026-06"
    assert ids(found.movements) == ["m3", "m5", "m1"]


def test_a_beginning_that_several_exceptions_have(home: Home) -> None:
    with pytest.raises(ThroughlineError) as caught:
        trace.trace(home, "BIL-001-01")
    assert caught.value.code == "E-REC-001"


@pytest.mark.parametrize(("key", "period"), [("erp:main:L404", None), (None, "T12M")])
def test_a_metric_without_such_a_number_says_what_there_is(
    home: Home, key: str | None, period: str | None
) -> None:
    with pytest.raises(ThroughlineError) as caught:
        trace.trace(home, "billed", key=key, period=period)
    assert caught.value.code == "E-QRY-004"
    assert "CONTRACT_LINE (MONTH), FIRM (MONTH)" in caught.value.what


@pytest.mark.parametrize("subject", ["nothing", "erp:main:404", "BIL-001-fedcba9876543210"])
def test_what_is_not_there_is_said(home: Home, subject: str) -> None:
    with pytest.raises(ThroughlineError) as caught:
        trace.trace(home, subject)
    assert caught.value.code == "E-QRY-002"


def test_the_command_prints_steps_or_json(home: Home) -> None:
    shown = CliRunner().invoke(app, ["trace", "billed"])
    assert shown.exit_code == 0, shown.output
    assert [line for line in shown.stdout.splitlines() if line.endswith(")")] == [
        "number (1)",
        "row behind (2)",
        "exception (0)",
        "ledger row (2)",
        "source record (1)",
        "load (1)",
    ]
    rows = json.loads(CliRunner().invoke(app, ["trace", "billed", "--json", "--limit", "1"]).stdout)
    assert [row["step"] for row in rows] == ["number", "row behind", "ledger row", "sum of rows behind"]
    assert rows[-1] == {
        "step": "sum of rows behind", "rows": 2, "total": "300.0000", "number": "300.0000", "ties": True,
    }  # fmt: skip
    assert rows[0]["value"] == "300.0000"
    assert CliRunner().invoke(app, ["trace", "nothing"]).exit_code == 64


def test_periods_begin_where_they_should() -> None:
    day = dt.date(2026, 5, 31)
    starts = {
        name: behind.first_month(day, name).isoformat() for name in ("MONTH", "QUARTER", "YTD", "T3M", "T12M")
    }
    assert starts == {
        "MONTH": "2026-05-01",
        "QUARTER": "2026-04-01",
        "YTD": "2026-01-01",
        "T3M": "2026-03-01",
        "T12M": "2025-06-01",
    }


def test_loads_are_told_in_their_order() -> None:
    second = "20260508T233000Z"
    loads = ["20260509T233000Z", f"{second}-10", f"{second}-2", second]
    assert sorted(loads, key=trace._load_order) == loads[::-1]


def a_row(**known: Any) -> dict[str, Any]:
    row = {
        "metric_id": "billed", "as_of": dt.date(2026, 6, 30), "period_month": dt.date(2026, 6, 1),
        "movement_type": "billed", "business_date": dt.date(2026, 6, 10), "contract_line_id": "L1",
        "customer_id": "C", "resource_id": "R", "source_system": "erp", "source_record_id": "7",
        "load_id": "load1",
    }  # fmt: skip
    return row | known


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (a_row(), {"flow"}),
        (a_row(load_id=None), {"flow", "other load"}),
        (a_row(metric_id="total_backlog", period_month=None), {"flow", "other load", "other day", "labour"}),
        (
            a_row(metric_id="ar_gross", period_month=None, contract_line_id="NONE", source_record_id="9"),
            {"opened", "collected"},
        ),
        (a_row(metric_id="x", movement_type="hours", source_record_id="R"), {"labour"}),
        (
            a_row(movement_type="labour_cost", source_record_id=None, load_id=None),
            {"labour"},
        ),
    ],
)
def test_a_row_leads_to_the_movements_it_came_from(row: dict[str, Any], expected: set[str]) -> None:
    connection = duckdb.connect()
    connection.execute(
        """create table journal as
        select name, kind as movement_type, day::date as business_date, line as contract_line_id,
            'C' as customer_id, person as resource_id, hours, 'erp' as source_system,
            record as source_record_id, load as load_id
        from (values
            ('flow', 'billed', '2026-06-10', 'L1', 'NONE', 0, '7', 'load1'),
            ('other load', 'billed', '2026-06-10', 'L1', 'NONE', 0, '7', 'load2'),
            ('other day', 'billed', '2026-06-11', 'L1', 'NONE', 0, '7', 'load1'),
            ('opened', 'ar_opened', '2026-06-10', 'NONE', 'NONE', 0, '9', 'load1'),
            ('collected', 'collected', '2026-06-12', 'NONE', 'NONE', 0, '9|12|Payment', 'load1'),
            ('namesake', 'recognised', '2026-06-12', 'L2', 'NONE', 0, '9', 'load1'),
            ('after', 'billed', '2026-07-01', 'L1', 'NONE', 0, '7', 'load1'),
            ('labour', 'labour_cost', '2026-06-03', 'L1', 'R', 8, '5', 'load1'),
            ('last month', 'labour_cost', '2026-05-31', 'L2', 'R', 8, '5', 'load1')
        ) as t(name, kind, day, line, person, hours, record, load)"""
    )
    columns = [row[0] for row in connection.execute("describe journal").fetchall()]
    where = behind.journal(row, columns)
    found = {one[0] for one in connection.execute(f"select name from journal where {where}").fetchall()}
    connection.close()
    assert found == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ({"period_type": "MONTH"}, 1),
        ({"period_type": "T3M"}, 7),
        ({"period_type": "POINT"}, 1),
        ({"period_type": "T3M", "currency_view": "TC", "currency_code": "USD"}, 4),
        ({"period_type": "T3M", "contract_line_id": "L2"}, 2),
    ],
)
def test_a_number_leads_to_the_rows_it_is_the_sum_of(number: dict[str, Any], expected: int) -> None:
    connection = duckdb.connect()
    connection.execute(
        """create table drill as
        select 'billed' as metric_id, last_day(m) as as_of, m as period_month, line as contract_line_id,
            code as currency_code, n
        from (values
            (date '2026-06-01', 'L1', 'EUR', 1), (date '2026-05-01', 'L2', 'EUR', 2),
            (date '2026-04-01', 'L1', 'USD', 4), (date '2026-03-01', 'L1', 'EUR', 8)
        ) as t(m, line, code, n)"""
    )
    asked = {
        "metric_id": "billed", "as_of": dt.date(2026, 6, 30), "currency_view": "RC", "currency_code": "EUR",
        "contract_line_id": "ALL", "project_id": "ALL",
    }  # fmt: skip
    where = behind.condition(asked | number, ["contract_line_id", "currency_code"])
    assert connection.execute(f"select sum(n) from drill where {where}").fetchone() == (expected,)
    connection.close()


def test_the_record_of_a_file_is_found_under_its_kind_of_system() -> None:
    tracer = trace.Tracer.__new__(trace.Tracer)
    tables = [("files_files", "invoice"), ("netsuite_main", "transaction")]
    tracer.raw = SimpleNamespace(tables=lambda: tables)  # type: ignore[assignment]
    assert tracer._landed_as("erp:files:1") == ("files_files", "erp|1")
    assert tracer._landed_as("netsuite:main:1") == ("netsuite_main", "1")
    assert (tracer._datasets("erp"), tracer._datasets("netsuite")) == (["files_files"], ["netsuite_main"])
    # a system that bears such a name itself is read as it is
    tables.append(("erp_main", "invoice"))
    assert tracer._landed_as("erp:main:1") == ("erp_main", "1")
