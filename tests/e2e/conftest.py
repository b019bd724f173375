"""One tiny firm, loaded at several closes and scored after each; other tests end to end read its home."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.build import build, wanted
from sandbox.score import Score, ask_earlier, score
from throughline import warehouse
from throughline.home import Home

SEED = 23
LOADS = 4


@dataclass(frozen=True)
class Scored:
    """The home after the loads, the sandbox it was scored against, and the score.

    `kept` holds build.duckdb and published.duckdb as the last load left them, before the look back.
    """

    home: Home
    kept: Path
    source: Path
    score: Score


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """A firm with every fault of the business, loaded four times, and asked for what it knew earlier."""
    folder = tmp_path_factory.mktemp("scored")
    source, home = folder / "firm", Home(folder / "home")
    build(source, wanted(SEED, "tiny", "all", acquisition=False), truth=True)
    found = score(source, home, loads=LOADS, look_back=False)
    kept = folder / "kept"
    kept.mkdir()
    shutil.copyfile(home.build, kept / "build.duckdb")
    shutil.copyfile(warehouse.current(home).path, kept / "published.duckdb")
    ask_earlier(source, home, found)
    return Scored(home, kept, source, found)
