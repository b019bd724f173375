"""Where a connector's settings come from: the secrets' file, the environment before it, the allowance."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.landing import read_secrets
from pipelines.sources import load_source

SECRETS = """
[sources.bamboohr]
api_key = "of the file"
other = "of the file"
[sources.bamboohr.north]
api_key = "of the north"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "secrets.toml").write_text(SECRETS, encoding="utf-8")
    return tmp_path


def test_an_instance_goes_before_its_source(home: Path) -> None:
    assert read_secrets(home, "bamboohr", "main") == {"api_key": "of the file", "other": "of the file"}
    assert read_secrets(home, "bamboohr", "north")["api_key"] == "of the north"


def test_the_environment_goes_before_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__BAMBOOHR__API_KEY", "of the environment")
    monkeypatch.setenv("SOURCES__BAMBOOHR__NORTH__OTHER", "of the north alone")
    monkeypatch.setenv("SOURCES__NETSUITE__API_KEY", "of another source")
    assert read_secrets(home, "bamboohr", "main") == {
        "api_key": "of the environment",
        "other": "of the file",
    }
    assert read_secrets(home, "bamboohr", "north") == {
        "api_key": "of the environment",
        "other": "of the north alone",
    }


def test_without_a_file_the_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__BAMBOOHR__API_KEY", "of the environment")
    assert read_secrets(tmp_path, "bamboohr", "main") == {"api_key": "of the environment"}


@pytest.mark.parametrize(
    ("told", "share"),
    [
        ({}, "0.8"),
        ({"quota": {"share": 0.5}}, "0.5"),
        ({"quota": {"share": 0.5}, "limits": {"quota_share": 0.3}}, "0.3"),
    ],
)
def test_the_allowance_is_the_one_that_throughline_toml_names(told: dict[str, object], share: str) -> None:
    settings = {"base_url": "https://bamboohr.invalid", "api_key": "made up", **told}
    reader = load_source("bamboohr").reader(settings)
    assert reader.http.quota_share == Decimal(share)
