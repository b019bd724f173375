"""The workbook and its CSV twin, read back by a second reader; the commands around them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner

from tests.reconciliation.firm import GB, Compiled, Firm
from throughline import files, state
from throughline.cli import app
from throughline.home import Home
from throughline.recon import twin, workbook
from throughline.recon.digest import content_hash
from throughline.recon.export import export
from throughline.recon.published import Filter, read_report
from throughline.recon.rows import EXCEPTIONS, SHEETS, add_working_days
from throughline.warehouse import open_published

FORMULA = '=HYPERLINK("http://x.example","click")'
PUBLISHED = ("exception", "exception_history", "control_run", "recon__control", "recon__dataset_status",
             "recon__reporting_rate")  # fmt: skip
CONSERVATION = "source_system varchar, source_instance varchar, resource varchar, currency_code varchar"


def publish(firm: Firm, home: Home, run_id: str) -> None:
    """Put the firm's reconciliation into a published file, as publishing would."""
    home.ensure()
    target = duckdb.connect(str(home.published(run_id)))
    target.execute("set TimeZone = 'UTC'")
    target.execute("create schema reconciliation")
    for model in PUBLISHED:
        firm.rows_of(model)
        held = firm.connection.execute(f'select * from serving.reconciliation."{model}"').to_arrow_table()
        target.register("held", held)
        target.execute(f'create table reconciliation."{model}" as select * from held')
        target.unregister("held")
    target.execute(f"create table reconciliation.conservation ({CONSERVATION})")
    target.execute("create schema master")
    target.execute("create table master.dim_legal_entity as select 'netsuite:main:1' as legal_entity_id,"
                   " 'US01' as entity_code union all select 'netsuite:main:4', 'GB01'")  # fmt: skip
    target.execute(
        "create table master.dim_customer as select 'netsuite:main:K1' as customer_id, ? as name", [FORMULA]
    )
    target.execute("create schema publication")
    target.execute(
        "create table publication.run as select ? as run_id, ?::date as as_of, ?::timestamptz as known_at,"
        " 'USD' as reporting_currency, ?::timestamptz as started_at, 'f00d' as content_hash",
        [run_id, firm.as_of, firm.known_at, firm.known_at],
    )
    target.close()
    files.write_json(home.pointer, {"run_id": run_id, "as_of": firm.as_of.isoformat()})


@pytest.fixture(scope="module")
def home(compiled: Compiled, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A published run with exceptions of two entities, one pending, and a customer named like a formula."""
    firm = Firm(compiled).standard()
    for number, (entity, code, amount, won) in enumerate(
        [("netsuite:main:1", "US01", "80000.05", "2026-06-01"), (GB, "GB01", "1000.01", "2026-06-02"),
         ("netsuite:main:1", "US01", "5000", "2026-07-07")], start=2
    ):  # fmt: skip
        key = f"salesforce:main:O{number}"
        firm.add("opportunity", opportunity_id=key,
        name=f"+cmd {number}" if number == 2 else f"Deal {number}",
                 legal_entity_id=entity, legal_entity_code=code, services_amount=amount,
                 first_30_days_revenue=None, currency_code="GBP" if code == "GB01" else "USD")  # fmt: skip
        firm.add("opportunity_stage_event", event_id=key, opportunity_id=key, changed_at=f"{won} 10:00:00+00")
    firm.tables["canonical__contract"][0]["currency_code"] = "EUR"
    # the British deal's contract is written for less than it was won for
    firm.add(
        "contract", contract_id="netsuite:main:C9", opportunity_id="salesforce:main:O3", currency_code="GBP"
    )
    firm.add("contract_line", contract_line_id="netsuite:main:L9", contract_id="netsuite:main:C9",
             original_value="900", currency_code="GBP")  # fmt: skip
    found = Home(tmp_path_factory.mktemp("home"))
    publish(firm, found, "r1")
    return found


@pytest.fixture
def acting(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    """The command line on that home, by j.ortega on 8 July 2026."""
    monkeypatch.setenv("THROUGHLINE_HOME", str(home.root))
    monkeypatch.setenv("THROUGHLINE_ACTOR", "j.ortega")
    monkeypatch.setenv("THROUGHLINE_NOW", "2026-07-09T06:00:00Z")
    yield CliRunner()
    home.state.unlink(missing_ok=True)


def cells(sheet: Worksheet) -> list[dict[str, Any]]:
    rows = list(sheet.iter_rows(values_only=True))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def opened(home: Home, **scope: Any) -> Any:
    content = workbook.build(read_report(home, Filter(**scope)), "book.xlsx", "throughline 0")
    return openpyxl.load_workbook(io.BytesIO(content), data_only=True)


def test_the_totals_of_the_workbook_are_those_of_sql(home: Home) -> None:
    connection = open_published(home)
    counted, amount = connection.execute(
        "select count(*), sum(amount_at_risk) from reconciliation.exception where outcome = 'EXCEPTION'"
    ).fetchall()[0]
    headline = connection.execute(
        "select sum(amount_at_risk) from reconciliation.exception where counted_in_headline"
    ).fetchall()[0][0]
    by_control = dict(
        connection.execute(
            "select control_id, exception_amount from reconciliation.control_run"
            " where legal_entity_id = 'ALL'"
        ).fetchall()
    )
    connection.close()
    assert counted > 4
    book = opened(home)
    detail = cells(book["02_Exceptions"])
    assert len(detail) == counted
    assert round(sum(Decimal(str(row["amount_at_risk_rc"])) for row in detail), 2) == round(amount, 2)
    summary = cells(book["01_Summary"])
    shown = {row["control_id"]: row["exception_amount"] for row in summary if row["control_name"]}
    assert {key: round(Decimal(str(value)), 4) for key, value in shown.items()} == by_control
    total = next(row for row in summary if row["control_id"] == "Total")
    assert round(Decimal(str(total["exception_amount"])), 2) == round(amount, 2)
    check = next(row for row in summary if row["control_id"] == "Check of the total above")
    assert check["exception_amount"] == workbook.TIES
    cover = {row[0]: row[1] for row in book["00_Cover"].iter_rows(values_only=True)}
    assert round(Decimal(str(cover["headline_amount_at_risk"])), 2) == round(headline, 2)
    assert (cover["verdict"], cover["open_exceptions"]) == ("EXCEPTIONS", counted)


def test_the_summarys_formulas_point_at_the_detail(home: Home) -> None:
    content = workbook.build(read_report(home), "book.xlsx", "throughline 0")
    sheet = openpyxl.load_workbook(io.BytesIO(content))["01_Summary"]
    heads = [cell.value for cell in sheet[1]]
    counting = sheet.cell(2, heads.index("exception_count") + 1).value
    assert counting.startswith("=COUNTIFS('02_Exceptions'!$B$2:")
    names = [column.name for column in EXCEPTIONS]
    letters = {"B": "control_id", "F": "status", "AC": "amount_at_risk_rc"}
    adding = sheet.cell(2, heads.index("exception_amount") + 1).value
    for letter, name in letters.items():
        assert openpyxl.utils.column_index_from_string(letter) == names.index(name) + 1
        assert f"${letter}$2" in adding


def test_cells_are_typed_and_nothing_is_merged(home: Home) -> None:
    book = opened(home)
    sheet = book["02_Exceptions"]
    kinds = {column.name: column.kind for column in EXCEPTIONS}
    for row in cells(sheet):
        for name, value in row.items():
            if value is None:
                continue
            if kinds[name] in ("money", "count"):
                assert isinstance(value, (int, float)), name
            elif kinds[name] == "day":
                assert isinstance(value, datetime), name
            elif kinds[name] == "text":
                assert isinstance(value, str), name
    assert book.sheetnames == ["00_Cover", *(one.name for one in SHEETS)]
    for page in book.worksheets:
        assert not page.merged_cells.ranges
        assert "r1" in page.oddFooter.center.text
        assert read_report(home).hash in page.oddFooter.center.text
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("C2", "$1:$1")
    assert sheet.auto_filter.ref is not None
    assert book.properties.created == datetime(2026, 7, 8, 23, 30)  # noqa: DTZ001


def test_text_that_looks_like_a_formula_stays_text(home: Home) -> None:
    content = workbook.build(read_report(home), "book.xlsx", "throughline 0")
    sheet = openpyxl.load_workbook(io.BytesIO(content))["02_Exceptions"]
    found = [cell for row in sheet.iter_rows() for cell in row if cell.value == FORMULA]
    assert found
    assert {cell.data_type for cell in found} == {"s"}
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    text = twin.build(read_report(home), "throughline 0")["02_Exceptions.csv"].decode()
    assert f"'{FORMULA}".replace('"', '""') in text
    for row in csv.reader(io.StringIO(text)):
        for value in row:
            assert not value.startswith(("=", "+", "@", "\t", "\r"))
            assert not value.startswith("-") or Decimal(value) < 0


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_the_guard_covers_every_dangerous_beginning(value: str) -> None:
    assert twin.cell(value) == "'" + value
    assert twin.cell(Decimal("-1.50")) == "-1.50"
    assert twin.cell("a" + value) == "a" + value


def test_the_same_run_gives_the_same_bytes(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    for number, now in enumerate(["2026-07-09T06:00:00Z", "2026-11-01T18:00:00Z"]):
        monkeypatch.setenv("THROUGHLINE_NOW", now)
        folder = tmp_path / str(number)
        done = export(read_report(home), home, actor="j.ortega", folder=folder)
        assert done.paths[0].name == "recon_ALL_2026-07-08_r1_v1.xlsx"
        written.append(
            {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        )
    assert written[0] == written[1]
    assert len(written[0]) == 1 + 1 + len(SHEETS) + 1
    events = state.read(home, "export")
    assert [event.payload["hash"] for event in events] == [read_report(home).hash] * 2
    home.state.unlink()


def test_the_twin_holds_the_workbooks_rows(home: Home) -> None:
    report = read_report(home)
    book = opened(home)
    built = twin.build(report, "throughline 0")
    manifest = json.loads(built["manifest.json"])
    assert [entry["file"] for entry in manifest["files"]] == [
        name for name in built if name != "manifest.json"
    ]
    for sheet in SHEETS:
        rows = list(csv.reader(io.StringIO(built[f"{sheet.name}.csv"].decode())))
        table = list(book[sheet.name].iter_rows(values_only=True))[: len(rows)]
        assert rows[0] == list(table[0]) == [column.name for column in sheet.columns]
        for texts, values in zip(rows[1:], table[1:], strict=True):
            for text, value, column in zip(texts, values, sheet.columns, strict=True):
                if value is None:
                    assert text == ""
                elif isinstance(value, (int, float)):
                    assert abs(Decimal(text) - Decimal(str(value))) < Decimal("0.0001"), column.name
                elif isinstance(value, datetime):
                    assert text[:10] == value.date().isoformat()
                else:
                    assert text.removeprefix("'") == value
        entry = next(one for one in manifest["files"] if one["file"] == f"{sheet.name}.csv")
        assert entry["rows"] == len(rows) - 1
    sums = next(one for one in manifest["files"] if one["file"] == "02_Exceptions.csv")["sums"]
    assert Decimal(sums["amount_at_risk_rc"]["USD"]) == sum(
        (row["amount_at_risk"] for row in report.open), Decimal(0)
    )
    # 1,000.01 won, 900 written
    assert {key: Decimal(value) for key, value in sums["difference_tc"].items()} == {"GBP": Decimal("100.01")}
    assert {key: Decimal(value) for key, value in sums["difference_rc"].items()} == {
        "USD": Decimal("125.0125")
    }


def test_the_hash_is_of_content_not_of_order_or_comments(home: Home) -> None:
    report = read_report(home)
    versions = {name: int(row["version"]) for name, row in report.controls.items()}
    assert content_hash(reversed(report.exceptions), versions) == report.hash
    changed = [dict(row) for row in report.exceptions]
    changed[0]["amount_at_risk"] += Decimal("0.0001")
    assert content_hash(changed, versions) != report.hash
    assert content_hash(report.exceptions, {**versions, "BIL-001": 2}) != report.hash
    state.append(home, "comment", report.exceptions[0]["exception_id"], "a", {"text": "x"})
    assert read_report(home).hash == report.hash
    commented = cells(opened(home)["02_Exceptions"])
    assert [row["comment_latest"] for row in commented if row["comment_count"]] == ["x"]
    home.state.unlink()


def test_an_entitys_workbook_holds_its_rows_and_what_nobody_could_judge(
    compiled: Compiled, tmp_path: Path
) -> None:
    firm = Firm(compiled).standard()
    firm.tables["canonical__contract"].clear()
    firm.add("time_entry")
    firm.add("source_instance", source_system="netsuite", source_instance="main")
    found = Home(tmp_path)
    publish(firm, found, "r2")
    report = read_report(found, Filter(entities=("GB01",)))
    assert {row["outcome"] for row in report.exceptions} == {"NOT_EVALUABLE"}
    assert report.verdict == "INCOMPLETE"
    book = openpyxl.load_workbook(io.BytesIO(workbook.build(report, "b.xlsx", "t")), data_only=True)
    assert cells(book["09_NotEvaluable"])
    summary = {row["control_id"]: row["status"] for row in cells(book["01_Summary"])}
    assert summary["CRM-ERP-001"] == "NOT_EVALUABLE"


def test_filters_choose_by_entity_control_severity_and_state(home: Home) -> None:
    everything = read_report(home).exceptions
    for scope in (Filter(entities=("GB01",)), Filter(entities=(GB,))):
        assert {row["entity_code"] for row in read_report(home, scope).exceptions} == {"GB01"}
    assert {row["control_id"] for row in read_report(home, Filter(controls=("CRM-PSA-001",))).exceptions} == {
        "CRM-PSA-001"
    }
    levels = [
        len(read_report(home, Filter(severities=(level,))).exceptions) for level in ("S1", "S2", "S3", "S4")
    ]
    assert sum(levels) == len(everything)
    assert read_report(home, Filter(states=("ASSIGNED",))).exceptions == []


def test_the_commands_end_with_one_while_exceptions_are_open(acting: CliRunner) -> None:
    listed = acting.invoke(app, ["recon", "list", "--json"])
    assert listed.exit_code == 1
    rows = json.loads(listed.stdout)
    assert all(isinstance(row["amount_at_risk"], str) for row in rows)
    assert acting.invoke(app, ["recon", "list", "--status", "IN_PROGRESS"]).exit_code == 0
    assert acting.invoke(app, ["recon", "list", "--as-of", "2026-07-08"]).exit_code == 1
    shown = acting.invoke(app, ["recon", "show", rows[0]["exception_id"], "--json"])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)[0]["evidence"]["what"]
    exported = acting.invoke(app, ["recon", "export", "--json", "--entity", "GB01"])
    assert exported.exit_code == 1
    told = json.loads(exported.stdout)
    assert Path(told[0]["path"]).name == "recon_GB01_2026-07-08_r1_v1.xlsx"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["recon", "list", "--as-of", "2026-01-31"], 3),
        (["recon", "list", "--run", "r9"], 64),
        (["recon", "show", "no-such"], 64),
        (["recon", "export", "--format", "pdf"], 64),
        (["recon", "list", "--as-of", "yesterday"], 64),
    ],
)
def test_what_cannot_be_done_ends_with_its_own_code(
    acting: CliRunner, arguments: list[str], code: int
) -> None:
    assert acting.invoke(app, arguments).exit_code == code


def test_nothing_published_could_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROUGHLINE_HOME", str(tmp_path))
    assert CliRunner().invoke(app, ["recon", "list"]).exit_code == 3


def test_people_say_who_works_on_it_and_that_it_may_stand(home: Home, acting: CliRunner) -> None:
    key = read_report(home).open[0]["exception_id"]
    reason = "The client signs on Friday"
    assert (
        acting.invoke(app, ["recon", "assign", key, "--to", "k.weber", "--due", "2026-07-20"]).exit_code == 0
    )
    assert acting.invoke(app, ["recon", "comment", key, "Asked twice"]).exit_code == 0
    said = ["recon", "acknowledge", key, "--until", "2026-07-31", "--reason"]
    assert acting.invoke(app, [*said, reason]).exit_code == 0
    assert acting.invoke(app, [*said, "too short"]).exit_code == 64
    assert acting.invoke(app, [*said[:3], "--until", "2026-10-08", "--reason", reason]).exit_code == 64
    assert [(event.kind, event.actor) for event in state.read(home, object_id=key)] == [
        ("assignment", "j.ortega"), ("comment", "j.ortega"), ("acknowledgement", "j.ortega"),
    ]  # fmt: skip
    row = next(row for row in cells(opened(home)["02_Exceptions"]) if row["exception_id"] == key)
    assert (row["assignee"], row["comment_latest"]) == ("k.weber", "Asked twice")
    assert row["due_on"].date() == date(2026, 7, 20)


def test_a_due_day_counts_weekdays() -> None:
    assert add_working_days(date(2026, 7, 9), 2) == date(2026, 7, 13)
    assert add_working_days(date(2026, 7, 10), 1) == date(2026, 7, 13)
