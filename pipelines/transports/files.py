"""A folder of files in the ports' own columns: one per port, read whole unless it is what was read last.

A row that is absent from the next full file is deleted. A file that is absent altogether says nothing: what
was landed of its port stays, and the run reports it.
"""

from __future__ import annotations

import difflib
import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import pipelines
from pipelines.contract import FILE, REFUSED, ROW, quoted
from pipelines.manifest import NUMBERS, Resource
from pipelines.ports import SYSTEM_COLUMN, SYSTEMS, Column, Port, load_ports
from pipelines.transports.base import TOMBSTONES, Control, Found, Window
from pipelines.transports.http import Http
from pipelines.transports.tabular import SUFFIXES, Sheet, UnreadableError, open_sheet, row_number
from pipelines.transports.typed import has_blank, in_type, is_text, only
from pipelines.transports.values import POINT, Marks, Refusal, as_text, is_ready, read_cells
from throughline.errors import ThroughlineError, error

# a column that refuses this many cells, and half of its rows, is wrong as a whole
FEWEST_WRONG = 5
DUPLICATE_KEY, NOT_BARE = "DUPLICATE_KEY", "NOT_BARE"


@dataclass
class _Scan:
    """What can only be known of a whole file: how its numbers are written, which keys stand in it twice."""

    rows: int = 0
    records: int = 0
    marks: dict[str, Marks] = field(default_factory=dict)
    twice: dict[int, int] = field(default_factory=dict)
    again: list[int] = field(default_factory=list)


@dataclass
class _Wrong:
    """The refused cells of one column over a whole file."""

    count: int
    position: int
    reason: str


class FilesReader:
    """The files of one folder. `encoding` is that of its CSV files, `ports` those it may hold (none: all)."""

    zone = "UTC"

    def __init__(self, folder: Path, encoding: str = "utf8", ports: Sequence[str] = ()) -> None:
        self.folder = folder
        self.encoding = encoding
        # nothing is ever sent; landing counts requests and cleans its log lines through it
        self.http = Http(source="files", base_url="http://127.0.0.1")
        self._ports = {name: port for name, port in load_ports().items() if not ports or name in ports}
        self._found: dict[str, list[Path]] = {}
        self._sheets: dict[str, Sheet] = {}
        self._counts: dict[str, int] = {}

    def open(self) -> None:
        """List the folder. Raises ThroughlineError E-SRC-031 and E-SRC-032."""
        if not self.folder.is_dir():
            raise error("E-SRC-031", source="files", detail=f"there is no folder {self.folder}")
        for path in sorted(self.folder.iterdir()):
            # a spreadsheet's lock file stands beside a file that is open in it
            if path.suffix.lower() not in SUFFIXES or path.name.startswith(("~$", ".")):
                continue
            port = path.stem.lower()
            if port not in self._ports:
                raise unknown_port(path, self._ports)
            self._found.setdefault(port, []).append(path)
        if not self._found:
            raise error("E-SRC-031", source="files", detail=f"{self.folder} holds no file of any port")

    def offers(self, resource: Resource) -> bool:
        """Whether there is a file of this port."""
        return resource.name in self._found

    def discover(self, resource: Resource) -> Found:
        """Hold the header against the port. Raises ThroughlineError E-SRC-030, E-SRC-033 to E-SRC-036."""
        paths = self._found.get(resource.name, [])
        if not paths:
            raise error("E-SRC-030", source="files", resource=resource.name, path=self.folder)
        if len(paths) > 1:
            names = " and ".join(path.name for path in paths)
            raise error("E-SRC-033", source="files", resource=resource.name, names=names)
        port = self._ports[resource.name]
        try:
            sheet = open_sheet(paths[0], port.name, port.header, self.encoding)
        except UnreadableError as problem:
            raise self._unreadable(paths[0], problem) from None
        self._check_header(sheet, port)
        self._sheets[resource.name] = sheet
        return Found()

    def content_hash(self, resource: Resource) -> str:
        """Of the file's name and bytes, of how it is read, and of the code and libraries that read it."""
        path = self._sheets[resource.name].path
        return self._hash_of([(path.name, file_hash(path))])

    def _hash_of(self, *told: object) -> str:
        """A hash of `told` and of what makes rows of it."""
        return hashlib.sha256(repr((reading(), self.encoding, *told)).encode()).hexdigest()[:32]

    @staticmethod
    def _unreadable(path: Path, problem: UnreadableError) -> ThroughlineError:
        return error("E-SRC-036", path=path, detail=problem.detail, fix=problem.fix)

    @staticmethod
    def _check_header(sheet: Sheet, port: Port) -> None:
        for position, name in enumerate(sheet.names):
            if name in sheet.names[:position]:
                raise error("E-SRC-034", path=sheet.path, detail=f"column {name} stands there twice")
            if name not in port.header:
                near = difflib.get_close_matches(name, port.header, n=1)
                detail = f"{port.name} has no column {name}" if name else f"column {position + 1} has no name"
                raise error(
                    "E-SRC-034",
                    path=sheet.path,
                    detail=detail + (f"; did you mean {near[0]}?" if near else ""),
                )
        missing = [name for name in port.required if name not in sheet.names]
        if missing:
            told = port.column(missing[0])
            meaning = f" ({told.description})" if told else f" (one of {', '.join(SYSTEMS)})"
            raise error("E-SRC-035", path=sheet.path, missing=", ".join(missing), meaning=meaning)

    def rows(self, resource: Resource, window: Window, found: Found) -> Iterator[pa.Table]:
        """All rows of the file. Raises ThroughlineError E-SRC-036, E-SRC-037."""
        port, sheet = self._ports[resource.name], self._sheets[resource.name]
        wrong: dict[str, _Wrong] = {}
        try:
            scan = self._scan(port, sheet)
            self._counts[resource.name] = scan.records
            position = 0
            for batch in sheet.batches(sheet.names):
                yield self._page(port, sheet, scan, batch, position, wrong)
                position += batch.num_rows
        except UnreadableError as problem:
            raise self._unreadable(sheet.path, problem) from None
        for name, cells in wrong.items():
            if cells.count >= max(FEWEST_WRONG, scan.rows / 2):
                raise error(
                    "E-SRC-037",
                    path=sheet.path,
                    column=name,
                    count=cells.count,
                    rows=scan.rows,
                    row=row_number(cells.position),
                    reason=cells.reason,
                )

    def _scan(self, port: Port, sheet: Sheet) -> _Scan:
        scan = _Scan()
        numbers = [
            column.name for column in port.columns if column.kind in NUMBERS and column.name in sheet.names
        ]
        keys = [name for name in (SYSTEM_COLUMN, *port.key) if name in sheet.names]
        held: list[pa.Table] = []
        for batch in sheet.batches(list(dict.fromkeys([*keys, *numbers]))):
            for name in numbers:
                cells = batch.column(name)
                # only text can be written in more than one way
                if is_text(cells.type):
                    scan.marks.setdefault(name, Marks()).add(self._text(sheet, name, cells))
            held.append(self._keys(port, sheet, batch))
            scan.rows += batch.num_rows
        if held:
            # a system that all rows are from tells none of them apart
            system = [SYSTEM_COLUMN] if SYSTEM_COLUMN in sheet.names else []
            scan.records, scan.twice = _twice(pa.concat_tables(held), [*system, *port.key])
            scan.again = sorted(scan.twice)
        return scan

    def _keys(self, port: Port, sheet: Sheet, batch: pa.Table) -> pa.Table:
        arrays = {SYSTEM_COLUMN: self._systems(port, sheet, batch)}
        for name in port.key:
            column = port.column(name)
            if column is not None:
                cells = read_cells(batch.column(name), column, POINT, sheet.epoch).values
                arrays[name] = pc.cast(cells, pa.string())
        return pa.table(arrays)

    @staticmethod
    def _text(sheet: Sheet, name: str, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        try:
            return as_text(cells)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise UnreadableError(
                f"its column {name} is of type {cells.type}",
                "Write it as text, a number, a date or a boolean.",
            ) from None

    def _systems(self, port: Port, sheet: Sheet, batch: pa.Table) -> pa.ChunkedArray:
        """Which system each row is from: what it says, else the one that keeps the port."""
        if SYSTEM_COLUMN not in batch.column_names:
            return pa.chunked_array([pa.repeat(port.system, batch.num_rows)])
        told = pc.utf8_lower(self._text(sheet, SYSTEM_COLUMN, batch.column(SYSTEM_COLUMN)))
        if port.asks_system:
            return told
        return pc.if_else(pc.equal(pc.fill_null(told, ""), ""), port.system, told)

    def _page(
        self,
        port: Port,
        sheet: Sheet,
        scan: _Scan,
        batch: pa.Table,
        start: int,
        wrong: dict[str, _Wrong],
    ) -> pa.Table:
        """One batch under the manifest's names, with what is wrong with a row and where it stands."""
        refused: dict[int, str] = {}
        until = bisect_left(scan.again, start + batch.num_rows)
        again = scan.again[bisect_left(scan.again, start) : until]
        if not again and (ready := self._ready(port, sheet, scan, batch)) is not None:
            return self._placed(ready, sheet, start, refused, batch.num_rows, port)
        system = Column(SYSTEM_COLUMN, "text", "", values=SYSTEMS)
        arrays: dict[str, pa.ChunkedArray] = {}
        for column in (system, *port.columns):
            if column is system:
                read = read_cells(self._systems(port, sheet, batch), column, POINT, None)
            elif column.name in batch.column_names:
                cells = batch.column(column.name)
                if not is_ready(column.kind, cells.type):
                    cells = self._text(sheet, column.name, cells)
                marks = scan.marks.get(column.name)
                read = read_cells(cells, column, marks.style if marks else POINT, sheet.epoch)
                if column.name in port.key and column.kind == "id":
                    read.refused += _not_bare(column, read.values)
            else:
                continue
            arrays[column.name] = read.values
            for refusal in read.refused:
                refused.setdefault(refusal.position, f"{refusal.code}:{column.name}:{refusal.reason}")
            if read.refused:
                first = read.refused[0]
                known = wrong.setdefault(column.name, _Wrong(0, start + first.position, first.reason))
                known.count += len(read.refused)
        for position in again:
            refused[position - start] = (
                f"{DUPLICATE_KEY}:{port.key[-1]}:its key stands in row {row_number(scan.twice[position])}"
                " already, which was taken; remove one of the two or give it a key of its own"
            )
        return self._placed(arrays, sheet, start, refused, batch.num_rows, port)

    def _ready(
        self, port: Port, sheet: Sheet, scan: _Scan, batch: pa.Table
    ) -> dict[str, pa.ChunkedArray] | None:
        """The batch in the contract's types when not one of its rows can be refused; else none.

        A row that is refused is kept as it was written, so its whole batch goes the slower way, as text.
        """
        arrays: dict[str, pa.ChunkedArray] = {SYSTEM_COLUMN: self._systems(port, sheet, batch)}
        if not only(arrays[SYSTEM_COLUMN], SYSTEMS):
            return None
        for column in port.columns:
            if column.name not in batch.column_names:
                continue
            marks = scan.marks.get(column.name)
            if sheet.epoch is not None or (marks is not None and marks.style != POINT):
                return None
            cells = in_type(batch.column(column.name), column)
            if cells is None or ((column.required or column.name in port.key) and has_blank(cells)):
                return None
            if column.name in port.key and column.kind == "id" and _not_bare(column, cells):
                return None
            arrays[column.name] = cells
        return arrays

    @staticmethod
    def _placed(
        arrays: dict[str, pa.ChunkedArray],
        sheet: Sheet,
        start: int,
        refused: dict[int, str],
        count: int,
        port: Port,
    ) -> pa.Table:
        """The arrays as a table that says of every row what is wrong with it and where it stands."""
        table = pa.table(arrays)
        notes = pa.nulls(count, pa.string())
        if refused:
            notes = pa.array([refused.get(position) for position in range(count)], pa.string())
        table = table.append_column(REFUSED, notes)
        numbers = np.arange(row_number(start), row_number(start) + count, dtype="int64")
        table = table.append_column(ROW, pa.array(numbers))
        name = pa.DictionaryArray.from_arrays(np.zeros(count, "int32"), pa.array([sheet.path.name]))
        table = table.append_column(FILE, name)
        return _without_empty_rows(table, port.key[0], sheet.names)

    def rows_by_key(self, resource: Resource, keys: Sequence[str], found: Found) -> Iterator[pa.Table]:
        """Nothing: a file is read whole, so no key is ever missed."""
        return iter(())

    def tombstones(self, resource: Resource, window: Window) -> tuple[pa.Table, bool]:
        """None: files have no feed of deletions."""
        return TOMBSTONES.empty_table(), True

    def keys(self, resource: Resource, window: Window) -> Iterator[pa.Array] | None:
        """Only the full read tells."""
        return None

    def control(self, resource: Resource, window: Window) -> Control | None:
        """The records that stand in the file, those that were refused included."""
        return Control(self._counts.get(resource.name, 0), None)

    def ordered(self, resource: Resource) -> bool:
        """A file cut short is no window."""
        return False

    def reads_all(self, resource: Resource, window: Window) -> bool:
        """Every read is of the whole file."""
        return True

    def replaced(self, resource: Resource) -> list[str] | None:
        """Files have no parents."""
        return None

    def close(self) -> None:
        """Let go of what was opened."""
        self._sheets.clear()
        self.http.close()


@cache
def reading() -> str:
    """This package's files, and the libraries that read for it: others may take the same file otherwise."""
    package = Path(pipelines.__file__).parent
    code = sorted(path for path in package.rglob("*") if path.suffix in (".py", ".yml"))
    told = [(str(path.relative_to(package)), file_hash(path)) for path in code]
    return repr((pa.__version__, duckdb.__version__, told))


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def unknown_port(path: Path, ports: Iterable[str]) -> ThroughlineError:
    """E-SRC-032 about a file or folder that is named like no port."""
    name = path.stem.lower()
    near = difflib.get_close_matches(name, list(ports), n=1)
    hint = f"did you mean {near[0]}{path.suffix}?" if near else "see the list of ports"
    if name in load_ports():
        hint = f"{name} is not among the ports that throughline.toml names for this folder"
    return error("E-SRC-032", path=path, hint=hint)


def _twice(keys: pa.Table, names: list[str]) -> tuple[int, dict[int, int]]:
    """How many records there are, and position to first position of rows whose key stands further up."""
    columns = ", ".join(quoted(name) for name in names)
    whole = " and ".join(f"coalesce({quoted(name)}, '') <> ''" for name in names)
    connection = duckdb.connect(":memory:")
    try:
        positions = pa.array(np.arange(keys.num_rows, dtype="int64"))
        connection.register("told", keys.append_column("position", positions))
        counted = connection.execute(
            f"select count(*), count(distinct {columns if len(names) == 1 else f'({columns})'})"
            f" from told where {whole}"
        ).fetchone()
        rows, records = counted if counted is not None else (0, 0)
        if rows == records:
            return records, {}
        again = connection.execute(
            f"""
            with several as (
                select {columns}, min(position) as first from told where {whole}
                group by all having count(*) > 1
            )
            select position, first from told join several using ({columns}) where position <> first
            """
        ).fetchall()
        return records, dict(again)
    finally:
        connection.close()


def _not_bare(column: Column, values: pa.ChunkedArray) -> list[Refusal]:
    where = pc.fill_null(pc.match_substring_regex(pc.cast(values, pa.string()), ":.*:"), False)
    if not pc.any(where).as_py():
        return []
    positions = pc.indices_nonzero(where)
    return [
        Refusal(
            position,
            NOT_BARE,
            f'{column.name} holds "{value[:60]}": ids of files are bare; write it without system, instance',
        )
        for position, value in zip(
            positions.to_pylist(), pc.cast(values, pa.string()).take(positions).to_pylist(), strict=True
        )
    ]


def _without_empty_rows(table: pa.Table, key: str, names: Sequence[str]) -> pa.Table:
    """`table` without rows that hold nothing at all, which spreadsheets like to leave below the last one."""
    blank = _is_blank(table.column(key))
    if not pc.any(blank).as_py():
        return table
    for name in names:
        if name in table.column_names and name not in (key, SYSTEM_COLUMN):
            blank = pc.and_(blank, _is_blank(table.column(name)))
    return table.filter(pc.invert(blank))


def _is_blank(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(cells.type):
        return pc.equal(pc.fill_null(cells, ""), "")
    return pc.is_null(cells)
