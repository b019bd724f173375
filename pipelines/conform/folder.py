"""A folder of files in the ports' own columns, as a firm would fill their templates, in a vendor's place."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.conform.vendor import Drift, Report, Trouble
from pipelines.manifest import Manifest, Resource
from pipelines.ports import SYSTEM_COLUMN, Column, Port, load_ports

ROWS = 7
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
# what the checks are made on: a text, a column that rows cannot do without, an amount
SUBJECT = {
    "resource": "expense_line",
    "text": "category",
    "needed": "incurred_currency_code",
    "number": "incurred_amount",
}
# what a port can be like: rows that say their system, personal columns, references, rates, times
PORTS = ("customer", "exchange_rate", "expense_line", "resource", "vendor")
EXEMPT = {
    "late_row": "a file is read whole, so no row is ever behind a cursor",
    "page_boundary": "a file has no pages",
    "new_column": "a port's columns are its contract: a file with another one is refused as E-SRC-034",
    "retries": "nothing is asked over a network",
    "no_secret": "there is no login",
}
TEXTS = (
    "plain",
    "Ærø & Søn",
    "東京",
    'with "quotes", a comma',
    "a name that goes on and on " * 8,
    "x",
    "émigré",
)
# a kind's cells, one per row: what is zero, negative or on the edge is among them
CELLS: dict[str, tuple[str, ...]] = {
    "money": ("100.10", "0", "-12.3456", "99999.99", "0.0001", "1200", "7.5"),
    "rate": ("1.25", "0", "0.00000001", "120.5", "3", "99.99", "8"),
    "fx": ("1.0823", "0.0000000001", "1", "155.2", "0.93", "11.2", "2"),
    "hours": ("7.50", "0", "0.25", "-1.00", "24", "8", "3.75"),
    "int": ("1", "0", "-3", "12", "2026", "7", "5"),
    "bool": ("true", "false", "yes", "no", "1", "0", "TRUE"),
}


@dataclass
class Row:
    """A record and whether it is in the file."""

    cells: dict[str, str]
    gone: bool = False


class PortFolder:
    """Files of `ports` with invented rows, rewritten after each edit."""

    remembers = False
    exempt: Mapping[str, str] = EXEMPT
    codes: Mapping[Drift, str] = {Drift.REMOVED: "E-SRC-035", Drift.RETYPED: "E-SRC-037"}

    def __init__(self, manifest: Manifest, ports: Collection[str] = PORTS) -> None:
        self._held = tempfile.TemporaryDirectory(prefix="conform-files-")
        self.folder = Path(self._held.name)
        self._ports = load_ports()
        self._drift: tuple[Drift, str, str] | None = None
        self._cut = False
        self._saved = 0
        self.rows = {
            item.name: [Row(record) for record in self.records(item)]
            for item in manifest.resources
            if item.name in ports
        }
        for name in self.rows:
            self._write(name)

    def records(self, resource: Resource) -> list[dict[str, str]]:
        """Invented rows of a port, with every column that its template has."""
        port = self._ports[resource.name]
        return [
            {
                name: port.system if name == SYSTEM_COLUMN else _cell(port, name, number)
                for name in port.header
            }
            for number in range(ROWS)
        ]

    def begin(self) -> datetime:
        """A day in March."""
        return BEGIN

    def at(self, now: datetime) -> None:
        """Files know no clock: each is saved again, so that it is read and not taken for the last one."""
        self._saved += 1
        for name in self.rows:
            self._write(name)

    def settings(self) -> Mapping[str, Any]:
        """The folder."""
        return {"path": str(self.folder)}

    def secrets(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def update(self, resource: Resource, key: str, at: datetime, fields: Mapping[str, Any]) -> None:
        """Other cells in the record's row."""
        row = self._row(resource, key)
        row.cells.update({name: "" if value is None else str(value) for name, value in fields.items()})
        self._write(resource.name)

    def delete(self, resource: Resource, key: str, at: datetime) -> None:
        """The row is gone from the file."""
        self._row(resource, key).gone = True
        self._write(resource.name)

    def restore(self, resource: Resource, key: str, at: datetime) -> None:
        """The row is back."""
        self._row(resource, key).gone = False
        self._write(resource.name)

    def purge(self, resource: Resource, key: str, at: datetime) -> None:
        """As a deletion: a file keeps no trace of either."""
        self.delete(resource, key, at)

    def trouble(self, kind: Trouble | None, *, times: int | None = None, after: int = 0) -> None:
        """The files were copied in part: each ends in the middle of a row."""
        self._cut = kind is not None
        for name in self.rows:
            self._write(name)

    def drift(self, kind: Drift | None, resource: Resource, field: str = "") -> None:
        """A column is left out, or filled with words."""
        self._drift = (kind, resource.name, field) if kind else None
        self._write(resource.name)

    def came(self, resource: Resource) -> int | None:
        """The rows of the file."""
        return len(self._shown(resource.name))

    def report(self, resource: Resource) -> Report | None:
        """As many as were invented."""
        return Report(ROWS, None)

    def _shown(self, name: str) -> list[dict[str, str]]:
        return [row.cells for row in self.rows[name] if not row.gone]

    def _row(self, resource: Resource, key: str) -> Row:
        for row in self.rows[resource.name]:
            if "|".join(row.cells[name] for name in resource.key) == key:
                return row
        raise KeyError(f"{resource.name} has no record {key}")

    def _write(self, name: str) -> None:
        shown = [dict(cells) for cells in self._shown(name)]
        header = list(self._ports[name].header)
        if self._drift is not None and self._drift[1] == name:
            kind, _, field = self._drift
            if kind is Drift.REMOVED:
                header.remove(field)
            for cells in shown:
                cells[field] = "twelve and a half"
        path = self.folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, header, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(shown)
            # a blank line more or less says nothing
            out.write("\n" * (self._saved % 2))
        if self._cut:
            lines = path.read_text(encoding="utf-8").splitlines()
            half = lines[len(lines) // 2]
            kept = [*lines[: len(lines) // 2], half[: half.rindex(",", 0, -1)]]
            path.write_text("\n".join(kept), encoding="utf-8")


def _cell(port: Port, name: str, number: int) -> str:
    column = port.column(name)
    if column is None:
        raise KeyError(name)
    if name in port.key and column.kind in {"id", "text"}:
        return f"{number + 1:03d}"
    if isinstance(column.references, Mapping):
        # which port it names hangs on another column
        return f"{number + 1:03d}"
    return _value(column, number)


def _value(column: Column, number: int) -> str:
    if column.values:
        return column.values[number % len(column.values)]
    if column.name.endswith("currency_code"):
        return ("EUR", "USD", "JPY")[number % 3]
    if column.kind == "id":
        return f"{number + 1:03d}"
    if column.kind == "date":
        return str(date(2026, 1, 28) + timedelta(days=number))
    if column.kind == "ts":
        # half an hour before the month ends, and on
        return (datetime(2026, 1, 31, 23, 30, tzinfo=UTC) + timedelta(hours=number)).isoformat()
    return CELLS.get(column.kind, TEXTS)[number % ROWS]
