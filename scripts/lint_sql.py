"""Lint the models with sqlfluff, compiled by dbt against three empty files.

Usage: python scripts/lint_sql.py [PATH ...]      (the project's models and tests unless given)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
# The layers that pass; the others join as their last findings are mended.
DEFAULT = ("dbt_project/models/canonical", "dbt_project/models/mapping", "dbt_project/models/master")


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
        chosen = paths or [path for path in DEFAULT if any((ROOT / path).rglob("*.sql"))]
        return subprocess.run(
            [
                str(Path(sys.executable).parent / "sqlfluff"),
                "lint",
                "--disable-progress-bar",
                "--processes",
                "0",
                *chosen,
            ],
            env=environment,
            cwd=ROOT,
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
