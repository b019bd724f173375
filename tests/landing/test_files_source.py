"""A folder of files in the ports' own columns: what lands, what is refused and why, what is deleted."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import rejects
from pipelines.landing import ResourceResult, SourceResult, run_source
from pipelines.ports import load_ports
from pipelines.sources import load_source
from pipelines.span import PLAIN, Span
from pipelines.store import RECORDS
from pipelines.transports import files
from pipelines.transports.base import Window
from pipelines.transports.files import FilesReader
from tests.landing.conftest import Home
from throughline.errors import ThroughlineError

NOW, NEXT, LAST = "2026-03-10T12:00:00Z", "2026-03-11T12:00:00Z", "2026-03-12T12:00:00Z"
HEADER = "time_entry_id,project_id,resource_id,work_date,hours,is_billable,status"
GOOD = "t1,p1,r1,2026-03-02,7.5,true,approved"


class Folder:
    """A folder of files and the home it is landed into."""

    def __init__(self, home: Home, path: Path) -> None:
        self.home = home
        self.path = path
        path.mkdir()

    def write(self, name: str, *lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
        path = self.path / name
        path.write_bytes("".join(line + end for line in lines).encode(encoding))
        return path

    def land(self, now: str = NOW, span: Span = PLAIN, **settings: Any) -> SourceResult:
        self.home.at(now)
        self.home.runs += 1
        config = {"path": str(self.path), **settings}
        return run_source("files", "files", self.home.path, config, f"run-{self.home.runs}", span=span)

    def one(self, now: str = NOW, **settings: Any) -> ResourceResult:
        """Land a folder of one port."""
        result = self.land(now, **settings)
        assert len(result.resources) == 1, result.resources
        return result.resources[0]

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return self.home.sql(query)

    def refused(self) -> list[tuple[Any, ...]]:
        return self.sql(
            "select column_name, reason_code, reason from landing.reject order by reason_code, reason"
        )


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which all tables stand and nothing was read: making them takes most of a first landing."""
    root = tmp_path_factory.mktemp("empty") / "home"
    root.mkdir()
    run_source("files", "files", root, {"path": str(root / "nowhere")}, "run-0")
    return root


@pytest.fixture
def folder(tmp_path: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    return made(tmp_path, empty_home, monkeypatch)


def made(where: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    shutil.copytree(empty_home, where / "home")
    return Folder(Home(where / "home", monkeypatch), where / "books")


def rows_of(folder: Folder, table: str, columns: str) -> list[tuple[Any, ...]]:
    """The newest version of every record that is not deleted."""
    return folder.sql(
        f"""
        select {columns} from files_files.{table}
        qualify
            row_number() over (partition by tl_record_id order by tl_load_id desc) = 1
            and not tl_is_deleted
        order by 1
        """
    )


def test_a_folder_lands_whole_and_the_second_time_nothing(folder: Folder) -> None:
    folder.write("time_entry.csv", HEADER, GOOD, "t2,p1,r2,2026-03-02,8,no,draft")
    folder.write("customer.csv", "name,source_system,customer_id", "Acme,crm,1", "Acme Ltd,erp,1")
    first = folder.land()
    assert (first.status, first.rows_landed, len(first.resources)) == ("OK", 4, 2), first.errors
    assert rows_of(folder, "customer", "tl_record_id, source_system, customer_id, name") == [
        ("crm|1", "crm", "1", "Acme"),
        ("erp|1", "erp", "1", "Acme Ltd"),
    ]
    assert rows_of(
        folder, "time_entry", "source_system, time_entry_id, work_date, hours::varchar, is_billable"
    ) == [
        ("psa", "t1", date(2026, 3, 2), "7.50", True),
        ("psa", "t2", date(2026, 3, 2), "8.00", False),
    ]
    again = folder.land(NEXT)
    assert (again.status, again.rows_landed) == ("OK", 0)
    assert [one.rows_unchanged for one in again.resources] == [2, 2]


def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no file's rows are read."""

    def rows(*_given: object) -> NoReturn:
        raise AssertionError("the file is read")

    monkeypatch.setattr(FilesReader, "rows", rows)


FIGURES = (
    "select status, rows_extracted, rows_landed, rows_unchanged, rows_rejected, rows_deleted, source_count,"
    " schema_hash from landing.extract_run where status = 'OK' order by started_at"
)


def test_a_file_that_is_what_was_read_last_is_not_read_and_its_figures_stand(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = GOOD.replace("t1", "t2").replace("approved", "maybe")
    folder.write("time_entry.csv", HEADER, GOOD, bad)
    folder.land()
    # the second load reads it whole: those are the figures to have
    folder.land(NEXT, Span(full=True))
    unreadable(monkeypatch)
    result = folder.one(LAST)
    assert (result.status, result.rows_unchanged, result.rows_rejected) == ("OK", 1, 1), result.error
    [first, read, recognised] = folder.sql(FIGURES)
    assert first == ("OK", 2, 1, 0, 1, 0, 2, first[-1])
    assert recognised == read == ("OK", 2, 0, 1, 1, 0, 2, first[-1])
    assert len(folder.refused()) == 1


def test_a_file_is_read_again_when_it_was_another_between_or_is_read_otherwise(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("time_entry.csv", HEADER, GOOD)
    folder.land()
    folder.write("time_entry.csv", HEADER, GOOD.replace("7.5", "8"))
    assert folder.one(NEXT).rows_landed == 1
    folder.write("time_entry.csv", HEADER, GOOD)
    assert folder.one(LAST).rows_landed == 1
    unreadable(monkeypatch)
    assert folder.one("2026-03-13T12:00:00Z").error is None
    otherwise = folder.one("2026-03-14T12:00:00Z", encoding="cp1252")
    assert "the file is read" in str(otherwise.error)
    monkeypatch.setattr(files, "reading", lambda: "another release")
    assert "the file is read" in str(folder.one("2026-03-14T12:00:00Z").error)


def test_a_file_is_read_again_when_a_reject_was_replayed_behind_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("time_entry.csv", HEADER, GOOD, GOOD.replace("t1", "t2").replace("approved", "maybe"))
    folder.land()
    folder.write("time_entry.csv", HEADER, GOOD)
    folder.land(NEXT)
    [(key,)] = folder.sql("select reject_id from landing.reject")
    assert rejects.replay(folder.home.path, [key], corrections={key: {"status": "approved"}}).rows_landed == 1
    # what was replayed is in no file any more
    assert folder.one(LAST).rows_deleted == 1
    unreadable(monkeypatch)
    assert folder.one("2026-03-13T12:00:00Z").error is None


def test_who_asks_for_everything_has_every_file_read(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("time_entry.csv", HEADER, GOOD)
    folder.land()
    unreadable(monkeypatch)
    assert "the file is read" in str(folder.land(NEXT, Span(full=True)).errors)


def test_a_home_of_an_older_release_has_its_files_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    folder = Folder(Home(tmp_path / "home", monkeypatch), tmp_path / "books")
    folder.write("time_entry.csv", HEADER, GOOD)
    with monkeypatch.context() as older:
        told = RECORDS["extract_run"]
        older.setitem(RECORDS, "extract_run", told.remove(told.get_field_index("content_hash")))
        folder.land()
    with monkeypatch.context() as patched:
        unreadable(patched)
        assert "the file is read" in str(folder.one(NEXT).error)
    assert folder.one(NEXT).rows_unchanged == 1
    unreadable(monkeypatch)
    assert folder.one(LAST).error is None


def test_an_absent_row_is_deleted_and_comes_back(folder: Folder) -> None:
    lines = [GOOD.replace("t1", f"t{number}") for number in range(1, 4)]
    folder.write("time_entry.csv", HEADER, *lines)
    folder.land()
    folder.write("time_entry.csv", HEADER, *lines[:2])
    assert folder.one(NEXT).rows_deleted == 1
    assert [row[0] for row in rows_of(folder, "time_entry", "time_entry_id")] == ["t1", "t2"]
    gone = "select tl_record_id, tl_deletion_basis from files_files.time_entry where tl_is_deleted"
    assert folder.sql(gone) == [("psa|t3", "snapshot_absence")]
    folder.write("time_entry.csv", HEADER, *lines)
    assert folder.one(LAST).rows_landed == 1
    assert len(rows_of(folder, "time_entry", "time_entry_id")) == 3


def test_a_file_that_is_gone_deletes_nothing_and_is_missed(folder: Folder) -> None:
    path = folder.write("time_entry.csv", HEADER, GOOD)
    folder.write("currency.csv", "currency_code", "EUR")
    folder.land()
    path.unlink()
    result = folder.land(NEXT)
    assert result.status == "PARTIAL"
    [problem] = result.errors
    assert problem.code == "E-SRC-030"
    assert "time_entry" in problem.what
    assert str(folder.path) in problem.what
    assert len(rows_of(folder, "time_entry", "time_entry_id")) == 1


def test_an_empty_file_deletes_nothing_unless_it_is_told_to(folder: Folder) -> None:
    folder.write("time_entry.csv", HEADER, GOOD)
    folder.land()
    folder.write("time_entry.csv", HEADER)
    problem = folder.one(NEXT).error
    assert problem is not None
    assert problem.code == "E-SRC-022"
    assert len(rows_of(folder, "time_entry", "time_entry_id")) == 1
    meant = folder.one(LAST, limits={"absent_share": 1})
    assert (meant.error, meant.rows_deleted) == (None, 1)


def test_templates_land_without_a_row_and_without_a_complaint(folder: Folder) -> None:
    for port in load_ports().values():
        folder.write(f"{port.name}.csv", ",".join(port.header))
    result = folder.land()
    assert (result.status, result.rows_landed, result.errors) == ("OK", 0, [])
    assert len(result.resources) == len(load_ports())
    assert folder.land(NEXT).status == "OK"


# ---- forms of the same rows ------------------------------------------------------------------------------

INVOICE = (
    "invoice_id", "document_type", "invoice_number", "customer_id", "legal_entity_id", "invoice_date",
    "currency_code", "total_amount", "net_amount", "exchange_rate", "status", "posted_at",
)  # fmt: skip
INVOICES = [
    ("1", "invoice", "A1", "c1", "e1", "2026-02-28", "EUR", "1234.56", "1037.4454", "1.0834",
     "open", "2026-03-01 08:30:00"),
    ("2", "credit_memo", "A2", "c1", "e1", "2026-03-01", "EUR", "-0.5", "-0.42", "1", "paid",
     "2026-03-02 00:00:00"),
    ("3", "invoice", "Ü3", "c2", "e1", "2026-03-02", "USD", "1000000", "1000000", "", "draft", ""),
]  # fmt: skip


def hashes(folder: Folder, name: str) -> list[tuple[Any, ...]]:
    found = folder.land()
    assert (found.status, found.rows_landed) == ("OK", 3), (name, found.errors, folder.refused())
    return rows_of(folder, "invoice", "tl_record_id, tl_payload_hash")


def as_csv(path: Path, delimiter: str = ",", comma: bool = False, mark: str = "", end: str = "\n") -> None:
    rows = [list(INVOICE), *(list(row) for row in INVOICES)]
    if comma:
        rows = [
            [cell.replace(".", ",") if cell.replace(".", "").lstrip("-").isdigit() else cell for cell in row]
            for row in rows
        ]
        rows[1][7] = "1.234,56"
        rows[3][7] = "1.000.000"
    path.write_text(mark + end.join(delimiter.join(row) for row in rows) + end, encoding="utf-8", newline="")


def as_parquet(path: Path) -> None:
    def day(text: str) -> Any:
        return date.fromisoformat(text)

    columns: dict[str, Any] = {name: [row[at] for row in INVOICES] for at, name in enumerate(INVOICE)}
    arrays = {name: pa.array(cells) for name, cells in columns.items()}
    arrays["invoice_id"] = pa.array([int(cell) for cell in columns["invoice_id"]])
    arrays["document_type"] = pa.array(columns["document_type"]).dictionary_encode()
    arrays["invoice_date"] = pa.array(
        [datetime.fromisoformat(cell) for cell in columns["invoice_date"]], pa.timestamp("ns")
    )
    arrays["total_amount"] = pa.array([float(cell) for cell in columns["total_amount"]])
    arrays["net_amount"] = pa.array([Decimal(cell) for cell in columns["net_amount"]], pa.decimal128(38, 10))
    arrays["exchange_rate"] = pa.array(
        [Decimal(cell) if cell else None for cell in columns["exchange_rate"]], pa.decimal128(12, 6)
    )
    arrays["posted_at"] = pa.array(
        [datetime.fromisoformat(cell + "+00:00") if cell else None for cell in columns["posted_at"]],
        pa.timestamp("ms", "UTC"),
    )
    pq.write_table(pa.table(arrays), path)


def as_xlsx(path: Path, serials: bool = False) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("invoice")
    sheet = book["invoice"]
    sheet.append([name.upper() for name in INVOICE])
    for row in INVOICES:
        cells: list[Any] = list(row)
        cells[0] = int(row[0])
        cells[5] = datetime.fromisoformat(row[5])
        cells[7], cells[8] = float(row[7]), float(row[8])
        cells[9] = float(row[9]) if row[9] else None
        cells[11] = datetime.fromisoformat(row[11]) if row[11] else None
        if serials:
            for at in (5, 11):
                if cells[at] is not None:
                    span = cells[at] - datetime(1899, 12, 30)  # noqa: DTZ001
                    cells[at] = span.days + span.seconds / 86400
        sheet.append(cells)
    sheet.append([None, None])
    book.save(path)


@pytest.mark.parametrize(
    "form",
    ["semicolon", "tab", "mark", "windows", "comma", "parquet", "xlsx", "serials"],
)
def test_every_form_of_the_same_rows_lands_the_same(
    folder: Folder, tmp_path: Path, empty_home: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = made(tmp_path / "plain", empty_home, monkeypatch)
    as_csv(usual.path / "invoice.csv")
    wanted = hashes(usual, "csv")
    path = folder.path / "invoice"
    if form == "parquet":
        as_parquet(path.with_suffix(".parquet"))
    elif form in {"xlsx", "serials"}:
        as_xlsx(path.with_suffix(".xlsx"), serials=form == "serials")
    else:
        choice: dict[str, dict[str, Any]] = {
            "semicolon": {"delimiter": ";"},
            "tab": {"delimiter": "\t"},
            "mark": {"mark": "\ufeff"},
            "windows": {"end": "\r\n"},
            "comma": {"delimiter": ";", "comma": True, "mark": "\ufeff"},
        }
        as_csv(path.with_suffix(".csv"), **choice[form])
    assert hashes(folder, form) == wanted
    assert folder.land(NEXT).rows_landed == 0


def test_columns_may_come_in_any_order_and_optional_ones_stay_away(folder: Folder) -> None:
    folder.write("currency.csv", "minor_units,currency_code", "2,EUR")
    assert folder.one().rows_landed == 1
    folder.write("currency.csv", "currency_code,minor_units,name", "EUR,2,")
    assert folder.one(NEXT).rows_landed == 0


def test_empty_rows_below_the_last_are_no_rows(folder: Folder) -> None:
    folder.write("time_entry.csv", HEADER, GOOD, "", ",,,,,,", ",,,,,,")
    result = folder.one()
    assert (result.rows_landed, result.rows_rejected) == (1, 0)


# ---- what is refused: the row, its column, why and what to do ----------------------------------------


WRONG = [
    ("t21,p1,r1,2026-03-02,n/a,true,approved", "hours", "NOT_A_NUMBER",
     'hours holds "n/a": write a number like 1234.56'),
    ("t22,p1,r1,02.03.2026,1,true,approved", "work_date", "NOT_A_DATE", "write a date like 2026-01-31"),
    ("t23,p1,r1,2026-02-30,1,true,approved", "work_date", "NOT_A_DATE", 'work_date holds "2026-02-30"'),
    ("t24,p1,r1,46083,1,true,approved", "work_date", "NOT_A_DATE", "a spreadsheet's number for 2026-03-02"),
    ("t25,p1,r1,2026-03-02,1,maybe,approved", "is_billable", "NOT_A_BOOLEAN", "write true or false"),
    ("t26,p1,r1,2026-03-02,1,true,Aproved", "status", "UNKNOWN_CODE",
     "did you mean approved? write one of draft,"),
    ("t27,p1,r1,2026-03-02,1.005,true,approved", "hours", "TOO_PRECISE", 'hours holds "1.005"'),
    ("t28,,r1,2026-03-02,1,true,approved", "project_id", "REQUIRED_MISSING", "project_id is empty"),
    (",p1,r1,2026-03-02,1,true,approved", "time_entry_id", "KEY_MISSING", "time_entry_id is empty"),
    ("psa:main:t9,p1,r1,2026-03-02,1,true,approved", "time_entry_id", "NOT_BARE", "write it without system"),
    ("t1,p2,r2,2026-03-03,2,true,approved", "time_entry_id", "DUPLICATE_KEY",
     "its key stands in row 2 already"),
]  # fmt: skip


def test_wrong_rows_are_refused_by_file_row_and_column(folder: Folder) -> None:
    good = [GOOD, *(GOOD.replace("t1", f"t{at}") for at in range(2, 10))]
    folder.write("time_entry.csv", HEADER, *good, *(row for row, *_ in WRONG))
    result = folder.one()
    assert (result.rows_landed, result.rows_rejected) == (len(good), len(WRONG))
    found = {
        reason.rsplit(", row ", 1)[1]: (column, code, reason) for column, code, reason in folder.refused()
    }
    for number, (_, column, code, said) in enumerate(WRONG, start=len(good) + 2):
        named, given, reason = found[f"{number})"]
        assert (named, given) == (column, code)
        assert said in reason
        assert f"(time_entry.csv, row {number})" in reason
    # refused once, however often it is landed and wherever it stands, and open as long as it does
    folder.write("time_entry.csv", HEADER, *good, GOOD.replace("t1", "t10"), *(row for row, *_ in WRONG))
    assert folder.one(NEXT).rows_rejected == len(WRONG)
    states = [one["state"] for one in rejects.list_rejects(folder.home.path, state=None)]
    assert states == ["OPEN"] * len(WRONG)
    # and closed once it is right; who lacks a usable key cannot be told apart
    right = [GOOD.replace("t1", f"t{at}") for at in range(10, 10 + 25)]
    folder.write("time_entry.csv", HEADER, *good, *right)
    folder.one(LAST)
    left = {one["reason_code"] for one in rejects.list_rejects(folder.home.path)}
    assert left == {"KEY_MISSING", "NOT_BARE"}


def test_a_balance_of_a_kind_that_is_not_carried_is_refused(folder: Folder) -> None:
    folder.write(
        "opening_balance.csv", "opening_balance_id,kind,balance_date,contract_line_id,amount,currency_code",
        "R1,REVENUE_TO_DATE,2025-12-31,L1,60000,USD", "W1,WIP,2025-12-31,L1,100,USD",
    )  # fmt: skip
    result = folder.one()
    assert (result.rows_landed, result.rows_rejected) == (1, 1)
    ((column, code, reason),) = folder.refused()
    assert (column, code) == ("kind", "UNKNOWN_CODE")
    assert (
        'kind holds "WIP": write one of REVENUE_TO_DATE, BILLED_TO_DATE, COST_TO_DATE, RECEIVABLE' in reason
    )


def test_a_refused_row_deletes_nothing(folder: Folder) -> None:
    folder.write("time_entry.csv", HEADER, GOOD, GOOD.replace("t1", "t2"))
    folder.land()
    folder.write("time_entry.csv", HEADER, GOOD, "t2,p1,r1,2026-03-02,n/a,true,approved")
    assert folder.one(NEXT).rows_deleted == 0
    assert len(rows_of(folder, "time_entry", "time_entry_id")) == 2


def test_a_duplicate_is_not_replayed_as_it_is(folder: Folder) -> None:
    folder.write("time_entry.csv", HEADER, GOOD, GOOD.replace("7.5", "9"))
    folder.land()
    folder.home.at(NEXT)
    done = rejects.replay(folder.home.path)
    assert (len(done.refused), done.rows_landed) == (1, 0)
    key = next(iter(done.refused))
    right = rejects.replay(folder.home.path, [key], corrections={key: {"time_entry_id": "t7"}})
    assert right.rows_landed == 1


def test_a_record_of_a_port_that_two_systems_fill_says_which_it_is(folder: Folder) -> None:
    folder.write("customer.csv", "source_system,customer_id,name", "crm,1,Acme", ",2,Bolt", "sap,3,Cog")
    assert folder.one().rows_rejected == 2
    assert [(column, code) for column, code, _ in folder.refused()] == [
        ("source_system", "KEY_MISSING"),
        ("source_system", "UNKNOWN_CODE"),
    ]


def amounts(folder: Folder, *cells: str) -> tuple[list[Decimal], list[str]]:
    """What the contract is given for a column of amounts, and what is refused of it."""
    header = "customer_po_id;number;customer_id;amount;currency_code"
    folder.write("customer_po.csv", header, *(f"{at};n;c;{cell};EUR" for at, cell in enumerate(cells)))
    [page] = read(folder, "customer_po")
    notes = page.column("_refused").to_pylist()
    given = page.column("amount").to_pylist()
    # text where one of the batch is refused, the contract's type where none is
    return [Decimal(value) for value, note in zip(given, notes, strict=True) if not note], [
        note for note in notes if note
    ]


@pytest.mark.parametrize(
    ("cells", "landed"),
    [
        (["1.234", "12", "0.5"], ["1.234", "12", "0.5"]),
        (["1.234,56", "12", "1.234"], ["1234.56", "12", "1234"]),
        (["0,5", "-1.000"], ["0.5", "-1000"]),
        (["1,234.56", "12", "1,234"], ["1234.56", "12", "1234"]),
        (["1,234,567", "2"], ["1234567", "2"]),
        # no way to tell: a comma before three digits, and commas that contradict each other
        (["1,234", "12"], ["12"]),
        (["1,5", "1.5", "7"], ["7"]),
    ],
)  # fmt: skip
def test_decimal_commas_are_read_where_they_can_be_nothing_else(
    folder: Folder, cells: list[str], landed: list[str]
) -> None:
    given, refused = amounts(folder, *cells)
    assert given == [Decimal(value) for value in landed]
    for note in refused:
        assert note.startswith('AMBIGUOUS_NUMBER:amount:amount holds "')
        assert "commas mark decimals or thousands; write " in note


def test_an_ambiguous_number_is_a_reject(folder: Folder) -> None:
    amounts(folder, "1,234", "12")
    assert folder.one().rows_landed == 1
    [(column, code, reason)] = folder.refused()
    assert (column, code) == ("amount", "AMBIGUOUS_NUMBER")
    assert "write 1.234 or 1234 (customer_po.csv, row 2)" in reason


# ---- what stops a port or the folder ---------------------------------------------------------------------


def read(folder: Folder, port: str, **settings: Any) -> list[pa.Table]:
    """The pages of one port as landing is given them."""
    source = load_source("files")
    reader = source.reader({"path": str(folder.path), **settings})
    reader.open()
    resource = source.manifest.resource(port)
    window = Window(None, datetime.fromisoformat(NOW))
    return list(reader.rows(resource, window, reader.discover(resource)))


def broken(folder: Folder, code: str, port: str) -> str:
    """The words of the error that reading a port ends with."""
    with pytest.raises(ThroughlineError) as caught:
        read(folder, port)
    told = caught.value
    assert told.code == code
    assert all((told.effect, told.why, told.fix, told.then))
    assert not {"{", "}"} & set(told.what + told.effect + told.fix + told.then)
    return f"{told.what} | {told.fix}"


def test_a_broken_file_leaves_the_others_alone(folder: Folder) -> None:
    folder.write("time_entry.csv", HEADER + ",bilable_amount", GOOD + ",1")
    folder.write("currency.csv", "currency_code", "EUR")
    result = folder.land()
    assert (result.status, result.rows_landed) == ("PARTIAL", 1)
    assert [problem.code for problem in result.errors] == ["E-SRC-034"]


def test_a_file_named_like_no_port_stops_the_folder(folder: Folder) -> None:
    folder.write("time_entrys.csv", HEADER, GOOD)
    folder.write("currency.csv", "currency_code", "EUR")
    assert "time_entrys.csv is named like no port; did you mean time_entry.csv?" in broken(
        folder, "E-SRC-032", "currency"
    )
    stopped = folder.land()
    assert (stopped.status, stopped.rows_landed) == ("FAILED", 0)
    (folder.path / "time_entrys.csv").rename(folder.path / "notes.txt")
    assert folder.land(NEXT).status == "OK"


def test_no_folder_and_an_empty_one(folder: Folder) -> None:
    assert "holds no file of any port" in broken(folder, "E-SRC-031", "currency")
    folder.path.rmdir()
    assert "there is no folder" in broken(folder, "E-SRC-031", "currency")


def test_two_files_of_one_port(folder: Folder) -> None:
    as_csv(folder.path / "invoice.csv")
    as_xlsx(folder.path / "invoice.xlsx")
    assert "invoice.csv and invoice.xlsx" in broken(folder, "E-SRC-033", "invoice")


@pytest.mark.parametrize(
    ("header", "code", "said"),
    [
        (HEADER + ",bilable_amount", "E-SRC-034",
         "time_entry has no column bilable_amount; did you mean billable_amount?"),
        (HEADER + ",hours", "E-SRC-034", "column hours stands there twice"),
        (HEADER + ",", "E-SRC-034", "column 8 has no name"),
        (HEADER.replace("hours,", ""), "E-SRC-035",
         "time_entry.csv, row 1: the required column hours is missing (Hours.)"),
        ("", "E-SRC-036", "it has no header"),
    ],
)  # fmt: skip
def test_a_header_that_does_not_fit(folder: Folder, header: str, code: str, said: str) -> None:
    folder.write("time_entry.csv", header, GOOD)
    assert said in broken(folder, code, "time_entry")


def test_the_system_is_a_required_column_where_two_fill_a_port(folder: Folder) -> None:
    folder.write("project.csv", "project_id,name", "1,A")
    assert "source_system, billing_method" in broken(folder, "E-SRC-035", "project")


def test_a_file_that_is_no_utf_8(folder: Folder) -> None:
    folder.write("currency.csv", "currency_code,name", "JPY,¥en", encoding="cp1252")
    assert "currency.csv cannot be read: it is not UTF-8" in broken(folder, "E-SRC-036", "currency")
    [page] = read(folder, "currency", encoding="cp1252")
    assert page.column("name").to_pylist() == ["¥en"]
    folder.write("currency.csv", "currency_code,name", "JPY,Yen", encoding="utf-16")
    assert "it is UTF-16, which spreadsheets call Unicode text" in broken(folder, "E-SRC-036", "currency")


def test_files_that_are_not_what_their_names_say(folder: Folder) -> None:
    folder.write("currency.xlsx", "currency_code")
    assert "it is no XLSX workbook" in broken(folder, "E-SRC-036", "currency")
    (folder.path / "currency.xlsx").rename(folder.path / "currency.parquet")
    assert "it is no Parquet file" in broken(folder, "E-SRC-036", "currency")


def test_a_row_with_another_number_of_cells(folder: Folder) -> None:
    folder.write("time_entry.csv", HEADER, GOOD, "t2,p1,r1,2026-03-02,7,5,true,approved")
    assert "row 3 has 8 cells, the header 7" in broken(folder, "E-SRC-036", "time_entry")


def test_a_parquet_column_of_a_type_that_is_no_cell(folder: Folder) -> None:
    pq.write_table(pa.table({"currency_code": ["EUR"], "name": [["a"]]}), folder.path / "currency.parquet")
    assert "its column name is of type list" in broken(folder, "E-SRC-036", "currency")


def test_a_column_that_is_wrong_as_a_whole_stops_its_port(folder: Folder) -> None:
    rows = [GOOD.replace("t1", f"t{at}").replace("2026-03-02", "02/03/2026") for at in range(6)]
    folder.write("time_entry.csv", HEADER, GOOD.replace("t1", "t9"), *rows)
    said = broken(folder, "E-SRC-037", "time_entry")
    assert folder.one().rows_rejected == 0
    assert "time_entry.csv: 6 of 7 cells in column work_date are wrong, the first in row 3" in said
    assert folder.refused() == []


def test_floats_and_decimals_of_parquet_lose_no_digit_unseen(folder: Folder) -> None:
    header = ["customer_po_id", "number", "customer_id", "currency_code"]
    table = pa.table({name: ["a", "b"] for name in header})
    table = table.append_column(
        "amount", pa.array([Decimal("1.00001"), Decimal("2.5")], pa.decimal128(20, 5))
    )
    pq.write_table(table, folder.path / "customer_po.parquet")
    result = folder.one()
    assert (result.rows_landed, result.rows_rejected) == (1, 1)
    assert [row[1] for row in folder.refused()] == ["TOO_PRECISE"]


def test_names_of_people_stand_apart(folder: Folder) -> None:
    folder.write(
        "resource.csv",
        "source_system,resource_id,worker_type,display_name",
        "hr,1,employee,Ada",
        "hr,2,boss,Bob",
    )
    assert folder.one().rows_landed == 1
    assert folder.sql("select field, value from landing.personal order by 2") == [
        ("display_name", "Ada"),
        ("display_name", "Bob"),
    ]
    assert "Bob" not in str(folder.sql("select payload, reason from landing.reject"))
    [landed] = folder.sql("select * from files_files.resource")
    assert "Ada" not in landed
