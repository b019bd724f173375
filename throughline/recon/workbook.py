"""The exception workbook: typed cells, formulas with their values, the same bytes for the same report.

Nothing in it depends on when it is written: its created property is the run's start, every order is fixed.
Text is written as text whatever it begins with, so a customer called `=HYPERLINK(...)` stays a name.
"""

from __future__ import annotations

import io
import textwrap
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from throughline import clock
from throughline.recon.columns import COUNT, DAY, EXCEPTIONS, INSTANT, MONEY, TEXT, VALUE, Column
from throughline.recon.cover import Line, cover
from throughline.recon.published import Report
from throughline.recon.rows import SHEETS, Sheet

# rows of one sheet; more go to a second sheet of the same columns
PART = 250_000
MONEY_FORMAT = '#,##0.00;[Red](#,##0.00);"-"'
# a share, a rate or hours beside money: all the places it has
VALUE_FORMAT = '#,##0.00######;[Red](#,##0.00######);"-"'
FILLS = {"S1": "#F8D7DA", "S2": "#FDE7D3", "S3": "#FFF4CC", "S4": "#EEF1F4"}
TIES, BROKEN = "TIES", "DOES NOT TIE"
# columns of sentences, which are broken into lines
SENTENCES = frozenset(
    ("control_name", "what_is_wrong", "why_it_matters", "suggested_action", "comment_latest", "meaning",
     "reason", "effect")
)  # fmt: skip
A3, A4 = 8, 9
# points; a cell with more lines than this is read in the formula bar
LINE_HEIGHT, MOST_LINES = 15, 4


class _Formats:
    """The workbook's cell formats, made once in a fixed order."""

    def __init__(self, book: Workbook) -> None:
        self.header: Format = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "indent": 1}
        )
        # indented, so that a text does not touch the number before it
        text = {"num_format": "@", "align": "left", "valign": "top", "indent": 1}
        self.text: Format = book.add_format(text)
        self.wrapped: Format = book.add_format({**text, "text_wrap": True})
        self.money: Format = book.add_format({"num_format": MONEY_FORMAT, "valign": "top"})
        self.value: Format = book.add_format({"num_format": VALUE_FORMAT, "valign": "top"})
        self.count: Format = book.add_format({"num_format": "#,##0", "valign": "top"})
        self.day: Format = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})
        self.instant: Format = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "valign": "top"})
        self.label: Format = book.add_format({"bold": True, "valign": "top"})
        self.title: Format = book.add_format({"bold": True, "font_size": 14})
        self.total: Format = book.add_format({"bold": True, "top": 1})
        self.total_money: Format = book.add_format({"bold": True, "top": 1, "num_format": MONEY_FORMAT})
        self.total_count: Format = book.add_format({"bold": True, "top": 1, "num_format": "#,##0"})
        self.line: Format = book.add_format({"bottom": 1})
        left = {"align": "left", "valign": "top"}
        self.note: Format = book.add_format({**left, "text_wrap": True, "font_color": "#5A6470"})
        self.left_text: Format = book.add_format({**left, "num_format": "@", "text_wrap": True})
        self.left_money: Format = book.add_format({**left, "num_format": MONEY_FORMAT})
        self.left_count: Format = book.add_format({**left, "num_format": "#,##0"})
        self.left_day: Format = book.add_format({**left, "num_format": "yyyy-mm-dd"})
        self.severity: dict[str, Format] = {
            level: book.add_format({**text, "bg_color": colour}) for level, colour in FILLS.items()
        }

    def of(self, kind: str) -> Format:
        """The format of a kind of column."""
        return {
            TEXT: self.text, MONEY: self.money, COUNT: self.count, DAY: self.day, VALUE: self.value,
            INSTANT: self.instant,
        }[kind]  # fmt: skip


def _write(sheet: Worksheet, row: int, column: int, value: Any, kind: Format, formats: _Formats) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value, kind)
    elif isinstance(value, (int, Decimal)):
        sheet.write_number(row, column, float(value), kind)
    elif isinstance(value, datetime):
        naive = value.astimezone(clock.parse_instant("1970-01-01").tzinfo).replace(tzinfo=None)
        sheet.write_datetime(row, column, naive, formats.instant)
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day)  # noqa: DTZ001
        sheet.write_datetime(
            row, column, moment, formats.left_day if kind is formats.left_day else formats.day
        )
    else:
        sheet.write_string(row, column, str(value), formats.text if kind in (formats.value,) else kind)


def _width(column: Column) -> int:
    """The column's width in characters: its name, whole and with the filter's arrow, fits into it."""
    return max(column.width, len(column.name) + 4)


@lru_cache(maxsize=4096)
def _lines(text: str, width: int) -> int:
    """How many lines `text` takes in a cell of `width` characters, words kept whole."""
    if len(text) <= width and "\n" not in text:
        return 1
    return sum(max(1, len(textwrap.wrap(part, width))) for part in text.split("\n") or [""])


def _fit(sheet: Worksheet, number: int, columns: tuple[Column, ...], row: list[Any]) -> None:
    """Make a row as high as its longest sentence: readers do not all do so on opening."""
    lines = [
        _lines(value, _width(column))
        for column, value in zip(columns, row, strict=True)
        if column.name in SENTENCES and isinstance(value, str)
    ]
    high = min(max(lines, default=1), MOST_LINES)
    if high > 1:
        sheet.set_row(number, LINE_HEIGHT * high)


def _frame(sheet: Worksheet, columns: tuple[Column, ...], count: int, freeze: int, formats: _Formats) -> None:
    for number, column in enumerate(columns):
        sheet.set_column(number, number, _width(column))
        sheet.write_string(0, number, column.name, formats.header)
    sheet.set_row(0, LINE_HEIGHT + 5)
    sheet.freeze_panes(1, freeze)
    sheet.autofilter(0, 0, max(count, 1), len(columns) - 1)
    sheet.repeat_rows(0)


def _print_set_up(sheet: Worksheet, footer: str, *, paper: int = A4, wide: int = 1) -> None:
    """Landscape, `wide` pages across and as many down as it takes; the key stands on every page."""
    sheet.set_landscape()
    sheet.set_paper(paper)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
    sheet.fit_to_pages(wide, 0)
    if wide > 1:
        sheet.repeat_columns(0, 1)
    sheet.set_footer(footer)


def _table(
    book: Workbook,
    sheet: Sheet,
    columns: tuple[Column, ...],
    found: list[list[Any]],
    formats: _Formats,
    footer: str,
) -> list[str]:
    """Write one table, in parts where it is long; the names of its sheets."""
    names = []
    for part, start in enumerate(range(0, max(len(found), 1), PART), start=1):
        rows = found[start : start + PART]
        name = sheet.name if part == 1 else f"{sheet.name}_{part}"
        page = book.add_worksheet(name)
        names.append(name)
        _frame(page, columns, len(rows), sheet.freeze, formats)
        _print_set_up(page, footer, paper=A3 if sheet.large_paper else A4, wide=sheet.wide)
        for number, row in enumerate(rows, start=1):
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                kind = formats.wrapped if column.name in SENTENCES else formats.of(column.kind)
                if column.name == "severity" and value in formats.severity:
                    kind = formats.severity[value]
                _write(page, number, place, value, kind, formats)
            _fit(page, number, columns, row)
    return names


def _detail(names: list[str], column: str) -> list[str]:
    place = xl_col_to_name([one.name for one in EXCEPTIONS].index(column))
    return [f"'{name}'!${place}$2:${place}${PART + 1}" for name in names]


def _summary(
    page: Worksheet,
    report: Report,
    columns: tuple[Column, ...],
    found: list[list[Any]],
    detail: list[str],
    formats: _Formats,
    footer: str,
) -> None:
    """The summary: exceptions as formulas over the detail, totals as sums, and whether they tie."""
    names = [column.name for column in columns]
    _frame(page, columns, len(found), 2, formats)
    _print_set_up(page, footer, paper=A3, wide=SHEETS[0].wide)
    keys = _detail(detail, "control_id")
    states = _detail(detail, "status")
    amounts = _detail(detail, "amount_at_risk_rc")
    counting = "+".join(
        f'COUNTIFS({key},$A{{row}},{state},"<>WAIVED")' for key, state in zip(keys, states, strict=True)
    )
    adding = "+".join(
        f'SUMIFS({amount},{key},$A{{row}},{state},"<>WAIVED")'
        for amount, key, state in zip(amounts, keys, states, strict=True)
    )
    for number, row in enumerate(found, start=1):
        for place, (column, value) in enumerate(zip(columns, row, strict=True)):
            kind = formats.wrapped if column.name in SENTENCES else formats.of(column.kind)
            formula = {"exception_count": counting, "exception_amount": adding}.get(column.name)
            if formula is not None and value is not None:
                page.write_formula(number, place, "=" + formula.format(row=number + 1), kind, float(value))
            else:
                _write(page, number, place, value, kind, formats)
        _fit(page, number, columns, row)
    last = len(found) + 1
    page.write_string(last, 0, "Total", formats.total)
    totals: dict[str, Decimal] = {}
    for place, column in enumerate(columns):
        if column.kind not in (MONEY, COUNT):
            continue
        unknown = [row[place] is None for row in found]
        if all(unknown) or (any(unknown) and column.kind == MONEY):
            # nothing was published to add up, or one part is unknown: blank, not zero and not less
            continue
        letter = xl_col_to_name(place)
        totals[column.name] = sum((Decimal(row[place] or 0) for row in found), Decimal(0))
        kind = formats.total_money if column.kind == MONEY else formats.total_count
        page.write_formula(last, place, f"=SUM({letter}2:{letter}{last})", kind, float(totals[column.name]))
    amount = sum((row["amount_at_risk"] or Decimal(0) for row in report.open), Decimal(0))
    place = xl_col_to_name(names.index("exception_amount"))
    # without a total, the known amounts of the detail are held against the warehouse
    is_known = "exception_amount" in totals
    shown = TIES if not is_known or round(totals["exception_amount"] - amount, 2) == 0 else BROKEN
    added = (
        f"{place}{last + 1}"
        if is_known
        else "("
        + "+".join(f'SUMIFS({one},{state},"<>WAIVED")' for one, state in zip(amounts, states, strict=True))
        + ")"
    )
    page.write_string(last + 2, 0, "Exceptions in the warehouse", formats.label)
    page.write_number(last + 2, names.index("exception_amount"), float(amount), formats.money)
    page.write_string(last + 3, 0, "Check of the total above", formats.label)
    page.write_formula(
        last + 3,
        names.index("exception_amount"),
        f'=IF(ROUND({added}-{place}{last + 3},2)=0,"{TIES}","{BROKEN}")',
        formats.label,
        shown,
    )
    page.write_string(last + 4, 0, "Headline amount at risk (each risk once; see 00_Cover)", formats.label)
    page.write_number(last + 4, names.index("exception_amount"), float(report.headline), formats.money)


def _cover(page: Worksheet, lines: list[Line], formats: _Formats, footer: str) -> dict[str, int]:
    """The cover's lines; the row of each name."""
    for number, width in enumerate((28, 72, 64)):
        page.set_column(number, number, width)
    _print_set_up(page, footer)
    placed = {}
    for number, line in enumerate(lines):
        placed[line.name] = number
        page.write_string(number, 0, line.name, formats.label)
        page.write_string(number, 2, line.meaning, formats.note)
        if number == 0:
            page.write_string(number, 1, str(line.value), formats.title)
        elif line.value is None:
            page.set_row(number, 24)
            page.write_blank(number, 1, None, formats.line)
        elif isinstance(line.value, Decimal):
            page.write_number(number, 1, float(line.value), formats.left_money)
        elif isinstance(line.value, int):
            page.write_number(number, 1, line.value, formats.left_count)
        elif isinstance(line.value, date):
            _write(page, number, 1, line.value, formats.left_day, formats)
        else:
            page.write_string(number, 1, str(line.value), formats.left_text)
            page.set_row(number, LINE_HEIGHT * _lines(str(line.value), 72))
    return placed


def build(report: Report, name: str, software: str) -> bytes:
    """The workbook of `report` as bytes; `name` is the file's name, printed in the footers."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties(
        {
            "title": f"Reconciliation exceptions as of {report.as_of}",
            "subject": report.filter.text(),
            "author": "Throughline",
            "comments": f"run {report.run_id}",
            "created": report.started_at.replace(tzinfo=None),
        }
    )
    book.set_custom_property("run_id", report.run_id, "text")
    book.set_custom_property("content_sha256", report.hash, "text")
    formats = _Formats(book)
    # a footer holds 255 characters at most
    shown = f"{name[:120]} · {report.run_id}\n{report.hash}".replace("&", "&&")
    footer = f"&C&8 {shown}&R&8 &P / &N"
    pages = {sheet: book.add_worksheet(sheet) for sheet in ("00_Cover", "01_Summary")}
    found = {sheet.name: sheet.rows(report) for sheet in SHEETS}
    detail: list[str] = []
    for sheet in SHEETS:
        if sheet.name == "01_Summary":
            continue
        written = _table(book, sheet, sheet.columns_of(report), found[sheet.name], formats, footer)
        if sheet.name == "02_Exceptions":
            detail = written
    placed = _cover(pages["00_Cover"], cover(report, software), formats, footer)
    summary = SHEETS[0]
    columns = summary.columns_of(report)
    _summary(pages[summary.name], report, columns, found[summary.name], detail, formats, footer)
    book.define_name("headline_amount_at_risk", f"='00_Cover'!$B${placed['headline_amount_at_risk'] + 1}")
    book.define_name("content_sha256", f"='00_Cover'!$B${placed['content_sha256'] + 1}")
    book.close()
    return out.getvalue()
