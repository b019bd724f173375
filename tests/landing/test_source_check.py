"""source check: each thing that can be wrong with a source's set-up is told, and nothing is written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import sources
from pipelines.manifest import load_manifest
from tests.landing.conftest import Home as Landing
from tests.landing.fakes import Org, answer
from tests.landing.test_landing_versions import ONLY, item
from throughline.commands.source_check import findings, last_due
from throughline.config import Config, Source
from throughline.errors import ThroughlineError
from throughline.home import Home


def check(
    home: Path, options: dict[str, Any], name: str = "salesforce", *, live: bool = False
) -> list[dict[str, Any]]:
    instance = "files" if name == "files" else "main"
    source = Source(name, True, instance, f"{name}_{instance}", options)
    config = Config(path=home / "throughline.toml", sources={name: source})
    return list(findings(Home(home), config, source, live=live))


def bad(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["resource"], row["status"], row["code"]) for row in rows if row["status"] != "OK"]


@pytest.fixture
def org() -> Org:
    org = Org()
    item(org, "a", "2026-03-01T08:00:00.000+0000")
    return org


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_source_that_is_set_up_is_all_right(home: Landing, org: Org) -> None:
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    before = files_in(home.path)
    rows = check(home.path, org.config(), live=True)
    assert bad(rows) == []
    assert {"(manifest)", "(feed)", "(settings)", "(account)", "opportunity_line_item"} <= {
        row["resource"] for row in rows
    }
    assert files_in(home.path) == before


def test_nobody_is_asked_unless_it_is_live(home: Landing, org: Org) -> None:
    home.at("2026-03-10T12:00:00Z")
    check(home.path, org.config())
    assert org.requests == []


def test_a_missing_credential_is_told(home: Landing, org: Org) -> None:
    home.at("2026-03-10T12:00:00Z")
    told = {name: value for name, value in org.config().items() if name != "client_secret"}
    assert bad(check(home.path, told)) == [("(settings)", "FAIL", "E-SRC-002")]


def test_a_login_that_is_refused_is_told(home: Landing, org: Org) -> None:
    home.at("2026-03-10T12:00:00Z")
    refusal = answer({"error": "invalid_client"}, 401)
    org.faults.append(lambda request: refusal if request.url.path.endswith("/token") else None)
    assert bad(check(home.path, org.config(), live=True)) == [("(account)", "FAIL", "E-SRC-003")]


def test_who_answers_for_it_has_to_be_said(
    home: Landing, org: Org, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home.at("2026-03-10T12:00:00Z")
    text = (sources.HERE / "salesforce" / "source.yml").read_text(encoding="utf-8")
    (tmp_path / "source.yml").write_text(text.replace("owner: ", "# owner: "), encoding="utf-8")
    known = sources.load_source("salesforce")
    nobodys = sources.Source(load_manifest(tmp_path / "source.yml"), known.reader, known.tables)
    monkeypatch.setattr(sources, "load_source", lambda _name: nobodys)
    assert bad(check(home.path, org.config())) == [("(manifest)", "WARN", "E-SRC-050")]
    # the firm may say it instead
    assert bad(check(home.path, {**org.config(), "owner": "Ana"})) == []


@pytest.mark.parametrize("told", [{"due": "7 o'clock"}, {"time_zone": "Nowhere"}])
def test_a_time_or_zone_that_is_none_is_a_wrong_setting(
    home: Landing, org: Org, told: dict[str, str]
) -> None:
    home.at("2026-03-10T12:00:00Z")
    with pytest.raises(ThroughlineError) as caught:
        check(home.path, {**org.config(), **told})
    assert caught.value.code == "E-CFG-001"


@pytest.mark.parametrize("line", ["due: soon", "time_zone: Nowhere"])
def test_a_manifest_with_one_is_refused(tmp_path: Path, line: str) -> None:
    text = (sources.HERE / "bamboohr" / "source.yml").read_text(encoding="utf-8")
    name = line.split(":")[0]
    lines = [line if one.startswith(f"{name}:") else one for one in text.splitlines()]
    (tmp_path / "source.yml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ThroughlineError) as caught:
        load_manifest(tmp_path / "source.yml")
    assert caught.value.code == "E-SRC-001"


def test_a_late_feed_is_told(home: Landing, org: Org) -> None:
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    home.at("2026-03-10T20:00:00Z")
    assert bad(check(home.path, org.config())) == []
    home.at("2026-03-12T12:00:00Z")
    assert bad(check(home.path, org.config())) == [("(feed)", "WARN", "E-SRC-051")]


def test_due_is_meant_on_the_clock_of_its_zone() -> None:
    now = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
    assert last_due(now, "07:00", "UTC") == datetime(2026, 3, 10, 7, tzinfo=UTC)
    # half past five in Los Angeles
    assert last_due(now, "07:00", "America/Los_Angeles").astimezone(UTC).day == 9


def test_a_column_that_landed_with_another_type_is_told(
    home: Landing, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines import landing

    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    types = {**landing.SQL_TYPES, "money": "decimal(38,4)"}
    monkeypatch.setattr(landing, "SQL_TYPES", types)
    wrong = bad(check(home.path, org.config()))
    assert ("opportunity_line_item", "FAIL", "E-SRC-017") in wrong
    assert {code for _, _, code in wrong} == {"E-SRC-017"}


def test_rows_that_would_be_refused_are_told(home: Landing, tmp_path: Path) -> None:
    home.at("2026-03-10T12:00:00Z")
    folder = tmp_path / "in"
    folder.mkdir()
    lines = ["currency_code,name", "EUR,Euro", ",Nameless"]
    (folder / "currency.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    rows = check(home.path, {"path": str(folder)}, "files", live=True)
    assert bad(rows) == [("currency", "WARN", "E-SRC-052")]
    [told] = [row["detail"] for row in rows if row["resource"] == "currency"]
    assert "1 of the 2 rows" in told
