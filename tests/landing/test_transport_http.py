"""The one HTTP policy: what is tried again, how long it waits, what it never prints."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from pipelines.transports.http import Http, RefusedError, RetryPolicy, retry_after
from pipelines.transports.progress import ProgressGuard
from throughline.errors import ThroughlineError

SECRET = "the-secret-of-this-test"


class Script:
    """Answers in order, the last one for ever, and remembers the waits."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.seen: list[httpx.Request] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def http(self, **more: Any) -> Http:
        return Http(
            source="test",
            base_url="https://vendor.test",
            transport=httpx.MockTransport(self),
            sleep=self.waits.append,
            chance=lambda: 1.0,
            **more,
        )


def good() -> httpx.Response:
    return httpx.Response(200, json={"ok": 1})


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_transient_answers_are_tried_again(status: int) -> None:
    script = Script(httpx.Response(status), httpx.Response(status), good())
    http = script.http()
    assert http.request("GET", "/x").data == {"ok": "1"}
    assert script.waits == [0.5, 1.0]
    assert (http.counters.requests, http.counters.retries) == (3, 2)


def test_retry_after_in_seconds_is_kept() -> None:
    script = Script(httpx.Response(429, headers={"Retry-After": "7"}), good())
    script.http().request("GET", "/x")
    assert script.waits == [7.0]


def test_retry_after_as_a_date_is_measured_against_the_answers_own_date() -> None:
    sent = datetime(2026, 3, 1, 12, tzinfo=UTC)
    headers = {
        "Date": format_datetime(sent, usegmt=True),
        "Retry-After": format_datetime(sent + timedelta(seconds=40), usegmt=True),
    }
    script = Script(httpx.Response(503, headers=headers), good())
    script.http().request("GET", "/x")
    assert script.waits == [40.0]


@pytest.mark.parametrize("value", ["", "soon", "Thu, 99 Foo 2026"])
def test_unreadable_retry_after_means_backoff(value: str) -> None:
    assert retry_after(httpx.Headers({"Retry-After": value})) is None


@pytest.mark.parametrize(
    "bad",
    [
        httpx.Response(200, content=b'{"rows": [1, 2', headers={"content-type": "application/json"}),
        httpx.Response(200, html="<html><body>Maintenance</body></html>"),
        httpx.Response(200, content=b"<!DOCTYPE html><title>x</title>"),
    ],
    ids=["cut off", "html by its type", "html by its look"],
)
def test_unreadable_bodies_are_tried_again_then_fail_the_resource(bad: httpx.Response) -> None:
    assert Script(bad, good()).http().request("GET", "/x").data == {"ok": "1"}
    script = Script(bad)
    with pytest.raises(ThroughlineError) as caught:
        script.http().request("GET", "/x", resource="thing")
    assert caught.value.code == "E-SRC-008"
    assert len(script.seen) == RetryPolicy().attempts


def test_an_outage_ends_as_an_error_that_teaches() -> None:
    with pytest.raises(ThroughlineError) as caught:
        Script(httpx.Response(503)).http().request("GET", "/x", resource="thing")
    assert caught.value.code == "E-SRC-004"
    assert "thing" in caught.value.what


def test_the_run_has_a_budget_of_retries() -> None:
    script = Script(httpx.Response(503))
    http = script.http(policy=RetryPolicy(attempts=5, budget=6))
    with pytest.raises(ThroughlineError) as first:
        http.request("GET", "/x")
    assert first.value.code == "E-SRC-004"
    with pytest.raises(ThroughlineError) as second:
        http.request("GET", "/x")
    assert second.value.code == "E-SRC-005"
    assert http.counters.retries == 6


def test_a_refusal_is_not_repeated() -> None:
    script = Script(httpx.Response(400, json=[{"errorCode": "MALFORMED_QUERY"}]))
    with pytest.raises(RefusedError) as caught:
        script.http().request("GET", "/x")
    assert caught.value.status == 400
    assert len(script.seen) == 1


def test_a_retired_version_is_told() -> None:
    with pytest.raises(ThroughlineError) as caught:
        Script(httpx.Response(410)).http().request("GET", "/services/data/v30.0/query")
    assert caught.value.code == "E-SRC-015"


class Login:
    """A bearer login whose token is renewed by a count."""

    def __init__(self) -> None:
        self.number = 1

    def headers(self, http: Http) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.number}"}

    def refresh(self, http: Http) -> bool:
        self.number += 1
        return True


def test_a_401_renews_the_token_once() -> None:
    script = Script(httpx.Response(401), good())
    script.http(auth=Login()).request("GET", "/x")
    assert [request.headers["authorization"] for request in script.seen] == ["Bearer 1", "Bearer 2"]
    refused = Script(httpx.Response(401, text=f"bad {SECRET}"))
    http = refused.http(auth=Login(), secrets={SECRET})
    with pytest.raises(ThroughlineError) as caught:
        http.request("GET", "/x")
    assert caught.value.code == "E-SRC-003"
    assert len(refused.seen) == 2
    assert SECRET not in str(caught.value)


def test_numbers_keep_their_digits() -> None:
    script = Script(
        httpx.Response(200, content=b'{"a": 0.1000, "b": 12345678901234567890.123456789, "c": 7}')
    )
    data = script.http().request("GET", "/x").data
    assert data == {"a": "0.1000", "b": "12345678901234567890.123456789", "c": "7"}


def test_no_secret_in_logs_or_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script = Script(httpx.Response(503, text=SECRET))
    http = script.http(secrets={SECRET})
    with pytest.raises(ThroughlineError) as failed:
        http.request("GET", "/x", headers={"Authorization": f"Bearer {SECRET}"}, params={"k": SECRET})
    script.answers = [httpx.Response(400, text=f"key {SECRET} is wrong")]
    with pytest.raises(RefusedError) as refused:
        http.request("GET", "/x")
    said = "\n".join(
        [caplog.text, str(failed.value), repr(failed.value), str(refused.value), refused.value.text]
    )
    assert "waiting" in caplog.text
    assert SECRET not in said


def test_progress_guard_stops_a_repeated_cursor_and_a_repeated_page() -> None:
    guard = ProgressGuard("test", "thing")
    guard.cursor("a")
    guard.cursor("b")
    with pytest.raises(ThroughlineError) as cursor:
        guard.cursor("a")
    assert cursor.value.code == "E-SRC-007"
    guard.page(["1", "2"])
    guard.page(["2", "3"])
    guard.page([])
    with pytest.raises(ThroughlineError) as page:
        guard.page(["1", "3"])
    assert page.value.code == "E-SRC-007"
