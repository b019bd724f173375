"""Lint the models and singular tests with sqlfluff, compiled by dbt against three empty files.

Usage: python scripts/lint_sql.py [PATH ...]      (all of them unless given)

dbt reads the project once, in the first process; the others judge what it compiled, one per core.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
# Every model and singular test; macros are judged by what they make of them.
DEFAULT = ("dbt_project/models", "dbt_project/tests")


def main(paths: list[str]) -> int:
    """sqlfluff's exit code for `paths`."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ)
        for name in ("raw", "build", "serving"):
            path = Path(folder) / f"{name}.duckdb"
            duckdb.connect(str(path)).close()
            environment[f"THROUGHLINE_{name.upper()}_DB"] = str(path)
        environment["DBT_TARGET_PATH"] = str(Path(folder) / "target")
        environment["DBT_LOG_PATH"] = str(Path(folder) / "logs")
        return subprocess.run(
            [
                str(Path(sys.executable).parent / "sqlfluff"),
                "lint",
                "--disable-progress-bar",
                "--processes",
                "0",
                *(paths or DEFAULT),
            ],
            env=environment,
            cwd=ROOT,
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
