"""Runs the suites of one door or both: ``python -m expectations.run --door landing|publish|all --home HOME``.

Great Expectations judges small frames of facts (see :mod:`expectations.doors`), because on DuckDB itself it
loses the result of a query, and because whole fact tables in memory cost more than they tell. Exit code 0:
all expectations of the publish door are met; 1: some are not; 3: an expectation could not be evaluated (an
exception inside a result is an error, not a failed expectation). What fails at the landing door is reported
and left to control INT-003.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

from expectations import doors, suites

MET, NOT_MET, BROKEN = 0, 1, 3

# Figures that must be 0 in every row of a suite's frame.
ZERO_COLUMNS: dict[str, tuple[str, ...]] = {
    "landing_rows": (
        "missing_envelope",
        "repeated_versions",
        "known_after_load",
        "updated_after_load",
        "variant_columns",
    ),
    "publish_grain": ("repeated_grains", "null_grains"),
    "publish_identities": ("broken_rows",),
}


# What Great Expectations imports for charts and distributions, of which our suites have none.
SELDOM = frozenset({"altair", "scipy.stats"})


class WhenUsed(importlib.abc.MetaPathFinder):
    """Finds the modules named in SELDOM so that they are loaded when something of them is asked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's spec with a loader that waits; none for other modules."""
        if fullname not in SELDOM:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


def main(arguments: list[str] | None = None) -> int:
    """Run the doors asked for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="expectations.run", description=__doc__)
    parser.add_argument("--door", choices=("landing", "publish", "all"), default="all")
    parser.add_argument("--home", required=True, type=Path)
    options = parser.parse_args(arguments)
    run_id = os.environ.get("THROUGHLINE_RUN_ID", "manual")
    raw = Path(os.environ.get("THROUGHLINE_RAW_DB", options.home / "raw.duckdb"))
    candidate = Path(os.environ.get("THROUGHLINE_SERVING_DB", options.home / "serving" / "candidate.duckdb"))
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        _attach(connection, raw, "raw")
        _attach(connection, candidate, "candidate")
        frames = frames_of(connection, options.door)
    outcome = judge(frames, options.home / "runs" / run_id / "expectations")
    for line in outcome["lines"]:
        print(line)
    return exit_code(outcome)


def exit_code(outcome: dict[str, Any]) -> int:
    """BROKEN beats NOT_MET; the landing door alone never stops a publish."""
    if outcome["errors"]:
        return BROKEN
    return NOT_MET if outcome["failed_publish"] else MET


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    connection.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {name} (read_only)")


def frames_of(connection: duckdb.DuckDBPyConnection, door: str) -> dict[str, doors.Frame]:
    """The frames of the doors asked for, by suite name."""
    frames: dict[str, doors.Frame] = {}
    if door in ("landing", "all"):
        frames["landing_rows"] = doors.landed_datasets(connection)
        frames["landing_freshness"] = doors.extract_runs(connection)
    if door in ("publish", "all"):
        frames["publish_grain"] = doors.published_grains(connection, suites.GRAINS)
        frames["publish_identities"] = doors.identities(connection, suites.IDENTITIES)
    return frames


def judge(frames: dict[str, doors.Frame], folder: Path) -> dict[str, Any]:
    """Validate every frame and write Data Docs below ``folder``: failures, errors and printable lines."""
    import great_expectations as gx
    import pandas as pd

    context = gx.get_context(mode="file", project_root_dir=str(folder))
    quiet: Any = {"globally": False, "metric_calculations": False}
    context.variables.progress_bars = quiet
    source = context.data_sources.add_or_update_pandas("facts")
    outcome: dict[str, Any] = {
        "failed_publish": [],
        "failed_landing": [],
        "errors": [],
        "lines": [],
        "suites": {},
    }
    for name, frame in frames.items():
        asset = source.add_dataframe_asset(name)
        batch = asset.add_batch_definition_whole_dataframe(name)
        suite = context.suites.add_or_update(gx.ExpectationSuite(name=name))
        for expectation in expectations_for(name, gx):
            suite.add_expectation(expectation)
        validation = gx.ValidationDefinition(name=name, data=batch, suite=suite)
        validation = context.validation_definitions.add_or_update(validation)
        result: Any = validation.run(
            batch_parameters={"dataframe": pd.DataFrame(frame)},
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": [key_column(name)]},
        )
        _record(outcome, name, result.to_json_dict())
    context.build_data_docs()
    (folder / "outcome.json").write_text(json.dumps(outcome, indent=1, default=str), encoding="utf-8")
    return outcome


def key_column(name: str) -> str:
    """The column that names what a frame's row is about."""
    return {"publish_grain": "table", "publish_identities": "identity"}.get(name, "dataset")


def expectations_for(name: str, gx: Any) -> list[Any]:
    """The expectations of a suite."""
    e = gx.expectations
    zero = ZERO_COLUMNS.get(name, ())
    found = [e.ExpectColumnValuesToBeBetween(column=column, min_value=0, max_value=0) for column in zero]
    if name == "landing_rows":
        found.append(e.ExpectTableRowCountToBeBetween(min_value=1))
        found.append(e.ExpectColumnValuesToBeUnique(column="dataset"))
        found.append(e.ExpectColumnValuesToBeBetween(column="deleted_share", min_value=0, max_value=0.2))
    elif name == "landing_freshness":
        found.append(e.ExpectColumnValuesToBeInSet(column="status", value_set=["OK"]))
        found.append(e.ExpectColumnValuesToBeBetween(column="hours_behind_newest", min_value=0, max_value=26))
        found.append(e.ExpectColumnValuesToNotBeNull(column="rows_extracted"))
        found.append(e.ExpectColumnValuesToBeBetween(column="rows_rejected", min_value=0, max_value=0))
    elif name == "publish_grain":
        found.append(e.ExpectColumnValuesToBeBetween(column="present", min_value=1, max_value=1))
    return found


def _record(outcome: dict[str, Any], suite: str, result: dict[str, Any]) -> None:
    """Sort each result into met, not met and error; an exception inside a result is an error."""
    door = "landing" if suite.startswith("landing") else "publish"
    outcome["suites"][suite] = {"success": result["success"], "evaluated": len(result["results"])}
    for one in result["results"]:
        config = one["expectation_config"]
        column = config["kwargs"].get("column", "")
        words = f"{suite}: {config['type']} {column}".strip()
        if raised(one):
            outcome["errors"].append(words)
            outcome["lines"].append(f"error     {words}")
        elif not one["success"]:
            about = one["result"].get("unexpected_index_list") or one["result"].get("observed_value")
            outcome[f"failed_{door}"].append({"expectation": words, "about": about})
            outcome["lines"].append(f"not met   {words}: {json.dumps(about, default=str)[:400]}")
    outcome["lines"].append(f"{'ok' if result['success'] else 'not ok'}        {suite}")


def raised(result: dict[str, Any]) -> bool:
    """Whether a result hides an exception."""
    info = result.get("exception_info") or {}
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(isinstance(one, dict) and one.get("raised_exception") for one in info.values())


def guarded() -> int:
    """`main`, with everything it could not do as BROKEN: a crash must not read as a failed expectation."""
    # this process does nothing else: a third of it went into importing what it does not use
    sys.meta_path.insert(0, WhenUsed())
    try:
        return main()
    except Exception as problem:
        print(f"error     {type(problem).__name__}: {problem}")
        return BROKEN


if __name__ == "__main__":
    sys.exit(guarded())
