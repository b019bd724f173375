"""Which systems fill which canonical port, read off the names of the mapping models: `<system>__<port>`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from throughline.home import PROJECT_ROOT

MODELS = PROJECT_ROOT / "dbt_project" / "models"
PERSON = "person"  # not a port: whose names master__personal holds


def ports(models: Path = MODELS) -> list[str]:
    """The canonical ports there are, in alphabetical order."""
    return sorted(
        path.stem.removeprefix("canonical__") for path in models.glob("canonical/*/canonical__*.sql")
    )


def mappings(systems: Iterable[str], models: Path = MODELS) -> dict[str, list[str]]:
    """Port (or `person`) -> those of `systems` that have a mapping model for it; others are left out."""
    known = {*ports(models), PERSON}
    found: dict[str, list[str]] = {}
    for system in sorted(set(systems)):
        for path in (models / "mapping" / system).glob(f"{system}__*.sql"):
            port = path.stem.removeprefix(f"{system}__")
            if port in known:
                found.setdefault(port, []).append(system)
    return dict(sorted(found.items()))
