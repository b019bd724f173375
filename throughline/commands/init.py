"""init: a commented throughline.toml and the home's folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from throughline import files
from throughline.commands.common import home
from throughline.errors import error
from throughline.output import say

app = typer.Typer()
TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
DLT_CONFIG = '[runtime]\ndlthub_telemetry = false\nlog_level = "WARNING"\n'


@app.command("init")
def init(
    force: Annotated[bool, typer.Option("--force", help="Replace a throughline.toml that is there.")] = False,
) -> None:
    """Write throughline.toml and the home's folders. Example: throughline --home ./books init"""
    found = home().ensure()
    if found.config.exists() and not force:
        raise error("E-CFG-003", path=found.config)
    settings = (TEMPLATES / "throughline.toml").read_text(encoding="utf-8")
    # Not named secrets.toml: whatever is called that is kept out of the repository.
    secrets = (TEMPLATES / "secrets.template.toml").read_text(encoding="utf-8")
    if not (found.dlt / "config.toml").exists():
        files.write_text(found.dlt / "config.toml", DLT_CONFIG)
    if not found.secrets.exists():
        files.write_text(found.secrets, secrets, mode=0o600)
    # Last, because a throughline.toml that is there is what says that a home is set up.
    files.write_text(found.config, settings)
    say(f"wrote {found.config}: say which systems to read and which is the record")
    say(f"wrote {found.secrets}: credentials go there, and nowhere else")
    say("next: throughline doctor, then throughline run")
