"""Which systems fill which canonical port, read off the names of the mapping models: `<system>__<port>`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from throughline.config import Config
from throughline.home import PROJECT_ROOT

MODELS = PROJECT_ROOT / "dbt_project" / "models"
FILES = "files"
PERSON = "person"  # not a port: whose names master__personal holds


def ports(models: Path = MODELS) -> list[str]:
    """The canonical ports there are, in alphabetical order."""
    return sorted(
        path.stem.removeprefix("canonical__") for path in models.glob("canonical/*/canonical__*.sql")
    )


def files_ports(config: Config) -> list[str]:
    """The ports that come as files, where every source of files names its own; none named: any may."""
    sources = [one for one in config.enabled_sources() if one.connector == FILES]
    if not all(one.options.get("ports") for one in sources):
        return []
    return sorted({str(port) for one in sources for port in one.options["ports"]})


def mappings(
    systems: Iterable[str], models: Path = MODELS, *, of_files: Collection[str] = ()
) -> dict[str, list[str]]:
    """Port (or `person`) -> those of `systems` that have a mapping model for it; others are left out.

    `of_files`: the ports that come as files; none named: any may.
    """
    known = {*ports(models), PERSON}
    found: dict[str, list[str]] = {}
    for system in sorted(set(systems)):
        for path in (models / "mapping" / system).glob(f"{system}__*.sql"):
            port = path.stem.removeprefix(f"{system}__")
            named = "resource" if port == PERSON else port
            if system == FILES and of_files and named not in of_files:
                continue
            if port in known:
                found.setdefault(port, []).append(system)
    return dict(sorted(found.items()))
