"""The workbook and its CSV twin, read back by a second reader; the commands around them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner

from tests.reconciliation.firm import GB, Compiled, Firm
from tests.reconciliation.published import FORMULA, publish, remember
from throughline import state
from throughline.cli import app
from throughline.home import Home
from throughline.recon import twin, workbook
from throughline.recon.columns import EXCEPTIONS
from throughline.recon.digest import content_hash, parameter_hash
from throughline.recon.export import export
from throughline.recon.published import Filter, read_report
from throughline.recon.rows import SHEETS, plain_sentence, source_records
from throughline.warehouse import open_published


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


def test_an_amount_nobody_knows_leaves_its_sums_blank_in_the_workbook(
    compiled: Compiled, tmp_path: Path
) -> None:
    firm = Firm(compiled).standard()
    for number, currency in ((2, "USD"), (3, "CHF")):
        firm.add("opportunity", opportunity_id=f"salesforce:main:O{number}", currency_code=currency)
    publish(firm, Home(tmp_path), "r1")
    book = opened(Home(tmp_path))
    summary = {row["control_id"]: row for row in cells(book["01_Summary"])}
    unknown = summary["CRM-ERP-001"]
    # two deals without a contract, of which one is worth 80,000 dollars and one nobody knows what
    assert (unknown["exception_count"], unknown["exception_amount"]) == (2, None)
    assert "Of 1 rows nobody knows the amount" in unknown["reason"]
    assert (unknown["population_amount"], unknown["pass_amount"]) == (None, 80000)
    assert (summary["BIL-001"]["exception_amount"], summary["BIL-001"]["pending_amount"]) == (0, 0)
    assert (summary["Total"]["exception_amount"], summary["Total"]["pending_amount"]) == (None, 0)
    assert summary["Check of the total above"]["exception_amount"] == workbook.TIES


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
        columns = sheet.columns_of(report)
        hashed = rows[0][-1] == twin.ROW_HASH
        assert hashed == (rows[0][0] == "exception_id")
        assert rows[0][: len(columns)] == list(table[0]) == [column.name for column in columns]
        for texts, values in zip(rows[1:], table[1:], strict=True):
            for text, value, column in zip(texts[: len(columns)], values, columns, strict=True):
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
    changed = [{**row, "state": "ASSIGNED"} for row in report.exceptions]
    assert content_hash(changed, versions) == report.hash
    assert content_hash(report.exceptions, {**versions, "BIL-001": 2}) != report.hash
    state.append(home, "comment", report.exceptions[0]["exception_id"], "a", {"text": "x"})
    assert read_report(home).hash == report.hash
    commented = cells(opened(home)["02_Exceptions"])
    assert [row["comment_latest"] for row in commented if row["comment_count"]] == ["x"]
    home.state.unlink()


def test_an_entitys_workbook_holds_its_rows_and_what_nobody_could_judge(
    compiled: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    # no exception of that entity is open, and still nobody may take it for clean
    monkeypatch.setenv("THROUGHLINE_HOME", str(found.root))
    assert CliRunner().invoke(app, ["recon", "list", "--entity", "GB01"]).exit_code == 1


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
    # a part of the exceptions is another file: it does not take the place of the whole report
    part = json.loads(acting.invoke(app, ["recon", "export", "--json", "--severity", "S1"]).stdout)
    assert Path(part[0]["path"]).name.startswith("recon_ALL-SELECTION-")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["recon", "list", "--as-of", "2026-01-31"], 3),
        (["recon", "list", "--run", "r9"], 64),
        (["recon", "show", "no-such"], 64),
        (["recon", "export", "--format", "pdf"], 64),
        (["recon", "list", "--as-of", "yesterday"], 64),
        # a slip of the pen is no clean firm
        (["recon", "list", "--entity", "GB1"], 64),
        (["recon", "export", "--control", "BIL-01"], 64),
        (["recon", "list", "--severity", "S5"], 64),
        (["recon", "list", "--status", "OPEN"], 64),
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


DANGEROUS_NAMES = ("=1+1|cmd", "+49 Bank", "-Minus GmbH", "@import Ltd", "\tTab AG", "\rReturn plc")


def test_customers_whose_names_begin_like_formulas_stay_names(compiled: Compiled, tmp_path: Path) -> None:
    firm = Firm(compiled).standard()
    names = {}
    for number, name in enumerate(DANGEROUS_NAMES):
        account, key = f"salesforce:main:X{number}", f"netsuite:main:X{number}"
        names[key] = name
        firm.add("customer", customer_id=account, source_system="salesforce", name=name)
        firm.add("customer", customer_id=key, name=name)
        firm.add("customer_entity", customer_entity_id=key, customer_id=key)
        firm.add("master__entity_xref", left_key=account, right_key=key)
        deal = f"salesforce:main:OX{number}"
        firm.add("opportunity", opportunity_id=deal, customer_id=account, name=name)
        firm.add("opportunity_stage_event", event_id=deal, opportunity_id=deal)
    found = Home(tmp_path)
    publish(firm, found, "r1", names)
    report = read_report(found)
    sheet = openpyxl.load_workbook(io.BytesIO(workbook.build(report, "b.xlsx", "t")))["02_Exceptions"]
    texts = [cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    shown = {str(cell.value).replace("_x000D_", "\r") for cell in texts}
    assert set(DANGEROUS_NAMES) <= shown
    assert {cell.data_type for cell in texts} == {"s"}
    fields = [
        field
        for row in csv.reader(io.StringIO(twin.build(report, "t")["02_Exceptions.csv"].decode(), newline=""))
        for field in row
    ]
    assert {"'" + name for name in DANGEROUS_NAMES} <= set(fields)
    assert not set(DANGEROUS_NAMES) & set(fields)


def test_a_long_list_goes_on_in_a_second_sheet_and_still_adds_up(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workbook.PART == 250_000
    report = read_report(home)
    monkeypatch.setattr(workbook, "PART", 3)
    content = workbook.build(report, "book.xlsx", "throughline 0")
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    parts = [name for name in book.sheetnames if name.startswith("02_Exceptions")]
    assert parts[:2] == ["02_Exceptions", "02_Exceptions_2"]
    assert len(parts) == -(-len(report.open) // 3)
    rows = [row for name in parts for row in cells(book[name])]
    assert [row["exception_id"] for row in rows] == [row["exception_id"] for row in report.open]
    assert all(book[name].freeze_panes == "C2" and book[name].auto_filter.ref for name in parts)
    summary = cells(book["01_Summary"])
    check = next(row for row in summary if row["control_id"] == "Check of the total above")
    assert check["exception_amount"] == workbook.TIES
    formulas = openpyxl.load_workbook(io.BytesIO(content))["01_Summary"]
    place = [cell.value for cell in formulas[1]].index("exception_amount") + 1
    assert all(f"'{name}'!" in formulas.cell(2, place).value for name in parts)


def test_the_hash_can_be_worked_out_again_from_a_query(home: Home, acting: CliRunner) -> None:
    columns = (
        "exception_id", "control_id", "grain_key", "outcome", "severity", "break_type", "risk_type",
        "risk_object", "legal_entity_id", "customer_id", "contract_id", "contract_line_id", "project_id",
        "period", "currency_code", "value_a", "value_b", "difference", "amount_at_risk", "amount_at_risk_tc",
        "becomes_exception_on", "age_days", "root_exception_id", "counted_in_headline", "evidence",
    )  # fmt: skip
    numbers = ("value_a", "value_b", "difference", "amount_at_risk", "amount_at_risk_tc")

    def asked(sql: str) -> list[dict[str, Any]]:
        done = acting.invoke(app, ["query", sql, "--json"])
        assert done.exit_code == 0
        return list(json.loads(done.stdout))

    lines = []
    for row in asked("select * from reconciliation.exception"):
        for name in numbers:
            if row[name] is not None and "." in row[name]:
                row[name] = row[name].rstrip("0").rstrip(".")
        text = json.dumps([row[name] for name in columns], ensure_ascii=False, separators=(",", ":"))
        lines.append(f"{row['exception_id']}={hashlib.sha256(text.encode()).hexdigest()}\n")
    controls = asked("select control_id, version from reconciliation.recon__control")
    lines = sorted(lines) + sorted(f"{row['control_id']}={row['version']}\n" for row in controls)
    whole = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert whole == read_report(home).hash
    # and the twin's rows carry the same
    rows = list(csv.DictReader(io.StringIO(twin.build(read_report(home), "t")["02_Exceptions.csv"].decode())))
    assert rows
    assert all(f"{row['exception_id']}={row['row_sha256']}\n" in lines for row in rows)


def test_a_due_day_leaves_the_entitys_holidays_out(compiled: Compiled) -> None:
    firm = Firm(compiled).standard()
    # 3 July 2026 is a holiday in the US, not in Britain; a deal of 80,000 has 5 working days (S2)
    for key, entity, code in (("O1", "netsuite:main:1", "US01"), ("O2", GB, "GB01")):
        deal = f"salesforce:main:{key}"
        if key != "O1":
            firm.add("opportunity", opportunity_id=deal, legal_entity_id=entity, legal_entity_code=code,
                     services_amount="30000", first_30_days_revenue=None)  # fmt: skip
            firm.add("opportunity_stage_event", event_id=deal, opportunity_id=deal)
    firm.tables["canonical__contract"].clear()
    firm.tables["canonical__contract_line"].clear()
    firm.tables["canonical__opportunity_stage_event"] = []
    for key in ("O1", "O2"):
        deal = f"salesforce:main:{key}"
        firm.add("opportunity_stage_event", event_id=deal, opportunity_id=deal,
                 changed_at="2026-06-29 10:00:00+00")  # fmt: skip
    firm.build("recon__due")
    exceptions = {row["exception_id"]: row for row in firm.built("exception")}
    due = {}
    for row in firm.built("recon__due"):
        told = exceptions[row["exception_id"]]
        if told["control_id"] == "CRM-ERP-001":
            due[told["grain_key"]] = (told["becomes_exception_on"], told["severity"], row)
    becomes, severity, american = due["salesforce:main:O1"]
    assert severity == "S2"
    assert american["sla_days"] == 5
    # two days of grace after Monday 29 June end with 1 July; five days after the 2nd: 6, 7, 8, 9, 10 July
    assert (becomes, american["due_on"]) == (date(2026, 7, 2), date(2026, 7, 10))
    becomes, severity, british = due["salesforce:main:O2"]
    assert (becomes, severity, british["due_on"]) == (date(2026, 7, 2), "S2", date(2026, 7, 9))
    assert not british["is_overdue"]


def test_what_belongs_to_no_entity_counts_the_days_on_which_any_works(compiled: Compiled) -> None:
    firm = Firm(compiled, known_at="2026-07-08 23:30:00+00").standard()
    firm.add("source_instance", source_system="netsuite", source_instance="main")
    firm.add("landing.extract_run", source_system="netsuite", source_instance="main", resource="transaction",
             load_id="L1", started_at="2026-07-01 22:00:00+00", status="FAILED", source_count=0)  # fmt: skip
    firm.build("recon__due")
    exceptions = {row["exception_id"]: row for row in firm.built("exception")}
    row = next(
        row for row in firm.built("recon__due")
        if exceptions[row["exception_id"]]["becomes_exception_on"] == date(2026, 7, 1)
        and exceptions[row["exception_id"]]["severity"] == "S1"
    )  # fmt: skip
    # two working days after Wednesday 1 July: the 2nd, and the 3rd, on which Britain works
    assert (row["calendar_entity_id"], row["sla_days"], row["due_on"]) == ("NONE", 2, date(2026, 7, 3))


def test_what_people_said_after_the_run_stands_over_it(home: Home, acting: CliRunner) -> None:
    one, two = (row["exception_id"] for row in read_report(home).open[:2])

    def row(key: str) -> dict[str, Any]:
        return next(row for row in cells(opened(home)["02_Exceptions"]) if row["exception_id"] == key)

    assert row(one)["status"] == "NEW"
    assert acting.invoke(app, ["recon", "assign", one, "--to", "k.weber"]).exit_code == 0
    assert row(one)["status"] == "ASSIGNED"
    listed = json.loads(acting.invoke(app, ["recon", "list", "--status", "ASSIGNED", "--json"]).stdout)
    assert [(one["exception_id"], one["assignee"]) for one in listed] == [(one, "k.weber")]
    state.append(
        home, "state", two, "m.rossi",
        {"state": "RESOLVED_PENDING_VERIFY", "root_cause_code": "interface failure",
         "resolution_code": "FIXED_IN_SOURCE"},
    )  # fmt: skip
    said = row(two)
    assert (said["status"], said["resolution_code"]) == ("RESOLVED_PENDING_VERIFY", "FIXED_IN_SOURCE")
    assert (said["resolved_on"].date(), said["resolved_by"]) == (date(2026, 7, 9), "m.rossi")
    # taken up again: no longer resolved, the coded cause stays known
    assert acting.invoke(app, ["recon", "assign", two, "--to", "k.weber"]).exit_code == 0
    said = row(two)
    assert (said["status"], said["resolved_on"], said["resolved_by"]) == ("ASSIGNED", None, None)
    assert said["root_cause_code"] == "interface failure"
    assert read_report(home).verdict == "EXCEPTIONS"


def test_what_people_said_before_the_run_is_what_the_run_made_of_it(
    compiled: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = Firm(compiled).standard()
    firm.tables["canonical__contract"].clear()
    key = next(row["exception_id"] for row in firm.rows_of("exception") if row["control_id"] == "CRM-ERP-001")
    found = Home(tmp_path).ensure()
    monkeypatch.setenv("THROUGHLINE_NOW", "2026-07-01T09:00:00Z")
    state.append(found, "state", key, "m.rossi", {"state": "RESOLVED_PENDING_VERIFY"})
    waiver = state.append(
        found, "waiver", key, "m.rossi", {"reason": "agreed", "valid_from": "2026-07-01", "approver": "a.lee"}
    )
    # the run found it again, so nothing is resolved
    firm.add("exception_state", exception_id=key, state="RESOLVED_PENDING_VERIFY",
             decided_at="2026-07-01 09:00:00+00")  # fmt: skip
    publish(firm, found, "r1")
    book = openpyxl.load_workbook(io.BytesIO(workbook.build(read_report(found), "b.xlsx", "t")))
    row = next(row for row in cells(book["02_Exceptions"]) if row["exception_id"] == key)
    assert (row["status"], row["resolved_on"], row["waiver_id"]) == ("REOPENED", None, None)
    # the next run applies the waiver and names it
    firm.as_of = date(2026, 7, 9)
    firm.known_at = "2026-07-09 23:30:00+00"
    firm.add("waiver", exception_id=key, reason="agreed", valid_from="2026-07-01", approver="a.lee")
    publish(firm, found, "r2")
    book = openpyxl.load_workbook(io.BytesIO(workbook.build(read_report(found), "b.xlsx", "t")))
    row = next(row for row in cells(book["02_Exceptions"]) if row["exception_id"] == key)
    assert (row["status"], row["waiver_id"]) == ("WAIVED", f"W-{waiver.event_id:06d}")


def test_the_summary_compares_with_the_month_before_and_is_blank_where_nothing_was_published(
    compiled: Compiled, tmp_path: Path
) -> None:
    found = Home(tmp_path).ensure()
    for run_id, day, deals in (("r1", "2026-04-30", 1), ("r2", "2026-06-30", 2), ("r3", "2026-07-08", 3)):
        firm = Firm(compiled, as_of=date.fromisoformat(day), known_at=f"{day} 23:30:00+00").standard()
        firm.tables["canonical__contract"].clear()
        for number in range(2, deals + 1):
            deal = f"salesforce:main:O{number}"
            firm.add("opportunity", opportunity_id=deal)
            firm.add("opportunity_stage_event", event_id=deal, opportunity_id=deal)
        for event in firm.tables["canonical__opportunity_stage_event"]:
            event["changed_at"] = "2026-04-01 10:00:00+00"
        remember(firm, found)
        publish(firm, found, run_id)
    book = opened(found)
    row = next(row for row in cells(book["01_Summary"]) if row["control_id"] == "CRM-ERP-001")
    assert (row["exception_count"], row["prior_exception_count"], row["change_count"]) == (3, 2, 1)
    assert (row["exception_amount"], row["prior_exception_amount"], row["change_amount"]) == (
        240000, 160000, 80000,
    )  # fmt: skip
    trend = [(name, value) for name, value in row.items() if str(name).startswith("count_2026")]
    assert trend == [
        ("count_2026-02", None), ("count_2026-03", None), ("count_2026-04", 1), ("count_2026-05", None),
        ("count_2026-06", 2), ("count_2026-07", 3),
    ]  # fmt: skip
    assert row["amount_2026-04"] == 80000
    total = next(row for row in cells(book["01_Summary"]) if row["control_id"] == "Total")
    assert (total["count_2026-05"], total["amount_2026-05"]) == (None, None)
    cover = {row[0]: row[1] for row in book["00_Cover"].iter_rows(values_only=True)}
    assert cover["prior_period"] == "2026-06, as of 2026-06-30 (run r2)"
    american = cells(opened(found, entities=("US01",))["01_Summary"])
    assert next(row for row in american if row["control_id"] == "CRM-ERP-001")["prior_exception_count"] == 2
    british = cells(opened(found, entities=("GB01",))["01_Summary"])
    row = next(row for row in british if row["control_id"] == "CRM-ERP-001")
    assert (row["exception_count"], row["prior_exception_count"]) == (0, 0)
    # a part of a control's exceptions compares with nothing
    severe = cells(opened(found, severities=("S2",))["01_Summary"])
    row = next(row for row in severe if row["control_id"] == "CRM-ERP-001")
    assert (row["prior_exception_count"], row["change_count"], row["count_2026-06"]) == (None, None, None)
    detail = cells(book["02_Exceptions"])
    old = next(row for row in detail if row["source_record_ids"].startswith("salesforce:main:O1"))
    assert (old["first_seen_on"].date(), old["occurrences"], old["is_new"]) == (date(2026, 4, 30), 3, "N")
    assert (old["prior_period_amount"], old["change_vs_prior"]) == (80000, 0)
    new = next(row for row in detail if row["source_record_ids"].startswith("salesforce:main:O3"))
    assert (new["is_new"], new["prior_period_amount"], new["change_vs_prior"]) == ("Y", 0, 80000)


def test_the_cover_says_what_made_it_and_leaves_room_to_sign(home: Home) -> None:
    sheet = opened(home)["00_Cover"]
    cover = {row[0]: row[1] for row in sheet.iter_rows(values_only=True)}
    assert (cover["entity"], cover["period"], cover["run_id"]) == ("ALL", "2026-07", "r1")
    assert cover["as_of_date"].date() == date(2026, 7, 8)
    assert (cover["known_at"], cover["generated_at"]) == ("2026-07-08T23:30:00Z",) * 2
    assert (cover["snapshot_id"], cover["prior_period"]) == ("f00d", "none published for 2026-06")
    assert cover["control_set_version"].startswith("19 controls, ")
    assert len(cover["parameter_hash"]) == len(cover["content_sha256"]) == 64
    counts = [cover[f"open_{level}"] for level in ("S1", "S2", "S3", "S4")]
    assert sum(counts) == cover["open_exceptions"]
    assert cover["in_words"].startswith(f"{cover['open_exceptions']} exceptions are open, ")
    for signer in ("preparer", "reviewer", "controller"):
        assert {cover[signer], cover[f"{signer}_date"], cover[f"{signer}_comment"]} == {None}
    everywhere = {row[0]: row[2] for row in sheet.iter_rows(values_only=True)}
    assert all(everywhere.values())


def test_a_changed_tolerance_changes_the_parameter_hash(home: Home) -> None:
    controls = read_report(home).controls
    before = parameter_hash(controls)
    changed = {**controls, "BIL-003": {**controls["BIL-003"], "abs_tol": Decimal("2")}}
    assert parameter_hash(changed) != before
    assert parameter_hash(dict(reversed(controls.items()))) == before


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Project x has 184.00000000 hours of work", "Project x has 184.00 hours of work"),
        ("charge the same 30601.0000 USD", "charge the same 30601.00 USD"),
        ("price 1.12345000 and 2.50", "price 1.12345 and 2.50"),
        ("release 10.2.1000 of 1.2000.3 stays", "release 10.2.1000 of 1.2000.3 stays"),
    ],
)
def test_a_sentence_has_no_spare_zeros(written: str, shown: str) -> None:
    assert plain_sentence(written) == shown


def test_source_records_are_the_keys_a_case_rests_on() -> None:
    row = {
        "grain_key": "netsuite:main:1010|CURRENCY", "contract_id": "netsuite:main:1010",
        "contract_line_id": None, "project_id": "certinia:main:P1",
        "facts": {"what": "netsuite:main:9 is", "opportunity_id": "salesforce:main:O1", "value_a": "EUR"},
    }  # fmt: skip
    assert source_records(row) == "netsuite:main:1010, salesforce:main:O1, certinia:main:P1"
    assert source_records({**row, "grain_key": "x|XQ-77", "contract_id": None, "project_id": None,
                           "facts": {}}) == "x|XQ-77"  # fmt: skip


def test_show_tells_every_column_and_what_the_warehouse_knows(home: Home, acting: CliRunner) -> None:
    key = read_report(home).open[0]["exception_id"]
    told = json.loads(acting.invoke(app, ["recon", "show", key, "--json"]).stdout)[0]
    assert {column.name for column in EXCEPTIONS} <= set(told)
    assert {"grain_key", "risk_object", "becomes_exception_on", "evidence", "control", "events", "explains",
            "row_sha256", "change", "is_overdue"} <= set(told)  # fmt: skip
    lines = acting.invoke(app, ["recon", "show", key]).stdout
    assert "what_is_wrong" in lines
    assert "control.rule" in lines
