"""The errors: one catalogue, every code in it used, every code used in it, texts that fill in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from throughline import errors

CODE = re.compile(r"\bE-[A-Z]{3}-\d{3}\b")


def _codes_in_code(root: Path) -> Iterator[tuple[str, Path]]:
    """Every code that stands in a string of the code that is not a docstring."""
    for room in errors.ROOMS:
        for path in (root / room).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            documented = {
                id(node.body[0].value)
                for node in ast.walk(tree)
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
                and node.body
                and isinstance(node.body[0], ast.Expr)
            }
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and id(node) not in documented
                ):
                    for code in CODE.findall(node.value):
                        yield code, path


def test_every_code_used_is_in_the_catalogue(project_root: Path) -> None:
    unknown = {
        (code, str(path.relative_to(project_root)))
        for code, path in _codes_in_code(project_root)
        if code not in errors.catalogue()
    }
    assert not unknown


def test_every_code_of_the_core_is_used(project_root: Path) -> None:
    used = {code for code, _ in _codes_in_code(project_root)}
    families = ("E-CFG", "E-RUN", "E-PUB", "E-QRY", "E-STA", "E-LND", "E-APP")
    assert {code for code in errors.catalogue() if code.startswith(families)} - used == set()


def test_texts_are_filled_with_what_is_known() -> None:
    told = errors.error("E-RUN-075", home="/h", pid=12, host="box", run_id="r1", since="noon")
    shown = errors.render(told)
    assert shown.splitlines()[0] == "E-RUN-075  /h is in use by process 12 on box (r1, since noon)"
    assert [line.split()[0] for line in shown.splitlines()[1:]] == ["Effect", "Why", "Fix", "Then", "More"]
    assert told.exit_code == 75


def test_what_is_not_known_stays_visible() -> None:
    assert "{pid}" in errors.render(errors.error("E-RUN-075", home="/h"))


def test_more_points_to_the_place() -> None:
    shown = errors.render(errors.error("E-RUN-011", home="/h", more="runs/r1/log.jsonl"))
    assert shown.splitlines()[-1].endswith("throughline explain E-RUN-011 · runs/r1/log.jsonl")


def test_an_unknown_code_is_a_mistake_in_the_program() -> None:
    with pytest.raises(KeyError):
        errors.error("E-XXX-001")


def test_exit_codes_are_the_documented_ones() -> None:
    assert {entry.exit_code for entry in errors.catalogue().values()} <= {1, 3, 4, 64, 75}


def test_every_command_an_error_sends_to_exists() -> None:
    from typer.main import get_command

    from throughline.cli import app

    missing = []
    for entry in errors.catalogue().values():
        for field in errors.FIELDS:
            for words in re.findall(r"throughline ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", getattr(entry, field)):
                command: Any = get_command(app)
                for word in words.split():
                    if not hasattr(command, "get_command"):
                        break
                    command = command.get_command(None, word)
                if command is None:
                    missing.append((entry.code, words))
    assert not missing
