"""The sandbox clock: DIR/clock.json, which the emulators and everything they drive read."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from throughline.clock import iso, parse_instant
from throughline.errors import error
from throughline.files import read_json, write_json

NAME = "clock.json"


def read_clock(directory: Path) -> datetime:
    """The sandbox's present instant, UTC. Raises E-SBX-004 when `directory` has no clock."""
    found = read_json(directory / NAME)
    if found is None:
        raise error("E-SBX-004", path=directory)
    return parse_instant(str(found["now"]))


def set_clock(directory: Path, to: datetime) -> None:
    """Move the clock to `to`, forward or back. The emulators follow before their next answer."""
    write_json(directory / NAME, {"now": iso(to)})


def advance(directory: Path, to: datetime) -> datetime:
    """Move the clock forward to `to` and return where it stood. Raises E-SBX-005 when it would go back."""
    stood = read_clock(directory)
    if to < stood:
        raise error("E-SBX-005", now=iso(stood), wanted=iso(to))
    set_clock(directory, to)
    return stood


def month_before(at: datetime) -> str:
    """The month before an instant's, YYYY-MM: the one a controller closes then."""
    return (at.date().replace(day=1) - timedelta(days=1)).isoformat()[:7]
