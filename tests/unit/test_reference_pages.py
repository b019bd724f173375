"""The pages of docs/engineer: those that are generated are not stale, and every command they print exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from scripts import build_reference
from throughline.cli import app
from throughline.home import PROJECT_ROOT

# words that stand for what the reader puts there
SHELL = re.compile(r"[|>&;#]")
PAGES = [PROJECT_ROOT / "README.md", *sorted((PROJECT_ROOT / "docs").rglob("*.md"))]
DECISIONS = PROJECT_ROOT / "docs" / "decisions"


def test_the_reference_pages_are_what_the_code_says() -> None:
    stale = [path.name for path in build_reference.stale()]
    assert not stale, "run python scripts/build_reference.py"


def test_a_setting_without_a_meaning_is_told() -> None:
    with pytest.raises(SystemExit, match="says nothing of colour"):
        build_reference._meaning({}, "colour", "here")
    with pytest.raises(SystemExit, match="tells of colour"):
        build_reference._no_longer({"colour"}, {"size"}, "here")


def _commands(text: str) -> Iterator[str]:
    """Every command line of ours in a page: in code blocks, and between backticks."""
    for block in re.findall(r"```[a-z]*\n(.*?)```", text, flags=re.DOTALL):
        for line in block.splitlines():
            found = re.search(r"(?:^|[ /=(])throughline ((?:--home|[a-z]).*)", line.strip())
            if found and not line.lstrip().startswith(("#", "include", "from", "import")):
                yield found[1]
    inline = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    yield from re.findall(r"`throughline ((?:--home [^`]+ )?[a-z][^`]*)`", inline)


def _wrong(words: list[str]) -> str | None:
    """What of a command line there is not: the command, or one of its options."""
    command: Any = get_command(app)
    told = {"--home", "--no-color", "--help"}
    taken = {"--home"}
    words = list(words)
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            name = word.split("=")[0]
            if name not in told:
                return name
            if name in taken and "=" not in word and words:
                words.pop(0)
        elif hasattr(command, "get_command"):
            found = command.get_command(None, word.split("|")[0])
            if found is None:
                return word
            command = found
            told = {"--help", *(name for one in command.params for name in one.opts)}
            taken = {name for one in command.params for name in one.opts if not getattr(one, "is_flag", True)}
    return None


@pytest.mark.parametrize(
    "path", [page for page in PAGES if DECISIONS not in page.parents], ids=lambda p: p.name
)
def test_every_command_of_a_page_exists(path: Path) -> None:
    wrong = []
    for line in _commands(path.read_text(encoding="utf-8")):
        if "COMMAND" in line:
            continue
        words = SHELL.split(re.sub(r"""("[^"]*"|'[^']*')""", "quoted", line))[0].split()
        told = _wrong([word.strip("[]…'`\"").rstrip(',.;)"') for word in words if word not in {"...", "…"}])
        if told:
            wrong.append((line, told))
    assert not wrong
