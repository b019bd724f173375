"""source check: whether a source is set up and cared for; with --live, whether the vendor lets us in as well.

Nothing is written, whatever is found.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from throughline import clock
from throughline.commands.common import AsJson, settings
from throughline.config import Config, Source
from throughline.errors import ThroughlineError, error
from throughline.home import Home
from throughline.output import emit

if TYPE_CHECKING:
    from pipelines.manifest import Manifest, Resource
    from pipelines.transports.base import Found, Reader

OK, WARN, FAIL = "OK", "WARN", "FAIL"
SAMPLE_ROWS = 50
# one page by the plainest way there is: a check starts no bulk job
SAMPLING = {"page_size": SAMPLE_ROWS, "bulk_above": 10**12}


def check(
    name: Annotated[str | None, typer.Argument(help="One source; all enabled ones unless given.")] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the vendors too: login, rights, columns, a page of rows.")
    ] = False,
    json_: AsJson = False,
) -> None:
    """Whether each source is set up and on time, and with --live reachable; writes nothing, exit 1 when not.

    Example: throughline source check netsuite --live
    """
    home, config = settings()
    wanted = [one for one in config.sources.values() if (one.name == name if name else one.enabled)]
    if not wanted:
        if name:
            raise error("E-SRC-018", kind="source", name=name, known=", ".join(config.sources) or "none")
        raise error("E-LND-002", path=config.path)
    rows = [row for source in wanted for row in findings(home, config, source, live=live)]
    emit(rows, ["source", "resource", "status", "code", "detail", "fix"], json_=json_)
    if any(row["status"] == FAIL for row in rows):
        raise typer.Exit(1)


def _finding(
    source: Source, what: str, problem: ThroughlineError | None, detail: str = "", status: str = FAIL
) -> dict[str, Any]:
    return {
        "source": source.name,
        "instance": source.instance,
        "resource": what,
        "status": OK if problem is None else status,
        "code": problem.code if problem else None,
        "detail": problem.what if problem else detail,
        "fix": problem.fix if problem else None,
    }


def findings(home: Home, config: Config, source: Source, *, live: bool) -> Iterator[dict[str, Any]]:
    """What is declared, landed and set; then, `live`, the account and each resource at the vendor."""
    from pipelines.landing import read_secrets
    from pipelines.sources import load_source

    try:
        known = load_source(source.connector)
    except ThroughlineError as problem:
        yield _finding(source, "(manifest)", problem)
        return
    care = _care(config, source, known.manifest)
    yield _cared_for(source, known.manifest, care)
    yield from _landed(home, source, known.manifest, care)
    try:
        told = {**read_secrets(home.root, source.connector, source.instance), **config.source_config(source)}
        told |= {"home": str(home.root), "instance": source.instance}
        told["limits"] = {**told.get("limits", {}), **SAMPLING}
        reader = known.reader(told)
    except ThroughlineError as problem:
        yield _finding(source, "(settings)", problem)
        return
    try:
        yield _finding(source, "(settings)", None, "all that the connector needs is set")
        if live:
            yield from _live(source, known.manifest, reader)
    finally:
        reader.close()


def _care(config: Config, source: Source, manifest: Manifest) -> dict[str, str]:
    """Owner, due and time_zone: of throughline.toml, else of source.yml. Raises E-CFG-001 when wrong."""
    from pipelines.manifest import care

    declared = {"owner": manifest.owner, "due": manifest.due, "time_zone": manifest.time_zone}
    own = {
        "owner": source.options.get("owner"),
        "due": source.options.get("due"),
        "time_zone": source.options.get("time_zone"),
    }
    try:
        return care({**declared, **{name: value for name, value in own.items() if value}})
    except ValueError as problem:
        raise error("E-CFG-001", path=config.path, detail=f"sources.{source.name}: {problem}") from None


def _cared_for(source: Source, manifest: Manifest, care: dict[str, str]) -> dict[str, Any]:
    """Whether owner, due and zone are said."""
    missing = ", ".join(name for name in ("owner", "due", "time_zone") if name not in care)
    if missing:
        problem = error("E-SRC-050", source=source.name, missing=missing)
        return _finding(source, "(manifest)", problem, status=WARN)
    hours = sorted({resource.freshness_hours for resource in manifest.resources})
    within = " to ".join(str(one) for one in dict.fromkeys((hours[0], hours[-1])))
    detail = f"{care['owner']}; due {care['due']} {care['time_zone']}; fresh within {within} h"
    return _finding(source, "(manifest)", None, f"{len(manifest.resources)} resources; {detail}")


def last_due(now: datetime, due: str, zone: str) -> datetime:
    """The last instant at which the data had to be there."""
    there = now.astimezone(ZoneInfo(zone))
    at = datetime.combine(there.date(), time.fromisoformat(due), there.tzinfo)
    return at if at <= there else at - timedelta(days=1)


def _landed(home: Home, source: Source, manifest: Manifest, care: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Whether what is landed is fresh, was there in time, and has the declared types."""
    from pipelines.landing import landed_types, last_whole_loads

    ends = last_whole_loads(home.root, manifest, source.instance)
    if not ends:
        yield _finding(source, "(feed)", None, "nothing was landed yet")
        return
    now = clock.now()
    before = None
    if "due" in care:
        before = last_due(now, care["due"], care.get("time_zone", "UTC")) - timedelta(days=1)
    late = []
    for resource in manifest.resources:
        if resource.name in ends:
            age = now - ends[resource.name]
            if age > timedelta(hours=resource.freshness_hours) or (before and ends[resource.name] < before):
                late.append(f"{resource.name} ({age.total_seconds() / 3600:,.0f} h)")
    if late:
        problem = error("E-SRC-051", source=source.name, late=", ".join(late[:5]), count=len(late))
        yield _finding(source, "(feed)", problem, status=WARN)
    else:
        yield _finding(source, "(feed)", None, f"{len(ends)} resources landed in time")
    for name, column, declared, found in landed_types(home.root, manifest, source.instance):
        problem = error(
            "E-SRC-017", source=source.name, resource=name, column=column, declared=declared, found=found
        )
        yield _finding(source, name, problem)


def _live(source: Source, manifest: Manifest, reader: Reader) -> Iterator[dict[str, Any]]:
    from pipelines.transports.base import Selective

    try:
        reader.open()
    except ThroughlineError as refusal:
        yield _finding(source, "(account)", refusal)
        return
    yield _finding(source, "(account)", None, "let in")
    for resource in manifest.resources:
        if isinstance(reader, Selective) and not reader.offers(resource):
            continue
        try:
            found = reader.discover(resource)
            read, refused = _sampled(reader, resource, found)
        except ThroughlineError as refusal:
            yield _finding(source, resource.name, refusal)
            continue
        if refused is not None:
            count, reason = refused
            problem = error(
                "E-SRC-052",
                source=source.name,
                resource=resource.name,
                read=read,
                count=count,
                reason=reason,
            )
            yield _finding(source, resource.name, problem, status=WARN)
            continue
        extra = f"; not declared: {', '.join(found.extra)}" if found.extra else ""
        detail = f"{len(resource.fields)} columns declared, {read} rows read{extra}"
        yield _finding(source, resource.name, None, detail)


def _sampled(reader: Reader, resource: Resource, found: Found) -> tuple[int, tuple[int, str] | None]:
    """Rows of the first page, held against the contract: how many; how many refused, the first why."""
    import duckdb

    from pipelines import keyed
    from pipelines.contract import check as held
    from pipelines.transports.base import Window
    from pipelines.transports.http import QuotaStopError, RefusedError

    pages = reader.rows(resource, Window(None, clock.now()), found)
    try:
        page = next(itertools.chain(pages, [None]))
    except QuotaStopError as quota:
        raise quota.problem from None
    except RefusedError as refused:
        raise error(
            "E-SRC-009", source=reader.http.source, resource=resource.name, detail=refused.text
        ) from None
    finally:
        if hasattr(pages, "close"):
            pages.close()
    if page is None:
        return 0, None
    page = page.slice(0, SAMPLE_ROWS)
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        keyed.hand_over(connection, "of a check, kept nowhere")
        rejected = held(connection, resource, page, reader.zone, 0).rejected
    if rejected is None:
        return page.num_rows, None
    first = rejected.slice(0, 1).to_pylist()[0]
    return page.num_rows, (rejected.num_rows, str(first["reason"]))
