"""Printing tables: for people on a terminal, as plain lines in a pipe, as JSON or CSV for programs.

Standard output carries data, standard error carries messages. Money is exact in every form: a Decimal is
printed with all its places, and in JSON it is text, because a JSON number is a float to most readers.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from throughline import clock

NUMBERS = (int, float, Decimal)


def plain(value: Any) -> Any:
    """`value` in JSON's terms: Decimal and times as text, also inside lists and mappings."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return clock.iso(value) if value.tzinfo else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    return str(value)


def as_json(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A JSON list of one object per row."""
    return json.dumps(
        [dict(zip(columns, (plain(value) for value in row), strict=True)) for row in rows], indent=2
    )


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """CSV with a header line; an absent value is an empty field, booleans are true and false."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(value, absent="") for value in row])
    return out.getvalue().rstrip("\n")


def cell(value: Any, absent: str = "–") -> str:
    """`value` as text in one cell."""
    if value is None:
        return absent
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = plain(value)
    return shown if isinstance(shown, str) else json.dumps(shown)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "") -> None:
    """Print a table on standard output: ruled on a terminal, tab-separated lines elsewhere."""
    if not sys.stdout.isatty():
        print("\t".join(columns))
        for row in rows:
            print("\t".join(cell(value).replace("\t", " ").replace("\n", " ") for value in row))
        return
    shown = Table(title=title or None, title_justify="left", header_style="bold")
    for number, name in enumerate(columns):
        right = any(isinstance(row[number], NUMBERS) and not isinstance(row[number], bool) for row in rows)
        shown.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(cell(value) for value in row))
    Console().print(shown)


def emit(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, json_: bool, title: str = "") -> None:
    """Print `rows`, one mapping per row: a table of `columns`, or (json_) JSON with every key they have."""
    if json_:
        print(json.dumps([plain(row) for row in rows], indent=2))
    else:
        table(columns, [[row.get(name) for name in columns] for row in rows], title=title)


def say(message: str) -> None:
    """One line for people, on standard error."""
    print(message, file=sys.stderr, flush=True)
