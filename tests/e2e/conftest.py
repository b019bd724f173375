"""One tiny firm, loaded at several closes and scored after each; other tests end to end read its home."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.build import build, wanted
from sandbox.score import Score, score
from throughline.home import Home

SEED = 23
LOADS = 4


@dataclass(frozen=True)
class Scored:
    """The home after the loads, the sandbox it was scored against, and the score."""

    home: Home
    source: Path
    score: Score


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """A firm with every fault of the business, loaded four times, and asked for what it knew earlier."""
    folder = tmp_path_factory.mktemp("scored")
    source, home = folder / "firm", Home(folder / "home")
    build(source, wanted(SEED, "tiny", "all", acquisition=True), truth=True)
    return Scored(home, source, score(source, home, loads=LOADS))
