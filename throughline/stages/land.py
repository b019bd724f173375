"""Land what the enabled sources hold. A source that fails is told of and the others go on."""

from __future__ import annotations

import dataclasses
import importlib
import time
from typing import Any

from pipelines.span import PLAIN, Span
from throughline import foreseen
from throughline.config import Source
from throughline.errors import ThroughlineError, error, render
from throughline.runs import Run

COUNTS = ("rows_extracted", "rows_landed", "rows_unchanged", "rows_rejected", "rows_deleted")


def _told(problem: BaseException, source: str) -> ThroughlineError:
    """`problem` as an error that teaches; what nobody foresaw becomes E-RUN-005."""
    return foreseen.told(problem) or error(
        "E-RUN-005", source=source, detail=f"{type(problem).__name__}: {problem}"
    )


def _brief(problem: ThroughlineError) -> dict[str, str]:
    return {"code": problem.code, "what": problem.what}


def _row(resource: Any) -> dict[str, Any]:
    """One resource's result (a dataclass of pipelines.landing) as the manifest keeps it."""
    row = {item.name: getattr(resource, item.name) for item in dataclasses.fields(resource)}
    if row.get("error") is not None:
        row["error"] = _brief(row["error"])
    return row


def _land_one(run: Run, source: Source, resources: list[str] | None, span: Span) -> dict[str, Any]:
    landing = importlib.import_module("pipelines.landing")
    began = time.monotonic()
    outcome: dict[str, Any] = {"source": source.name, "instance": source.instance, "dataset": source.dataset}
    try:
        result = landing.run_source(
            source.connector,
            source.instance,
            run.home.root,
            run.config.source_config(source),
            run.run_id,
            resources,
            span,
        )
    except Exception as problem:
        # Whatever a connector trips over must not keep the other systems' data from being landed.
        told = _told(problem, source.name)
        run.log("land", render(told), source=source.name, code=told.code)
        outcome |= {"status": "FAILED", "error": _brief(told)}
    else:
        for resource in result.resources:
            if resource.error is not None:
                run.log("land", render(resource.error), source=source.name, resource=resource.resource)
        rows = [_row(resource) for resource in result.resources]
        outcome |= {name: sum(int(row[name]) for row in rows) for name in COUNTS}
        outcome |= {
            "status": result.status,
            "load_id": result.load_id,
            "failed": [row["resource"] for row in rows if row["status"] != "OK"],
            "resources": rows,
        }
    outcome["seconds"] = round(time.monotonic() - began, 2)
    return outcome


def land(
    run: Run, only: str | None = None, resources: list[str] | None = None, span: Span = PLAIN
) -> list[dict[str, Any]]:
    """Land every enabled source (or the one named `only`), one after the other; `span` of each.

    Returns one entry per source with its counts and status, which also stand in the manifest under `landing`.
    Raises E-LND-001 when `only` is not an enabled source, E-LND-002 when none is enabled, E-RUN-006 when no
    source at all could be landed.
    """
    sources = [one for one in run.config.enabled_sources() if only is None or one.name == only]
    if not sources:
        names = ", ".join(one.name for one in run.config.enabled_sources()) or "none"
        raise (
            error("E-LND-002", path=run.config.path)
            if only is None
            else error("E-LND-001", source=only, enabled=names)
        )
    with run.stage("land") as entry:
        outcomes: list[dict[str, Any]] = []
        for source in sources:
            run.log("land", f"{source.name}: asking {source.options.get('base_url', 'its source')}")
            outcome = _land_one(run, source, resources, span)
            outcomes.append(outcome)
            run.manifest["landing"] = outcomes
            run.save()
            counts = (
                f"{outcome['rows_landed']:,} rows landed, {outcome['rows_unchanged']:,} unchanged,"
                f" {outcome['rows_rejected']:,} rejected"
                if "rows_landed" in outcome
                else "nothing landed"
            )
            failed = f", failed: {', '.join(outcome['failed'])}" if outcome.get("failed") else ""
            run.log("land", f"{source.name}: {counts}{failed} ({outcome['seconds']:.1f} s)")
        entry["sources"] = {one["source"]: one["status"] for one in outcomes}
        if all(one["status"] == "FAILED" for one in outcomes):
            raise error("E-RUN-006", sources=", ".join(one["source"] for one in outcomes))
    return outcomes
