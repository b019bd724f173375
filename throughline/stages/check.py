"""Check what was built: dbt's tests, the publish suite, smoke totals. Anything that fails stops a publish."""

from __future__ import annotations

import importlib.util
from typing import Any

from throughline import content, process, warehouse
from throughline.errors import ThroughlineError, error
from throughline.runs import Run
from throughline.stages import build

SUITE = "expectations.run"
# Lists of open cases and of differences: these may rightly become empty from one run to the next.
MAY_BE_EMPTY = {
    ("reconciliation", "exception"),
    ("reconciliation", "exception_history"),
    ("reconciliation", "recon__due"),
    ("reconciliation", "recon__root_link"),
    ("reconciliation", "tie_out_item"),
    ("reconciliation", "restatement"),
    ("reconciliation", "close_difference"),
    ("marts", "handoff_waiting"),
    # a run for a past day knows of no forecast that had met its month by then
    ("marts", "forecast_vintage"),
    ("marts", "forecast_accuracy"),
}


def _dbt_tests(run: Run, entry: dict[str, Any]) -> list[str]:
    said = run.manifest.get("dbt_tests")
    if said is None:
        code = build.run_dbt(run, "check", entry, "tests")
        said = entry.pop("tests", None)
        if said is None:
            raise error("E-RUN-012", detail=f"dbt ended with {code} and left no results")
        run.manifest["dbt_tests"] = said
    entry["dbt_tests"] = said["counts"]
    for warning in said.get("warnings", []):
        name = warning["node"].split(".")[2]
        found = next((run.folder / "dbt" / "compiled").rglob(f"{name}.sql"), None)
        where = f"; its SQL lists them: {found}" if found else ""
        run.log("check", f"warning   {name}: {warning['rows']} rows{where}")
    return [
        f"{failure['node'].split('.')[2]}: {failure['message']}"
        if failure["node"].count(".") > 1
        else failure["node"]
        for failure in said["failures"]
    ]


def suite_command(run: Run) -> list[str]:
    """The suites' process, both doors: exit code 0 (publish door met), 1 (not met) or 3 (could not run)."""
    return process.module(SUITE, "--door", "all", "--home", str(run.home.root))


def _publish_suite(run: Run, entry: dict[str, Any]) -> list[str]:
    if importlib.util.find_spec(SUITE) is None:
        raise error("E-RUN-022", code="none", detail=f"the module {SUITE} is missing")
    log = run.folder / "expectations.log"
    done = process.run(
        suite_command(run),
        environment=build.environment(run.home, run.run_id, run.home.candidate(run.run_id)),
        log=log,
        on_line=lambda line: run.log("check", line) if line.strip() else None,
    )
    entry["peak_mib"] = max(entry.get("peak_mib", 0.0), done.peak_mib)
    entry["publish_suite"] = {"exit_code": done.code, "seconds": round(done.seconds, 2)}
    if done.code == 0:
        return []
    if done.code == 1:
        return [f"the publish suite has expectations that are not met (see {log})"]
    raise error("E-RUN-022", code=done.code, detail="see its log", more=str(log))


def _smoke_totals(run: Run, entry: dict[str, Any]) -> list[str]:
    """The candidate opens, holds tables only, and no table has lost all the rows it had."""
    problems = []
    candidate = warehouse.open_file(run.home.candidate(run.run_id))
    try:
        views = content.views(candidate)
        problems += [
            f"{schema}.{name} is a view; a published file holds tables only" for schema, name in views
        ]
        rows = content.row_counts(candidate)
    finally:
        candidate.close()
    if not rows:
        problems.append("the candidate holds no table")
    try:
        before = warehouse.open_published(run.home)
    except ThroughlineError:
        earlier = {}
    else:
        try:
            earlier = content.published_counts(before)
        finally:
            before.close()
    for (schema, name), number in earlier.items():
        if number == 0 or (schema, name) in MAY_BE_EMPTY:
            continue
        if rows.get((schema, name), 0) == 0:
            problems.append(f"{schema}.{name} held {number:,} rows when last published and is now empty")
    entry["rows"] = {f"{schema}.{name}": number for (schema, name), number in rows.items()}
    return problems


def check(run: Run) -> None:
    """Judge the candidate.

    Raises E-RUN-020 (exit 1) with what failed, E-RUN-021 without a candidate, E-RUN-014 (exit 4) when Spark
    built: its tables stay where they are, and what is published stays as it is.
    """
    if run.config.engine.name == "spark":
        raise error("E-RUN-014", folder=run.home.spark / "warehouse")
    if not run.home.candidate(run.run_id).exists():
        raise error("E-RUN-021", run_id=run.run_id)
    with run.stage("check") as entry:
        problems = _dbt_tests(run, entry) + _smoke_totals(run, entry)
        problems += _publish_suite(run, entry)
        entry["problems"] = problems
        tests = sum(entry["dbt_tests"].values())
        run.log("check", f"{tests} tests, {len(entry['rows'])} tables, {len(problems)} problems")
        for problem in problems[:10]:
            run.log("check", f"  {problem}")
        if problems:
            raise error(
                "E-RUN-020", number=len(problems), first=problems[0], more=str(run.folder / "manifest.json")
            )
