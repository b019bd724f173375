"""Ask MetricFlow for published metrics.

    make .venv-semantic
    python scripts/metricflow.py --metrics recognised_revenue --group-by metric_time__month

Everything after the script's name goes to `mf query`. The home is THROUGHLINE_HOME, the run the one published
now. MetricFlow opens the file it asks, so what it needs of the run is copied into a scratch file first:
nothing published is held open.

Exit codes: 0 answered, 3 could not run (nothing published, no environment, no such metric).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from throughline import home, warehouse
from throughline.errors import ThroughlineError, render

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "dbt_project" / "semantic"
BIN = ROOT / ".venv-semantic" / "bin"
# what the semantic models read
TABLES = ("metric_drill", "metric_value")


def copy_published(target: Path) -> None:
    """The published tables the semantic models read, in schema `published` of a new file.

    Raises ThroughlineError when nothing is published.
    """
    with warehouse.open_published(home.resolve()) as published, duckdb.connect(str(target)) as scratch:
        scratch.execute("set TimeZone = 'UTC'")
        scratch.execute("create schema published")
        for table in TABLES:
            rows = published.execute(f"select * from marts.{table}").to_arrow_table()
            scratch.register("rows", rows)
            scratch.execute(f"create table published.{table} as select * from rows")
            scratch.unregister("rows")


def ask(words: list[str], folder: Path) -> int:
    """Run `mf query` on what is published; its exit code."""
    project, file = folder / "semantic", folder / "semantic.duckdb"
    # dbt and MetricFlow leave files beside the project they read
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    copy_published(file)
    environment = {
        **os.environ,
        "THROUGHLINE_SEMANTIC_DB": str(file),
        "DBT_PROFILES_DIR": str(project),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    for command in (
        [str(BIN / "dbt"), "--quiet", "build"],
        [str(BIN / "mf"), "query", *words],
    ):
        code = subprocess.run(command, cwd=project, env=environment, check=False).returncode
        if code:
            return 3
    return 0


def main(words: list[str]) -> int:
    """See the module's text."""
    if not (BIN / "mf").exists():
        print("MetricFlow is not there: `make .venv-semantic` installs it.", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as name:
        try:
            return ask(words, Path(name).resolve())
        except ThroughlineError as problem:
            print(render(problem), file=sys.stderr)
            return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
