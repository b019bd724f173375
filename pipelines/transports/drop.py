"""A folder into which a partner delivers files: `{port}/{YYYY-MM-DD}/{file}` beside a `manifest.json`.

The manifest is written last and names each file with its rows and SHA-256, so that what is still being
sent is not read. A file delivered again under its name, or by one that says it `replaces` it, takes the
place of the rows it brought before; the others stay. What every row shares may be said once in the
manifest (`currency`, `period`) instead of in a column.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contract import REFUSED
from pipelines.manifest import Resource
from pipelines.ports import SYSTEM_COLUMN, Port
from pipelines.transports.base import Control, Found, Window
from pipelines.transports.files import DUPLICATE_KEY, FilesReader, file_hash, unknown_port
from pipelines.transports.tabular import SUFFIXES, Sheet, UnreadableError, open_sheet
from throughline.errors import ThroughlineError, error

LOG = logging.getLogger(__name__)
MANIFEST = "manifest.json"
VERSION = 1
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# what a manifest says of all rows of a file -> the columns it stands for
SHARED = {"currency": "currency_code", "period": "period"}
ENTRY: dict[str, tuple[type, ...]] = {
    "file": (str,),
    "rows": (int,),
    "sha256": (str,),
    "currency": (str,),
    "period": (str,),
    "replaces": (str, list),
}
NEEDED = ("file", "rows", "sha256")


@dataclass(frozen=True)
class Delivery:
    """One file as its manifest describes it; `shared` are the columns that all its rows have in common."""

    path: Path
    rows: int
    sha256: str
    shared: dict[str, str] = field(default_factory=dict)


class _WithShared:
    """A sheet with columns that its manifest gives for all rows."""

    def __init__(self, sheet: Sheet, shared: dict[str, str]) -> None:
        self._sheet = sheet
        self._shared = {name: value for name, value in shared.items() if name not in sheet.names}
        self.path = sheet.path
        self.epoch = sheet.epoch
        self.names = [*sheet.names, *self._shared]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """All rows, in order, with these columns."""
        own = [name for name in columns if name not in self._shared]
        # a table without columns has no rows to give the shared ones to
        for batch in self._sheet.batches(own or self._sheet.names[:1]):
            for name in columns:
                if name in self._shared:
                    value = pa.chunked_array([pa.repeat(self._shared[name], batch.num_rows)])
                    batch = batch.append_column(name, value)
            yield batch.select(list(columns))


class DropReader(FilesReader):
    """The files that stand in a drop folder now: of each name the last delivery, none that was replaced."""

    def __init__(self, folder: Path, encoding: str = "utf8", ports: Sequence[str] = ()) -> None:
        super().__init__(folder, encoding, ports)
        self._delivered: dict[str, dict[str, Delivery]] = {}
        self._parts: dict[str, list[tuple[Delivery, Sheet]]] = {}
        self._seen: dict[str, list[tuple[str, pa.ChunkedArray]]] = {}

    def open(self) -> None:
        """Read the manifests. Raises ThroughlineError E-SRC-031, E-SRC-032 and E-SRC-070."""
        if not self.folder.is_dir():
            raise error("E-SRC-031", source="files", detail=f"there is no folder {self.folder}")
        for feed in sorted(self.folder.iterdir()):
            if not feed.is_dir() or feed.name.startswith("."):
                continue
            if feed.name not in self._ports:
                raise unknown_port(feed, self._ports)
            self._delivered[feed.name] = self._standing(feed)
        self._delivered = {name: files for name, files in self._delivered.items() if files}
        if not self._delivered:
            raise error(
                "E-SRC-031", source="files", detail=f"{self.folder} holds no delivery with a {MANIFEST}"
            )

    def _standing(self, feed: Path) -> dict[str, Delivery]:
        """File name -> what was delivered last under it."""
        standing: dict[str, Delivery] = {}
        for day in sorted(path for path in feed.iterdir() if path.is_dir()):
            path = day / MANIFEST
            if not DAY.fullmatch(day.name) or not path.is_file():
                LOG.warning("%s: no %s yet, not read", day, MANIFEST)
                continue
            for entry in _entries(path):
                replaced = entry.get("replaces") or []
                for name in [replaced] if isinstance(replaced, str) else replaced:
                    standing.pop(name, None)
                shared = {column: entry[name] for name, column in SHARED.items() if name in entry}
                # the order of the last deliveries, which decides whose row a key has
                standing.pop(entry["file"], None)
                standing[entry["file"]] = Delivery(
                    day / entry["file"], entry["rows"], entry["sha256"].lower(), shared
                )
        return standing

    def offers(self, resource: Resource) -> bool:
        """Whether anything of this port was delivered."""
        return resource.name in self._delivered

    def discover(self, resource: Resource) -> Found:
        """Hold every file against its manifest, and its header against the port.

        Raises ThroughlineError E-SRC-030, E-SRC-034 to E-SRC-036 and E-SRC-071.
        """
        files = self._delivered.get(resource.name)
        if not files:
            raise error("E-SRC-030", source="files", resource=resource.name, path=self.folder)
        port = self._ports[resource.name]
        parts: list[tuple[Delivery, Sheet]] = []
        for one in files.values():
            _check(one)
            try:
                sheet: Sheet = open_sheet(one.path, port.name, port.header, self.encoding)
            except UnreadableError as problem:
                raise self._unreadable(one.path, problem) from None
            shared = {name: value for name, value in one.shared.items() if name in port.header}
            sheet = _WithShared(sheet, shared) if shared else sheet
            self._check_header(sheet, port)
            parts.append((one, sheet))
        self._parts[resource.name] = parts
        return Found()

    def content_hash(self, resource: Resource) -> str:
        """Of the files that stand, in the order in which they do, with what their manifests say of them."""
        told = [
            (one.path.name, one.sha256, one.rows, sorted(one.shared.items()))
            for one, _ in self._parts[resource.name]
        ]
        return self._hash_of(told)

    def rows(self, resource: Resource, window: Window, found: Found) -> Iterator[pa.Table]:
        """All rows of all files. Raises ThroughlineError E-SRC-036, E-SRC-037 and E-SRC-071."""
        total = 0
        self._seen[resource.name] = []
        for one, sheet in self._parts[resource.name]:
            self._sheets[resource.name] = sheet
            held: list[pa.Table] = []
            read = 0
            for table in super().rows(resource, window, found):
                read += table.num_rows
                held.append(table.select([SYSTEM_COLUMN, *self._ports[resource.name].key]))
                yield table
            # blank lines below the last row are no rows, for us and for whoever counted them
            if read != one.rows:
                raise _differs(one, f"it has {read} rows, its manifest says {one.rows}")
            keys = _joined(pa.concat_tables(held)) if held else pa.chunked_array([], pa.string())
            before = self._before(resource.name)
            fresh = pc.unique(keys.filter(pc.invert(pc.is_in(keys, value_set=before))))
            total += len(fresh)
            self._seen[resource.name].append((one.path.name, keys))
        self._counts[resource.name] = total

    def _before(self, port: str) -> pa.Array:
        chunks = [chunk for _, keys in self._seen[port] for chunk in keys.chunks]
        return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())

    def _page(self, port: Port, sheet: Sheet, *rest: Any) -> pa.Table:
        """A batch, in which a row whose key an earlier file has is refused."""
        table = super()._page(port, sheet, *rest)
        keys = _joined(table.select([SYSTEM_COLUMN, *port.key]))
        notes: list[str | None] | None = None
        for name, earlier in self._seen[port.name]:
            twice = pc.is_in(keys, value_set=pa.concat_arrays(earlier.chunks)) if earlier.num_chunks else None
            if twice is None or not pc.any(twice).as_py():
                continue
            notes = notes or table.column(REFUSED).to_pylist()
            for position in pc.indices_nonzero(twice).to_pylist():
                notes[position] = notes[position] or (
                    f"{DUPLICATE_KEY}:{port.key[-1]}:its key stands in {name} already, which was taken;"
                    " deliver one of the two again without it, or say that one replaces the other"
                )
        if notes is None:
            return table
        place = table.column_names.index(REFUSED)
        return table.set_column(place, REFUSED, pa.array(notes, pa.string()))

    def control(self, resource: Resource, window: Window) -> Control | None:
        """The records that stand in all files, those that were refused included."""
        return Control(self._counts.get(resource.name, 0), None)

    def close(self) -> None:
        """Let go of what was opened."""
        self._parts.clear()
        self._seen.clear()
        super().close()


def _joined(keys: pa.Table) -> pa.ChunkedArray:
    """The columns of a key as one text each; a key that lacks a part has none."""
    columns = [pc.cast(keys.column(name), pa.string()) for name in keys.column_names]
    return pc.binary_join_element_wise(*columns, "|", null_handling="emit_null")


def _entries(path: Path) -> list[dict[str, Any]]:
    """The files a manifest names. Raises ThroughlineError E-SRC-070."""

    def fail(detail: str) -> ThroughlineError:
        return error("E-SRC-070", path=path, detail=detail)

    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as problem:
        raise fail(f"it is no JSON: {problem}") from None
    if not isinstance(told, dict) or not isinstance(told.get("files"), list):
        raise fail('it holds no list "files"')
    if told.get("schema_version") != VERSION:
        raise fail(f"its schema_version is {told.get('schema_version')!r}; {VERSION} is read")
    for number, entry in enumerate(told["files"], start=1):
        where = f"file {number}"
        if not isinstance(entry, dict):
            raise fail(f"{where} is no object")
        missing = [name for name in NEEDED if name not in entry]
        if missing:
            raise fail(f"{where} has no {', '.join(missing)}")
        for name, value in entry.items():
            kinds = ENTRY.get(name)
            if kinds is None:
                raise fail(f"{where} says {name}, which nobody reads; known are {', '.join(ENTRY)}")
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise fail(f"{where}: {name} = {value!r}")
        name = entry["file"]
        if Path(name).name != name or Path(name).suffix.lower() not in SUFFIXES:
            raise fail(f"{where}: {name!r} is no name of a {', '.join(SUFFIXES)} file beside it")
    return list(told["files"])


def _check(one: Delivery) -> None:
    """Raises ThroughlineError E-SRC-071 when the file is not the one its manifest tells of."""
    try:
        digest = file_hash(one.path)
    except OSError as problem:
        raise _differs(one, f"it cannot be read ({problem.strerror})") from None
    if digest != one.sha256:
        raise _differs(one, "its SHA-256 is another one: it was not sent whole, or changed afterwards")


def _differs(one: Delivery, detail: str) -> ThroughlineError:
    return error("E-SRC-071", path=one.path, detail=detail)
