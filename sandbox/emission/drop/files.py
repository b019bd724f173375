"""Deliveries as files, in the forms that people send: DIR/tray/<instant>/<port>/<day>/ with a manifest.json.

The tray holds what is yet to come as well: a folder on disk has no clock, so whoever moves the sandbox's
clock puts what has come by then into the folder that is read (sandbox.drop_folder). The same firm gives the
same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from sandbox.emission.context import CENT
from sandbox.emission.drop.deliveries import COLUMNS, Delivery, File
from throughline.clock import iso

TRAY = "tray"
MANIFEST = "manifest.json"
BOM = "\ufeff"
# a workbook says when it was made; ours is the same whenever it is
MADE = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def write_tray(delivered: Sequence[Delivery], directory: Path) -> dict[str, int]:
    """Write all deliveries below DIR/tray; files per port."""
    counts: dict[str, int] = {}
    for one in delivered:
        folder = Path(one.port) / one.day.isoformat()
        entries = []
        for file in one.files:
            data = FORMS[Path(file.name).suffix](one.port, file)
            _put(directory / TRAY / stamp(one.sent_at) / folder / file.name, data)
            entries.append(_entry(file, data))
        body = json.dumps({"schema_version": 1, "files": entries}, indent=1) + "\n"
        _put(directory / TRAY / stamp(one.manifest_at) / folder / MANIFEST, body.encode())
        counts[one.port] = counts.get(one.port, 0) + len(one.files)
    return counts


def stamp(at: datetime) -> str:
    """An instant as the name of a folder; names sort as instants do."""
    return iso(at).replace("-", "").replace(":", "")


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _entry(file: File, data: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "file": file.name,
        "rows": len(file.rows),
        "sha256": hashlib.sha256(data).hexdigest(),
        **file.shared,
    }
    return entry if file.replaces is None else {**entry, "replaces": file.replaces}


def _columns(port: str, file: File) -> dict[str, pa.DataType]:
    """The columns of the file: those of which some row says something."""
    return {
        name: kind
        for name, kind in COLUMNS[port].items()
        if name not in file.shared and any(row[name] is not None for row in file.rows)
    }


def _csv(port: str, file: File) -> bytes:
    """As a European spreadsheet saves it: semicolons, decimal commas, a byte-order mark."""
    columns = _columns(port, file)
    lines = [";".join(columns)]
    lines += [";".join(_text(row[name]) for name in columns) for row in file.rows]
    return (BOM + "\r\n".join(lines) + "\r\n").encode()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        # two decimals or four: a comma before three digits could part thousands
        places = 4 if value % CENT else 2
        return f"{value:.{places}f}".replace(".", ",")
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f'"{text}"' if ";" in text else text


def _xlsx(port: str, file: File) -> bytes:
    """A sheet named like the port, with real numbers and dates."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm"})
    book.set_properties({"created": MADE})
    sheet = book.add_worksheet(port)
    columns = list(_columns(port, file))
    sheet.write_row(0, 0, columns)
    for number, row in enumerate(file.rows, start=1):
        for place, name in enumerate(columns):
            value = row[name]
            if isinstance(value, Decimal):
                sheet.write_number(number, place, float(value))
            elif isinstance(value, datetime):
                sheet.write_datetime(number, place, value.replace(tzinfo=None))
            elif isinstance(value, date):
                sheet.write_datetime(number, place, value)
            elif value is not None:
                sheet.write_string(number, place, str(value))
    book.close()
    return out.getvalue()


def _parquet(port: str, file: File) -> bytes:
    """Decimals as they are declared."""
    out = io.BytesIO()
    schema = pa.schema(list(_columns(port, file).items()))
    rows = [{name: row[name] for name in schema.names} for row in file.rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), out)
    return out.getvalue()


FORMS: dict[str, Callable[[str, File], bytes]] = {".csv": _csv, ".xlsx": _xlsx, ".parquet": _parquet}
