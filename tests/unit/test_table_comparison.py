"""What the comparison of two engines sees: a comparison that lets everything through would go unnoticed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.spark.compare import Comparison, Outcome, Table

ROWS = (
    "select * from (values"
    " ('a', 1, 10.0001::decimal(19,4), date '2026-01-31', '2026-01-31 10:00:00+00'::timestamptz),"
    " ('b', 1, 20.0000, null, null),"
    " ('b', 2, null, date '2026-02-28', null)"
    ") as t(id, version, amount, day, moment)"
)
TABLE = Table("marts", "sums", "serving", ("id", "version"))


def compared(folder: Path, spark: str, table: Table = TABLE, rows: str = ROWS) -> Outcome:
    """`rows` as DuckDB's table against `spark`, a query over them as `mine`, as Spark's files."""
    for name in ("build", "serving"):
        with duckdb.connect(str(folder / f"{name}.duckdb")) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"create schema marts; create table marts.sums as {rows}")
            written = folder / "warehouse" / "marts.db" / "sums"
            written.mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"copy (with mine as ({rows}) {spark}) to '{written}/part-0.parquet' (format parquet)"
            )
    comparison = Comparison(folder / "build.duckdb", folder / "serving.duckdb", folder / "warehouse")
    outcome = comparison.compare(table)
    comparison.close()
    return outcome


def test_the_same_rows_in_another_order_are_equal(tmp_path: Path) -> None:
    outcome = compared(tmp_path, "select * from mine order by id desc, version desc")
    assert (outcome.differences, outcome.duckdb_rows, outcome.spark_rows, outcome.keyed) == ([], 3, 3, True)


@pytest.mark.parametrize(
    ("spark", "told"),
    [
        (
            "select * replace (amount + 0.0001 as amount) from mine where amount is null or amount < 15"
            " union all select * from mine where amount > 15",
            "a | 1 differs in amount: DuckDB 10.0001, Spark 10.0002",
        ),
        ("select * from mine where id = 'a' or version = 1", "only DuckDB has b | 2"),
        ("select * from mine union all select 'c', 1, 1, null, null", "only Spark has c | 1"),
        ("select * replace (coalesce(amount, 0) as amount) from mine", "differs in amount"),
        ("select * replace (moment + interval 1 microsecond as moment) from mine", "differs in moment"),
        ("select * replace (amount::double as amount) from mine", "column amount is inexact"),
        ("select * replace (version::varchar as version) from mine", "column version is of type"),
        ("select * exclude (day) from mine", "column day is DuckDB's alone"),
        ("select *, 1 as more from mine", "column more is Spark's alone"),
    ],
)
def test_each_difference_is_seen_and_told(tmp_path: Path, spark: str, told: str) -> None:
    outcome = compared(tmp_path, spark)
    assert any(told in difference for difference in outcome.differences), outcome.differences


def test_rows_without_a_key_are_counted(tmp_path: Path) -> None:
    twice = f"{ROWS} union all {ROWS}"
    without = Table("marts", "sums", "build")
    assert compared(tmp_path, "select * from mine", without, twice).differences == []
    (tmp_path / "less").mkdir()
    outcome = compared(tmp_path / "less", f"{ROWS}", without, twice)
    assert (len(outcome.differences), outcome.keyed) == (3, False)
    assert all(difference.startswith("only DuckDB has") for difference in outcome.differences)


def test_a_key_that_stands_twice_is_no_key(tmp_path: Path) -> None:
    outcome = compared(tmp_path, "select * from mine", Table("marts", "sums", "build", ("id",)))
    assert (outcome.differences, outcome.keyed) == ([], False)


def test_a_table_spark_did_not_write_is_missed(tmp_path: Path) -> None:
    outcome = compared(tmp_path, "select * from mine", Table("marts", "other", "build"))
    assert outcome.differences == ["Spark wrote no file of it"]
