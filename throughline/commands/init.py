"""init: a commented throughline.toml and the home's folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from throughline import files, port_templates
from throughline.commands.common import home
from throughline.errors import error
from throughline.output import say

app = typer.Typer()
TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
DLT_CONFIG = '[runtime]\ndlthub_telemetry = false\nlog_level = "WARNING"\n'


FILES_OFF = '[sources.files]\nenabled = false\ninstance = "files"\npath = "/path/to/folder"\n'


@app.command("init")
def init(
    force: Annotated[bool, typer.Option("--force", help="Replace a throughline.toml that is there.")] = False,
    templates: Annotated[
        Path | None,
        typer.Option(
            "--files", help="Write empty files of all ports into this folder and read them from there."
        ),
    ] = None,
) -> None:
    """Write throughline.toml and the home's folders. Example: throughline --home ./books init --files ./in"""
    found = home().ensure()
    stays = found.config.exists() and not force
    if stays and templates is None:
        raise error("E-CFG-003", path=found.config)
    settings = (TEMPLATES / "throughline.toml").read_text(encoding="utf-8")
    if templates is not None:
        settings = settings.replace(FILES_OFF, _templates(templates))
    # Not named secrets.toml: whatever is called that is kept out of the repository.
    secrets = (TEMPLATES / "secrets.template.toml").read_text(encoding="utf-8")
    if not (found.dlt / "config.toml").exists():
        files.write_text(found.dlt / "config.toml", DLT_CONFIG)
    if not found.secrets.exists():
        files.write_text(found.secrets, secrets, mode=0o600)
        say(f"wrote {found.secrets}: credentials go there, and nowhere else")
    if stays and templates is not None:
        say(f"left {found.config} as it is; to read the files, put this into it:\n{_reading(templates)}")
        return
    # Last, because a throughline.toml that is there is what says that a home is set up.
    files.write_text(found.config, settings)
    say(f"wrote {found.config}: say which systems to read and which is the record")
    say("next: throughline doctor, then throughline run")


def _reading(folder: Path) -> str:
    # JSON's strings are TOML's
    path = json.dumps(str(folder.resolve()), ensure_ascii=False)
    return f'[sources.files]\nenabled = true\ninstance = "files"\npath = {path}\n'


def _templates(folder: Path) -> str:
    written, kept = port_templates.write(folder)
    say(f"wrote {len(written)} templates and {port_templates.PAGE} into {folder}")
    if kept:
        say(f"left as they are: {', '.join(kept)}")
    return _reading(folder)
