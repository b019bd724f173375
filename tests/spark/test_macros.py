"""Every macro that says a thing in two dialects says the same in both: worked out by hand, asked of both."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.dbt.macros import FILES, ROOT, render
from throughline.process import QUIET
from throughline.stages import spark

DAY = "cast('2026-02-27' as date)"
AT = "as_instant(\"'2026-03-29 23:30:00.000001+00:00'\")"
MD5 = hashlib.md5(b"netsuite:main:1", usedforsecurity=False).hexdigest()
SHA = hashlib.sha256("Müller|1".encode()).hexdigest()
# macro -> (an expression made of it, what it must come to as text)
CASES: list[tuple[str, str, str | None]] = [
    ("add_months_start", f"add_months_start(\"{DAY}\", '-2')", "2025-12-01"),
    ("add_months_start", f"add_months_start(\"{DAY}\", '12')", "2027-02-01"),
    ("date_add_days", f"date_add_days(\"{DAY}\", '2')", "2026-03-01"),
    ("date_add_days", f"date_add_days(\"{DAY}\", '-58')", "2025-12-31"),
    ("days_between", f'days_between("{DAY}", "cast(\'2026-03-01\' as date)")', "2"),
    ("days_between", f'days_between("cast(\'2026-03-01\' as date)", "{DAY}")', "-2"),
    ("weekday_number", f'weekday_number("{DAY}")', "5"),
    ("weekday_number", "weekday_number(\"cast('2026-03-01' as date)\")", "7"),
    ("local_date", f"local_date({AT}, \"'Europe/Berlin'\")", "2026-03-30"),
    ("local_date", f"local_date({AT}, \"'America/New_York'\")", "2026-03-29"),
    ("local_date", f"local_date({AT}, \"'UTC'\")", "2026-03-29"),
    ("date_of", f"date_of({AT})", "2026-03-29"),
    ("date_of", "date_of(as_instant(\"'1969-12-31 23:30:00+00:00'\"))", "1969-12-31"),
    ("instant_number", f"instant_number({AT})", "1774827000000001"),
    ("hash_key", "hash_key(\"'netsuite:main:1'\")", str(int(MD5[:15], 16))),
    ("sha256_hex", "sha256_hex(\"'Müller|1'\", 16)", SHA[:16]),
    ("whole", "whole('-12.3456', 4)", "-123456"),
    ("whole", "whole('cast(0.0000000001 as decimal(18, 10))', 10)", "1"),
    # half away from zero, on either side of it, and where a double would lose the last digit
    ("rounded_quotient", "mul_div('1', '1', '8', 2)", "0.13"),
    ("rounded_quotient", "mul_div('-1', '1', '8', 2)", "-0.13"),
    ("rounded_quotient", "mul_div('12345678901.2345', '3', '7')", "5291005243.3862"),
    ("rounded_quotient", "mul_div('1', '1', '0')", None),
    # all of it, nothing of it, and a share of nothing
    ("mul_div", "mul_div('12.3456', '7', '7')", "12.3456"),
    ("mul_div", "mul_div('12.3456', '0', '7')", "0.0000"),
    ("mul_div", "mul_div('0', '0', '0')", None),
    ("mul_div", "mul_div('cast(null as decimal(19, 4))', '7', '7')", None),
    ("at_rate", "at_rate('0.0001', '1')", "0.0001"),
    ("at_rate", "at_rate('-0.0001', '0.5')", "-0.0001"),
    ("at_rate", "at_rate('1', 'cast(null as decimal(18, 10))')", None),
    ("rounded_quotient", "safe_divide('1', '3')", "0.3333333333"),
    ("rounded_quotient", "safe_divide('-2', '3')", "-0.6666666667"),
    ("regexp_replace_all", "regexp_replace_all(\"'a.b..c'\", '[.]+', ' ')", "a b c"),
    ("json_text", "json_text(\"chr(34) || 'a' || chr(10)\")", '"\\"a\\n"'),
    ("json_text", 'json_text("cast(1.50 as decimal(9, 2))")', '"1.50"'),
    ("json_text", "json_text('null')", None),
    ("json_value", "json_value(\"'{' || chr(34) || 'a' || chr(34) || ': 3}'\", 'a')", "3"),
    ("json_value", "json_value(\"'{' || chr(34) || 'a' || chr(34) || ': 3}'\", 'b')", None),
    ("json_value", "json_value(\"'no json'\", 'a')", None),
    ("add_hours", f"instant_number(add_hours({AT}, '0.25'))", "1774827900000001"),
    ("type_text", "as_text('1.10')", "1.10"),
    ("type_instant", "instant_number(as_instant(\"'2026-01-01 00:00:00+00:00'\"))", "1767225600000000"),
]
# macro -> a whole query made of it, in which `{{...}}` is rendered
QUERIES: list[tuple[str, str, str]] = [
    (
        "day_spine",
        "select count(*) || ' ' || min(day) || ' ' || max(day) from"
        " {{ day_spine(\"cast('2026-02-27' as date)\", \"cast('2026-03-02' as date)\") }} as spine",
        "4 2026-02-27 2026-03-02",
    ),
    (
        "list_agg_sorted",
        "select {{ list_agg_sorted('word') }} from"
        " (select 'b' as word union all select null union all select 'a' union all select 'b') as words",
        "a, b, b",
    ),
    (
        "first_by",
        "select {{ list_agg_sorted('word') }} from (select {{ each_of('words') }} as word from"
        " (select {{ first_by('word', 'place', 2) }} as words from"
        " (select 'b' as word, 2 as place union all select null, 0 union all select 'c', 3"
        " union all select 'a', 1)"
        " as told) as listed) as drawn",
        "a, b",
    ),
    (
        "each_of",
        "select count(*) || '' from (select {{ each_of(\"split('1,2,2', ',')\") }} as one) as list",
        "3",
    ),
    (
        "where_it_is_read",
        "with told as {{ where_it_is_read() }} (select 3 as n)"
        " select one.n + other.n from told as one cross join told as other",
        "6",
    ),
    ("quote_name", "select {{ quote_name('end') }} from (select 7 as {{ quote_name('end') }}) as t", "7"),
]
# These choose a way of building, or ask the database for columns; the build of the firm, two vendors of which
# have two instances, shows what they choose.
OF_A_BUILD = {"advancing_strategy", "is_advancing", "union_by_name"}


def _queries(engine: str) -> list[str]:
    asked = [f"select {render(call, engine=engine)} as answer" for _, call, _ in CASES]
    for _, query, _ in QUERIES:
        calls = re.split(r"\{\{(.*?)\}\}", query)
        asked.append(
            "".join(render(part, engine=engine) if odd % 2 else part for odd, part in enumerate(calls))
        )
    kind = "string" if engine == "spark" else "varchar"
    return [f"select cast(answer as {kind}) from ({query}) as asked(answer)" for query in asked]


@pytest.fixture(scope="module")
def of_spark(tmp_path_factory: pytest.TempPathFactory) -> list[str | None]:
    """Spark's answers, in one session."""
    file = tmp_path_factory.mktemp("ask") / "asked.json"
    file.write_text(json.dumps(_queries("spark")), encoding="utf-8")
    spark.check_machine()
    done = subprocess.run(
        [str(spark.python()), "-m", "tests.spark.ask", str(file)],
        env={"PATH": "/usr/bin:/bin", **QUIET, **spark.ENVIRONMENT},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    answers: list[str | None] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.fixture(scope="module")
def of_duckdb() -> list[str | None]:
    """DuckDB's answers."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = [connection.execute(query).fetchone() for query in _queries("duckdb")]
    return [row[0] if row else None for row in found]


@pytest.mark.parametrize(
    "number", range(len(CASES) + len(QUERIES)), ids=lambda number: f"{[*CASES, *QUERIES][number][0]}-{number}"
)
def test_a_macro_gives_the_same_on_both_engines(
    number: int, of_spark: list[str | None], of_duckdb: list[str | None]
) -> None:
    expected = [*CASES, *QUERIES][number][2]
    assert (of_duckdb[number], of_spark[number]) == (expected, expected)


def test_no_macro_with_two_dialects_is_left_out() -> None:
    folder = ROOT / "dbt_project" / "macros"
    text = "".join(Path(path).read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql")))
    dispatched = set(re.findall(r"adapter\.dispatch\('(\w+)'", text))
    asked = {macro for macro, _, _ in [*CASES, *QUERIES]}
    assert dispatched == asked | OF_A_BUILD
    assert {f"{name}.sql" for name in ("portable", "controls")} <= set(FILES)
