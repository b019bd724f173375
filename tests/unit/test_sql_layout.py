"""What the SQL linter looks at, and what it is told not to look for."""

from __future__ import annotations

import configparser
import importlib.util
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"


def _linter() -> ModuleType:
    """scripts/lint_sql.py as a module."""
    spec = importlib.util.spec_from_file_location("lint_sql", ROOT / "scripts" / "lint_sql.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _sql(folder: str) -> list[Path]:
    return sorted((PROJECT / folder).rglob("*.sql"))


def test_every_model_and_singular_test_is_judged() -> None:
    linter = _linter()
    found = {path.relative_to(ROOT).as_posix() for folder in ("models", "tests") for path in _sql(folder)}
    assert len(found) > 200
    judged = set(linter.chosen([str(ROOT / one) for one in linter.DEFAULT]))
    assert found - judged == {
        path for path in found if "{% test " in (ROOT / path).read_text(encoding="utf-8")
    }
    assert judged <= found


def test_every_rule_that_is_left_out_says_why() -> None:
    text = (ROOT / ".sqruff").read_text(encoding="utf-8")
    settings = configparser.ConfigParser()
    settings.read_string(text)
    assert settings["sqruff"]["rules"] == "all"
    left_out = [rule.strip() for rule in settings["sqruff"]["exclude_rules"].split(",")]
    assert [rule for rule in left_out if not re.search(rf"(?m)^# {rule} \w+", text)] == []


# A model as it should be, and what is found when one piece of it is written another way.
MODEL = """with

told as (
    select
        lines.line_id,
        lines.amount as value,
        {%- for kind in ['open', 'billed'] %}
            lines.{{ kind }}_amount,
        {%- endfor %}
        coalesce(lines.status, 'NEW') as status
    from one as lines
    left join two on lines.line_id = two.line_id
    where lines.amount <> 1 and two.line_id is not null
)

select
    line_id,
    value,
    status
from told
"""
SPOILT = [
    ("left join two on", "LEFT join two on", "CP01"),
    ("lines.amount as value", "lines.amount value", "AL02"),
    ("lines.amount as value", "lines.amount  as value", "LT01"),
    ("    where lines", "      where lines", "LT02"),
    ("coalesce(lines.status, 'NEW')", "coalesce(lines.status, '" + "N" * 80 + "')", "LT05"),
    ("from told", "from one", "ST03"),
    ("        lines.line_id,", "        line_id,", "RF02"),
    ("coalesce(", "ifnull(", "CV02"),
    ("two.line_id is not null", "two.line_id <> null", "CV05"),
    ("lines.line_id = two.line_id", "lines.line_id = three.line_id", "RF01"),
    ("    status\n", "    status,\n", "CV03"),
    ("\n)\n\nselect", "\n)\nselect", "LT08"),
    ("told as (\n    select", "told as (\n\n\n    select", "LT15"),
    ("from one as lines", "from one as lines where (", "????"),
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What is found in the model as it is and in each spoilt copy, by the name of the file."""
    folder = tmp_path_factory.mktemp("sql")
    settings = (ROOT / ".sqruff").read_text(encoding="utf-8").replace("templater = dbt", "templater = jinja")
    (folder / ".sqruff").write_text(settings, encoding="utf-8")
    (folder / "clean.sql").write_text(MODEL, encoding="utf-8")
    for number, (written, instead, _) in enumerate(SPOILT):
        assert MODEL.count(written) == 1, written
        (folder / f"spoilt_{number}.sql").write_text(MODEL.replace(written, instead), encoding="utf-8")
    files = sorted(path.name for path in folder.glob("*.sql"))
    done = subprocess.run(
        [_linter().SQRUFF, "lint", *files], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found: dict[str, set[str]] = {file: set() for file in files}
    file = ""
    for line in done.stderr.splitlines():
        if heading := re.match(r"== \[(.*)\] FAIL", line):
            file = heading[1]
        elif finding := re.match(r"L: +\d+ \| P: +\d+ \| +(\S+) \|", line):
            found[file].add(finding[1])
    return found


def test_a_model_as_it_should_be_is_let_through(judged: dict[str, set[str]]) -> None:
    assert judged["clean.sql"] == set()


@pytest.mark.parametrize("number", range(len(SPOILT)), ids=[rule for *_, rule in SPOILT])
def test_a_piece_written_another_way_is_found(judged: dict[str, set[str]], number: int) -> None:
    assert SPOILT[number][2] in judged[f"spoilt_{number}.sql"]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"\btarget\.(type|name)\b", "which engine runs is a macro's business"),
        (r"\badapter\.", "dispatch belongs in a macro"),
        (r"--\s*noqa", "a finding is mended, or its rule left out for all with a reason"),
        (r"(?i)\bgroup by all\b", "what a row stands for is written down"),
        (r"(?i)\bcurrent_(date|timestamp)\b|\bnow\(\)", "a run's time is its inputs'"),
    ],
)
def test_no_model_or_test_goes_its_own_way(pattern: str, why: str) -> None:
    found = [
        path.relative_to(PROJECT).as_posix()
        for folder in ("models", "tests")
        for path in _sql(folder)
        if re.search(pattern, path.read_text(encoding="utf-8"))
    ]
    assert found == [], why


def test_a_file_that_was_not_judged_fails_by_name_and_with_the_reason() -> None:
    said = """== [models/off.sql] SKIP: dbt model disabled
== [models/large.sql] SKIP: File is 3 bytes, exceeding large_file_skip_byte_limit of 2 bytes.
The linter processed 3 file(s).
All Finished
"""
    linter = _linter()
    assert linter.not_judged(said, 5) == [
        "models/large.sql was not judged: File is 3 bytes, exceeding large_file_skip_byte_limit of 2 bytes."
    ]
    assert linter.not_judged(said, 6)[1:] == ["of 6 files sqruff judged 3 and left 2"]
    # a sqruff that stopped on the way says nothing
    assert linter.not_judged("", 1) == ["of 1 files sqruff judged 0 and left 0"]


def test_a_model_that_cannot_be_compiled_fails(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    (project / "models").mkdir(parents=True)
    name = "dbt_project.yml"
    (project / name).write_text("name: small\nversion: '1.0'\nprofile: small\n", encoding="utf-8")
    (project / "profiles.yml").write_text(
        "small:\n  target: duckdb\n  outputs: {duckdb: {type: duckdb, path: build.duckdb}}\n",
        encoding="utf-8",
    )
    (project / "models" / "astray.sql").write_text("select a\nfrom {{ no_such_macro() }}\n", encoding="utf-8")
    (tmp_path / ".sqruff").write_text((ROOT / ".sqruff").read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [_linter().SQRUFF, "lint", "dbt_project/models/astray.sql"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "'no_such_macro' is undefined" in done.stderr
