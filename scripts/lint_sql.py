"""Lint the models and singular tests with sqruff, compiled by dbt against three empty files.

Usage: python scripts/lint_sql.py [PATH ...]      (all of them unless given)

One sqruff per core takes every other file. A file that was given and not judged fails by name: only a model
that is switched off may be left, for there is no SQL in it that anybody would run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
SQRUFF = Path(sys.executable).with_name("sqruff")
# Every model and singular test; macros are judged by what they make of them.
DEFAULT = ("dbt_project/models", "dbt_project/tests")
# A generic test is a macro: there is no SQL in it before a model uses it.
GENERIC = "dbt_project/tests/generic"
# The files that the project's profile names; empty here.
FILES = ("raw", "build", "serving")
MAY_BE_LEFT = ("dbt model disabled",)

SKIPPED = re.compile(r"^== \[(?P<file>[^\]]+)\] SKIP: (?P<reason>.*)$", re.MULTILINE)
COUNTED = re.compile(r"^The linter processed (?P<number>\d+) file\(s\)\.$", re.MULTILINE)


def chosen(paths: list[str]) -> list[str]:
    """The SQL files below `paths`, relative to the project's root."""
    found: set[str] = set()
    for path in (Path(one).resolve() for one in paths):
        for file in path.rglob("*.sql") if path.is_dir() else [path]:
            found.add(file.relative_to(ROOT).as_posix())
    return sorted(one for one in found if not one.startswith(f"{GENERIC}/"))


def not_judged(said: str, asked: int) -> list[str]:
    """A line for each file that was left and may not be, and one if sqruff counts other than were `asked`."""
    skipped = [(found["file"], found["reason"]) for found in SKIPPED.finditer(said)]
    left = [f"{file} was not judged: {reason}" for file, reason in skipped if reason not in MAY_BE_LEFT]
    judged = sum(int(found["number"]) for found in COUNTED.finditer(said))
    if judged + len(skipped) != asked:
        left.append(f"of {asked} files sqruff judged {judged} and left {len(skipped)}")
    return left


def judge(folder: Path, number: int, files: list[str]) -> subprocess.Popen[str]:
    """A sqruff at work on `files` in a room of its own: DuckDB lets one process into a file."""
    room = folder / str(number)
    room.mkdir()
    for shared in ("dbt_project", ".sqruff"):
        (room / shared).symlink_to(ROOT / shared)
    for file in FILES:
        duckdb.connect(str(room / f"{file}.duckdb")).close()
    return subprocess.Popen(
        [str(SQRUFF), "lint", *files],
        env={
            **os.environ,
            **{f"THROUGHLINE_{file.upper()}_DB": f"{file}.duckdb" for file in FILES},
            "PYTHONPATH": str(ROOT),
            "DBT_TARGET_PATH": str(room / "target"),
            "DBT_LOG_PATH": str(room / "logs"),
        },
        cwd=room,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main(paths: list[str]) -> int:
    """The worst of sqruff's exit codes for `paths`; 1 as well when a file was left that may not be."""
    files = chosen(paths or [str(ROOT / one) for one in DEFAULT])
    cores = os.cpu_count() or 1
    code = 0
    with tempfile.TemporaryDirectory() as name:
        shares = [share for number in range(cores) if (share := files[number::cores])]
        running = [judge(Path(name), number, share) for number, share in enumerate(shares)]
        for one, share in zip(running, shares, strict=True):
            said, _ = one.communicate()
            left = not_judged(said, len(share))
            print(said, *left, sep="\n")
            code = max(code, abs(one.returncode), int(bool(left)))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
