"""What the firm delivers by file: plans and its systems' own lists, by hand, and as the files say it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.ports import load_ports
from sandbox.drop_folder import bring
from sandbox.emission import write_stores
from sandbox.emission.drop.deliveries import COLUMNS, Delivery, deliveries, standing
from sandbox.emission.drop.files import write_tray
from sandbox.emission.drop.plans import budget, forecast
from sandbox.emission.drop.reports import BOOKS_AFTER, Line, Print, Printer, printed
from sandbox.firm.state import Firm
from sandbox.oracle.metrics import metric_rows
from sandbox.oracle.view import View
from tests.unit.simulator_support import firm_of
from tests.unit.test_emission_by_hand import a_firm
from throughline.registry.catalogue import load

APRIL, MAY, JUNE = (Print.of(date(2026, month, day), 8) for month, day in ((4, 30), (5, 31), (6, 30)))


def D(text: str) -> Decimal:
    return Decimal(text)


def seen(lines: list[Line], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(line, name) for name in (*names, "amount", "currency")) for line in lines]


@pytest.fixture(scope="module")
def hand() -> Printer:
    return Printer(a_firm())


@pytest.fixture(scope="module")
def tiny() -> list[Delivery]:
    return deliveries(firm_of("tiny"))


def test_the_ageing_is_what_is_open_on_the_day(hand: Printer) -> None:
    assert hand.ar_ageing(APRIL) == []
    told = ("customer_id", "legal_entity_id", "bucket")
    whose = ("netsuite:main:500", "netsuite:main:5")
    assert seen(hand.ar_ageing(MAY), *told) == [(*whose, "Current", D("1200"), "EUR")]
    # less a credit of 120.66 and 500 paid; what is paid on 1 July is still owed
    assert seen(hand.ar_ageing(JUNE), *told) == [(*whose, "Current", D("579.34"), "EUR")]
    # an instant before it was posted, the invoice is in no list
    assert hand.ar_ageing(Print(MAY.as_of, datetime(2026, 6, 3, 13, 59, tzinfo=UTC))) == []


@pytest.mark.parametrize(
    ("as_of", "bucket"),
    [
        (date(2026, 6, 30), "Current"),
        (date(2026, 7, 1), "1-30"),
        (date(2026, 7, 30), "1-30"),
        (date(2026, 7, 31), "31-60"),
        (date(2026, 9, 28), "61-90"),
        (date(2026, 9, 29), "Over 90"),
    ],
)
def test_a_bucket_counts_days_from_the_due_day(as_of: date, bucket: str) -> None:
    firm = a_firm()
    firm.payments = []
    assert seen(Printer(firm).ar_ageing(Print.of(as_of, 8)), "bucket") == [(bucket, D("1079.34"), "EUR")]


def test_billings_and_revenue_are_those_of_the_month(hand: Printer) -> None:
    assert seen(hand.billings(MAY), "customer_id") == [("netsuite:main:500", D("1000"), "EUR")]
    assert seen(hand.billings(JUNE), "customer_id") == [("netsuite:main:500", D("-100.55"), "EUR")]
    assert seen(hand.revenue(MAY), "customer_id") == [("netsuite:main:500", D("1000"), "EUR")]
    assert hand.revenue(JUNE) == []


def test_the_trial_balance_is_in_the_entitys_currency_and_balances(hand: Printer) -> None:
    def accounts(run: Print) -> dict[str, str]:
        lines = hand.trial_balance(run)
        assert {line.currency for line in lines} <= {"GBP"}
        assert sum(line.amount for line in lines) == 0
        return {str(line.gl_account_id): str(line.amount) for line in lines}

    # 1,200.00 at 1.1; what billing and revenue put on the account between them is nil
    assert accounts(MAY) == {
        "netsuite:main:110": "1320.00",
        "netsuite:main:220": "-220.00",
        "netsuite:main:400": "-1100",
    }
    # the credit of 120.66 is 132.73 of which 22.12 tax; 500.00 came at 1.2 for 550.00 of receivables
    assert accounts(JUNE) == {
        "netsuite:main:101": "600.00",
        "netsuite:main:110": "637.27",
        "netsuite:main:115": "110.61",
        "netsuite:main:220": "-197.88",
        "netsuite:main:400": "-1100",
        "netsuite:main:790": "-50.00",
    }


def test_a_document_is_rounded_on_its_running_sum() -> None:
    firm = a_firm()
    for line, net in zip(firm.invoices[0].lines, ("250.05", "250.05", "249.90", "250.00"), strict=True):
        line.net = D(net)
    # line by line 275.06 + 275.06 + 274.89 + 275.00, a cent more than the 1,100.00 that were earned
    accounts = {line.gl_account_id for line in Printer(firm).trial_balance(MAY)}
    assert "netsuite:main:115" not in accounts


def test_the_backlog_of_the_psa_is_what_approved_work_leaves_of_the_budget(hand: Printer) -> None:
    march = Print.of(date(2026, 3, 31), 7)
    assert hand.psa_backlog(march) == []
    assert seen(hand.psa_backlog(APRIL), "project_id", "system") == [
        ("certinia:main:a10prj", "psa", D("5000"), "EUR")
    ]
    assert seen(hand.psa_backlog(MAY), "project_id") == [("certinia:main:a10prj", D("4000"), "EUR")]


def test_the_pipeline_is_what_is_open_in_the_crm(hand: Printer) -> None:
    february, april = Print.of(date(2026, 2, 28), 0), Print.of(date(2026, 4, 30), 0)
    assert hand.pipeline(Print.of(date(2026, 1, 31), 0)) == []
    assert seen(hand.pipeline(february), "bucket", "system") == [("Qualification", "crm", D("5000"), "EUR")]
    assert hand.pipeline(april) == []


def test_a_budget_is_planned_from_the_people_there_before_the_year() -> None:
    firm = a_firm()
    january, february = (
        {one.metric: (one.amount, one.currency) for one in budget(firm, 2026) if one.period == period}
        for period in ("2026-01", "2026-02")
    )
    # 7.5 hours at 139 on 22 working days, three quarters of it billed: 17,201.25
    assert january == {
        "recognised_revenue": (D("17200"), "GBP"),
        "gross_bookings": (D("18900"), "GBP"),
        "billable_utilisation_net": (D("0.75"), None),
    }
    assert february["recognised_revenue"] == (D("15600"), "GBP")
    july = {one.metric: one.amount for one in forecast(firm, 2026) if one.period == "2026-07"}
    assert july == {
        "recognised_revenue": D("17300"),
        "gross_bookings": D("19000"),
        "billable_utilisation_net": D("0.72"),
    }
    assert {one.decided_on for one in budget(firm, 2026)} == {date(2025, 12, 15)}
    firm.workers[0].hire_date = date(2025, 12, 16)
    assert budget(firm, 2026) == []
    assert len(forecast(firm, 2026)) == 18
    assert {one.metric for one in forecast(firm, 2026)} <= {metric.id for metric in load()}


def test_the_trial_balance_is_the_stores_own_ledger(tmp_path: Path) -> None:
    """Two pieces of code keep the books: the one that writes NetSuite's lines, and the printer."""
    firm = firm_of("tiny", faults="all")
    write_stores(firm, tmp_path)
    folder = tmp_path / "stores" / "netsuite"
    printer = Printer(firm)
    for run in printed(firm, BOOKS_AFTER):
        held = duckdb.execute(
            f"""
            with posted as (
                select l.*, row_number() over (
                    partition by l.transaction, l.transactionline order by l._valid_from desc, l._seq desc
                ) as newest
                from read_parquet('{folder}/transactionaccountingline.parquet') as l
                where l._valid_from <= $at
            ),
            document as (
                select distinct id, trandate, subsidiary from read_parquet('{folder}/transaction.parquet')
            )
            select d.subsidiary, p.account, sum(p.amount)
            from posted as p
            inner join document as d on p.transaction = d.id
            where p.newest = 1 and d.trandate <= $as_of
            group by all having sum(p.amount) <> 0
            """,
            {"at": run.at, "as_of": run.as_of},
        ).fetchall()
        shown = {
            (str(line.legal_entity_id).split(":")[2], str(line.gl_account_id).split(":")[2]): line.amount
            for line in printer.trial_balance(run)
        }
        assert {(one, other): amount for one, other, amount in held} == shown
        assert shown


def test_lists_of_customers_are_what_the_oracle_reckons() -> None:
    """What the ERP prints of a firm with faults is what its state comes to, document by document."""
    firm = firm_of("tiny", faults="all")
    printer = Printer(firm)

    def nonzero(parts: Iterable[tuple[str, str, str, Decimal]]) -> dict[tuple[str, ...], Decimal]:
        sums: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        for entity, customer, currency, amount in parts:
            sums[entity, customer, currency] += amount
        return {key: amount for key, amount in sums.items() if amount}

    def shown(lines: list[Line]) -> dict[tuple[str, ...], Decimal]:
        return nonzero((one.legal_entity_id, str(one.customer_id), one.currency, one.amount) for one in lines)

    for run in printed(firm, BOOKS_AFTER):
        of_metric: dict[str, list[tuple[str, str, str, Decimal]]] = defaultdict(list)
        for row in metric_rows(View(firm, run.at)):
            if (row["grain"], row["currency_view"], row["as_of"]) != ("CUSTOMER", "TC", run.as_of):
                continue
            if row["period_type"] in ("POINT", "MONTH"):
                of_metric[str(row["metric_id"])].append(
                    ("ALL", row["customer_id"], row["currency_code"], row["value"])
                )
        for metric, lines in (
            ("ar_gross", printer.ar_ageing(run)),
            ("billed", printer.billings(run)),
            ("recognised_revenue", printer.revenue(run)),
        ):
            whole = [replace(one, legal_entity_id="ALL") for one in lines]
            assert shown(whole) == nonzero(of_metric[metric]), (metric, run)
            assert lines


def test_what_stands_is_the_last_of_each_name_that_a_manifest_told_of(tiny: list[Delivery]) -> None:
    def reports(at: datetime) -> set[tuple[str, str]]:
        return {(row["report"], row["period"]) for row in standing(tiny, at)["native_report_line"]}

    march, april = (datetime(2026, month, 8, 23, 30, tzinfo=UTC) for month in (3, 4))
    assert ("PSA_BACKLOG", "2026-01") in reports(march)
    # its file is there, its manifest is not
    assert ("PSA_BACKLOG", "2026-02") not in reports(march)
    assert ("PSA_BACKLOG", "2026-02") in reports(april)
    before, after = (datetime(2026, 2, day, 23, 30, tzinfo=UTC) for day in (19, 20))
    ageing = [
        {
            row["printed_at"]
            for row in standing(tiny, at)["native_report_line"]
            if row["report"] == "AR_AGEING"
        }
        for at in (before, after)
    ]
    assert [len(one) for one in ageing] == [1, 1]
    assert ageing[0] != ageing[1]
    plans = [
        {row["plan_name"] for row in standing(tiny, at)["plan_target"] if row["period"] > "2026-06"}
        for at in (april, datetime(2026, 5, 8, tzinfo=UTC))
    ]
    assert plans == [{"Budget 2026"}, {"Forecast Q2 2026"}]


def test_the_columns_are_the_ports(tiny: list[Delivery]) -> None:
    for port, columns in COLUMNS.items():
        assert set(columns) <= set(load_ports()[port].header)
        assert set(load_ports()[port].required) <= set(columns)
    kinds = load_ports()["native_report_line"].column("report")
    assert kinds is not None
    whole = standing(tiny, firm_of("tiny").end)
    assert {row["report"] for row in whole["native_report_line"]} == set(kinds.values)
    for port, rows in whole.items():
        keys = [row[load_ports()[port].key[0]] for row in rows]
        assert len(keys) == len(set(keys)) > 0


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, tiny: list[Delivery]) -> Path:
    folder = tmp_path_factory.mktemp("sandbox")
    write_tray(tiny, folder)
    return folder


def test_only_what_has_come_stands_in_the_folder(sandbox: Path, tmp_path: Path) -> None:
    def held(at: datetime) -> set[str]:
        folder = bring(sandbox, at)
        assert folder is not None
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    later = held(datetime(2026, 3, 8, 23, 30, tzinfo=UTC))
    assert "native_report_line/2026-03-07/psa_backlog_2026_02.xlsx" in later
    assert "native_report_line/2026-03-07/manifest.json" not in later
    assert "native_report_line/2026-03-07/manifest.json" in held(datetime(2026, 3, 11, tzinfo=UTC))
    # the clock went back
    first = held(datetime(2026, 1, 31, tzinfo=UTC))
    assert {name.split("/")[1] for name in first} == {"2025-12-20"}
    assert "plan_target/2025-12-20/manifest.json" in first
    assert bring(tmp_path, datetime(2026, 3, 8, tzinfo=UTC)) is None


def test_a_manifest_tells_of_the_files_as_they_are(sandbox: Path) -> None:
    folder = bring(sandbox, datetime(2026, 7, 8, 23, 30, tzinfo=UTC))
    assert folder is not None
    digests: dict[str, set[str]] = {}
    for path in folder.glob("*/*/manifest.json"):
        for entry in json.loads(path.read_text(encoding="utf-8"))["files"]:
            data = (path.parent / entry["file"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == entry["sha256"]
            digests.setdefault(entry["file"], set()).add(entry["sha256"])
    # delivered twice, in two versions
    assert {name for name, told in digests.items() if len(told) > 1} == {
        "ar_ageing_2026_01.csv",
        "ar_ageing_2026_05.csv",
    }


def test_files_are_written_as_people_send_them(sandbox: Path, tiny: list[Delivery], tmp_path: Path) -> None:
    folder = bring(sandbox, datetime(2026, 7, 8, 23, 30, tzinfo=UTC))
    assert folder is not None
    ageing = folder / "native_report_line" / "2026-07-08" / "ar_ageing_2026_06.csv"
    assert ageing.read_bytes().startswith(b"\xef\xbb\xbfsource_system;")
    with ageing.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter=";"))
    assert all("," in row["amount"] and "." not in row["amount"] for row in rows)
    table = pq.read_table(folder / "native_report_line" / "2026-07-08" / "trial_balance_2026_06.parquet")
    assert table.schema.field("amount").type == pa.decimal128(19, 4)
    assert "period" not in table.column_names
    book = openpyxl.load_workbook(folder / "plan_target" / "2025-12-20" / "budget_2026_h1.xlsx")
    first = {cell.value: book["plan_target"].cell(2, cell.column).value for cell in book["plan_target"][1]}
    assert (type(first["decided_on"]), type(first["amount"])) == (datetime, int)
    # the same firm, the same bytes
    write_tray(tiny, tmp_path)
    for path in (sandbox / "tray").rglob("*.xlsx"):
        assert path.read_bytes() == (tmp_path / path.relative_to(sandbox)).read_bytes()


def test_a_firm_without_people_and_documents_delivers_nothing() -> None:
    firm: Firm = a_firm()
    firm.workers, firm.invoices, firm.payments, firm.revenue = [], [], [], []
    firm.projects, firm.deals = [], []
    assert deliveries(firm) == []
