"""What the commands share: the home, its configuration, who is acting, the options every table has."""

from __future__ import annotations

import getpass
import os
from datetime import date, datetime
from typing import Annotated

import typer

from throughline import clock, config
from throughline import home as homes
from throughline.config import Config
from throughline.errors import error
from throughline.home import Home

AsJson = Annotated[bool, typer.Option("--json", help="A JSON list of objects; money as strings.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress lines.")]


def home() -> Home:
    """The home this command works on."""
    return homes.resolve()


def settings() -> tuple[Home, Config]:
    """The home and its configuration. Raises E-CFG-001 or E-CFG-002."""
    found = home()
    return found, config.load(found)


def actor() -> str:
    """Who is acting: $THROUGHLINE_ACTOR, else the login name."""
    name = os.environ.get("THROUGHLINE_ACTOR", "").strip()
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def day(text: str | None, option: str) -> date | None:
    """An ISO day given on the command line. Raises E-RUN-001 (exit 64) when it is not one."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise error("E-RUN-001", detail=f"{option} {text!r} is not a day like 2026-01-31") from None


def instant(text: str | None, option: str) -> datetime | None:
    """An ISO instant given on the command line. Raises E-RUN-001 (exit 64) when it is not one."""
    if text is None:
        return None
    try:
        return clock.parse_instant(text)
    except ValueError:
        raise error(
            "E-RUN-001", detail=f"{option} {text!r} is not an instant like 2026-01-31T18:00:00Z"
        ) from None
