"""The Spark check itself: a check that lets everything through would go unnoticed for ever."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_spark_sql", ROOT / "scripts" / "check_spark_sql.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_spark_sql"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select a from t where", "does not parse"),
        ("select epoch_us(a) as b from t", "epoch_us()"),
        ("select strftime(a, '%Y') as b from t", "strftime()"),
        ('select a as "end" from t', "quotes a name doubly"),
        ("select a // b as c from t", "divides with //"),
        ("select * exclude (a) from t", "wording of DuckDB"),
        ("select a + interval '1 day' as b from t", "wording of DuckDB"),
        ("select cast(a as varchar) as b from t", "casts to varchar"),
        ("select cast(f(g(a)) as hugeint) as b from t", "casts to hugeint"),
        ("select cast(a as timestamp with time zone) as b from t", "timestamp with time zone"),
        ("select a::text as b from t", "casts to text"),
        ("select t.a from t left join u on t.is_b and t.a = u.a", "on the left side alone: t.is_b"),
    ],
)
def test_what_spark_would_not_take_is_named(check: ModuleType, sql: str, reason: str) -> None:
    assert any(reason in fault for fault in check.faults(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "select `end` as last_day, '\"quoted\"' as word, 'a // b' as path from `raw`.`t`",
        'with t as (select 1 as a) select sum(a) over (partition by a) as b from t -- "comment"',
        "select cast(conv(substr(md5(a), 1, 15), 16, 10) as bigint) as k from t"
        " qualify row_number() over (order by a) = 1",
        "select a from t where a in (select b from u) and cast(b as decimal(19, 4)) > 0",
        "select t.a from t left join u on case when t.is_b then t.a end = u.a and u.is_b join v on t.is_b",
    ],
)
def test_what_spark_takes_passes(check: ModuleType, sql: str) -> None:
    assert list(check.faults(sql)) == []
