"""Builds of small firms drawn at random (`small_firms`), and what is read from them.

dbt compiles the models once; each firm is built in this process from the SQL that it compiled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt.ledger_support import CLOSING, PROJECT, Firm, dbt, make_project, statements
from tests.dbt.small_firms import AS_OF, KNOWN_AT, LOADS, firms
from tests.support.drawing import drawn_alike

D = Decimal

# the second load is when February is closed
THEN, THEN_AT = LOADS[1][:10], LOADS[1]
# what is asked of a firm
NUMBERS = (
    "metric_value", "metric_drill", "backlog_rollforward", "wip_rollforward", "ar_rollforward",
    "contract_liability_rollforward", "leakage_bridge", "project_margin", "margin_bridge",
    "remaining_performance_obligation", "backlog_line", "contract_position", "ar_document",
)  # fmt: skip


def drawn(examples: int, *more: Any) -> Callable[[Any], Any]:
    """A test over drawn firms: the same ones in every run and in every test."""
    return drawn_alike(examples, firms(), *more)


class Warehouse:
    """Builds of firms in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.numbers = folder, count()
        Firm().write(folder / "build.duckdb", as_of=AS_OF, known_at=KNOWN_AT)
        project = make_project(folder, CLOSING)
        # only what the models say is wanted, not what is tested of them
        for room in ("ledger", "lifecycle", "marts"):
            for words in (project / "models" / room).rglob("*.yml"):
                words.unlink()
        for test in (project / "tests").glob("*.sql"):
            test.unlink()
        done = dbt(project, folder, "compile", "--vars", "{views_as: table}")
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        self.all = statements(folder, (*NUMBERS, *CLOSING, "fct_value_movement"))
        self.kept: dict[str, duckdb.DuckDBPyConnection] = {}

    def of(self, told: Firm) -> duckdb.DuckDBPyConnection:
        """The firm as its last load left it; kept for the other tests that draw it."""
        return self._keep(told, AS_OF, KNOWN_AT)

    def then(self, told: Firm) -> duckdb.DuckDBPyConnection:
        """The firm as its second load left it, kept too."""
        return self._keep(told, THEN, THEN_AT)

    def _keep(self, told: Firm, as_of: str, known_at: str) -> duckdb.DuckDBPyConnection:
        name = repr((told.rows, told.plain, told.parameters, known_at))
        if name not in self.kept:
            self.kept[name] = self.build(told, known_at, as_of=as_of)
        return self.kept[name]

    def build(
        self, told: Firm, known_at: str = KNOWN_AT, *, as_of: str = AS_OF, only_loaded: bool = True,
        currency: str = "USD",
    ) -> duckdb.DuckDBPyConnection:  # fmt: skip
        """The firm on a day as `known_at` knew it, from what had been loaded by then or from everything."""
        file = self.folder / f"{next(self.numbers)}.duckdb"
        told.write(file, as_of=as_of, known_at=known_at, only_loaded=only_loaded)
        connection = duckdb.connect(config={"threads": 1})
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{file}' as build; attach ':memory:' as serving; use build")
        # so little data is sooner read than planned for
        connection.execute("set disabled_optimizers = 'statistics_propagation,join_order'")
        connection.execute("update inputs.run_context set reporting_currency = ?", [currency])
        connection.execute("create schema seeds")
        registry = PROJECT / "seeds" / "metric_registry.csv"
        connection.execute(
            f"create table seeds.metric_registry as from read_csv('{registry}', all_varchar = true)"
        )
        for schema, statement in self.all:
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(statement)
        return connection


def table(built: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found = built.execute(sql)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def mart(built: duckdb.DuckDBPyConnection, name: str, where: str = "true") -> list[dict[str, Any]]:
    return table(built, f"select * from serving.marts.{name} where {where}")


def sums(rows: Iterable[dict[str, Any]], by: Iterable[str], amount: str) -> dict[tuple[Any, ...], Decimal]:
    """Sums of a column; what is not known adds nothing."""
    found: dict[tuple[Any, ...], Decimal] = defaultdict(D)
    for row in rows:
        found[tuple(row[name] for name in by)] += row[amount] or 0
    return dict(found)


def known(found: dict[Any, Decimal]) -> dict[Any, Decimal]:
    """Without the zeros: a row of nothing is as good as none."""
    return {key: amount for key, amount in found.items() if amount}
