"""People's input: appended, never changed, safe beside other writers."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from throughline import clock, state
from throughline.errors import ThroughlineError
from throughline.home import Home
from throughline.state import Store

WRITE = """
import sys
from pathlib import Path
from throughline.home import Home
from throughline.state import Store
store = Store(Home(Path(sys.argv[1])))
for number in range(40):
    store.append("comment", "x1", sys.argv[2], {"text": str(number)})
"""


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = state.append(home, "comment", "x1", "ann", {"text": "why?", "amount": "1.10"})
    second = state.append(home, "waiver", "x1", "bob", {"reason": "agreed"})
    state.append(home, "comment", "x2", "ann", {"text": "other"})
    assert state.read(home, "comment", "x1") == [first]
    assert state.read(home, object_id="x1") == [first, second]
    assert [event.object_id for event in state.read(home)] == ["x1", "x1", "x2"]
    assert Store(home).latest("comment")["x2"].payload == {"text": "other"}


def test_nothing_is_read_before_anything_is_written(tmp_path: Path) -> None:
    assert state.read(Home(tmp_path)) == []
    assert not Home(tmp_path).state.exists()


def test_events_cannot_be_changed_or_deleted(tmp_path: Path) -> None:
    home = Home(tmp_path)
    state.append(home, "comment", "x1", "ann", {})
    with sqlite3.connect(home.state) as connection:
        for statement in ("update event set actor = 'eve'", "delete from event"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("kind", "thing", "who"), [("gossip", "x", "a"), ("comment", " ", "a"), ("comment", "x", "")]
)
def test_an_event_says_what_it_is_about_and_who_did_it(
    tmp_path: Path, kind: str, thing: str, who: str
) -> None:
    with pytest.raises(ThroughlineError) as caught:
        state.append(Home(tmp_path), kind, thing, who, {})
    assert caught.value.code == "E-STA-001"


def test_only_what_was_known_by_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    for day in (1, 2, 3):
        monkeypatch.setenv(clock.VARIABLE, f"2026-01-0{day}T00:00:00Z")
        state.append(home, "comment", "x", "ann", {"day": day})
    until = clock.parse_instant("2026-01-02T00:00:00Z")
    assert [event.payload["day"] for event in Store(home).read(until=until)] == [1, 2]
    assert Store(home).read(until=until - timedelta(days=9)) == []


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), name]) for name in ("ann", "bob")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    events = state.read(Home(tmp_path))
    assert len({event.event_id for event in events}) == 80
    for name in ("ann", "bob"):
        assert [event.payload["text"] for event in events if event.actor == name] == [
            str(n) for n in range(40)
        ]
