"""Conformance of sources that bring their own stand-in: which checks a break must turn red, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from pipelines.conform.checks import CHECKS
from pipelines.conform.kit import EXEMPT, FAIL, NOT_RUN, PASS
from pipelines.conform.source import conform_source
from pipelines.store import RawStore
from tests.landing.test_conformance_kit import NEEDS, _append


def land_without_dlt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows reach the raw warehouse without dlt, which would be most of the time."""
    monkeypatch.setattr(
        RawStore,
        "_pipeline",
        lambda store, _name, dataset: SimpleNamespace(dataset_name=dataset, path=store.path),
    )
    monkeypatch.setattr(RawStore, "_run", _append)


def needed_by(check: str) -> set[str]:
    """Checks that have to be green before this one is made."""
    return NEEDS[check].union(*(needed_by(need) for need in NEEDS[check]))


def assert_only_red(source: str, exempt: Mapping[str, str], name: str | None) -> None:
    """The kit finds `name` red (none: nothing), does not make what rests on it, and passes all others."""
    outcomes = list(conform_source(source))

    def wanted(check: str) -> str:
        if check in exempt:
            return EXEMPT
        if check == name:
            return FAIL
        return NOT_RUN if name in needed_by(check) else PASS

    found = {outcome.check: outcome.outcome for outcome in outcomes}
    details = [outcome.detail for outcome in outcomes]
    assert found == {check.name: wanted(check.name) for check in CHECKS}, details
