"""What a change has to pass: every part is run, and the failure of any one of them is the end's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PARTS = ("lint", "test-spark", "test-semantic", "test-browser", "test-all")


def run(folder: Path, project_root: Path, failing: str) -> tuple[int, str]:
    """The script in a checkout whose ``make`` only says what it was asked for; ``failing`` fails."""
    checkout, tools = folder / "checkout", folder / "tools"
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".ci").mkdir()
    tools.mkdir()
    shutil.copy(project_root / ".ci" / "run", checkout / ".ci" / "run")
    stubs = {
        tools / "make": 'echo "made $1"; [ "$1" != "$FAILING" ]',
        tools / "chromium": "true",
        tools / "java": "true",
        checkout / ".venv" / "bin" / "python": 'echo "made home"; [ home != "$FAILING" ]',
    }
    for path, body in stubs.items():
        path.write_text(f"#!/usr/bin/env bash\n{body}\n", encoding="utf-8")
        path.chmod(0o755)
    environment = {**os.environ, "FAILING": failing, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", str(checkout / ".ci" / "run")], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("failing", ["none", "home", *PARTS])
def test_every_part_is_run_and_any_failure_is_told(tmp_path: Path, project_root: Path, failing: str) -> None:
    code, said = run(tmp_path, project_root, failing)
    for part in (".venv", "home", *PARTS):
        assert f"made {part}\n" in said, part
    assert (code == 0, "ci: all passed" in said) == (failing == "none", failing == "none")


def test_without_an_environment_nothing_is_judged(tmp_path: Path, project_root: Path) -> None:
    code, said = run(tmp_path, project_root, ".venv")
    assert (code != 0, "made lint" in said, "ci: all passed" in said) == (True, False, False)
