"""The workbook's CSV twin: one file per sheet and a manifest in one folder, the same bytes for one report.

UTF-8, ISO dates, decimal points, machine names as header. A text a spreadsheet would take for a formula gets
an apostrophe before it; numbers and dates are written as they are.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from throughline import clock
from throughline.recon.columns import MONEY, Column
from throughline.recon.cover import cover
from throughline.recon.digest import parameter_hash, row_hash
from throughline.recon.published import Report
from throughline.recon.rows import SHEETS

ROW_HASH = "row_sha256"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> str:
    """`value` as a CSV field: an absent value is empty, a dangerous text is made harmless."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return "'" + text if text.startswith(DANGEROUS) else text


def _table(header: list[str], rows: list[list[Any]], bom: bool) -> bytes:
    out = io.StringIO(newline="")
    # RFC 4180's line end: with a line feed alone, the writer leaves a carriage return inside a text unquoted
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")


def _sums(
    name: str, columns: tuple[Column, ...], rows: list[list[Any]], reporting_currency: str
) -> dict[str, dict[str, str]]:
    """The sums of a sheet's money columns by currency: amounts in transaction currency never mix."""
    names = [column.name for column in columns]
    sums: dict[str, dict[str, Decimal]] = {}
    if name in ("06_TieOuts", "07_Rollforwards", "11_Manifest"):
        # two sides of one thing, levels with what moved them, and control sums over all currencies are
        # compared, not added up
        return {}
    for place, column in enumerate(columns):
        if column.kind != MONEY:
            continue
        in_transaction = column.name.endswith("_tc") and "currency" in names
        for row in rows:
            if row[place] is None:
                continue
            currency = row[names.index("currency")] if in_transaction else reporting_currency
            held = sums.setdefault(column.name, {})
            held[str(currency)] = held.get(str(currency), Decimal(0)) + row[place]
    return {
        name: {currency: format(total, "f") for currency, total in sorted(held.items())}
        for name, held in sorted(sums.items())
    }


def build(report: Report, software: str, *, bom: bool = False) -> dict[str, bytes]:
    """The twin's files by name, manifest.json last."""
    files: dict[str, bytes] = {}
    listed = []
    lines: list[list[Any]] = [[line.name, line.value, line.meaning] for line in cover(report, software)]
    files["00_Cover.csv"] = _table(["label", "value", "meaning"], lines, bom)
    listed.append({"file": "00_Cover.csv", "rows": len(lines), "sums": {}})
    hashes = {row["exception_id"]: row_hash(row) for row in report.exceptions}
    for sheet in SHEETS:
        rows = sheet.rows(report)
        columns = sheet.columns_of(report)
        header = [column.name for column in columns]
        name = f"{sheet.name}.csv"
        if header[0] == "exception_id":
            # what the content hash is made of, so that a row can be checked, and told apart from a later one
            files[name] = _table([*header, ROW_HASH], [[*row, hashes[row[0]]] for row in rows], bom)
        else:
            files[name] = _table(header, rows, bom)
        sums = _sums(sheet.name, columns, rows, report.reporting_currency)
        listed.append({"file": name, "rows": len(rows), "sums": sums})
    for entry in listed:
        entry["sha256"] = hashlib.sha256(files[str(entry["file"])]).hexdigest()
    manifest = {
        "run_id": report.run_id,
        "as_of": report.as_of.isoformat(),
        "known_at": clock.iso(report.known_at),
        "scope": report.filter.text(),
        "reporting_currency": report.reporting_currency,
        "verdict": report.verdict,
        "headline_amount_at_risk": format(report.headline, "f"),
        "content_sha256": report.hash,
        "parameter_hash": parameter_hash(report.controls),
        "control_versions": {name: int(row["version"]) for name, row in report.controls.items()},
        "files": listed,
    }
    files["manifest.json"] = (json.dumps(manifest, indent=2) + "\n").encode("utf-8")
    return files
