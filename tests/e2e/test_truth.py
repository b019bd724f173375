"""The warehouse against what really happened: every case, count and metric of every load."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.build import build, wanted
from sandbox.score import score, shown
from tests.e2e.conftest import LOADS, Scored
from throughline.home import Home

pytestmark = pytest.mark.xdist_group("scored")


def test_each_load_of_a_firm_with_every_fault_agrees_with_its_truth(scored: Scored) -> None:
    problems = [line for load in scored.score.loads for line in shown(load.comparison.differences)]
    assert problems == []
    # the loads, and one of them asked for again later by --known-at
    assert len(scored.score.loads) == LOADS + 1


def test_the_faults_were_there_to_be_found(scored: Scored) -> None:
    tallies = scored.score.controls()
    for control in ("MDM-001", "CRM-ERP-001", "CRM-PSA-001", "ERP-PSA-002", "BIL-001"):
        assert tallies[control].truth > 0, control
        assert tallies[control].matched == tallies[control].truth


def test_a_clean_firm_is_silent(tmp_path: Path) -> None:
    build(tmp_path / "firm", wanted(31, "tiny", "none"), truth=True)
    result = score(tmp_path / "firm", Home(tmp_path / "home"), loads=1, look_back=False)
    problems = [line for load in result.loads for line in shown(load.comparison.differences)]
    assert problems == []
    assert sum(tally.truth for tally in result.controls().values()) == 0
