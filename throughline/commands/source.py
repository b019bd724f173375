"""source: the systems data comes from, how their last loads went, whether they let us in.

`new` and `conform` stand in source_kit, `plan`, `preview` and `run` in source_rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from throughline import runs
from throughline.commands import source_kit, source_rows
from throughline.commands.common import AsJson, settings
from throughline.config import Config, Source
from throughline.errors import ThroughlineError, error
from throughline.home import Home
from throughline.output import emit

app = typer.Typer(no_args_is_help=True, help="The systems data comes from.")
COLUMNS = [
    "source", "instance", "enabled", "transport", "resources", "last_run", "status",
    "rows_landed", "rows_rejected", "failed",
]  # fmt: skip


def _last_landing(home: Home) -> dict[tuple[str, str], dict[str, Any]]:
    """The newest landing of each source instance, with the run it was part of."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for manifest in runs.manifests(home):
        for outcome in manifest.get("landing", []):
            found.setdefault(
                (outcome["source"], outcome["instance"]), {**outcome, "run_id": manifest["run_id"]}
            )
    return found


def _declared(source: Source) -> dict[str, Any]:
    """What the source's manifest says of it."""
    from pipelines.sources import load_source

    try:
        manifest = load_source(source.connector).manifest
    except (ThroughlineError, ImportError, OSError):
        return {"transport": None, "resources": None}
    return {"transport": manifest.transport, "resources": len(manifest.resources)}


@app.command("list")
def list_(json_: AsJson = False) -> None:
    """The configured sources and their last loads. Example: throughline source list"""
    home, config = settings()
    last = _last_landing(home)
    rows = []
    for source in config.sources.values():
        landed = last.get((source.name, source.instance), {})
        rows.append(
            {
                "source": source.name,
                "instance": source.instance,
                "dataset": source.dataset,
                "enabled": source.enabled,
                **_declared(source),
                "last_run": landed.get("run_id"),
                "status": landed.get("status"),
                "rows_landed": landed.get("rows_landed"),
                "rows_rejected": landed.get("rows_rejected"),
                "failed": ", ".join(landed.get("failed", [])) or None,
            }
        )
    emit(rows, COLUMNS, json_=json_)


def _finding(
    source: Source, resource: str, problem: ThroughlineError | None, detail: str = ""
) -> dict[str, Any]:
    return {
        "source": source.name,
        "instance": source.instance,
        "resource": resource,
        "status": "OK" if problem is None else "FAIL",
        "code": problem.code if problem else None,
        "detail": problem.what if problem else detail,
        "fix": problem.fix if problem else None,
    }


def _checked(home: Home, config: Config, source: Source) -> Iterator[dict[str, Any]]:
    """The account (manifest, credentials, login), then each resource (the right to read it, its columns)."""
    from pipelines.landing import read_secrets
    from pipelines.sources import load_source

    try:
        known = load_source(source.connector)
        reader = known.reader(
            {**read_secrets(home.root, source.connector, source.instance), **config.source_config(source)}
        )
    except ThroughlineError as problem:
        yield _finding(source, "(account)", problem)
        return
    try:
        try:
            reader.open()
        except ThroughlineError as problem:
            yield _finding(source, "(account)", problem)
            return
        yield _finding(source, "(account)", None, f"logged in at {source.options.get('base_url')}")
        for resource in known.manifest.resources:
            try:
                found = reader.discover(resource)
            except ThroughlineError as problem:
                yield _finding(source, resource.name, problem)
            else:
                extra = f"; not declared: {', '.join(found.extra)}" if found.extra else ""
                yield _finding(source, resource.name, None, f"{len(resource.fields)} columns declared{extra}")
    finally:
        reader.close()


@app.command("check")
def check(
    name: Annotated[str | None, typer.Argument(help="One source; all enabled ones unless given.")] = None,
    json_: AsJson = False,
) -> None:
    """Whether each source lets us in and still has the columns we read; writes nothing, exit 1 when not.

    Example: throughline source check netsuite
    """
    home, config = settings()
    wanted = [one for one in config.sources.values() if (one.name == name if name else one.enabled)]
    if not wanted:
        if name:
            raise error("E-SRC-018", kind="source", name=name, known=", ".join(config.sources) or "none")
        raise error("E-LND-002", path=config.path)
    rows = [row for source in wanted for row in _checked(home, config, source)]
    emit(rows, ["source", "resource", "status", "code", "detail", "fix"], json_=json_)
    if any(row["status"] == "FAIL" for row in rows):
        raise typer.Exit(1)


app.command("new")(source_kit.new)
app.command("conform")(source_kit.conform)
app.command("plan")(source_rows.plan)
app.command("preview")(source_rows.preview)
app.command("run")(source_rows.run)
