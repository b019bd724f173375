"""dbt, in a process of its own: one parse, then the models, then (if asked) the tests.

`python -m throughline.dbt_process --project DIR --target DIR [--select S] [--vars JSON] [--full-refresh]
[--steps models,tests]`

Nothing else imports this module: dbt in the caller's process would keep the warehouse's files locked. Doing
both steps in one process pays dbt's start-up and parsing once. Each step's results are kept beside dbt's own
artefacts as `models_results.json` and `tests_results.json`. Exit code 0: both steps ended well; 1: a node
failed; 2: dbt itself could not run.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner

from throughline import dbt_quick

ARGUMENTS = {
    "models": ["build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"],
    "tests": ["test", "--exclude-resource-type", "unit_test"],
}


def main(argv: list[str] | None = None) -> int:
    """Run the steps; see the module's text."""
    parser = argparse.ArgumentParser(prog="throughline.dbt_process")
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--select", default=None)
    parser.add_argument("--vars", default=None)
    parser.add_argument("--full-refresh", action="store_true")
    parser.add_argument("--steps", default="models,tests")
    given = parser.parse_args(argv)
    common = [
        "--project-dir", str(given.project), "--profiles-dir", str(given.project),
        "--target-path", str(given.target), "--log-path", str(given.target / "logs"),
    ]  # fmt: skip
    if given.vars:
        common += ["--vars", given.vars]
    common += ["--log-level-file", "none"] if not dbt_quick.plain() else []
    keep_templates = dbt_quick.quicken()
    dbt_quick.no_collector()
    parsed = dbtRunner().invoke(["parse", *common])
    dbt_quick.seldom_collect()
    if not parsed.success:
        if parsed.exception is not None:
            print(f"dbt could not read the project: {parsed.exception}", flush=True)
        return 2
    try:
        if "models" in given.steps.split(",") and os.environ.get("THROUGHLINE_ENGINE", "duckdb") == "duckdb":
            # Spark makes everything every time, and its environment has no DuckDB
            from duckdb import Error

            from throughline import fingerprints

            try:
                fingerprints.begin(fingerprints.files_of_dbt(), parsed.result)
            except Error as error:
                print(f"dbt was not begun, since what it is given cannot be read: {error}", flush=True)
                return 2
        return run_steps(given, parsed.result, common)
    finally:
        keep_templates()


def run_steps(given: argparse.Namespace, manifest: Any, common: list[str]) -> int:
    """The steps, one after the other, on a project that was read; the exit code.

    The project was written as manifest.json when it was read; each step would write it again.
    """
    runner = dbtRunner(manifest=manifest)
    for step in given.steps.split(","):
        selection = ["--select", *given.select.split()] if given.select and step == "models" else []
        fresh = ["--full-refresh"] if given.full_refresh and step == "models" else []
        done = runner.invoke([*ARGUMENTS[step], *selection, *fresh, *common, "--no-write-json"])
        if isinstance(done.result, RunExecutionResult):
            done.result.write(str(given.target / f"{step}_results.json"))
        if done.exception is not None:
            print(f"dbt could not run: {done.exception}", flush=True)
            return 2
        if not done.success:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
