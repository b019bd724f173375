"""sandbox: a firm to try everything on: build it, serve it, move its clock, edit it, score a warehouse."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from throughline import clock, process
from throughline.commands.common import AsJson, home
from throughline.errors import error
from throughline.home import PROJECT_ROOT, Home
from throughline.output import say

app = typer.Typer(help="A firm to try everything on.", no_args_is_help=True)


class Scale(StrEnum):
    """Sizes of the sandbox firm."""

    tiny = "tiny"
    demo = "demo"
    reference = "reference"
    large = "large"


class Vendor(StrEnum):
    """Stores of a sandbox."""

    salesforce = "salesforce"
    bamboohr = "bamboohr"
    netsuite = "netsuite"
    docusign = "docusign"
    salesforce_acquired = "salesforce_acquired"
    netsuite_acquired = "netsuite_acquired"


Dir = Annotated[Path | None, typer.Option("--dir", help="The sandbox's folder; <home>/sandbox unless given.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same firm, byte for byte.")]
Size = Annotated[Scale, typer.Option("--scale", help="How large a firm.")]
Faults = Annotated[str, typer.Option("--faults", help="none, all, transport, or ids by commas: F01,F02.")]

Alone = Annotated[
    bool,
    typer.Option(
        "--alone", help="Without the firm it bought, whose systems are second instances, and without files."
    ),
]


def _folder(given: Path | None) -> Path:
    return given.expanduser().resolve() if given is not None else home().sandbox


def _instant(text: str) -> Any:
    try:
        return clock.parse_instant(text)
    except ValueError:
        raise error("E-SBX-008", text=text) from None


@app.command("build")
def build(
    seed: Seed = 7, scale: Size = Scale.demo, faults: Faults = "all", alone: Alone = False, dir_: Dir = None
) -> None:
    """Make a firm: stores and truth. Example: throughline sandbox build --seed 7 --scale tiny"""
    from sandbox.build import build as make
    from sandbox.build import wanted

    folder = _folder(dir_)
    facts = make(folder, wanted(seed, scale.value, faults, acquisition=not alone), progress=say)
    records = sum(sum(objects.values()) for objects in facts["store_versions"].values())
    say(f"{folder}: {records:,} record versions, truth of {len(facts['load_times'])} loads")
    say(f"next: throughline sandbox serve --dir {folder}")


@app.command("serve")
def serve(
    dir_: Dir = None,
    ports: Annotated[str, typer.Option("--ports", help="0, or one port per store, by commas.")] = "0",
) -> None:
    """Serve the vendors' APIs on 127.0.0.1 until interrupted. Example: throughline sandbox serve"""
    from sandbox.build import read_sandbox

    folder = _folder(dir_)
    read_sandbox(folder)
    say(f"serving {folder}; addresses and credentials stand in {folder / 'serve.json'} (Ctrl-C ends it)")
    code = process.foreground(
        process.module("sandbox.serve", "--dir", str(folder), "--ports", ports),
        environment={},
        cwd=PROJECT_ROOT,
    )
    if code != 0:
        raise typer.Exit(code if code == 64 else 3)


@app.command("advance")
def advance(
    to: Annotated[str, typer.Option("--to", help="The instant to move to, as 2026-07-08T23:30:00Z.")],
    dir_: Dir = None,
) -> None:
    """Move the sandbox clock forward; what is delivered by file until then comes into DIR/drop.
    Example: throughline sandbox advance --to 2026-07-08T23:30:00Z"""
    from sandbox.clock_file import advance as move
    from sandbox.drop_folder import bring

    folder, moment = _folder(dir_), _instant(to)
    stood = move(folder, moment)
    bring(folder, moment)
    say(f"the sandbox clock went from {clock.iso(stood)} to {clock.iso(moment)}")


@app.command("mutate")
def mutate(
    vendor: Annotated[Vendor, typer.Argument(help="Whose store.")],
    object_: Annotated[str, typer.Argument(metavar="OBJECT", help="The vendor's name of the object.")],
    key: Annotated[str, typer.Argument(help="The record's id, or its key as a JSON object.")],
    op: Annotated[str, typer.Option("--op", help="insert, update, delete, restore, purge, touch, silent.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE; may be repeated.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="When; the sandbox clock's now unless given.")
    ] = None,
    dir_: Dir = None,
) -> None:
    """Edit a store as the vendor's user would.
    Example: throughline sandbox mutate netsuite transaction 1234 --op update --set memo=late"""
    from sandbox.mutate import MutationError
    from sandbox.mutate import mutate as edit

    fields = dict(_pair(text) for text in set_ or [])
    try:
        written = edit(
            _folder(dir_),
            vendor.value,
            object_,
            json.loads(key) if key.startswith("{") else key,
            op,
            fields,
            _instant(at) if at else None,
        )
    except MutationError as problem:
        raise typer.BadParameter(str(problem)) from None
    say(f"{vendor.value} {object_} {key}: {op} at {written['at']}")


def _pair(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"--set {text!r} is not FIELD=VALUE")
    return name, value or None


@app.command("score")
def score(
    dir_: Dir = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Build this firm first, unless it is there.")
    ] = None,
    scale: Size = Scale.tiny,
    faults: Faults = "all",
    alone: Alone = False,
    into: Annotated[
        Path | None,
        typer.Option("--into", help="The fresh home the loads go into; <dir>-score unless given."),
    ] = None,
    loads: Annotated[int | None, typer.Option("--loads", help="Only the first so many loads.")] = None,
    as_json: AsJson = False,
) -> None:
    """Play six loads into a fresh home and compare each with the truth; exit 1 on a difference.
    Example: throughline sandbox score --seed 7 --scale tiny"""
    from sandbox.build import build as make
    from sandbox.build import wanted
    from sandbox.score import score as play
    from sandbox.score import table

    folder = _folder(dir_)
    if seed is not None:
        make(folder, wanted(seed, scale.value, faults, acquisition=not alone), progress=say)
    target = into or folder.with_name(folder.name + "-score")
    result = play(folder, Home(target.expanduser().resolve()), loads=loads, say=say)
    if as_json:
        print(json.dumps(result.as_json(), indent=2))
    else:
        print("\n".join(table(result)))
    if not result.agrees:
        raise typer.Exit(1)
