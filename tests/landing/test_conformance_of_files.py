"""The kit on the files source: what applies is green; a mistake in the reader turns exactly its check red."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from pipelines.conform.checks import CHECKS
from pipelines.conform.folder import EXEMPT, ROWS, SUBJECT, PortFolder, Row
from pipelines.conform.vendor import Report
from pipelines.landing import run_source
from pipelines.manifest import Resource
from pipelines.sources import manifest_of
from pipelines.transports import files, tabular
from pipelines.transports.base import Control
from pipelines.transports.files import FilesReader
from tests.landing.conform_support import assert_only_red, land_without_dlt

Patch = pytest.MonkeyPatch
Pages = Iterator[pa.Table]
TEXT, NEEDED = SUBJECT["text"], SUBJECT["needed"]
READ = FilesReader.rows


@pytest.fixture(autouse=True)
def without_dlt(monkeypatch: Patch) -> None:
    """Rows reach the raw warehouse without dlt, which would be most of the time."""
    land_without_dlt(monkeypatch)


def read_as(change: Callable[[Resource, pa.Table], pa.Table]) -> Callable[[Patch], None]:
    """A break: a reader that changes what it has read."""

    def apply(monkeypatch: Patch) -> None:
        def rows(self: FilesReader, resource: Resource, *more: Any) -> Pages:
            for page in READ(self, resource, *more):
                yield change(resource, page)

        monkeypatch.setattr(FilesReader, "rows", rows)

    return apply


def column(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values, pa.string()))


def a_row_that_is_none(monkeypatch: Patch) -> None:
    invented = PortFolder.records

    def records(self: PortFolder, resource: Resource) -> list[dict[str, str]]:
        found = invented(self, resource)
        if resource.name == SUBJECT["resource"]:
            found[0]["expense_date"] = "soon"
        return found

    monkeypatch.setattr(PortFolder, "records", records)


def a_double_that_is_taken(monkeypatch: Patch) -> None:
    built = PortFolder.__init__

    def init(self: PortFolder, manifest: Any) -> None:
        built(self, manifest)
        self.rows["vendor"].append(Row(dict(self.rows["vendor"][0].cells)))
        self._write("vendor")

    monkeypatch.setattr(PortFolder, "__init__", init)
    monkeypatch.setattr(files, "_twice", lambda keys, _names: (keys.num_rows - (keys.num_rows == 8), {}))
    monkeypatch.setattr(PortFolder, "report", lambda _self, _resource: Report(None, None))


def never_the_same(resource: Resource, page: pa.Table) -> pa.Table:
    if resource.name != SUBJECT["resource"]:
        return page
    return column(page, TEXT, [str(uuid.uuid4()) for _ in range(page.num_rows)])


def always_the_same(resource: Resource, page: pa.Table) -> pa.Table:
    return column(page, TEXT, ["travel"] * page.num_rows) if TEXT in page.column_names else page


def what_was_once_stays(monkeypatch: Patch) -> None:
    kept: dict[str, pa.Table] = {}

    def rows(self: FilesReader, resource: Resource, *more: Any) -> Pages:
        for page in READ(self, resource, *more):
            yield page
            if resource.name == SUBJECT["resource"]:
                ids = page.column("expense_line_id").to_pylist()
                yield from (row for key, row in kept.items() if key not in ids)
                kept.update({key: page.slice(at, 1) for at, key in enumerate(ids)})

    monkeypatch.setattr(FilesReader, "rows", rows)


def half_a_row_is_left_out(monkeypatch: Patch) -> None:
    strict = pacsv.ParseOptions
    lenient = SimpleNamespace(**{name: getattr(pacsv, name) for name in dir(pacsv) if name[0] != "_"})
    lenient.ParseOptions = lambda **told: strict(**told, invalid_row_handler=lambda _row: "skip")
    monkeypatch.setattr(tabular, "pacsv", lenient)


def no_column_is_missed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(FilesReader, "_check_header", staticmethod(lambda _sheet, _port: None))


def empty_is_filled(resource: Resource, page: pa.Table) -> pa.Table:
    if NEEDED not in page.column_names:
        return page
    return column(page, NEEDED, [value or "EUR" for value in page.column(NEEDED).to_pylist()])


def one_too_many(monkeypatch: Patch) -> None:
    monkeypatch.setattr(
        FilesReader,
        "control",
        lambda self, resource, _window: Control(self._counts.get(resource.name, 0) + 1, None),
    )


BREAKS: dict[str, Callable[[Patch], None]] = {
    "reads": a_row_that_is_none,
    "keys_unique": a_double_that_is_taken,
    "second_load_empty": read_as(never_the_same),
    "change_once": read_as(always_the_same),
    "deletes": what_was_once_stays,
    "resume": half_a_row_is_left_out,
    "drift_stops": no_column_is_missed,
    "bad_row": read_as(empty_is_filled),
    "totals": one_too_many,
}


def test_every_check_that_applies_has_its_break() -> None:
    assert [check.name for check in CHECKS if check.name not in EXEMPT] == list(BREAKS)


@pytest.mark.parametrize("name", [None, *BREAKS])
def test_a_break_turns_exactly_its_check_red(monkeypatch: Patch, name: str | None) -> None:
    if name is not None:
        BREAKS[name](monkeypatch)
    assert_only_red("files", EXEMPT, name)


def test_invented_rows_of_every_port_land(tmp_path: Path) -> None:
    manifest = manifest_of("files")
    ports = {resource.name for resource in manifest.resources}
    folder = PortFolder(manifest, ports)
    result = run_source("files", "files", tmp_path, folder.settings(), "run")
    assert {one.resource: one.rows_landed for one in result.resources} == dict.fromkeys(ports, ROWS)
