"""status: what is published and how the last runs went."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from throughline import clock, lock, publish, runs
from throughline.commands.common import AsJson, home
from throughline.files import read_json
from throughline.home import Home
from throughline.output import emit, say

app = typer.Typer()
COLUMNS = [
    "run_id",
    "verb",
    "status",
    "as_of",
    "seconds",
    "land",
    "build",
    "check",
    "publish",
    "failed",
    "peak_mib",
]


def _row(manifest: dict[str, Any]) -> dict[str, Any]:
    """One run in one line: its stages' seconds, and where it failed."""
    stages = {one["name"]: one for one in manifest["stages"]}
    failed = [one for one in manifest["stages"] if one["status"] == "FAILED"]
    sources = [one["source"] for one in manifest.get("landing", []) if one["status"] != "OK"]
    told = [f"{one['name']}: {(one.get('error') or {}).get('code') or 'unexpected'}" for one in failed]
    told += [f"landing of {name}" for name in sources]
    return {
        "run_id": manifest["run_id"],
        "verb": manifest["verb"],
        "status": manifest["status"],
        "as_of": manifest["as_of"],
        "known_at": manifest["known_at"],
        "seconds": round(sum(one.get("seconds", 0.0) for one in manifest["stages"]), 1),
        **{name: stages[name].get("seconds") if name in stages else None for name in runs.STAGES},
        "failed": ", ".join(told) or None,
        "peak_mib": max((one.get("peak_mib", 0.0) for one in manifest["stages"]), default=0.0),
    }


def _headline(found: Home) -> None:
    pointer = read_json(found.pointer)
    if pointer is None:
        say(f"home       {found.root}\npublished  nothing yet; throughline run")
    else:
        hours = (clock.now() - clock.parse_instant(pointer["published_at"])).total_seconds() / 3600
        say(
            f"home       {found.root}\n"
            f"published  {pointer['run_id']} as of {pointer['as_of']}, {hours:,.1f} hours ago"
        )
        newest = publish.published_runs(found)[-1]
        if newest != pointer["run_id"]:
            say(f"           rolled back: {newest} is newer")
    busy = lock.holder(found)
    who = f"process {busy.pid} on {busy.host}, {busy.run_id}, since {busy.since}" if busy else "none"
    say(f"writer     {who}")


@app.command("status")
def status(
    last: Annotated[int, typer.Option("--last", min=1, help="How many runs.")] = 5,
    json_: AsJson = False,
) -> None:
    """What is published, and the last runs. Example: throughline status --last 10"""
    found = home()
    if not json_:
        _headline(found)
    rows = [_row(manifest) for manifest in runs.manifests(found)[:last]]
    pointer = read_json(found.pointer)
    for row in rows:
        row["current"] = pointer is not None and row["run_id"] == pointer["run_id"]
    emit(rows, COLUMNS, json_=json_)
