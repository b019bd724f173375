"""Two warehouses of the same landed rows, table by table and row by row.

A table is read where its engine wrote it: in DuckDB's build file or candidate, in Spark's Parquet files. Rows
meet by the key that dbt's tests name for the model; where none is named, or it does not tell rows apart, the
whole row is its key and equal rows are counted. Everything else must be equal: no rounding, no tolerance.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

# Kinds whose values cannot be compared exactly, and those that hold the same values under another width.
INEXACT = ("FLOAT", "DOUBLE")
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
SHOWN = 5


@dataclass(frozen=True)
class Table:
    """A model that stands as a table on both engines; `key` may be empty."""

    schema: str
    name: str
    database: str
    key: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass
class Outcome:
    """What comparing one table gave: the rows of each side, and each difference in a sentence."""

    table: Table
    duckdb_rows: int = 0
    spark_rows: int = 0
    columns: int = 0
    keyed: bool = True
    differences: list[str] = field(default_factory=list)

    def line(self) -> str:
        by = ", ".join(self.table.key) if self.keyed else "whole row"
        found = f"{len(self.differences)} DIFFERENCES" if self.differences else "equal"
        return (
            f"{self.table.title:<48} {self.duckdb_rows:>7,} {self.spark_rows:>7,} rows"
            f" {self.columns:>3} columns  {found}  (by {by})"
        )


def tables(manifest: dict[str, Any], built: set[str], layers: set[str]) -> Iterator[Table]:
    """The tables of `layers` among the models that were `built`, with the keys their tests name."""
    keys: dict[str, tuple[str, ...]] = {}
    for node in manifest["nodes"].values():
        test = node.get("test_metadata")
        if node["resource_type"] != "test" or not test or not node.get("attached_node"):
            continue
        said = test["kwargs"].get("columns") if test["name"] == "unique_combination" else None
        if test["name"] == "unique":
            said = [node["column_name"]]
        if said and not node["config"].get("where"):
            keys[node["attached_node"]] = tuple(said)
    for unique_id in sorted(built):
        node = manifest["nodes"][unique_id]
        if node["resource_type"] == "model" and node["schema"] in layers:
            database = "serving" if node["config"].get("database") == "serving" else "build"
            yield Table(node["schema"], node["name"], database, keys.get(unique_id, ()))


class Comparison:
    """Both warehouses opened in one connection."""

    def __init__(self, build: Path, serving: Path, warehouse: Path) -> None:
        self._sql = duckdb.connect(":memory:")
        self._sql.execute("set TimeZone = 'UTC'")
        self._sql.execute(f"attach '{build}' as build (read_only)")
        self._sql.execute(f"attach '{serving}' as serving (read_only)")
        self._warehouse = warehouse

    def close(self) -> None:
        self._sql.close()

    def compare(self, table: Table) -> Outcome:
        """Hold one table against its twin."""
        outcome = Outcome(table)
        folder = self._warehouse / f"{table.schema}.db" / table.name
        if not any(folder.glob("*.parquet")):
            outcome.differences.append("Spark wrote no file of it")
            return outcome
        here = f"{table.database}.{table.schema}.{table.name}"
        there = f"read_parquet('{folder}/*.parquet')"
        types, others = self._types(here), self._types(there)
        outcome.columns = len(types)
        outcome.duckdb_rows, outcome.spark_rows = self._count(here), self._count(there)
        outcome.differences += list(_kinds(types, others))
        shared = [name for name in types if name in others and _kind(types[name]) == _kind(others[name])]
        whole = bool(table.key) and set(table.key) <= set(shared)
        outcome.keyed = whole and self._tells_apart(table.key, here, there)
        keys = list(table.key) if outcome.keyed else shared
        outcome.differences += self._rows(here, there, keys, shared)
        return outcome

    def _types(self, relation: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self._sql.execute(f"describe select * from {relation}").fetchall()}

    def _count(self, relation: str) -> int:
        found = self._sql.execute(f"select count(*) from {relation}").fetchone()
        assert found is not None
        return int(found[0])

    def _tells_apart(self, key: tuple[str, ...], *relations: str) -> bool:
        names = ", ".join(f'"{name}"' for name in key)
        missing = " or ".join(f'"{name}" is null' for name in key)
        for relation in relations:
            twice = f"select 1 from {relation} group by {names} having count(*) > 1 or bool_or({missing})"
            if self._sql.execute(f"select count(*) from ({twice} limit 1)").fetchone() != (0,):
                return False
        return True

    def _rows(self, here: str, there: str, keys: list[str], columns: list[str]) -> list[str]:
        """Rows of one side alone, and rows of both that differ, each told with its key; the first few."""
        if not columns:
            return []
        names = ", ".join(f'"{name}"' for name in columns)
        by = ", ".join(f'"{name}"' for name in keys)
        side = f"select {names}, row_number() over (partition by {by}) as tl_nth, true as tl_there from"
        meets = " and ".join(f'a."{name}" is not distinct from b."{name}"' for name in keys)
        differs = [f'a."{name}" is distinct from b."{name}"' for name in columns if name not in keys]
        named = [name for name in columns if name not in keys]
        what = ", ".join(
            f"case when {test} then '{name}' end" for test, name in zip(differs, named, strict=True)
        )
        key_text = " || ' | ' || ".join(
            f'coalesce(cast(coalesce(a."{name}", b."{name}") as varchar), \'~\')' for name in keys
        )
        found = self._sql.execute(
            f"""
            select
                case when b.tl_there is null then 'only DuckDB has'
                    when a.tl_there is null then 'only Spark has' else 'differs' end as how,
                {key_text} as at,
                {f"concat_ws(', ', {what})" if what else "''"} as columns_that_differ,
                to_json(a) as a_row, to_json(b) as b_row
            from ({side} {here}) as a
            full outer join ({side} {there}) as b on {meets} and a.tl_nth = b.tl_nth
            where a.tl_there is null or b.tl_there is null {"or " + " or ".join(differs) if differs else ""}
            order by 1, 2
            """
        ).fetchall()
        told = []
        for how, at, names_of, a_row, b_row in found:
            if how == "differs":
                a, b = (json.loads(row, parse_float=Decimal) for row in (a_row, b_row))
                values = "; ".join(
                    f"{name}: DuckDB {a[name]}, Spark {b[name]}" for name in names_of.split(", ")
                )
                told.append(f"{at[:200]} differs in {values[:600]}")
            else:
                told.append(f"{how} {at[:300]}")
        return told


def _kinds(types: dict[str, str], others: dict[str, str]) -> Iterator[str]:
    """What is amiss with the columns themselves: a name on one side, another kind of type, an inexact one."""
    for name in types.keys() ^ others.keys():
        yield f"column {name} is {'DuckDB' if name in types else 'Spark'}'s alone"
    for name in types.keys() & others.keys():
        kind, other = _kind(types[name]), _kind(others[name])
        if kind in INEXACT or other in INEXACT:
            yield f"column {name} is inexact: {types[name]}, {others[name]}"
        elif kind != other:
            yield f"column {name} is of type {types[name]} and {others[name]}"


def _kind(name: str) -> str:
    plain = name.split("(")[0]
    return "whole number" if plain in WHOLE else plain
