"""A firm without faults: the warehouse must be silent, and every number must be right."""

from __future__ import annotations

from pathlib import Path

from sandbox.build import build, wanted
from sandbox.score import score, shown
from throughline import warehouse
from throughline.home import Home

STATEMENTS = {"AR_AGEING", "AR_CONTROL", "BILLINGS", "REVENUE", "TRIAL_BALANCE"}


def test_a_clean_firm_is_silent(tmp_path: Path) -> None:
    build(tmp_path / "firm", wanted(31, "tiny", "none"), truth=True)
    result = score(tmp_path / "firm", Home(tmp_path / "home"), loads=1, look_back=False)
    problems = [line for load in result.loads for line in shown(load.comparison.differences)]
    assert problems == []
    assert sum(tally.truth for tally in result.controls().values()) == 0
    # what the firm's systems print of themselves is written from its own state, not from what was landed
    with warehouse.open_published(Home(tmp_path / "home")) as connection:
        held = connection.execute(
            "select statement_id, status, count(*) from reconciliation.tie_out group by all order by all"
        ).fetchall()
    assert {statement for statement, _, _ in held} == STATEMENTS
    assert {status for _, status, _ in held} <= {"TIES", "ENTERED_LATER"}, held
    assert sum(lines for _, status, lines in held if status == "TIES") > 30, held
