"""The one way out: every request of every connector goes through `Http`.

It owns what must not differ between vendors: which answers are worth another attempt and how long to wait,
how many retries a run may use, one token refresh, when the vendor's allowance is used up, what counts as a
readable body, and that no secret ever reaches a log line or an error.
"""

from __future__ import annotations

import json
import logging
import random
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Protocol

import httpx

from throughline import clock
from throughline.errors import ThroughlineError, error

LOG = logging.getLogger("throughline.pipelines.http")
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
JSON, CSV, ANY = "json", "csv", "any"

# These print every request with its address, which may carry a login.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


class RefusedError(Exception):
    """The vendor answered with an error that repeating cannot cure. `body` is parsed JSON or text."""

    def __init__(self, status: int, body: Any, text: str) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status
        self.body = body
        self.text = text


class QuotaStopError(Exception):
    """The vendor's allowance is used up to the share set. `problem` is the error that explains it."""

    def __init__(self, problem: ThroughlineError) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Auth(Protocol):
    """Makes the headers of a logged-in request."""

    def headers(self, http: Http) -> Mapping[str, str]:
        """Headers for a request, logging in first when needed."""

    def refresh(self, http: Http) -> bool:
        """Log in anew after a 401; false when that cannot help (a static key)."""


@dataclass
class Counters:
    """Requests and retries so far, and the largest share of the allowance that the vendor reported."""

    requests: int = 0
    retries: int = 0
    quota: Decimal | None = None


@dataclass(frozen=True)
class RetryPolicy:
    """Attempts per request, retries per run, and the waits between them in seconds."""

    attempts: int = 6
    budget: int = 100
    base: float = 0.5
    cap: float = 60.0
    longest_asked_wait: float = 900.0


@dataclass(frozen=True)
class Reply:
    """A readable answer. `data` is parsed JSON (numbers kept as text), or none for other bodies."""

    status: int
    headers: httpx.Headers
    body: bytes
    data: Any


@dataclass
class Http:
    """A client for one vendor account.

    Raises ThroughlineError, `RefusedError` or `QuotaStopError`; never httpx's errors. `quota` reads the used
    share of the allowance from a reply's headers; `sleep`, `chance` and `transport` are replaced in tests.
    """

    source: str
    base_url: str
    auth: Auth | None = None
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    quota: Callable[[httpx.Headers], Decimal | None] | None = None
    quota_share: Decimal = Decimal("0.8")
    secrets: set[str] = field(default_factory=set)
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    transport: httpx.BaseTransport | None = None
    timeout: float = 660.0
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            base_url=self.base_url,
            transport=self.transport,
            timeout=httpx.Timeout(self.timeout, connect=20.0),
            verify=_trusted(),
            # a proxy named by the shell is for vendors, not for an address on this machine
            trust_env=not _is_loopback(self.base_url),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def hide(self, secrets: Iterable[str]) -> None:
        """Add texts that must never be printed."""
        self.secrets |= {secret for secret in secrets if len(secret) >= 4}

    def clean(self, text: object, limit: int = 300) -> str:
        """`text` without secrets, shortened."""
        result = str(text)
        for secret in sorted(self.secrets, key=len, reverse=True):
            result = result.replace(secret, "***")
        return result[:limit]

    def request(
        self,
        method: str,
        path: str,
        *,
        resource: str = "",
        expect: str = JSON,
        login: bool = True,
        verify: Callable[[Reply], str | None] | None = None,
        headers: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> Reply:
        """Send until there is a readable answer. `verify` returns what is wrong with a body worth repeating.

        Raises ThroughlineError E-SRC-003 to E-SRC-008 and E-SRC-015, `RefusedError` for other 4xx answers.
        """
        refreshed = False
        detail = ""
        unreadable = False
        attempt = 0
        while attempt < self.policy.attempts:
            if attempt:
                self._spend_retry()
            attempt += 1
            sent = dict(headers or {})
            if login and self.auth:
                sent.update(self.auth.headers(self))
            self.counters.requests += 1
            try:
                response = self._client.request(method, path, headers=sent, **arguments)
            except httpx.RequestError as problem:
                detail, unreadable = self.clean(f"{type(problem).__name__}: {problem}"), False
                self._wait(attempt, None, detail)
                continue
            if response.status_code == 401 and login and self.auth:
                if refreshed or not self.auth.refresh(self):
                    raise error("E-SRC-003", source=self.source, detail=self.clean(response.text))
                refreshed = True
                attempt -= 1
                continue
            if response.status_code in AGAIN:
                detail, unreadable = f"HTTP {response.status_code}", False
                self._wait(attempt, response, detail)
                continue
            if response.status_code == 410:
                raise error("E-SRC-015", source=self.source, version=path)
            if response.status_code >= 400:
                # cleaned before it is parsed: what a vendor repeats of our request may reach an error's text
                whole = self.clean(response.text, limit=len(response.text))
                raise RefusedError(response.status_code, _loads(whole.encode()), whole[:300])
            reply, wrong = self._read(response, expect)
            if reply is not None and not wrong and verify is not None:
                wrong = verify(reply)
            if reply is None or wrong:
                detail, unreadable = self.clean(wrong or "no body"), True
                self._wait(attempt, response, detail)
                continue
            self._watch_quota(response.headers)
            return reply
        code = "E-SRC-008" if unreadable else "E-SRC-004"
        raise error(code, source=self.source, resource=resource, attempts=self.policy.attempts, detail=detail)

    def _read(self, response: httpx.Response, expect: str) -> tuple[Reply | None, str | None]:
        body = response.content
        if expect == ANY or response.status_code == 204:
            return Reply(response.status_code, response.headers, body, None), None
        page = body[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))
        if page or "text/html" in response.headers.get("content-type", ""):
            return None, "a page of HTML came with a success code"
        if expect == CSV:
            return Reply(response.status_code, response.headers, body, None), None
        data = _loads(body)
        if data is None:
            return None, f"JSON cut off or malformed ({len(body)} bytes)"
        return Reply(response.status_code, response.headers, body, data), None

    def _spend_retry(self) -> None:
        if self.counters.retries >= self.policy.budget:
            raise error("E-SRC-005", source=self.source, budget=self.policy.budget)
        self.counters.retries += 1

    def _wait(self, attempt: int, response: httpx.Response | None, why: str) -> None:
        if attempt >= self.policy.attempts:
            return
        asked = retry_after(response.headers) if response is not None else None
        if asked is None:
            seconds = min(self.policy.cap, self.policy.base * 2 ** (attempt - 1)) * (0.5 + self.chance() / 2)
        elif asked > self.policy.longest_asked_wait:
            raise error(
                "E-SRC-004",
                source=self.source,
                resource="",
                attempts=attempt,
                detail=f"the vendor asks to wait {asked:.0f} s",
            )
        else:
            seconds = asked
        LOG.info("%s: %s, attempt %d, waiting %.1f s", self.source, why, attempt, seconds)
        self.sleep(seconds)

    def _watch_quota(self, headers: httpx.Headers) -> None:
        share = self.quota(headers) if self.quota else None
        if share is None:
            return
        self.counters.quota = max(share, self.counters.quota or Decimal(0))

    def quota_reached(self) -> QuotaStopError | None:
        """The stop to raise before the next request when the share set is reached, else none."""
        used = self.counters.quota
        if used is None or used < self.quota_share:
            return None
        return QuotaStopError(
            error("E-SRC-006", source=self.source, used=f"{used:.0%}", share=f"{self.quota_share:.0%}")
        )


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds to wait by the `Retry-After` header, in either of its forms; none when absent or unreadable.

    A date is measured against the answer's own `Date` first, so that neither side's clock has to be right.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    until = _http_date(value)
    if until is None:
        return None
    bases = (_http_date(headers.get("date", "")), clock.now())
    waits = [(until - base).total_seconds() for base in bases if base]
    return next((wait for wait in waits if 0 <= wait <= 3600), max(0.0, waits[0]))


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _loads(body: bytes) -> Any:
    """JSON with every number kept as the text it was written in; none when it is no JSON."""
    try:
        return json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
    except (UnicodeDecodeError, json.JSONDecodeError):
        return None


@cache
def _trusted() -> ssl.SSLContext:
    """Whom to trust, read once: every client would read the whole list of authorities again."""
    return httpx.create_ssl_context()


def _is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    return host in {"localhost", "::1"} or host.startswith("127.")
