"""source plan, preview, run: what a load would read, what it brought, and the load itself."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from throughline import clock
from throughline.commands.common import AsJson, Quiet, home, instant, settings
from throughline.config import Source
from throughline.errors import ThroughlineError, error
from throughline.home import PROJECT_ROOT, Home
from throughline.output import emit, say

if TYPE_CHECKING:
    import duckdb

    from pipelines.manifest import Resource
    from pipelines.span import Span
    from throughline.config import Config

COUNTS = ("rows_extracted", "rows_landed", "rows_unchanged", "rows_rejected", "rows_deleted")
MODELS = PROJECT_ROOT / "dbt_project" / "models"
Name = Annotated[str, typer.Argument(help="The source.")]


def _named(name: str) -> Source:
    """What is called `name`: a table of throughline.toml, else a source by itself."""
    try:
        told = settings()[1].sources.get(name)
    except ThroughlineError as problem:
        if problem.code != "E-CFG-002":
            raise
        told = None
    return told or Source(name, True, "main", f"{name}_main")


def _ports(source: str, resource: str, models: Path = MODELS) -> list[str]:
    """The ports that a resource helps to fill: mapping models of the source that read its staging model."""
    word = re.compile(rf"\bstg_{re.escape(source)}__{re.escape(resource)}\b")
    return [
        path.stem.removeprefix(f"{source}__")
        for path in sorted((models / "mapping" / source).glob(f"{source}__*.sql"))
        if word.search(path.read_text(encoding="utf-8"))
    ]


def _last(
    connection: duckdb.DuckDBPyConnection | None, source: str, instance: str, resource: str
) -> dict[str, Any]:
    """What the landing's records say of the resource's last good load; empty when there was none."""
    if connection is None:
        return {}
    cursor = connection.execute(
        "select max(cursor_to), max(ended_at), arg_max(rows_extracted, ended_at) from landing.extract_run"
        " where source_system = ? and source_instance = ? and resource = ? and status = 'OK'",
        [source, instance, resource],
    )
    row = cursor.fetchone()
    return {"cursor_to": row[0], "ended_at": row[1], "rows": row[2]} if row and row[1] else {}


def _raw(where: Home) -> duckdb.DuckDBPyConnection | None:
    """The raw warehouse, read-only; none when nothing was landed yet."""
    import duckdb

    if not where.raw.exists():
        return None
    connection = duckdb.connect(str(where.raw), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    found = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'landing' and table_name = 'extract_run'"
    ).fetchone()
    if found is None:
        connection.close()
        return None
    return connection


def plan(name: Name, json_: AsJson = False) -> None:
    """What the next load of a source would read, and what rests on it; asks nobody and writes nothing.

    Example: throughline source plan kantata
    """
    from pipelines.sources import manifest_of

    told = _named(name)
    manifest = manifest_of(told.connector)
    connection = _raw(home())
    rows = []
    try:
        for resource in manifest.resources:
            last = _last(connection, manifest.source_system, told.instance, resource.name)
            rows.append(
                {
                    "resource": resource.name,
                    "object": resource.object,
                    "reads": _reads(resource, last),
                    "from": last["cursor_to"] - resource.lag if last.get("cursor_to") else None,
                    "to": clock.now() - manifest.safety,
                    "last_load": last.get("ended_at"),
                    "rows_last_time": last.get("rows"),
                    "columns": len(resource.fields),
                    "ports": ", ".join(_ports(manifest.source, resource.name)) or None,
                }
            )
    finally:
        if connection is not None:
            connection.close()
    columns = ["resource", "reads", "from", "to", "last_load", "rows_last_time", "columns", "ports"]
    emit(rows, columns, json_=json_)


def _reads(resource: Resource, last: dict[str, Any]) -> str:
    if not last:
        return "everything: the first load"
    if resource.window == "full" or not last.get("cursor_to"):
        return "everything, every time"
    compared = "; all keys are compared when due" if resource.deletes.key_compare else ""
    return f"what changed{compared}"


def preview(
    name: Name,
    resource: Annotated[str, typer.Argument(help="One of its resources.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many records.")] = 20,
    json_: AsJson = False,
) -> None:
    """Landed records beside what the mapping makes of them; personal fields have no values here.

    Example: throughline source preview kantata project --limit 5
    """
    from pipelines.sources import manifest_of

    told = _named(name)
    wanted = manifest_of(told.connector).resource(resource)
    where = home()
    if not where.raw.exists():
        raise error("E-RUN-011", home=where.root)
    rows = list(_beside(where, told.connector, told.dataset, wanted, limit))
    emit(rows, ["record", "side", "column", "value"], json_=json_)


def _beside(
    where: Home, source: str, dataset: str, resource: Resource, limit: int
) -> Iterator[dict[str, Any]]:
    """One line per record, side (landed, or the port) and column that holds something."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{where.raw}' as raw (read_only)")
        landed = _newest(connection, f'raw."{dataset}"."{resource.name}"', limit)
        ports = {}
        if where.build.exists():
            connection.execute(f"attach '{where.build}' as build (read_only)")
            for port in _ports(source, resource.name):
                view = connection.execute(
                    "select schema_name from duckdb_views() where database_name = 'build' and view_name = ?",
                    [f"{source}__{port}"],
                ).fetchone()
                if view is not None:
                    ports[port] = _newest(connection, f'build."{view[0]}"."{source}__{port}"', None)
        for record, row in landed.items():
            yield from _cells(record, "landed", row)
            for port, rows in ports.items():
                if record in rows:
                    yield from _cells(record, port, rows[record])


def _newest(
    connection: duckdb.DuckDBPyConnection, relation: str, limit: int | None
) -> dict[str, dict[str, Any]]:
    """The newest version of each record, by record id; the first `limit` of them."""
    cursor = connection.execute(
        f"select * from {relation} qualify row_number() over (partition by tl_record_id"
        f" order by tl_load_id desc) = 1 order by tl_record_id{f' limit {limit}' if limit else ''}"
    )
    names = [item[0] for item in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["tl_record_id"]: row for row in rows}


def _cells(record: str, side: str, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for column, value in row.items():
        if value is not None and not column.startswith(("tl_", "_dlt")):
            yield {"record": record, "side": side, "column": column, "value": value}


def run(
    name: Name,
    select: Annotated[str | None, typer.Option("--select", help="Only these resources, by commas.")] = None,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Land the recorded pages, into a home without rows of its own.")
    ] = False,
    since: Annotated[
        str | None, typer.Option("--since", help="Also what changed since this day or instant, read again.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Nothing that changed at this day or instant, or later.")
    ] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Read everything, as a first load does.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and compare, store nothing, say what would be landed.")
    ] = False,
    quiet: Quiet = False,
    json_: AsJson = False,
) -> None:
    """Land one source; whatever is read again adds nothing twice.

    Example: throughline source run kantata --select project --since 2026-01-01
    """
    from pipelines.sources import manifest_of
    from throughline.pipeline import Request, execute

    chosen = [one.strip() for one in select.split(",") if one.strip()] if select else []
    manifest = manifest_of(_named(name).connector)
    for one in chosen:
        manifest.resource(one)
    span = _span(since, until, full_refresh, dry_run)
    if recorded:
        _land_recorded(manifest.source, chosen)
        return
    where, config = settings()
    if dry_run:
        _dry(where, config, name, chosen, span, json_)
        return
    done = execute(
        where,
        config,
        Request(first="land", last="land", source=name, resources=tuple(chosen), span=span, quiet=quiet),
    )
    if json_:
        rows = [row for one in done.manifest["landing"] for row in one.get("resources", [])]
        emit(rows, [], json_=True)
    if any(one["status"] == "FAILED" for one in done.manifest["landing"]):
        raise typer.Exit(3)


def _span(since: str | None, until: str | None, full: bool, dry: bool) -> Span:
    """What the options ask for. Raises E-RUN-001 (exit 64) when they contradict one another."""
    from pipelines.span import Span

    span = Span(instant(since, "--since"), instant(until, "--until"), full, dry)
    if full and span.since is not None:
        raise error(
            "E-RUN-001", detail="--full-refresh reads everything, so --since has nothing to add to it"
        )
    if span.since is not None and span.until is not None and span.since >= span.until:
        raise error("E-RUN-001", detail=f"--since {since} is not before --until {until}")
    return span


def _dry(where: Home, config: Config, name: str, chosen: list[str], span: Span, json_: bool) -> None:
    """Say what a load would bring. Raises E-LND-001; exit 3 when a resource cannot be read."""
    from pipelines.landing import FAILED, run_source
    from throughline import lock

    source = next((one for one in config.enabled_sources() if one.name == name), None)
    if source is None:
        enabled = ", ".join(one.name for one in config.enabled_sources()) or "none"
        raise error("E-LND-001", source=name, enabled=enabled)
    where.ensure()
    with lock.exclusive(where, "source run --dry-run"):
        result = run_source(
            source.connector,
            source.instance,
            where.root,
            config.source_config(source),
            "dry-run",
            chosen or None,
            span,
        )
    columns = ["resource", "status", "cursor_from", *COUNTS, "error"]
    rows = [{column: getattr(one, column) for column in columns} for one in result.resources]
    for row in rows:
        row["error"] = str(row["error"]) if row["error"] else None
    emit(rows, columns, json_=json_)
    say("nothing was stored")
    if any(row["status"] == FAILED for row in rows):
        raise typer.Exit(3)


def _land_recorded(name: str, chosen: list[str]) -> None:
    """Land what was recorded, once nothing but recorded rows is in the home. Raises E-SRC-048."""
    from pipelines.conform.source import recorded
    from pipelines.landing import run_source
    from throughline import lock

    where = home().ensure()
    run_id = f"recorded-{time.strftime('%Y%m%dT%H%M%SZ', clock.now().utctimetuple())}"
    with lock.exclusive(where, run_id):
        connection = _raw(where)
        if connection is not None:
            with connection:
                found = connection.execute(
                    "select 1 from landing.extract_run where run_id not like 'recorded-%' limit 1"
                ).fetchone()
            if found:
                raise error("E-SRC-048", home=where.root, source=name)
        result = run_source(name, "main", where.root, recorded(name).settings(), run_id, chosen or None)
    for one in result.resources:
        say(f"{one.dataset}: {one.status}, {one.rows_landed} landed, {one.rows_rejected} refused")
    if result.status != "OK":
        raise result.errors[0]
