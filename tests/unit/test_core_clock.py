"""The clock: real time, a set instant, a file that moves it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from throughline import clock


def test_without_a_setting_it_is_the_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-08T23:30:00Z", datetime(2026, 7, 8, 23, 30, tzinfo=UTC)),
        ("2026-07-08T23:30:00-04:00", datetime(2026, 7, 9, 3, 30, tzinfo=UTC)),
        ("2026-07-08T23:30:00", datetime(2026, 7, 8, 23, 30, tzinfo=UTC)),
        ("2026-07-08", datetime(2026, 7, 8, tzinfo=UTC)),
    ],
)
def test_an_instant_moves_it(monkeypatch: pytest.MonkeyPatch, text: str, expected: datetime) -> None:
    monkeypatch.setenv(clock.VARIABLE, text)
    assert clock.now() == expected
    assert clock.now().tzinfo is UTC
    assert clock.today() == expected.date()


def test_a_file_moves_it_while_it_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    monkeypatch.setenv(clock.VARIABLE, f"@{path}")
    for day in (1, 2):
        path.write_text(json.dumps({"now": f"2026-03-0{day}T00:00:00Z"}), encoding="utf-8")
        assert clock.today() == date(2026, 3, day)


@pytest.mark.parametrize("content", [None, "{}", "not json", '{"now": "yesterday"}', "[]"])
def test_a_file_without_an_instant_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "clock.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    monkeypatch.setenv(clock.VARIABLE, f"@{path}")
    with pytest.raises(ValueError, match="no instant"):
        clock.now()


def test_iso_is_utc_with_a_z() -> None:
    moment = clock.parse_instant("2026-07-08T23:30:00+02:00")
    assert clock.iso(moment) == "2026-07-08T21:30:00Z"
    assert clock.parse_instant(clock.iso(moment)) == moment
