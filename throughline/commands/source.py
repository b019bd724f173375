"""source: the systems data comes from, and how their last loads went.

`check` stands in source_check, `new` and `conform` in source_kit, `plan`, `preview` and `run` in source_rows.
"""

from __future__ import annotations

from typing import Any

import typer

from throughline import runs
from throughline.commands import source_check, source_kit, source_rows
from throughline.commands.common import AsJson, settings
from throughline.config import Source
from throughline.errors import ThroughlineError
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


app.command("check")(source_check.check)
app.command("new")(source_kit.new)
app.command("conform")(source_kit.conform)
app.command("plan")(source_rows.plan)
app.command("preview")(source_rows.preview)
app.command("run")(source_rows.run)
