"""CloudEvents 1.0 as they come over HTTP: structured, binary or in batches; as plain mappings."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
REQUIRED = ("id", "source", "specversion", "type")
DATA, BINARY = "data", "data_base64"
MOST_EVENTS = 1000
_NAME = re.compile(r"^[a-z0-9]{1,64}$")
# names with an underscore are the format's own, not attributes
_MEMBERS = frozenset({DATA, BINARY})
_LONGEST = 2048


class MalformedError(Exception):
    """A request that is no CloudEvent; the text says what is wrong, `status` is the HTTP answer."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Delivery:
    """The events of one request and how they came: structured, binary or batch."""

    mode: str
    events: tuple[dict[str, Any], ...]


def read(headers: Sequence[tuple[str, str]], body: bytes, most: int = MOST_EVENTS) -> Delivery:
    """The events of one request. `headers` in lower case. Raises MalformedError."""
    told = dict(headers)
    media = told.get("content-type", "").partition(";")[0].strip().lower()
    if media == BATCH:
        events = _json(body)
        if not isinstance(events, list):
            raise MalformedError("a batch is a JSON array of events")
        if len(events) > most:
            raise MalformedError(f"{len(events)} events in one batch; at most {most} are taken", 413)
        for number, event in enumerate(events):
            _check(event, f"event {number + 1} of {len(events)}: ")
        return Delivery("batch", tuple(events))
    if media == STRUCTURED:
        event = _json(body)
        _check(event, "")
        return Delivery("structured", (event,))
    if media.startswith("application/cloudevents"):
        raise MalformedError(f"{media} is not spoken here; send {STRUCTURED} or {BATCH}", 415)
    if "ce-specversion" in told or "ce-id" in told:
        event = _binary(headers, media, body)
        _check(event, "")
        return Delivery("binary", (event,))
    raise MalformedError(f"neither {STRUCTURED} nor {BATCH} nor ce-* headers", 415)


def attributes(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The attributes of binary mode as they stand in `headers`, sorted; what a signature has to cover."""
    return sorted((name, value) for name, value in headers if name.startswith("ce-"))


def _binary(headers: Sequence[tuple[str, str]], media: str, body: bytes) -> dict[str, Any]:
    event: dict[str, Any] = {}
    for name, value in attributes(headers):
        if name[3:] in event:
            raise MalformedError(f"header {name} is there twice")
        event[name[3:]] = unquote(value)
    if media:
        event["datacontenttype"] = media
    if not body:
        return event
    if media in ("", "application/json", "text/json") or media.endswith("+json"):
        event[DATA] = _json(body)
    else:
        event[BINARY] = base64.b64encode(body).decode("ascii")
    return event


def _json(body: bytes) -> Any:
    """The body as JSON. Numbers with a point stay as exact as they were written."""
    try:
        found = json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)
        if b"\\u" in body:
            # half a surrogate pair is valid JSON and no text
            json.dumps(found, ensure_ascii=False, default=str).encode("utf-8")
    except (UnicodeError, ValueError, RecursionError) as problem:
        raise MalformedError(f"the body is not JSON in UTF-8: {str(problem)[:120]}") from None
    return found


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def _check(event: Any, where: str) -> None:
    if not isinstance(event, Mapping):
        raise MalformedError(f"{where}an event is a JSON object")
    for name in REQUIRED:
        if not isinstance(event.get(name), str) or not event[name].strip():
            raise MalformedError(f"{where}attribute {name} is missing or no text")
    if event["specversion"] != "1.0":
        raise MalformedError(f"{where}specversion {event['specversion'][:20]} is not spoken here; 1.0 is")
    for name, value in event.items():
        if name in _MEMBERS:
            continue
        if not _NAME.match(name):
            raise MalformedError(f"{where}attribute {name[:70]!r}: names are lower-case letters and digits")
        if isinstance(value, dict | list | Decimal):
            raise MalformedError(f"{where}attribute {name} holds what no attribute can hold")
        if isinstance(value, str) and len(value) > _LONGEST:
            raise MalformedError(f"{where}attribute {name} is longer than {_LONGEST} characters")
    if DATA in event and BINARY in event:
        raise MalformedError(f"{where}data and data_base64 are both there")
    if event.get("time") is not None:
        _check_time(event["time"], where)


def _check_time(value: Any, where: str) -> None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in str(value).upper():
        raise MalformedError(f"{where}time is no instant such as 2026-11-20T16:02:41Z")
