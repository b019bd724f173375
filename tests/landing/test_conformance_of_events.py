"""The kit on the events' inbox: what applies is green; a mistake in it turns exactly its check red."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from pipelines.conform import inbox
from pipelines.conform.checks import CHECKS
from pipelines.conform.inbox import EXEMPT, NUMBERS, SENDERS, SIGNED_WITH, SpooledEvents
from pipelines.conform.vendor import Report
from pipelines.contract import REFUSED
from pipelines.inbox.service import Inbox
from pipelines.transports.base import Control
from pipelines.transports.inbox import InboxReader
from tests.landing.conform_support import assert_only_red, land_without_dlt

Patch = pytest.MonkeyPatch
CONTROL = InboxReader.control


@pytest.fixture(autouse=True)
def without_dlt(monkeypatch: Patch) -> None:
    """Rows reach the raw warehouse without dlt, which would be most of the time."""
    land_without_dlt(monkeypatch)


def read_as(monkeypatch: Patch, column: str, value: Callable[[], str | None]) -> None:
    """A reader that puts another value into a column of every row."""

    read = InboxReader.rows

    def rows(self: InboxReader, *asked: Any) -> Iterator[pa.Table]:
        for page in read(self, *asked):
            values = pa.array([value() for _ in range(page.num_rows)], pa.string())
            yield page.set_column(page.column_names.index(column), column, values)

    monkeypatch.setattr(InboxReader, "rows", rows)


def an_event_that_says_nothing(monkeypatch: Patch) -> None:
    invented = inbox.invented

    def one(sender: str, number: int) -> dict[str, Any]:
        found = invented(sender, number)
        return {**found, "type": "integration.delivery.changed"} if number == 0 else found

    monkeypatch.setattr(inbox, "invented", one)


def senders_are_not_told_apart(monkeypatch: Patch) -> None:
    read_as(monkeypatch, "event_source", lambda: SENDERS[1])
    # it would count and report as it reads
    monkeypatch.setattr(InboxReader, "control", lambda *_: Control(NUMBERS, None))
    monkeypatch.setattr(SpooledEvents, "report", lambda *_: Report(None, None))


def never_the_same(monkeypatch: Patch) -> None:
    read_as(monkeypatch, "payload", lambda: str(uuid.uuid4()))


def a_strangers_event_counts(monkeypatch: Patch) -> None:
    read_as(monkeypatch, REFUSED, lambda: None)
    # landing would refuse what is marked as not genuine a second time
    read_as(monkeypatch, "signature_ok", lambda: "true")


def the_receiver_tells_its_secret(monkeypatch: Patch) -> None:
    built = Inbox.app

    def app(self: Inbox) -> Any:
        inner = built(self)

        async def telling(*asked: Any) -> None:
            logging.getLogger("telling").info("checking with %s", SIGNED_WITH)
            await inner(*asked)

        return telling

    monkeypatch.setattr(Inbox, "app", app)


def one_too_many(monkeypatch: Patch) -> None:
    def control(self: InboxReader, *asked: Any) -> Control:
        found = CONTROL(self, *asked)
        assert found is not None
        return Control(found.rows + 1, None)

    monkeypatch.setattr(InboxReader, "control", control)


BREAKS: dict[str, Callable[[Patch], None]] = {
    "reads": an_event_that_says_nothing,
    "keys_unique": senders_are_not_told_apart,
    "second_load_empty": never_the_same,
    "bad_row": a_strangers_event_counts,
    "no_secret": the_receiver_tells_its_secret,
    "totals": one_too_many,
}


def test_every_check_that_applies_has_its_break() -> None:
    assert [check.name for check in CHECKS if check.name not in EXEMPT] == list(BREAKS)


@pytest.mark.parametrize("name", [None, *BREAKS])
def test_a_break_turns_exactly_its_check_red(monkeypatch: Patch, name: str | None) -> None:
    if name is not None:
        BREAKS[name](monkeypatch)
    assert_only_red("events", EXEMPT, name)
