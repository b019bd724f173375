"""What holds for every firm, on small firms drawn at random (`small_firms`).

dbt compiles the models once; each firm is built in this process from the SQL that it compiled. The tests draw
the same firms, so that one build of a firm answers several of them.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.dbt.ledger_support import PROJECT, Firm, dbt, make_project, statements
from tests.dbt.small_firms import AS_OF, KNOWN_AT, firms

pytestmark = pytest.mark.slow
D = Decimal

# roll-forward -> (metric of its closing, column of its own beside the place)
ROLL_FORWARDS = {
    "backlog_rollforward": ("total_backlog", "contract_line_id"),
    "wip_rollforward": ("wip_operational", "contract_line_id"),
    "ar_rollforward": ("ar_gross", "invoice_id"),
    "contract_liability_rollforward": ("contract_liability", "contract_line_id"),
}
NUMBERS = (
    "metric_value", "metric_drill", *ROLL_FORWARDS, "leakage_bridge", "project_margin", "margin_bridge",
    "remaining_performance_obligation", "backlog_line", "contract_position", "ar_document",
)  # fmt: skip
PLACE = ("legal_entity_id", "practice_id", "customer_id", "line_currency_code")
NO_MOVEMENT = {
    "as_of", "month_start", "legal_entity_id", "region_id", "practice_id", "customer_id", "project_id",
    "contract_line_id", "invoice_id", "line_currency_code", "currency_view", "currency_code", "opening",
    "closing", "unexplained",
}  # fmt: skip
# metrics that add up, whatever they are cut by
SUMS = ("flow", "balance", "margin", "stock")


def drawn(examples: int, *more: Any) -> Callable[[Any], Any]:
    """A test over drawn firms: the same ones in every run and in every test."""

    def wrap(test: Any) -> Any:
        asked = settings(
            max_examples=examples, derandomize=False, deadline=None, database=None, print_blob=False,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        return seed(20260429)(asked(given(firms(), *more)(test)))

    return wrap


def said_of(seen: Counter[str], wanted: Iterable[str]) -> None:
    """Nothing holds of what no firm has: each was there in at least one of them."""
    assert not [name for name in wanted if not seen[name]], seen


class Warehouse:
    """Builds of firms in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.numbers = folder, count()
        Firm().write(folder / "build.duckdb", as_of=AS_OF, known_at=KNOWN_AT)
        project = make_project(folder)
        # only what the models say is wanted, not what is tested of them
        for room in ("ledger", "lifecycle", "marts"):
            for words in (project / "models" / room).rglob("*.yml"):
                words.unlink()
        for test in (project / "tests").glob("*.sql"):
            test.unlink()
        done = dbt(project, folder, "compile", "--vars", "{views_as: table}")
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        self.all = statements(folder, NUMBERS)
        self.kept: dict[str, duckdb.DuckDBPyConnection] = {}

    def of(self, told: Firm) -> duckdb.DuckDBPyConnection:
        """The firm as its last load left it; kept for the other tests that draw it."""
        name = repr((told.rows, told.plain, told.parameters))
        if name not in self.kept:
            self.kept[name] = self.build(told)
        return self.kept[name]

    def build(
        self, told: Firm, known_at: str = KNOWN_AT, *, currency: str = "USD"
    ) -> duckdb.DuckDBPyConnection:
        """A build from what had been loaded at `known_at`."""
        file = self.folder / f"{next(self.numbers)}.duckdb"
        told.write(file, as_of=AS_OF, known_at=known_at, only_loaded=True)
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


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("drawn"))


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


def additive() -> set[str]:
    with (PROJECT / "seeds" / "metric_registry.csv").open(encoding="utf-8", newline="") as file:
        return {row["metric_id"] for row in csv.DictReader(file) if row["kind"] in SUMS}


def test_roll_forwards_foot(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()

    @drawn(8)
    def holds(told: Firm) -> None:
        built = warehouse.of(told)
        for name, (metric, own) in ROLL_FORWARDS.items():
            rows = mart(built, name)
            seen[name] += len(rows)
            movements = set(rows[0]) - NO_MOVEMENT if rows else set()
            by: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
            for row in rows:
                moved = [row["opening"], *(row[one] for one in movements)]
                if row["currency_view"] == "TC":
                    # in its own currency everything is known and no rate explains anything
                    assert (sum(moved), row["fx_translation"]) == (row["closing"], 0), (name, row)
                elif None not in (*moved, row["closing"]):
                    assert sum(moved) == row["closing"], (name, row)
                if row["currency_view"] == "TC":
                    by[tuple(row[one] for one in (own, *PLACE))].append(row)
            for line in by.values():
                for before, after in pairwise(sorted(line, key=lambda row: row["as_of"])):
                    assert before["closing"] == after["opening"], (name, before, after)
            # ... and where it ends is what the metric says, by who has it
            for view in ("TC", "RC"):
                ends = sums(
                    (row for row in rows if row["currency_view"] == view),
                    ("as_of", "legal_entity_id", "currency_code"), "closing",
                )  # fmt: skip
                says = sums(
                    mart(built, "metric_value", f"metric_id = '{metric}' and currency_view = '{view}'"
                         " and grain = 'LEGAL_ENTITY'"),
                    ("as_of", "legal_entity_id", "currency_code"), "numerator",
                )  # fmt: skip
                assert known(ends) == known(says), (name, view)

    holds()
    said_of(seen, ROLL_FORWARDS)


def test_every_way_down_adds_up_to_the_same(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()

    @drawn(8)
    def holds(told: Firm) -> None:
        built, metrics = warehouse.of(told), additive()
        values = [
            row
            # in the entities' own currencies there is no number for the firm
            for row in mart(
                built, "metric_value", "period_type in ('POINT', 'MONTH') and currency_view <> 'FC'"
            )
            if row["metric_id"] in metrics
        ]
        said = ("metric_id", "as_of", "currency_view", "currency_code")
        firm = sums((row for row in values if row["grain"] == "FIRM"), said, "numerator")
        for grain in {row["grain"] for row in values} - {"FIRM"}:
            parts = sums((row for row in values if row["grain"] == grain), said, "numerator")
            assert parts == {key: amount for key, amount in firm.items() if key in parts}, grain
            missing = {key for key in firm.keys() - parts.keys() if key[0] in {part[0] for part in parts}}
            assert not {key for key in missing if key[2] == "RC"}, grain
        # ... and the rows behind a number add up to it, wherever it is opened
        rows = [row for row in mart(built, "metric_drill") if row["metric_id"] in metrics]
        seen.update(metric_value=len(values), metric_drill=len(rows))
        for grain in ("FIRM", "LEGAL_ENTITY", "PRACTICE", "CUSTOMER"):
            member = () if grain == "FIRM" else (f"{grain.lower()}_id",)
            shown = [row for row in values if row["grain"] == grain and row["currency_view"] == "RC"]
            there = {row["metric_id"] for row in shown}
            opened = sums(
                (row for row in rows if row["metric_id"] in there),
                ("metric_id", "as_of", *member),
                "amount_rc",
            )
            assert known(opened) == known(sums(shown, ("metric_id", "as_of", *member), "numerator")), grain

    holds()
    said_of(seen, ("metric_value", "metric_drill"))


def test_bridges_leave_nothing(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()

    @drawn(8)
    def holds(told: Firm) -> None:
        built = warehouse.of(told)
        lost = ("non_billable", "above_ceiling", "unbilled_aged", "billed_below", "credited")
        gone = (*lost, "billed_above", "credited_back", "unbilled_late", "unbilled_timely", "open")
        for row in mart(built, "leakage_bridge"):
            for view in ("tc", "rc"):
                amounts = [row[f"{name}_{view}"] for name in ("list", "discount", "contract", "cash", *gone)]
                if None in amounts:
                    continue
                at_list, discount, contract, cash, *steps = amounts
                seen["leakage"] += any(steps)
                assert (at_list - discount, contract - sum(steps)) == (contract, cash), (view, row)
            if row["leakage_rc"] is not None:
                assert row["leakage_rc"] == sum(row[f"{name}_rc"] for name in lost), row
        margins = mart(built, "project_margin")
        steps = sums(mart(built, "margin_bridge"), ("project_id",), "amount_rc")
        seen["margin"] += len(steps)
        for row in margins:
            assert row["gap"] is not None or steps.get((row["project_id"],), 0) == row["actual_margin_rc"], (
                row
            )
            assert row["gap"] is None or (row["project_id"],) not in steps, row
        lines = mart(built, "backlog_line", f"as_of = '{AS_OF}'")
        parts = mart(built, "remaining_performance_obligation")
        seen["obligations"] += len({row["treatment"] for row in parts}) > 1
        for amount in ("amount_tc", "amount_rc"):
            of_lines, of_parts = (sums(rows, ("contract_line_id",), amount) for rows in (lines, parts))
            assert of_parts == of_lines, amount
        assert all(row["amount_tc"] >= 0 for row in parts)
        backlog = mart(
            built, "metric_value",
            f"metric_id = 'total_backlog' and grain = 'FIRM' and currency_view = 'RC' and as_of = '{AS_OF}'",
        )  # fmt: skip
        assert known(sums(parts, (), "amount_rc")) == known(sums(backlog, (), "numerator"))

    holds()
    said_of(seen, ("leakage", "margin", "obligations"))
