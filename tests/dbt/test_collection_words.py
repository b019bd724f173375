"""The formulas of collections by themselves, where no calendar has the months of the published example."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from tests.dbt.macros import render


def asked(call: str) -> Decimal:
    found = duckdb.connect().execute(f"select {render(call)}").fetchone()
    assert found is not None
    return Decimal(found[0])


def test_countback_of_the_published_example() -> None:
    """G-DSO-01: 100,000 and 80,000 are used up in two months of 30 days; 32,000 of a third month's 70,000."""
    day = "cast('2026-{}' as date)"
    call = (
        "collection_countback('cast(32000 as decimal(28, 4))', 'cast(70000 as decimal(28, 4))',"
        f' "{day.format("04-30")}", "{day.format("04-01")}", "{day.format("06-29")}")'
    )
    assert abs(asked(call) - Decimal("73.7142857143")) < Decimal("1e-9")


@pytest.mark.parametrize(
    ("is_credit", "days", "bucket"),
    [
        ("true", "0", "CREDIT"), ("false", "null", "NO_DUE_DATE"), ("false", "0", "NOT_DUE"),
        ("false", "1", "1-30"), ("false", "30", "1-30"), ("false", "31", "31-60"), ("false", "60", "31-60"),
        ("false", "61", "61-90"), ("false", "91", "91-120"), ("false", "120", "91-120"),
        ("false", "121", ">120"),
    ],
)  # fmt: skip
def test_every_age_has_its_bucket(is_credit: str, days: str, bucket: str) -> None:
    words = render(f"collection_bucket('{is_credit}', '{days}')")
    assert duckdb.connect().execute(f"select {words}").fetchone() == (bucket,)
