"""The errors of sources that no other test provokes: each by the mistake that leads to it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines import sources
from pipelines.landing import SourceResult
from pipelines.manifest import load_manifest
from pipelines.store import RawStore as Store
from tests.landing.conftest import Home
from tests.landing.fakes import Org, answer
from tests.landing.test_landing_versions import ONLY, TABLE, item
from throughline.errors import ThroughlineError

NOW, NEXT = "2026-03-10T12:00:00Z", "2026-03-11T12:00:00Z"


@pytest.fixture
def org() -> Org:
    org = Org()
    item(org, "k1", "2026-03-01T08:00:00.000+0000")
    return org


def code_of(result: SourceResult) -> str:
    problem = result.resources[0].error
    assert problem is not None
    return problem.code


def test_a_manifest_that_lacks_its_transport_names_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "source.yml"
    path.write_text("source: kantata\nresources: []\n", encoding="utf-8")
    with pytest.raises(ThroughlineError) as caught:
        load_manifest(path)
    assert (caught.value.code, "transport" in caught.value.what) == ("E-SRC-001", True)


def test_a_folder_without_a_source_in_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.importlib, "import_module", lambda _name: SimpleNamespace(SOURCE=None))
    with pytest.raises(ThroughlineError) as caught:
        sources.load_source("salesforce")
    assert (caught.value.code, "no SOURCE" in caught.value.what) == ("E-SRC-001", True)


def test_a_setting_that_is_missing_is_named(home: Home, org: Org) -> None:
    settings = org.config()
    del settings["client_id"]
    with pytest.raises(ThroughlineError) as caught:
        sources.load_source("salesforce").reader(settings)
    assert (caught.value.code, "client_id" in caught.value.what) == ("E-SRC-002", True)


def test_a_request_the_vendor_refuses_fails_its_resource_in_the_vendors_words(home: Home, org: Org) -> None:
    refused = [{"message": "unexpected token: FROMM", "errorCode": "MALFORMED_QUERY"}]
    org.once("/queryAll", lambda: answer(refused, 400), times=99)
    org.once("/query", lambda: answer(refused, 400), times=99)
    result = home.land("salesforce", org.config(), NOW, ONLY)
    assert code_of(result) == "E-SRC-009"
    assert "unexpected token" in str(result.resources[0].error)


def test_a_landed_column_of_another_type_than_the_manifest_declares_stops_its_resource(
    home: Home, org: Org
) -> None:
    home.land("salesforce", org.config(), NOW, ONLY)
    import duckdb

    with duckdb.connect(str(home.path / "raw.duckdb")) as connection:
        connection.execute(f"alter table {TABLE} alter column total_price type varchar")
    assert code_of(home.land("salesforce", org.config(), NEXT, ONLY)) == "E-SRC-017"


def test_rows_that_cannot_be_stored_fail_the_load_and_nothing_is_kept(
    home: Home, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Store, *_told: object) -> None:
        from throughline.errors import error

        raise error("E-SRC-019", source="salesforce", detail="No space left on device")

    monkeypatch.setattr(Store, "land", full)
    with pytest.raises(ThroughlineError) as caught:
        home.land("salesforce", org.config(), NOW, ONLY)
    assert caught.value.code == "E-SRC-019"


def test_a_fault_of_our_own_fails_its_resource_and_not_the_others(
    home: Home, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    org.once("/describe", lambda: answer(["not", "an", "object"]), times=99)
    assert code_of(home.land("salesforce", org.config(), NOW, ONLY)) == "E-SRC-021"
