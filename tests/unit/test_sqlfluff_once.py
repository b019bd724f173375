"""sqlfluff with its work done once finds what it finds as it comes; each file is judged by one process."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ONCE = ROOT / "scripts" / "sqlfluff_once.py"
# every rule, those left out of our own settings too
SETTINGS = """[sqlfluff]
dialect = duckdb
templater = jinja
max_line_length = 60
rules = all
[sqlfluff:rules:capitalisation.identifiers]
extended_capitalisation_policy = upper
[sqlfluff:rules:convention.not_equal]
preferred_not_equal_style = ansi
[sqlfluff:rules:references.quoting]
prefer_quoted_identifiers = False
"""
FILES = {
    # set operations, templated loops, columns told of in several ways
    "unions.sql": """{% set kinds = ['a', 'b', 'c'] %}
WITH first_one as (
    select a.id, b.Name nm , a.amount  AS total
    from orders as a
    join customers b using (id)
    where a.kind != 'x' and id is not null
    ),
unused as (select 1 as n),
{% for kind in kinds %}
part_{{ kind }} as (
    select id, total from first_one where kind = '{{ kind }}'
      union
    select id, nm, total from first_one where total = NULL
    -- what a template has written is not judged
    and {{ 'Odd_Name   !=  1' }}
){{ ',' if not loop.last }}
{% endfor %}
select * from part_a union all
select part_b.* , 1 from part_b
union distinct select id, case when total > 1 then 1 else null end from part_c


order by id, total desc
""",
    # joins, aliases, nested selects, literals
    "joins.sql": """select distinct(t.id), count(1), t.id as id,
    sum( t.x ) over (partition by t.y  order by t.z) as s, "Plain" as p,
    case when t.a = 1 then 'one' else case when t.a = 2 then 'two' end end as word,
    cast(t.c as INT), t.d::int, IFNULL(t.e, 0), 'it' as It, True as flag, a_column
from (select * from base.things where x in (select y from other o)) as t
left join (select id from elsewhere) e on e.id = t.id inner join third as third on third.id=t.id
   cross join fourth, fifth as f
where t.id = other_table.id and (t.x) <> 1 and t.y != 2 and  missing.z = 3
group by 1, t.id having count(*) > 1
limit 3;
select a.b, c from one as a right join two as a on 1 = 1 -- a remark that is too long for its line by far
    union select d from three where exists (select 1 from a);;
""",
    # what no grammar takes
    "broken.sql": "select a from from b where (\nselect c from d as d\n",
    "brief.sql": "SELECT 1  \n\n\nfrom one;\nselect one.a, b from one;\n",
}


# sqlfluff loses its way in a loop that goes round more than once and says what to do instead of going round
LOST = """select
    {% for name in ['a', 'b'] %}
        {{ name }},
    {% else %}
        nothing,
    {% endfor %}
    c
from one
"""


def _judged(folder: Path, program: list[str], claims: Path | None = None) -> list[dict[str, Any]]:
    """What a sqlfluff says of the files in `folder`, file by file."""
    told = {"THROUGHLINE_LINT_CLAIMS": str(claims)} if claims else {}
    done = subprocess.run(
        [*program, "lint", "--format", "json", "--disable-progress-bar", *sorted(FILES)],
        cwd=folder, env={**os.environ, **told, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    for one in found:
        # how long it took, beside what was found
        one.pop("timings", None)
    return sorted(found, key=lambda one: str(one["filepath"]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files with findings of many kinds."""
    (tmp_path / ".sqlfluff").write_text(SETTINGS, encoding="utf-8")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_same_is_found(folder: Path) -> None:
    plain = _judged(folder, [sys.executable, "-m", "sqlfluff"])
    assert _judged(folder, [sys.executable, str(ONCE)]) == plain
    rules = {one["code"] for file in plain for one in file["violations"]}
    assert len(rules) > 35, sorted(rules)
    # of each thing that is kept: layout, places of types, statements, parents, literal stretches
    assert rules >= {
        "LT01",
        "LT02",
        "LT05",
        "LT11",
        "LT15",
        "AL01",
        "AL05",
        "AM07",
        "RF02",
        "RF03",
        "ST03",
        "PRS",
    }


def test_of_several_processes_each_file_is_judged_by_one(folder: Path) -> None:
    claims = folder / "claims"
    claims.mkdir()
    once = [sys.executable, str(ONCE)]
    assert len(_judged(folder, once, claims)) == len(FILES)
    assert _judged(folder, once, claims) == []


def test_a_file_that_was_not_judged_fails_by_name_and_with_the_reason(folder: Path) -> None:
    (folder / "lost.sql").write_text(LOST, encoding="utf-8")
    (folder / "fine.sql").write_text("SELECT 1 AS A\n", encoding="utf-8")

    def lint(*program: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *program, "lint", "--rules", "LT12", "lost.sql", "fine.sql"],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    plain = lint("-m", "sqlfluff")
    assert plain.returncode == 0
    assert "lost.sql" not in plain.stdout + plain.stderr
    once = lint(str(ONCE))
    assert once.returncode == 1
    told = [line for line in once.stderr.splitlines() if "was not judged" in line]
    assert len(told) == 1
    assert told[0].startswith("lost.sql was not judged: Length of templated file mismatch")


def test_only_what_nobody_runs_may_be_left() -> None:
    spec = importlib.util.spec_from_file_location("sqlfluff_once", ONCE)
    assert spec is not None
    assert spec.loader is not None
    once = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(once)
    said = {
        "off.sql": ["Skipped file off.sql because it is disabled"],
        "macro.sql": ["Skipped file macro.sql because it is a macro"],
        "fatal.sql": ["Skipped file fatal.sql because dbt raised a fatal exception during compilation: x"],
        "warned.sql": ["something else"],
    }
    asked = ["seen.sql", "off.sql", "macro.sql", "fatal.sql", "silent.sql", "warned.sql"]
    assert once.not_judged(asked, {"seen.sql", "warned.sql"}, said) == [
        f"fatal.sql was not judged: {said['fatal.sql'][0]}",
        "silent.sql was not judged: sqlfluff does not say why",
    ]
