"""Rows on their way: in memory while they are few, in files of Arrow's own format when they are many."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as pads

DEFAULT_LIMIT = 256 << 20


class Spool:
    """An append-only heap of Arrow tables whose columns may grow. `rows` counts what was added."""

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._held: list[pa.Table] = []
        self._bytes = 0
        self._files: list[Path] = []
        self._schemas: list[pa.Schema] = []
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        """Take `table` in, moving what is held to a file once it is large."""
        if table.num_rows == 0 and self._schemas:
            return
        self._held.append(table)
        self._schemas.append(table.schema)
        self._bytes += table.nbytes
        self.rows += table.num_rows
        if self._bytes > self._limit:
            self._spill()

    @property
    def schema(self) -> pa.Schema:
        """All columns seen. Raises ValueError before anything was added."""
        if not self._schemas:
            raise ValueError("an empty spool has no schema")
        return pa.unify_schemas(self._schemas)

    def relation(self) -> pa.Table | pads.Dataset:
        """Everything added, in a form DuckDB reads; a column that a part lacks is null there."""
        if not self._files:
            return self._joined()
        self._spill()
        return pads.dataset([str(path) for path in self._files], schema=self.schema, format="ipc")

    def tables(self) -> Iterator[pa.Table]:
        """Everything added, part by part."""
        if not self._files:
            yield self._joined()
            return
        self._spill()
        for path in self._files:
            part = pads.dataset(str(path), schema=self.schema, format="ipc")
            yield from (pa.Table.from_batches([batch]) for batch in part.to_batches())

    def drop(self) -> None:
        """Forget all, files included."""
        self._held, self._files, self._schemas = [], [], []
        shutil.rmtree(self._folder, ignore_errors=True)

    def _joined(self) -> pa.Table:
        if len(self._held) > 1:
            self._held = [pa.concat_tables(self._held, promote_options="default")]
        return self._held[0]

    def _spill(self) -> None:
        if not self._held:
            return
        table = self._joined()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"part-{len(self._files):05d}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        self._files.append(path)
        self._held, self._bytes = [], 0
