"""Every model and singular test of the dbt project, compiled as Spark would get it, must be Spark SQL.

dbt's Spark adapter needs a JVM behind it and does not stand in the lock, so the project is compiled with
DuckDB's adapter under two changes: `adapter.dispatch` looks for `spark__` macros first, as under Spark, and
relations are afterwards written as Spark writes them. What comes out is held against five rules, the last of
which is for DuckDB's sake:

1. it parses as Spark SQL, with no statement left over as an opaque command;
2. every function it calls is one Spark has, by name (SPARK_FUNCTIONS: added on purpose or not at all);
3. every type it casts to is one Spark has;
4. it holds nothing of DuckDB's alone: double quotes around a name (a string to Spark), `//`, `exclude`,
   an `interval` in quotes;
5. no outer join asks something of its left side alone (`left join b on a.is_x and a.id = b.id`): DuckDB then
   compares every row with every row. `case when a.is_x then a.id end = b.id` says the same and is looked up.

    python scripts/check_spark_sql.py            every node
    python scripts/check_spark_sql.py --select S the nodes dbt selects

Exit codes: 0 every node passes, 1 some do not (each with its file and reason), 3 dbt could not compile.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from throughline import dbt_quick

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "dbt_project"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Spark's own names of the functions the project may call.
SPARK_FUNCTIONS = _words(
    """
    abs add_months any_value array array_join array_sort arrays_zip avg bool_and bool_or cast ceil
    char chr coalesce collect_list collect_set concat concat_ws conv count count_if current_date
    date_add date_diff date_format date_sub date_trunc datediff day dayofweek dense_rank element_at
    every exists explode extract first first_value floor format_number format_string from_json
    from_utc_timestamp get_json_object greatest grouping hash hex if ifnull initcap instr isnotnull
    isnull lag last last_day last_value lead least left length levenshtein like listagg locate lower
    lpad ltrim make_date max max_by md5 median min min_by mod month months_between named_struct next_day ntile
    nullif nvl nvl2 percent_rank percentile percentile_approx percentile_cont pmod posexplode
    position power quarter range rank regexp_extract regexp_like regexp_replace repeat replace
    reverse right rlike round row_number rpad rtrim sequence sha2 sign size slice some sort_array split
    split_part sqrt stack stddev_samp string_agg struct substr substring sum timestamp_micros
    to_date to_json to_timestamp transform translate trim trunc try_cast try_divide unhex unix_date
    unix_micros upper var_samp weekday weekofyear when xxhash64 year
    """
)
# Words that stand before a bracket without being functions.
NOT_FUNCTIONS = _words(
    """
    all and any as between by case cube distinct else end except exists filter from full group
    having in inner intersect is join lateral left like not on or order outer over partition right
    rollup select sets then union using values when where window with within
    """
)
SPARK_TYPES = _words(
    """
    string boolean tinyint smallint int integer bigint long decimal numeric date timestamp array
    struct map
    """
)
_STRINGS = re.compile(r"'(?:[^']|'')*'")
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_CALL = re.compile(r"(?<![\w`.])([a-zA-Z_]\w*)\s*\(")
_CAST = re.compile(r"\bas\s+([a-zA-Z_]\w*(?:\s+with\s+time\s+zone)?)\s*(?:\([\d,\s]*\))?\s*\)", re.IGNORECASE)
_COLON_CAST = re.compile(r"::\s*([a-zA-Z_]\w*)")
# "database"."schema"."table", as the adapter writes a relation; Spark's has two parts, in backticks.
_RELATION = re.compile(r'"(\w+)"\."(\w+)"\."(\w+)"')


def bare(sql: str) -> str:
    """The SQL without comments and with its string literals emptied."""
    return _COMMENTS.sub(" ", _STRINGS.sub("''", sql))


def faults(sql: str) -> Iterator[str]:
    """What keeps `sql` from being Spark SQL, one sentence each."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ErrorLevel, SqlglotError

    try:
        statements = sqlglot.parse(sql, read="spark", error_level=ErrorLevel.RAISE)
    except SqlglotError as problem:
        statements = []
        yield f"does not parse: {' '.join(str(problem).split())[:300]}"
    for statement in statements:
        if statement is None or isinstance(statement, exp.Command):
            yield "holds a statement the parser cannot read"
        elif statement is not None:
            yield from slow_joins(statement)
    text = bare(sql)
    if '"' in text:
        found = text[text.index('"') : text.index('"') + 40].split("\n")[0]
        yield f"quotes a name doubly, which is a string to Spark: {found}"
    if "//" in text:
        yield "divides with //, which Spark has not"
    if re.search(r"\bexclude\b|\binterval\s+''", text, re.IGNORECASE):
        yield "uses a wording of DuckDB's alone (exclude, interval in quotes)"
    for match in _CALL.finditer(text):
        name = match.group(1).lower()
        before = text[: match.start()].rstrip()
        if name in NOT_FUNCTIONS or name in SPARK_TYPES or before.endswith("`"):
            continue
        if name not in SPARK_FUNCTIONS:
            yield f"calls {name}(), which is not among Spark's functions"
    for pattern in (_CAST, _COLON_CAST):
        for match in pattern.finditer(text):
            name = " ".join(match.group(1).lower().split())
            if pattern is _CAST and not _is_cast(text, match.start()):
                continue
            if name not in SPARK_TYPES:
                yield f"casts to {name}, which is not a type of Spark's"


def slow_joins(statement: Any) -> Iterator[str]:
    """The outer joins that DuckDB can only do row by row: a condition is on the left side alone."""
    from sqlglot import exp

    for join in statement.find_all(exp.Join):
        condition = join.args.get("on")
        if join.side not in ("LEFT", "FULL") or condition is None:
            continue
        for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
            asked = {column.table for column in part.find_all(exp.Column)}
            if asked and "" not in asked and join.alias_or_name not in asked:
                yield f"joins {join.alias_or_name} by a condition on the left side alone: {part.sql()[:120]}"


def _is_cast(text: str, end: int) -> bool:
    """Whether the bracket that encloses position `end` was opened by cast or try_cast."""
    depth = 0
    for position in range(end - 1, -1, -1):
        if text[position] == ")":
            depth += 1
        elif text[position] == "(":
            if depth == 0:
                return text[:position].rstrip().lower().endswith("cast")
            depth -= 1
    return False


def _speak_spark() -> None:
    """Make dbt dispatch to Spark's macros first; DuckDB's own serve what dbt itself asks of the database."""
    from dbt.context.providers import BaseDatabaseWrapper

    def prefixes(self: Any) -> list[str]:
        return ["spark", "duckdb", "default"]

    BaseDatabaseWrapper._get_adapter_macro_prefixes = prefixes


def _inputs(build: Path) -> None:
    """Empty input tables: a model may ask at compile time which columns they have."""
    import duckdb

    from throughline.inputs import TABLES

    connection = duckdb.connect(str(build))
    connection.execute("create schema inputs")
    for name, columns in TABLES.items():
        connection.execute(f"create table inputs.{name} ({columns})")
    connection.close()


def _compile(folder: Path, select: str | None) -> dict[str, tuple[str, str]]:
    """Compile the project into `folder`; per node its path and SQL. Raises RuntimeError when dbt cannot."""
    import duckdb

    for name in ("RAW", "BUILD", "SERVING"):
        path = folder / f"{name.lower()}.duckdb"
        duckdb.connect(str(path)).close()
        os.environ[f"THROUGHLINE_{name}_DB"] = str(path)
    os.environ["DBT_TARGET_PATH"] = str(folder / "target")
    os.environ["DBT_LOG_PATH"] = str(folder / "logs")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    _inputs(folder / "build.duckdb")
    from dbt.cli.main import dbtRunner

    keep_templates = dbt_quick.quicken()
    _speak_spark()
    # files are off unless a firm has some; their mapping models are checked all the same
    systems = "bamboohr,certinia,docusign,events,files,netsuite,salesforce"
    variables = {"type_text": "string", "type_instant": "timestamp", "systems": systems}
    arguments = [
        "compile", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--vars", json.dumps(variables),
        "--no-partial-parse", "--quiet", "--exclude", "test_type:generic", "test_type:unit",
    ]  # fmt: skip
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        outcome = dbtRunner().invoke(arguments + (["--select", select] if select else []))
    keep_templates()
    if not outcome.success:
        raise RuntimeError(f"{said.getvalue()[-4000:]}\n{outcome.exception or ''}")
    found: dict[str, tuple[str, str]] = {}
    for result in outcome.result:
        node = result.node
        if getattr(node, "compiled_code", None) and node.resource_type in ("model", "test"):
            sql = _RELATION.sub(r"`\2`.`\3`", node.compiled_code)
            found[node.unique_id] = (node.original_file_path, sql)
    return found


def main() -> int:
    """Check the project; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--select", help="which nodes, in dbt's words (default: all)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            nodes = _compile(Path(folder), options.select)
        except RuntimeError as problem:
            print(f"dbt could not compile the project:\n{problem}", file=sys.stderr)
            return 3
    broken = 0
    for name, (path, sql) in sorted(nodes.items()):
        found = sorted(set(faults(sql)))
        broken += bool(found)
        for fault in found:
            print(f"{path} ({name.split('.')[2]}): {fault}")
    print(f"{len(nodes)} models and singular tests read as Spark SQL, {broken} do not pass")
    return 1 if broken or not nodes else 0


if __name__ == "__main__":
    sys.exit(main())
