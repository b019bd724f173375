"""A firm without faults: the warehouse must be silent, and every number must be right."""

from __future__ import annotations

from pathlib import Path

from sandbox.build import build, wanted
from sandbox.score import score, shown
from throughline.home import Home


def test_a_clean_firm_is_silent(tmp_path: Path) -> None:
    build(tmp_path / "firm", wanted(31, "tiny", "none"), truth=True)
    result = score(tmp_path / "firm", Home(tmp_path / "home"), loads=1, look_back=False)
    problems = [line for load in result.loads for line in shown(load.comparison.differences)]
    assert problems == []
    assert sum(tally.truth for tally in result.controls().values()) == 0
