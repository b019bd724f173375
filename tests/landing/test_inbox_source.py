"""The inbox as a source: first receptions, once, in order; what must not count waits with its reason."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines import rejects
from pipelines.inbox.journal import folder_of, parts
from pipelines.sources import load_source
from pipelines.sources.events.source import MANIFEST
from pipelines.transports.base import Window
from tests.landing.conftest import Home
from tests.landing.inbox_support import BATCH, NOW, Sender, delivery, event
from throughline.errors import ThroughlineError

LATER, LATEST = "2026-03-11T12:00:00Z", "2026-03-12T12:00:00Z"
FIRST = "2026-03-10T12:30:00Z"
ROWS = (
    "select event_id, payload, position, count(*) over (partition by event_id)"
    " from events_main.event order by 3"
)


def waiting(home: Home) -> list[tuple[str, str]]:
    return sorted((one["record_id"], one["reason_code"]) for one in rejects.list_rejects(home.path))


def test_an_event_lands_once_and_as_it_was_first(home: Home) -> None:
    sender = Sender(home.path)
    sender.send([event(2), event(1), event(2)], BATCH)
    found = home.land("events", {}, FIRST)
    assert (found.status, found.rows_landed) == ("OK", 2)
    [row] = found.resources
    assert (row.source_count, row.rows_rejected) == (2, 0)
    sender.now = NOW + timedelta(days=1)
    # redelivered, as it was and with another body; and one that is new, older by its own clock
    sender.send([event(1), event(2, data="other"), event(3, time="2026-03-01T00:00:00Z")], BATCH)
    found = home.land("events", {}, LATER)
    assert (found.rows_landed, found.resources[0].source_count) == (1, 3)
    assert home.sql(ROWS) == [
        ("e2", '{"record_id":"a2"}', 1, 1),
        ("e1", '{"record_id":"a1"}', 2, 1),
        ("e3", '{"record_id":"a3"}', 6, 1),
    ]
    assert home.land("events", {}, LATEST).rows_landed == 0
    known = dict(home.sql("select event_id, tl_known_at::varchar from events_main.event"))
    assert known["e1"].startswith("2026-03-10 12:00:00"), "what came first was known when it was received"
    assert known["e3"].startswith("2026-03-11 12:00:00")


def test_the_window_is_what_was_received_since(home: Home) -> None:
    sender = Sender(home.path, rotate_at=400)
    for number in range(5):
        sender.now = NOW + timedelta(minutes=number)
        sender.send(event(number))
    home.land("events", {}, FIRST)
    sender.now = NOW + timedelta(hours=3)
    sender.send(event(9))
    found = home.land("events", {}, LATER).resources[0]
    assert (found.cursor_from, found.cursor_to) == (NOW + timedelta(minutes=4), NOW + timedelta(hours=3))
    assert (found.rows_extracted, found.rows_landed, found.rows_unchanged) == (2, 1, 1)
    # put away what was landed: nothing is taken for deleted, and the count says that files are missing
    parts(folder_of(home.path, "main"))[0].path.unlink()
    found = home.land("events", {}, LATEST).resources[0]
    assert (found.status, found.rows_deleted) == ("OK", 0)
    assert (found.source_count or 0) < 6


def test_what_comes_while_it_is_read_is_left_for_the_next_load(home: Home) -> None:
    sender = Sender(home.path)
    sender.send(event(1))
    reader = load_source("events").reader({"home": str(home.path)})
    reader.open()
    sender.send(event(2))
    [part] = parts(folder_of(home.path, "main"))
    with part.path.open("ab") as handle:
        handle.write(b'{"half')
    resource = MANIFEST.resources[0]
    window = Window(None, datetime(2026, 3, 11, tzinfo=UTC))
    read = [
        row for page in reader.rows(resource, window, reader.discover(resource)) for row in page.to_pylist()
    ]
    assert [row["event_id"] for row in read] == ["e1"]
    control = reader.control(resource, window)
    assert control is not None
    assert control.rows == 1
    reader.close()


def test_what_must_not_count_is_refused_with_its_reason(home: Home) -> None:
    sender = Sender(home.path)
    sender.send(delivery("ok", "evt-1", "CREATED"))
    sender.send(event("forged"), secret="another")
    wrong = {
        "status": delivery("status", "evt-2", "NONSENSE"),
        "about": delivery("about", "", "CREATED"),
        "tries": delivery("tries", "evt-3", "RETRYING", attempts="many"),
        "since": delivery("since", "evt-4", "CREATED", created_at="yesterday"),
        "time": {**delivery("time", "evt-5", "CREATED"), "time": None},
        "text": event("text", type="integration.delivery.changed", data="no object"),
    }
    for one in wrong.values():
        assert sender.send(one).status_code == 202
    sender.journal.close()
    [part] = parts(folder_of(home.path, "main"))
    with part.path.open("ab") as handle:
        handle.write(b"\xff damaged\n")
    found = home.land("events", {}, FIRST).resources[0]
    assert (found.status, found.rows_landed, found.rows_rejected, found.source_count) == ("OK", 1, 8, 9)
    assert waiting(home) == sorted(
        [
            ("/psa|eforged", "BAD_SIGNATURE"),
            ("inbox|events-000000000001.jsonl, line 9", "UNREADABLE"),
            *((f"/psa|e{name}", "MALFORMED_DELIVERY") for name in wrong),
        ]
    )
    told = {one["record_id"]: one["reason"] for one in rejects.list_rejects(home.path)}
    assert told["/psa|eforged"].startswith("the signature does not fit the body (events-0")
    assert "status is none of the known ones" in told["/psa|estatus"]
    # again, and nothing is told twice
    assert home.land("events", {}, LATER).rows_landed == 0
    assert len(waiting(home)) == 8


def test_a_forged_event_stays_out_of_a_replay_until_somebody_answers_for_it(home: Home) -> None:
    sender = Sender(home.path)
    sender.send(event(1))
    sender.send(event(2), secret="another")
    home.land("events", {}, FIRST)
    [bad] = rejects.list_rejects(home.path)
    home.at(LATER)
    done = rejects.replay(home.path, source="events")
    assert (done.replayed, list(done.refused.values())) == ([], ["signature_ok is empty"])
    done = rejects.replay(
        home.path, [bad["reject_id"]], corrections={bad["reject_id"]: {"signature_ok": "true"}}
    )
    assert done.rows_landed == 1
    assert home.sql("select event_id, signature_ok from events_main.event order by 1") == [
        ("e1", True),
        ("e2", True),
    ]
    assert rejects.replay(home.path, source="events").rows_landed == 0


def test_the_true_event_comes_after_the_forged_one(home: Home) -> None:
    sender = Sender(home.path)
    sender.send(event(1, data="forged"), secret="another")
    home.land("events", {}, FIRST)
    sender.now = NOW + timedelta(hours=2)
    sender.send(event(1, data="true"))
    assert home.land("events", {}, LATER).rows_landed == 1
    assert home.sql("select payload from events_main.event") == [('"true"',)]
    assert waiting(home) == [], "what was sent anew settles what was refused"
    sender.now = NOW + timedelta(hours=30)
    sender.send(event(1, data="forged again"), secret="another")
    found = home.land("events", {}, LATEST).resources[0]
    assert (found.rows_landed, found.source_count) == (0, 1)
    assert home.sql("select payload from events_main.event") == [('"true"',)]


def test_many_forged_events_do_not_stop_the_others(home: Home) -> None:
    sender = Sender(home.path)
    sender.send([event(number) for number in range(40)], BATCH, secret="another")
    sender.send(event("one"))
    found = home.land("events", {}, FIRST)
    assert (found.status, found.rows_landed) == ("OK", 1)


def test_no_inbox_is_no_empty_inbox(home: Home) -> None:
    found = home.land("events", {}, FIRST)
    assert [problem.code for problem in found.errors] == ["E-SRC-092"]
    Sender(home.path).journal.close()
    assert home.land("events", {}, LATER).status == "OK"
    with pytest.raises(ThroughlineError) as caught:
        load_source("events").reader({})
    assert caught.value.code == "E-SRC-002"


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines import landing, store
real = store.RawStore.{method}
def dies(self, *a, **b):
    real(self, *a, **b)
    os.kill(os.getpid(), signal.SIGKILL)
store.RawStore.{method} = dies
landing.run_source("events", "main", Path(sys.argv[1]), {{}}, "r")
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["land", "record"])
def test_a_killed_load_is_made_good(home: Home, project_root: Path, method: str) -> None:
    sender = Sender(home.path)
    sender.send([event(number) for number in range(6)], BATCH)
    home.land("events", {}, FIRST)
    sender.now = NOW + timedelta(hours=4)
    sender.send([event(number) for number in range(3, 9)], BATCH)
    sender.send(event("bad"), secret="another")
    home.at(LATER)
    command = [sys.executable, "-c", KILLED.format(method=method), str(home.path)]
    done = subprocess.run(command, cwd=project_root, capture_output=True, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert home.land("events", {}, LATEST).status == "OK"
    once = (
        "select event_id, count(distinct tl_payload_hash || tl_load_id) from events_main.event"
        " group by 1 order by 1"
    )
    assert home.sql(once) == [(f"e{number}", 1) for number in range(9)]
    assert waiting(home) == [("/psa|ebad", "BAD_SIGNATURE")]
    assert home.land("events", {}, "2026-03-13T12:00:00Z").rows_landed == 0


def test_a_key_is_source_and_id(home: Home) -> None:
    sender = Sender(home.path)
    sender.send([event(1), event(1, source="/crm")], BATCH)
    assert home.land("events", {}, FIRST).rows_landed == 2
    keys = home.sql("select tl_record_id from events_main.event order by 1")
    assert keys == [("/crm|e1",), ("/psa|e1",)]


def test_text_of_every_kind_comes_through(home: Home) -> None:
    sender = Sender(home.path)
    data = {"name": "Zoë \u2028 😀\n", "nul": "a\x00b", "long": 12345678901234567890.123456789}
    content = json.dumps(event(1, data=data)).replace(
        "1.2345678901234567e+19", "12345678901234567890.123456789"
    )
    sender.send(content.encode())
    home.land("events", {}, FIRST)
    [(payload,)] = home.sql("select payload from events_main.event")
    assert "12345678901234567890.123456789" in payload
    assert json.loads(payload)["name"] == data["name"]
