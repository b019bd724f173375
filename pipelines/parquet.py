"""The raw warehouse as files of Parquet, for the engine that reads such: one folder a dataset, one a table.

dlt's filesystem destination appends a file per load and table. Whoever reads sees the same tables as in the
one DuckDB file: views over the files, under the same names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contract import quoted
from pipelines.store import LANDING, RawStore, literal
from throughline.errors import error

FOLDER = "raw"
# what every whole file of Parquet begins and ends with
MAGIC = b"PAR1"
FORMS = ("duckdb", "parquet")


class ParquetStore(RawStore):
    """The raw warehouse of a home in `home`/raw/<dataset>/<table>/*.parquet, for one source instance."""

    def __init__(self, home: Path, source: str, instance: str) -> None:
        super().__init__(home, source, instance)
        self.path = home / FOLDER

    def _mend(self) -> None:
        # A killed load may leave half a file; nothing says that its rows were landed, so they come again.
        for dataset in (self.dataset, LANDING):
            for _, path in self._files(dataset):
                if not _whole(path):
                    path.unlink()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Nothing is held open: every load writes files of its own."""
        yield

    def _attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("attach ':memory:' as raw")
        for dataset in (self.dataset, LANDING):
            tables = sorted({table for table, _ in self._files(dataset)})
            if tables:
                connection.execute(f"create schema raw.{quoted(dataset)}")
            for table in tables:
                # a column that came later is in the later files alone
                files = literal(str(self.path / dataset / table / "*.parquet"))
                connection.execute(
                    f"create view {self.table(table, dataset)} as"
                    f" select * from read_parquet({files}, union_by_name = true)"
                )

    def _destination(self) -> Any:
        return dlt.destinations.filesystem(bucket_url=self.path.resolve().as_uri())

    def _landed(self, dataset: str, tables: Mapping[str, pa.Schema]) -> None:
        # dlt writes no file for a table without rows; models and comparisons need its columns all the same
        there = {table for table, _ in self._files(dataset)}
        for table, schema in tables.items():
            if table not in there:
                path = self.path / dataset / table / "0.empty.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(schema.empty_table(), path)

    def delete_records(self, table: str, where: str, values: Sequence[str]) -> int:
        """Delete rows of a table of landing's own by writing anew the files that hold them; how many."""
        deleted = 0
        with duckdb.connect(":memory:") as connection:
            connection.execute("set TimeZone = 'UTC'")
            for name, path in self._files(LANDING):
                if name != table:
                    continue
                rows = f"from read_parquet({literal(str(path))})"
                found = connection.execute(f"select count(*) {rows} where {where}", values).fetchone()
                if found is None or not found[0]:
                    continue
                deleted += int(found[0])
                kept = connection.execute(f"select * {rows} where not ({where})", values).to_arrow_table()
                _write(kept.cast(pq.read_schema(path)), path)
        return deleted

    def _files(self, dataset: str) -> Iterator[tuple[str, Path]]:
        """Every file of rows of a dataset with its table; what dlt writes for itself is left out."""
        for path in sorted((self.path / dataset).glob("*/*.parquet")):
            if not path.parent.name.startswith("_dlt"):
                yield path.parent.name, path


def _whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return False
        file.seek(-len(MAGIC), os.SEEK_END)
        return file.read() == MAGIC


def _write(table: pa.Table, path: Path) -> None:
    """Write a file in one step: readers see the old one or the new one."""
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, temporary)
    temporary.replace(path)


def raw_store(home: Path, source: str, instance: str, form: str | None = None) -> RawStore:
    """The raw warehouse of `home` for one source instance, in the form it has.

    `form` ("duckdb" or "parquet") is what a home without landed rows shall have, and what the others must
    have: raises ThroughlineError E-SRC-060 when its rows stand in the other form.
    """
    standing = "parquet" if (home / FOLDER).exists() else "duckdb" if (home / "raw.duckdb").exists() else None
    if form and standing and form != standing:
        raise error("E-SRC-060", home=home, standing=standing, asked=form)
    parquet = (form or standing) == "parquet"
    return ParquetStore(home, source, instance) if parquet else RawStore(home, source, instance)
