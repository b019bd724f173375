"""The two doors: what fails, what is an error, and what may stop a publish."""

from __future__ import annotations

from typing import Any

import pytest

from expectations import doors, run

CLEAN: dict[str, object] = {
    "dataset": "salesforce_main.account",
    "rows": 3,
    "missing_envelope": 0,
    "repeated_versions": 0,
    "known_after_load": 0,
    "updated_after_load": 0,
    "deleted_share": 0.0,
    "variant_columns": 0,
}
FRAMES: dict[str, doors.Frame] = {
    "landing_rows": [CLEAN, {**CLEAN, "dataset": "salesforce_main.opportunity", "variant_columns": 1}],
    "publish_identities": [
        {"identity": "foots", "broken_rows": 0, "worst_difference": 0.0},
        {"identity": "does not foot", "broken_rows": 2, "worst_difference": 8.0},
    ],
    # The frame lacks the columns its suite reads: every expectation on them raises inside its result.
    "publish_grain": [{"table": "marts.metric_value"}],
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("doors")
    found = run.judge(FRAMES, folder)
    found["docs"] = (folder / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html").exists()
    return found


def test_a_failing_identity_names_itself_and_stops_the_publish(outcome: dict[str, Any]) -> None:
    failed = outcome["failed_publish"]
    assert [one["about"] for one in failed] == [[{"broken_rows": 2, "identity": "does not foot"}]]
    assert run.exit_code({**outcome, "errors": []}) == run.NOT_MET


def test_a_landing_failure_is_named_but_never_stops_a_publish(outcome: dict[str, Any]) -> None:
    about = [one["about"] for one in outcome["failed_landing"]]
    assert about == [[{"variant_columns": 1, "dataset": "salesforce_main.opportunity"}]]
    assert run.exit_code({"failed_landing": about, "failed_publish": [], "errors": []}) == run.MET


def test_an_exception_inside_a_result_is_an_error_not_a_failure(outcome: dict[str, Any]) -> None:
    assert outcome["errors"], "the missing columns must surface as errors"
    assert not any("publish_grain" in one["expectation"] for one in outcome["failed_publish"])
    assert run.exit_code(outcome) == run.BROKEN


def test_data_docs_are_written(outcome: dict[str, Any]) -> None:
    assert outcome["docs"]
