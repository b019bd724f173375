"""rejects list|show|replay: rows that could not be landed."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from throughline import lock
from throughline.commands.common import AsJson, home
from throughline.errors import error, render
from throughline.output import emit, say

app = typer.Typer(no_args_is_help=True, help="Rows that could not be landed.")
COLUMNS = [
    "reject_id", "source_system", "resource", "record_id", "column_name", "reason_code", "amount",
    "rejected_at", "state",
]  # fmt: skip
Source = Annotated[str | None, typer.Option("--source", help="Only this source.")]


@app.command("list")
def list_(
    source: Source = None,
    resource: Annotated[str | None, typer.Option("--resource", help="Only this resource.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    json_: AsJson = False,
) -> None:
    """Open rejects, oldest first. Example: throughline rejects list --source salesforce"""
    from pipelines import rejects

    found = home()
    rows: list[dict[str, Any]] = []
    if found.raw.exists():
        rows = rejects.list_rejects(
            found.root, source=source, resource=resource, state=None if all_ else rejects.OPEN
        )
    emit(rows, COLUMNS, json_=json_)


@app.command("show")
def show(reject_id: str, json_: AsJson = False) -> None:
    """One reject whole, by its id or the beginning of it. Example: throughline rejects show 3f2a"""
    from pipelines import rejects

    row = rejects.show_reject(home().root, reject_id)
    if json_:
        emit([row], [], json_=True)
        return
    for name, value in row.items():
        if name == "payload":
            value = json.dumps(json.loads(value), indent=2, ensure_ascii=False)
        print(f"{name:<18} {value}")
    if row["state"] == rejects.OPEN:
        told = error(
            "E-SRC-014",
            source=row["source_system"],
            resource=row["resource"],
            column=row["column_name"],
            record_id=row["record_id"],
            reason=row["reason_code"],
        )
        print(f"\n{render(told)}")


@app.command("replay")
def replay(
    reject_ids: Annotated[list[str] | None, typer.Argument(help="Which; all open ones unless given.")] = None,
    source: Source = None,
    json_: AsJson = False,
) -> None:
    """Offer rejects to the contract again; what passes is landed once. Example: throughline rejects replay"""
    from pipelines import rejects

    found = home()
    with lock.exclusive(found, "rejects replay"):
        done = rejects.replay(found.root, reject_ids or None, source=source)
    rows = [{"reject_id": one, "outcome": "REPLAYED", "reason": None} for one in done.replayed]
    rows += [{"reject_id": one, "outcome": "SUPERSEDED", "reason": None} for one in done.superseded]
    rows += [{"reject_id": one, "outcome": "REFUSED", "reason": why} for one, why in done.refused.items()]
    emit(rows, ["reject_id", "outcome", "reason"], json_=json_)
    say(f"{done.rows_landed} rows landed")
    if done.refused:
        raise typer.Exit(1)
