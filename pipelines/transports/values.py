"""The cells of one column of a file, brought into the one form that the landing's contract reads.

All work is done on whole columns; only cells that are refused are looked at one by one. What cannot be told
for certain, such as whether "1,234" is a thousand or a little more than one, is refused with its reason.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.manifest import KINDS, NUMBERS
from pipelines.ports import Column

PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
WITH_COMMA = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?$"
WITH_POINT = r"^[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$"
SERIAL = r"^\d+(\.\d+)?$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
INSTANT = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}"
MIDNIGHT = r"^(\d{4}-\d{2}-\d{2})[ T]00:00(:00(\.0+)?)?$"
TRUTHS = ("true", "t", "yes", "y", "1", "false", "f", "no", "n", "0")
# a workbook's serial numbers before this one fall on days that spreadsheets do not agree about
FIRST_SERIAL = 61
POINT, COMMA, GROUPED, UNCLEAR = "point", "comma", "grouped", "unclear"


@dataclass
class Marks:
    """How a column of numbers is written, over all of its rows: what the commas and points in it can be."""

    commas: int = 0
    only_comma: int = 0
    only_point: int = 0

    def add(self, cells: pa.ChunkedArray) -> None:
        """Take in some rows of the column."""
        found = pc.sum(pc.match_substring(cells, ",")).as_py() or 0
        self.commas += found
        separated = cells.filter(pc.match_substring_regex(cells, "[.,]"))
        comma = pc.match_substring_regex(separated, WITH_COMMA)
        point = pc.match_substring_regex(separated, WITH_POINT)
        self.only_comma += pc.sum(pc.and_not(comma, point)).as_py() or 0
        self.only_point += pc.sum(pc.and_not(point, comma)).as_py() or 0

    @property
    def style(self) -> str:
        """POINT, COMMA ("1.234,56"), GROUPED ("1,234.56"), or UNCLEAR when it can be read in two ways."""
        if not self.commas:
            return POINT
        if self.only_comma and not self.only_point:
            return COMMA
        return GROUPED if self.only_point and not self.only_comma else UNCLEAR


@dataclass(frozen=True)
class Refusal:
    """A cell that is refused: its row in the batch, the contract's code for it, and why with what to do."""

    position: int
    code: str
    reason: str


@dataclass
class Cells:
    """A column's cells in the contract's form, and those that are refused."""

    values: pa.ChunkedArray
    refused: list[Refusal] = field(default_factory=list)


def as_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cells of any type as trimmed text. Raises ArrowInvalid or ArrowNotImplementedError (lists, bytes)."""
    if pa.types.is_dictionary(cells.type):
        cells = pc.cast(cells, cells.type.value_type)
    if pa.types.is_timestamp(cells.type):
        # written out as an instant of UTC, whatever zone it is kept in
        zone = "Z" if cells.type.tz else ""
        cells = pc.strftime(
            pc.cast(cells, pa.timestamp("us", cells.type.tz), safe=False), "%Y-%m-%d %H:%M:%S"
        )
        if zone:
            cells = pc.binary_join_element_wise(cells, pa.scalar("+00"), "")
    elif pa.types.is_binary(cells.type) or pa.types.is_nested(cells.type):
        raise pa.ArrowInvalid(f"{cells.type} is no text")
    else:
        cells = pc.cast(cells, pa.string())
    return pc.utf8_trim_whitespace(cells)


def is_ready(kind: str, found: pa.DataType) -> bool:
    """Whether a typed column already is what the contract makes of this kind, without a digit lost."""
    wanted = KINDS[kind]
    if pa.types.is_timestamp(wanted):
        return bool(pa.types.is_timestamp(found) and found.tz)
    if pa.types.is_decimal(wanted):
        return bool(
            pa.types.is_decimal(found)
            and found.scale <= wanted.scale
            and found.precision - found.scale <= wanted.precision - wanted.scale
        )
    if pa.types.is_integer(wanted):
        return bool(pa.types.is_signed_integer(found))
    return bool(not pa.types.is_string(wanted) and wanted.equals(found))


def read_cells(cells: pa.ChunkedArray, column: Column, style: str, epoch: int | None) -> Cells:
    """`cells` as the contract reads them. `style` is how numbers are written, `epoch` a workbook's day 0."""
    if is_ready(column.kind, cells.type):
        return Cells(pc.cast(cells, KINDS[column.kind], safe=False))
    text = as_text(cells)
    if column.kind in NUMBERS:
        return _numbers(text, column, style)
    if column.kind in {"date", "ts"}:
        return _times(text, column, epoch)
    if column.kind == "bool":
        known = pc.is_in(pc.utf8_lower(text), value_set=pa.array(TRUTHS))
        return Cells(
            text, _refuse(text, pc.invert(known), column, "NOT_A_BOOLEAN", lambda _: "write true or false")
        )
    if column.values:
        known = pc.is_in(text, value_set=pa.array(column.values))
        return Cells(text, _refuse(text, pc.invert(known), column, "UNKNOWN_CODE", _codes(column)))
    return Cells(text)


def _codes(column: Column) -> Callable[[str], str]:
    def hint(value: str) -> str:
        spelt = {word.lower(): word for word in column.values}
        near = difflib.get_close_matches(value.lower(), spelt, n=1)
        meant = f"did you mean {spelt[near[0]]}? " if near else ""
        return f"{meant}write one of {', '.join(column.values)}"

    return hint


def _numbers(text: pa.ChunkedArray, column: Column, style: str) -> Cells:
    refused: list[Refusal] = []
    if style in {COMMA, GROUPED}:
        form = WITH_COMMA if style == COMMA else WITH_POINT
        plain = pc.replace_substring(pc.replace_substring(text, ".", ""), ",", ".")
        if style == GROUPED:
            plain = pc.replace_substring(text, ",", "")
        text = pc.if_else(pc.match_substring_regex(text, form), plain, text)
    elif style == UNCLEAR:
        doubtful = pc.match_substring_regex(text, r"^[+-]?[\d.]*[.,][\d.,]*$")
        refused = _refuse(text, doubtful, column, "AMBIGUOUS_NUMBER", _ambiguous)
        done = pc.or_(doubtful, pc.match_substring_regex(text, PLAIN))
        return Cells(text, refused + _refuse(text, pc.invert(done), column, "NOT_A_NUMBER", _number))
    wrong = pc.invert(pc.match_substring_regex(text, PLAIN))
    return Cells(text, refused + _refuse(text, wrong, column, "NOT_A_NUMBER", _number))


def _number(_: str) -> str:
    return "write a number like 1234.56"


def _ambiguous(value: str) -> str:
    return (
        "the column does not tell whether its commas mark decimals or thousands;"
        f" write {value.replace('.', '').replace(',', '.')} or {value.replace(',', '')}"
    )


def _times(text: pa.ChunkedArray, column: Column, epoch: int | None) -> Cells:
    is_day = column.kind == "date"
    if epoch is not None:
        text = _serials(text, is_day, epoch)
    if epoch is not None and not is_day:
        # a workbook's cell at midnight is kept as a day
        text = pc.replace_substring_regex(text, f"({DAY})", r"\1 00:00:00")
    if is_day:
        text = pc.replace_substring_regex(text, MIDNIGHT, r"\1")
    wrong = pc.invert(pc.match_substring_regex(text, DAY if is_day else INSTANT))
    code = "NOT_A_DATE" if is_day else "NOT_A_TIME"
    return Cells(text, _refuse(text, wrong, column, code, _day if is_day else _instant))


def _day(value: str) -> str:
    if value.isdigit() and FIRST_SERIAL <= int(value) < 100_000:
        day = date(1899, 12, 30) + timedelta(days=int(value))
        return f"it looks like a spreadsheet's number for {day}; write {day}"
    return "write a date like 2026-01-31"


def _instant(_: str) -> str:
    return "write a time like 2026-01-31T18:00:00Z; without a zone it is UTC"


def _serials(text: pa.ChunkedArray, is_day: bool, epoch: int) -> pa.ChunkedArray:
    """Numbers in a workbook's date column as the days or instants they stand for."""
    numeric = pc.fill_null(pc.match_substring_regex(text, SERIAL), False)
    if not pc.any(numeric).as_py():
        return text
    serial = pc.cast(pc.if_else(numeric, text, None), pa.float64())
    usable = pc.and_(pc.greater_equal(serial, FIRST_SERIAL), pc.less(serial, 2_958_466))
    if is_day:
        usable = pc.and_(usable, pc.equal(serial, pc.floor(serial)))
    serial = pc.if_else(usable, serial, None)
    if is_day:
        days = pc.cast(pc.cast(pc.subtract(serial, float(epoch)), pa.int32()), pa.date32())
        written = pc.cast(days, pa.string())
    else:
        seconds = pc.round(pc.multiply(pc.subtract(serial, float(epoch)), 86_400.0))
        instants = pc.cast(pc.cast(seconds, pa.int64()), pa.timestamp("s"))
        written = pc.strftime(instants, "%Y-%m-%d %H:%M:%S")
    return pc.coalesce(written, text)


def _refuse(
    text: pa.ChunkedArray, wrong: pa.ChunkedArray, column: Column, code: str, hint: Callable[[str], str]
) -> list[Refusal]:
    """Refusals of the cells that are `wrong` and not empty."""
    where = pc.and_(pc.fill_null(wrong, False), pc.greater(pc.fill_null(pc.utf8_length(text), 0), 0))
    return [
        Refusal(position, code, f'{column.name} holds "{value[:60]}": {hint(value)}')
        for position, value in _picked(text, where)
    ]


def _picked(text: pa.ChunkedArray, where: pa.ChunkedArray) -> Iterator[tuple[int, str]]:
    if not pc.any(where).as_py():
        return
    positions = pc.indices_nonzero(where)
    yield from zip(positions.to_pylist(), text.take(positions).to_pylist(), strict=True)
