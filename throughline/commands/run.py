"""run, land, build, check: the stages of a run from the command line."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from throughline.commands.common import Quiet, day, instant, settings
from throughline.output import say
from throughline.pipeline import Request, execute

app = typer.Typer()

AsOf = Annotated[str | None, typer.Option("--as-of", help="The day the numbers are of; today unless said.")]
KnownAt = Annotated[
    str | None, typer.Option("--known-at", help="Only what was landed by this instant; now unless said.")
]
Select = Annotated[str | None, typer.Option("--select", help="Only these models, in dbt's words.")]

FullRefresh = Annotated[
    bool, typer.Option("--full-refresh", help="Build every model anew, also what would come out the same.")
]


class FirstStage(StrEnum):
    """Where a run begins."""

    land = "land"
    build = "build"
    check = "check"
    publish = "publish"


@app.command("run")
def run(
    as_of: AsOf = None,
    known_at: KnownAt = None,
    from_stage: Annotated[FirstStage, typer.Option("--from-stage", help="Begin here.")] = FirstStage.land,
    select: Select = None,
    full_refresh: FullRefresh = False,
    quiet: Quiet = False,
) -> None:
    """Land, build, check and publish. Example: throughline run --as-of 2026-06-30"""
    home, config = settings()
    done = execute(
        home,
        config,
        Request(
            first=from_stage.value,
            as_of=day(as_of, "--as-of"),
            known_at=instant(known_at, "--known-at"),
            select=select,
            full_refresh=full_refresh,
            quiet=quiet,
        ),
    )
    failed = [
        f"{one['source']}: {', '.join(one.get('failed') or ['all of it'])}"
        for one in done.manifest.get("landing", [])
        if one["status"] != "OK"
    ]
    say(f"published {done.run_id} as of {done.manifest['as_of']}")
    if failed:
        say(f"not landed: {'; '.join(failed)} (controls that need it say NOT_EVALUABLE)")


@app.command("land")
def land(
    source: Annotated[str | None, typer.Argument(help="One source; all enabled ones unless given.")] = None,
    resource: Annotated[list[str] | None, typer.Option("--resource", help="Only this resource.")] = None,
    quiet: Quiet = False,
) -> None:
    """Land what the sources hold. Example: throughline land salesforce"""
    home, config = settings()
    request = Request(first="land", last="land", source=source, resources=tuple(resource or ()), quiet=quiet)
    done = execute(home, config, request)
    if any(one["status"] == "FAILED" for one in done.manifest["landing"]):
        raise typer.Exit(3)


@app.command("build")
def build(
    as_of: AsOf = None,
    known_at: KnownAt = None,
    select: Select = None,
    full_refresh: FullRefresh = False,
    quiet: Quiet = False,
) -> None:
    """Build the models from what is landed. Example: throughline build --select marts"""
    home, config = settings()
    request = Request(
        first="build",
        last="build",
        as_of=day(as_of, "--as-of"),
        known_at=instant(known_at, "--known-at"),
        select=select,
        full_refresh=full_refresh,
        quiet=quiet,
    )
    execute(home, config, request)


@app.command("check")
def check(quiet: Quiet = False) -> None:
    """Check what was built last; exit 1 when something fails. Example: throughline check"""
    home, config = settings()
    execute(home, config, Request(first="check", last="check", quiet=quiet))
