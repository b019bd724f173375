"""publish, publish list|rollback|pin."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from throughline import lock, publish
from throughline.commands.common import AsJson, actor, home, settings
from throughline.output import emit, say
from throughline.pipeline import Request, execute

app = typer.Typer(invoke_without_command=True, help="Publish what was checked; list, roll back, pin.")


@app.callback()
def default(ctx: typer.Context) -> None:
    """Publish the run that was built and checked last. Example: throughline publish"""
    if ctx.invoked_subcommand is None:
        found, config = settings()
        execute(found, config, Request(first="publish", last="publish"))


@app.command("list")
def list_(json_: AsJson = False) -> None:
    """The published runs that are kept, newest first. Example: throughline publish list"""
    rows: list[dict[str, Any]] = publish.listing(home())
    emit(
        rows,
        ["run_id", "current", "pinned", "as_of", "known_at", "mib", "facts_files", "facts_mib"],
        json_=json_,
    )


@app.command("rollback")
def rollback(
    run_id: Annotated[
        str | None, typer.Argument(help="The run to show again; the one before unless given.")
    ] = None,
) -> None:
    """Show an earlier run again. Example: throughline publish rollback"""
    found = home()
    with lock.exclusive(found, "publish rollback"):
        shown = publish.rollback(found, run_id, actor())
    say(f"published is now {shown}")


@app.command("pin")
def pin(
    run_id: Annotated[str, typer.Argument(help="A published run.")],
    off: Annotated[bool, typer.Option("--off", help="Let go of it again.")] = False,
) -> None:
    """Keep a run whatever retention says. Example: throughline publish pin r20260630T220000Z-01"""
    found = home()
    with lock.exclusive(found, "publish pin"):
        publish.pin(found, run_id, actor(), on=not off)
    say(f"{run_id} is {'no longer pinned' if off else 'pinned'}")
