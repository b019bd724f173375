"""Every worked example runs as a test, and the page of examples says which figures are only recalled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CASES = yaml.safe_load((ROOT / "tests/dbt/golden_cases.yml").read_text(encoding="utf-8"))
_EXAMPLE = re.compile(r"G-[A-Z0-9]+-\d\d")
_TEST = re.compile(r"^(?:@pytest\.mark\.parametrize|(?:async )?def test_)", re.MULTILINE)


def _named() -> set[str]:
    """Ids that stand in a test: in its body, its docstring or its parameters."""
    found = set[str]()
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path != Path(__file__).resolve():
            text = path.read_text(encoding="utf-8")
            first = _TEST.search(text)
            found |= set(_EXAMPLE.findall(text[first.start() :])) if first else set()
    return found


def test_every_example_is_named_by_a_test() -> None:
    ids = [case["id"] for case in CASES]
    assert len(ids) == len(set(ids))
    named = _named()
    assert not set(ids) - named, "no test names them"
    assert not named - set(ids), "golden_cases.yml does not hold them"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_an_example_says_where_it_runs_and_how_far_it_was_checked(case: dict[str, str]) -> None:
    assert set(case) == {"id", "shows", "source", "checked", "runs"}
    assert case["checked"] in {"seen", "partly", "recalled", "derived"}
    assert case["runs"] in {"marts", "function", "check"}


def test_the_page_of_examples_says_the_same() -> None:
    page = (ROOT / "docs/numbers/examples.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (G-\S+) \| \[(.+)\]\(\S+\) \| (\w+) \| (\S+) \|$", page, re.MULTILINE)
    wanted = [
        (case["id"], case["shows"], case["runs"],
         "**recalled**" if case["checked"] == "recalled" else case["checked"])
        for case in CASES
    ]  # fmt: skip
    assert rows == wanted
