"""The bus pushes: at least once, out of order, signed, up to the clock; and badly where it is told to."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipelines.inbox.cloudevents import read
from pipelines.inbox.signature import verify
from sandbox.clock_file import set_clock
from sandbox.emission.events import write
from sandbox.emulators.events import Bus
from sandbox.inbox import deliver
from tests.unit.simulator_support import firm_of
from throughline.clock import parse_instant
from throughline.errors import ThroughlineError

SECRET = "of-the-bus"
FEBRUARY, JULY = parse_instant("2026-02-08T23:30:00Z"), parse_instant("2026-07-08T23:30:00Z")


class Listener:
    """Takes what comes, refusing the first `refusals` requests."""

    def __init__(self) -> None:
        self.refusals = 0
        self.requests: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                refused = outer.refusals > 0
                outer.refusals -= refused
                if not refused:
                    outer.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(503 if refused else 202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def heard(self, *, valid: bool = True, at: Any = None) -> list[dict[str, Any]]:
        """The events of requests whose signature is good (or is not)."""
        found: list[dict[str, Any]] = []
        for headers, body in self.requests:
            told = list(headers.items())
            stamp = int(headers["throughline-timestamp"])
            now = at or parse_instant("1970-01-01").fromtimestamp(stamp, JULY.tzinfo)
            if (verify([SECRET], told, body, now, 300).signature == "valid") is valid:
                found += read(told, body).events
        return found


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(firm_of("tiny"), tmp_path / "stores" / "events")
    set_clock(tmp_path, FEBRUARY)
    return tmp_path


def bus(root: Path) -> TestClient:
    return TestClient(Bus(root, {"events": {"secret": SECRET}}).app())


def log(root: Path) -> list[dict[str, Any]]:
    text = (root / "stores" / "events" / "log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_everything_up_to_the_clock_comes_at_least_once_and_in_disorder(
    root: Path, listener: Listener
) -> None:
    answer = bus(root).post("/_sandbox/deliver", json={"to": listener.url}).json()
    wanted = [line["event"]["id"] for line in log(root) if parse_instant(line["at"]) <= FEBRUARY]
    heard = [event["id"] for event in listener.heard()]
    assert answer == {"delivered": len(wanted), "sent": len(wanted)}
    assert set(heard) == set(wanted)
    assert len(heard) > len(wanted), "some came twice"
    assert list(dict.fromkeys(heard)) != wanted, "not in order"
    kinds = [headers["content-type"] for headers, _ in listener.requests]
    assert kinds[:2] == ["application/cloudevents+json", "application/json"]
    assert set(kinds[2:]) == {"application/cloudevents-batch+json"}
    # what was sent in binary mode says the same
    [binary] = read(list(listener.requests[1][0].items()), listener.requests[1][1]).events
    [same] = [line["event"] for line in log(root) if line["event"]["id"] == binary["id"]]
    assert binary == same


def test_it_goes_on_where_it_was_even_when_started_again(root: Path, listener: Listener) -> None:
    first = bus(root).post("/_sandbox/deliver", json={"to": listener.url}).json()["delivered"]
    assert bus(root).post("/_sandbox/deliver", json={"to": listener.url}).json()["sent"] == 0
    set_clock(root, JULY)
    listener.requests.clear()
    answer = bus(root).post("/_sandbox/deliver", json={"to": listener.url}).json()
    assert answer["delivered"] == len(log(root))
    assert {event["id"] for event in listener.heard()} == {line["event"]["id"] for line in log(root)[first:]}
    repeated = [line["event"]["id"] for line in log(root)[first:] if line["twice"]]
    counts = Counter(event["id"] for event in listener.heard())
    assert repeated
    assert all(counts[name] >= 2 for name in repeated)


def test_what_is_not_taken_is_sent_again_and_in_the_end_left_for_later(
    root: Path, listener: Listener
) -> None:
    listener.refusals = 3
    assert bus(root).post("/_sandbox/deliver", json={"to": listener.url}).status_code == 200
    set_clock(root, JULY)
    listener.refusals = 5
    assert bus(root).post("/_sandbox/deliver", json={"to": listener.url}).status_code == 502
    assert bus(root).post("/_sandbox/deliver", json={"to": listener.url}).status_code == 200
    assert {event["id"] for event in listener.heard()} == {line["event"]["id"] for line in log(root)}


def test_the_profile_makes_it_misbehave(root: Path, listener: Listener) -> None:
    rules = [
        {"vendor": "events", "kind": "gap", "times": 1, "events": 5},
        {"vendor": "events", "kind": "bad_signature", "times": 1},
        {"vendor": "events", "kind": "unknown_type", "times": 1},
        {"vendor": "events", "kind": "replay"},
    ]
    (root / "profile.json").write_text(json.dumps(rules), encoding="utf-8")
    assert bus(root).post("/_sandbox/deliver", json={"to": listener.url}).status_code == 200
    wanted = {line["event"]["id"] for line in log(root) if parse_instant(line["at"]) <= FEBRUARY}
    heard = listener.heard()
    lost = wanted - {event["id"] for event in heard}
    assert len(lost) == 5
    assert len(listener.heard(valid=False)) == 1
    assert "com.example.never.heard.of" in {event["type"] for event in heard}
    # the forged one, and the replay: signed three days before, too old for who checks it today
    assert len(listener.heard(at=FEBRUARY, valid=False)) > 1


def test_nobody_to_push_to_is_told(root: Path) -> None:
    client = bus(root)
    assert client.post("/_sandbox/deliver", json={}).status_code == 400
    refused = {"to": "http://127.0.0.1:9/events"}
    assert client.post("/_sandbox/deliver", json=refused).status_code == 502
    with pytest.raises(ThroughlineError) as caught:
        deliver({"endpoints": {"events": "http://127.0.0.1:9"}}, "http://127.0.0.1:9/events")
    assert caught.value.code == "E-SBX-009"
    assert deliver({"endpoints": {}}, None) == 0
