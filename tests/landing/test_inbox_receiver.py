"""The receiver of events: every mode, every refusal, and what is answered for is on the disk."""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from pipelines.inbox.journal import Journal, folder_of, lines, parts
from pipelines.inbox.server import settings
from pipelines.inbox.service import Settings
from tests.landing.inbox_support import (
    BATCH,
    NOW,
    SECRET,
    STRUCTURED,
    Sender,
    event,
    receiver,
    signed,
    spooled,
    write_secret,
)
from throughline import inbox
from throughline.errors import ThroughlineError
from throughline.home import Home

BINARY = {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "b1",
    "ce-source": "/psa",
    "ce-type": "timecard.approved",
    "ce-time": "2026-03-10T11:00:00Z",
    "ce-subject": "M%C3%BCller%20%26%20Co",
}


def test_structured_binary_and_batch_are_one_event_each(tmp_path: Path) -> None:
    sender = Sender(tmp_path)
    assert sender.send(event(1)).status_code == 202
    assert sender.send(b'{"hours": 7.50}', BINARY).status_code == 202
    answer = sender.send([event(2), event(3)], BATCH)
    assert (answer.status_code, answer.json()) == (202, {"stored": 2, "signature": "valid"})
    found = spooled(tmp_path)
    assert [line["position"] for line in found] == [1, 2, 3, 4]
    assert [line["mode"] for line in found] == ["structured", "binary", "batch", "batch"]
    assert [line["event"]["id"] for line in found] == ["e1", "b1", "e2", "e3"]
    assert found[1]["event"]["subject"] == "Müller & Co"
    # digits as they were sent, though nobody reads them as a number on the way
    assert found[1]["payload"] == '{"hours":7.50}'
    assert all(line["counts"] and line["signature"] == "valid" for line in found)
    assert found[0]["received_at"] == "2026-03-10T12:00:00Z"


def test_data_that_is_no_json_travels_as_it_is(tmp_path: Path) -> None:
    sender = Sender(tmp_path)
    assert sender.send(b"\x00\xff", {**BINARY, "content-type": "application/pdf"}).status_code == 202
    assert sender.send(event(1, data="plain")).status_code == 202
    bare = {name: value for name, value in event(2).items() if name != "data"}
    assert sender.send({**bare, "data_base64": "AP8="}).status_code == 202
    assert sender.send(bare | {"id": "e3"}).status_code == 202
    assert [line["payload"] for line in spooled(tmp_path)] == ["AP8=", '"plain"', "AP8=", None]


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (event(1, id=""), STRUCTURED, 400, "attribute id is missing"),
        (event(1, source=7), STRUCTURED, 400, "attribute source is missing or no text"),
        (event(1, specversion="0.3"), STRUCTURED, 400, "specversion 0.3"),
        (event(1, time="yesterday"), STRUCTURED, 400, "time is no instant"),
        (event(1, time="2026-03-10T11:00:00"), STRUCTURED, 400, "time is no instant"),
        (event(1, Extra="x"), STRUCTURED, 400, "lower-case letters and digits"),
        (event(1, extra={"a": 1}), STRUCTURED, 400, "what no attribute can hold"),
        (event(1, data_base64="AA=="), STRUCTURED, 400, "both there"),
        (event(1, subject="x" * 3000), STRUCTURED, 400, "longer than"),
        (["no", "events"], BATCH, 400, "event 1 of 2: an event is a JSON object"),
        (event(1), BATCH, 400, "a batch is a JSON array"),
        (b'{"half": ', STRUCTURED, 400, "not JSON"),
        (b'{"id": "\\ud800"}', STRUCTURED, 400, "not JSON in UTF-8"),
        (b"\xff\xfe", STRUCTURED, 400, "not JSON in UTF-8"),
        (b'{"id": NaN}', STRUCTURED, 400, "NaN is no JSON number"),
        (b"[" * 100_000, STRUCTURED, 400, "not JSON"),
        (event(1), {"content-type": "application/json"}, 415, "neither"),
        (b"<event/>", {"content-type": "application/cloudevents+xml"}, 415, "not spoken here"),
        ([event(1)] * 3, BATCH, 413, "3 events in one batch; at most 2"),
        (event(1, data="x" * 5000), STRUCTURED, 413, "may have 4000 bytes"),
    ],
)
def test_what_is_no_event_is_refused_with_its_reason(
    tmp_path: Path, body: object, headers: dict[str, str], status: int, reason: str
) -> None:
    most = 200_000 if body == b"[" * 100_000 else 4000
    sender = Sender(tmp_path, Settings(secrets=(SECRET,), most_bytes=most, most_events=2))
    answer = sender.send(body, headers)
    assert (answer.status_code, reason in answer.json()["error"]) == (status, True), answer.text
    assert spooled(tmp_path) == []


def test_one_bad_event_refuses_its_batch_whole(tmp_path: Path) -> None:
    answer = Sender(tmp_path).send([event(1), event(2, type="")], BATCH)
    assert (answer.status_code, spooled(tmp_path)) == (400, [])
    assert answer.json()["error"].startswith("event 2 of 2: ")


def test_a_bad_signature_is_kept_and_does_not_count(tmp_path: Path) -> None:
    sender = Sender(tmp_path)
    assert sender.send(event(1), secret="another").json() == {"stored": 1, "signature": "invalid"}
    late = NOW - timedelta(days=3)
    assert sender.send(event(2), at=late).json()["signature"] == "invalid"
    assert sender.send(event(3), at=NOW - timedelta(seconds=299)).json()["signature"] == "valid"
    content = json.dumps(event(4)).encode()
    tampered = sender.raw(content.replace(b"a4", b"a5"), signed(content, STRUCTURED, SECRET, NOW))
    assert tampered.json()["signature"] == "invalid"
    moved = signed(b"{}", BINARY, SECRET, NOW) | {"ce-id": "another"}
    assert sender.raw(b"{}", moved).json()["signature"] == "invalid"
    found = spooled(tmp_path)
    assert [line["counts"] for line in found] == [False, False, True, False, False]
    assert found[0]["reason"] == "the signature does not fit the body"
    assert found[1]["reason"] == "the timestamp is more than 300 seconds away"


def test_unsigned_is_refused_unless_the_firm_says_otherwise(tmp_path: Path) -> None:
    content = json.dumps(event(1)).encode()
    assert Sender(tmp_path / "strict").raw(content, STRUCTURED).status_code == 401
    assert spooled(tmp_path / "strict") == []
    open_ = Sender(tmp_path / "open", Settings(signed=False))
    assert open_.raw(content, STRUCTURED).json() == {"stored": 1, "signature": "none"}
    assert [line["counts"] for line in spooled(tmp_path / "open")] == [True]


def test_two_secrets_count_while_one_replaces_the_other(tmp_path: Path) -> None:
    sender = Sender(tmp_path, Settings(secrets=("new", "old")))
    said = [sender.send(event(1), secret=secret).json()["signature"] for secret in ("new", "old", "older")]
    assert said == ["valid", "valid", "invalid"]


def test_the_spool_goes_on_in_a_new_file_and_after_a_restart(tmp_path: Path) -> None:
    sender = Sender(tmp_path, rotate_at=600)
    for number in range(6):
        assert sender.send(event(number)).status_code == 202
    sender.journal.close()
    names = [part.path.name for part in parts(folder_of(tmp_path, "main"))]
    assert names == ["events-000000000001.jsonl", "events-000000000004.jsonl"]
    again = Sender(tmp_path, rotate_at=600)
    assert again.journal.position == 6
    # a clock that went back leaves the order as it was
    again.now = NOW - timedelta(hours=1)
    assert again.send(event(7), at=again.now).status_code == 202
    assert [line["position"] for line in spooled(tmp_path)] == list(range(1, 8))
    assert spooled(tmp_path)[-1]["received_at"] == "2026-03-10T12:00:00Z"


def test_half_a_line_is_cut_off_and_nothing_before_it(tmp_path: Path) -> None:
    sender = Sender(tmp_path)
    sender.send(event(1))
    sender.journal.close()
    [part] = parts(folder_of(tmp_path, "main"))
    with part.path.open("ab") as handle:
        handle.write(b'{"position":2,"half')
    assert [part.size] == [one.size for one in parts(folder_of(tmp_path, "main"))]
    again = Sender(tmp_path)
    assert again.send(event(2)).status_code == 202
    assert [line["event"]["id"] for line in spooled(tmp_path)] == ["e1", "e2"]


def test_a_full_disk_is_told_and_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = Sender(tmp_path)
    sender.send(event(1))
    real = os.fsync

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert sender.send([event(2), event(3)], BATCH).status_code == 503
    monkeypatch.setattr(os, "fsync", real)
    assert sender.send(event(4)).status_code == 202
    found = spooled(tmp_path)
    assert [(line["position"], line["event"]["id"]) for line in found] == [(1, "e1"), (2, "e4")]


def test_nothing_is_answered_before_the_disk_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = Sender(tmp_path)
    done: list[str] = []
    real = os.fsync

    def told(descriptor: int) -> None:
        real(descriptor)
        done.append("on the disk")

    monkeypatch.setattr(os, "fsync", told)
    assert sender.send(event(1)).status_code == 202
    assert done == ["on the disk"]


def test_a_second_receiver_is_told_of_the_first(tmp_path: Path) -> None:
    first = Sender(tmp_path)
    with pytest.raises(ThroughlineError) as caught:
        Journal(folder_of(tmp_path, "main")).open()
    assert caught.value.code == "E-SRC-090"
    first.journal.close()
    Journal(folder_of(tmp_path, "main")).open()


def test_a_damaged_end_is_no_end_to_count_from(tmp_path: Path) -> None:
    sender = Sender(tmp_path)
    sender.send(event(1))
    sender.journal.close()
    [part] = parts(folder_of(tmp_path, "main"))
    part.path.write_bytes(b"nonsense\n")
    with pytest.raises(ThroughlineError) as caught:
        Journal(folder_of(tmp_path, "main")).open()
    assert caught.value.code == "E-SRC-093"


def test_without_a_secret_nothing_is_received(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_secret(tmp_path)
    (tmp_path / ".dlt" / "secrets.toml").unlink()
    assert inbox.main(["--home", str(tmp_path)]) == 3
    assert "E-SRC-091" in capsys.readouterr().err
    (tmp_path / "throughline.toml").write_text(
        '[sources.events]\nunsigned = "accept"\nlimits = { batch_events = 5 }\n', encoding="utf-8"
    )
    told = settings(inbox.options(Home(tmp_path), "main"), {})
    assert (told.signed, told.most_events) == (False, 5)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with receiver(tmp_path / "one") as (_, url):
        port = url.rsplit(":", 1)[1].partition("/")[0]
        write_secret(tmp_path / "two")
        with pytest.MonkeyPatch.context() as patch:
            said: list[str] = []
            patch.setattr("builtins.print", lambda *words, **_: said.append(" ".join(map(str, words))))
            assert inbox.main(["--home", str(tmp_path / "two"), "--port", port]) == 3
    assert any("E-SRC-094" in line for line in said)


DIES = """
import os, signal, sys
from pipelines.inbox import journal
real = journal.Journal.append
def append(self, records, now):
    done = real(self, records, now)
    if self.position >= 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
journal.Journal.append = append
from throughline.inbox import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_killed_between_the_disk_and_the_answer(tmp_path: Path) -> None:
    """The sender never hears, sends again, and the event is in the spool twice and lands once."""

    def post(url: str, numbers: list[int]) -> int:
        content = json.dumps([event(number) for number in numbers]).encode()
        return httpx.post(url, content=content, headers=signed(content, BATCH, SECRET, NOW)).status_code

    with receiver(tmp_path, "-c", DIES) as (process, url):
        assert post(url, [1, 2]) == 202
        with pytest.raises(httpx.HTTPError):
            post(url, [3, 4])
        assert process.wait(20) == -signal.SIGKILL
    assert [line["event"]["id"] for line in spooled(tmp_path)] == ["e1", "e2", "e3", "e4"]
    with receiver(tmp_path) as (process, url):
        assert post(url, [3, 4]) == 202
        health = httpx.get(url.replace("/events", "/health")).json()
        assert health == {"status": "ok", "position": 6}
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(20) == 0
    [part] = parts(folder_of(tmp_path, "main"))
    assert len(lines(part)) == 6
    assert not (folder_of(tmp_path, "main") / "serve.json").exists()
    log = (tmp_path / "inbox.log").read_text(encoding="utf-8")
    assert "2 stored, batch, signature valid" in log
    assert SECRET not in log
    for path in folder_of(tmp_path, "main").rglob("*"):
        assert SECRET.encode() not in path.read_bytes()
