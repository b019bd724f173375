"""Tables in files (CSV, Parquet, XLSX) as Arrow batches: read as often as needed, never typed by guess.

A CSV's and a worksheet's cells come as text, as they stand there; Parquet brings its own types.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

SUFFIXES = (".csv", ".parquet", ".xlsx")
DELIMITERS = (",", ";", "\t")
BLOCK_BYTES = 8 << 20
BATCH_ROWS = 100_000
# what spreadsheets write in front of text that is not UTF-8
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
# days from a workbook's day 0 to 1970-01-01, by the two ways in which workbooks count
EPOCH_1900, EPOCH_1904 = 25569, 24107
CELLS = re.compile(r"(Row #(\d+): )?Expected (\d+) columns, got (\d+)")


class UnreadableError(Exception):
    """The file is no table: `detail` says why, `fix` what to do."""

    def __init__(self, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fix = fix


class Sheet(Protocol):
    """An open table. `names` are its columns, in lower case; `epoch` counts a workbook's dates."""

    path: Path
    names: list[str]
    epoch: int | None

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """All rows, in order, with these columns (by the names they are written with)."""


def open_sheet(path: Path, port: str, known: Sequence[str], encoding: str) -> Sheet:
    """The table in `path`. `port` names the worksheet to prefer, `known` are columns to tell a header by.

    Raises UnreadableError.
    """
    if path.suffix.lower() == ".csv":
        return CsvSheet(path, known, encoding)
    if path.suffix.lower() == ".parquet":
        return ParquetSheet(path)
    return WorkbookSheet(path, port)


def row_number(position: int) -> int:
    """The number that a spreadsheet shows beside the data row at `position` (from 0): the header is row 1."""
    return position + 2


def column_names(cells: Sequence[Any]) -> list[str]:
    """Header cells as names: trimmed, in lower case."""
    return ["" if cell is None else str(cell).strip().lower() for cell in cells]


class CsvSheet:
    """A CSV file; comma, semicolon or tab by which of them makes known columns of the header."""

    epoch: int | None = None

    def __init__(self, path: Path, known: Sequence[str], encoding: str) -> None:
        self.path = path
        self._encoding = encoding
        with path.open("rb") as handle:
            first = handle.readline(1 << 20)
        if first.startswith(WIDE_MARKS):
            raise UnreadableError(
                "it is UTF-16, which spreadsheets call Unicode text", 'Save it as "CSV UTF-8".'
            )
        try:
            line = first.decode("utf-8-sig" if encoding == "utf8" else encoding).rstrip("\r\n")
        except (UnicodeDecodeError, LookupError) as problem:
            raise self._not_text(problem) from None
        if not line.strip():
            raise UnreadableError(
                "it has no header", "Write the column names into its first row, or remove it."
            )
        self.delimiter, self.names = max(
            ((mark, self._split(line, mark)) for mark in DELIMITERS),
            # with no known name at all, the mark that splits most tells the writer's columns apart
            key=lambda found: (len(set(found[1]) & set(known)), len(found[1])),
        )

    @staticmethod
    def _split(line: str, delimiter: str) -> list[str]:
        return column_names(next(csv.reader([line], delimiter=delimiter)))

    def _not_text(self, problem: Exception) -> UnreadableError:
        return UnreadableError(
            f"it is not {'UTF-8' if self._encoding == 'utf8' else self._encoding} ({problem})",
            'Save it as "CSV UTF-8"; or name what it is written in, encoding = "cp1252" for most Western'
            " European spreadsheets, in [sources.files] of throughline.toml.",
        )

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        try:
            yield from self._read(columns, threads=True)
        except pa.ArrowInvalid as problem:
            if "Empty CSV file" in str(problem):
                # nothing behind the header
                return
            if "UTF8" in str(problem):
                raise self._not_text(problem) from None
            raise self._misshapen(problem) from None
        except UnicodeDecodeError as problem:
            raise self._not_text(problem) from None

    def _read(self, columns: Sequence[str], *, threads: bool) -> Iterator[pa.Table]:
        reader = pacsv.open_csv(
            self.path,
            read_options=pacsv.ReadOptions(
                block_size=BLOCK_BYTES,
                column_names=self.names,
                skip_rows=1,
                encoding=self._encoding,
                use_threads=threads,
            ),
            parse_options=pacsv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(self.names, pa.string()),
                include_columns=list(columns),
                strings_can_be_null=False,
            ),
        )
        for batch in reader:
            yield pa.Table.from_batches([batch])

    def _misshapen(self, problem: pa.ArrowInvalid) -> UnreadableError:
        """A row that has too many cells or too few; its number is known to a reader with one thread only."""
        text = str(problem)
        try:
            for _ in self._read(self.names, threads=False):
                pass
        except pa.ArrowInvalid as again:
            text = str(again)
        if cells := CELLS.search(text):
            row = f"row {cells[2]}" if cells[2] else "a row"
            text = f"{row} has {cells[4]} cells, the header {cells[3]}"
        return UnreadableError(
            text.split("\n")[0][:200],
            "Give every row as many cells as the header; text that holds the separator, a quote or a new line"
            ' stands in quotes ("...").',
        )


class ParquetSheet:
    """A Parquet file with the types it was written with."""

    epoch: int | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._written = list(pq.read_schema(path).names)
        except (pa.ArrowInvalid, OSError) as problem:
            raise UnreadableError(f"it is no Parquet file ({problem})"[:200], "Write it anew.") from None
        self.names = column_names(self._written)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        written = [self._written[self.names.index(name)] for name in columns]
        try:
            with pq.ParquetFile(self.path) as opened:
                for batch in opened.iter_batches(batch_size=BATCH_ROWS, columns=written):
                    yield pa.Table.from_batches([batch]).select(written).rename_columns(list(columns))
        except (pa.ArrowInvalid, OSError) as problem:
            raise UnreadableError(
                f"it cannot be read to its end ({problem})"[:200], "Write it anew."
            ) from None


class WorkbookSheet:
    """The worksheet named like the port, else the first; formulas by the values that were saved with them."""

    def __init__(self, path: Path, port: str) -> None:
        import openpyxl
        from openpyxl.utils.datetime import CALENDAR_MAC_1904

        self.path = path
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        except Exception as problem:
            # openpyxl raises what the zip, XML or its own parser raises
            raise UnreadableError(
                f"it is no XLSX workbook ({problem})"[:200], "Save it as .xlsx, or as CSV UTF-8."
            ) from None
        try:
            named = {title.strip().lower(): title for title in book.sheetnames}
            sheet = book[named.get(port, book.sheetnames[0])]
            self.epoch: int | None = EPOCH_1904 if book.epoch == CALENDAR_MAC_1904 else EPOCH_1900
            rows = sheet.iter_rows(values_only=True)
            header = list(next(rows, ()))
            while header and header[-1] is None:
                header.pop()
            if not header:
                raise UnreadableError(
                    "its sheet has no header", "Write the column names into its first row, or remove it."
                )
            self.names = column_names(header)
            self._columns: list[list[str]] = [[] for _ in header]
            for row in rows:
                for position, cells in enumerate(self._columns):
                    cells.append(_cell(row[position]) if position < len(row) else "")
        finally:
            book.close()

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        cells = {name: pa.array(self._columns[self.names.index(name)], pa.string()) for name in columns}
        whole = pa.table(cells)
        if whole.num_rows:
            yield whole


def _cell(value: Any) -> str:
    """A cell as text: numbers with the fifteen digits a spreadsheet keeps, dates as ISO writes them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(value, ".15g")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
