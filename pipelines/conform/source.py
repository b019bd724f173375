"""A source by its name, checked against what was recorded of its vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pipelines import sources
from pipelines.conform import folder, inbox
from pipelines.conform.folder import PortFolder
from pipelines.conform.inbox import SpooledEvents
from pipelines.conform.kit import Outcome, conform
from pipelines.conform.recorded import FOLDER, Recorded
from pipelines.conform.recorded_pages import RecordedPages
from pipelines.conform.recorded_soql import RecordedOrg
from pipelines.conform.recorded_suiteql import RecordedAccount
from pipelines.conform.subject import UnfitError, subject
from pipelines.manifest import Manifest
from throughline.errors import error

STAND_INS: dict[str, Callable[[Manifest, Path], Recorded]] = {
    "json_pages": RecordedPages,
    "soql": RecordedOrg,
    "suiteql": RecordedAccount,
}


def is_recorded(name: str) -> bool:
    """Whether a source has recorded answers of its vendor."""
    return (sources.HERE / name / FOLDER).is_dir()


def recorded(name: str) -> Recorded:
    """The vendor as it was recorded. Raises ThroughlineError E-SRC-018 and E-SRC-041."""
    manifest, pages = sources.load_source(name).manifest, sources.HERE / name / FOLDER
    stand_in = STAND_INS.get(manifest.transport)
    if stand_in is None or not pages.is_dir():
        raise error("E-SRC-041", source=name, folder=pages, name="settings.yml")
    return stand_in(manifest, pages)


def conform_source(name: str, only: str | None = None) -> Iterator[Outcome]:
    """All checks on a source, offline; or one, after those it needs. Files and events are invented.

    Raises ThroughlineError E-SRC-018, E-SRC-041 or E-SRC-045.
    """
    manifest = sources.load_source(name).manifest
    if manifest.transport == "files":
        yield from conform(manifest, subject(manifest, folder.SUBJECT), lambda: PortFolder(manifest), only)
        return
    if manifest.transport == "inbox":
        yield from conform(manifest, subject(manifest, inbox.SUBJECT), SpooledEvents, only)
        return
    try:
        found = subject(manifest)
    except UnfitError as problem:
        raise error("E-SRC-045", source=name, detail=str(problem)) from None
    recorded(name)
    yield from conform(manifest, found, lambda: recorded(name), only)
