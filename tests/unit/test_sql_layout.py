"""What the SQL linter looks at, and what it is told not to look for."""

from __future__ import annotations

import configparser
import importlib.util
import re
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


def _ignored() -> list[str]:
    lines = (ROOT / ".sqlfluffignore").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _sql(folder: str) -> list[Path]:
    return sorted((PROJECT / folder).rglob("*.sql"))


def test_every_model_and_singular_test_is_judged() -> None:
    found = [path.relative_to(ROOT).as_posix() for folder in ("models", "tests") for path in _sql(folder)]
    assert len(found) > 200
    left_out = [path for path in found if not path.startswith(tuple(f"{one}/" for one in _linter().DEFAULT))]
    assert left_out == []
    assert {path for path in found if path.startswith(tuple(_ignored()))} == {
        path for path in found if "{% test " in (ROOT / path).read_text(encoding="utf-8")
    }


def test_every_rule_that_is_left_out_says_why() -> None:
    text = (ROOT / ".sqlfluff").read_text(encoding="utf-8")
    settings = configparser.ConfigParser()
    settings.read_string(text)
    left_out = [rule.strip() for rule in settings["sqlfluff"]["exclude_rules"].split(",")]
    assert [rule for rule in left_out if not re.search(rf"(?m)^# {rule} \w+", text)] == []


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


def test_long_lists_are_cut_short_for_the_linter_only(tmp_path: Path) -> None:
    linter = _linter()
    linter.copy_project(tmp_path)
    ours, copied = ((root / linter.LISTS).read_text(encoding="utf-8") for root in (ROOT, tmp_path))
    for name in linter.SHORT_LISTS:
        assert ours.count(f"{{% macro {name}() ") == copied.count(f"{{% macro {name}() ") == 1
        assert f"every_{name}" not in ours
        assert copied.count(f"{{% macro every_{name}() ") == 1
    with pytest.raises(ValueError, match=r"landed_datasets\(\) once"):
        linter.shortened("{% macro something_else() -%}{%- endmacro %}")
