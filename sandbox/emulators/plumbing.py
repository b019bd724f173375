"""What the three emulators share: requests, fault strikes, paging under faults, log, settings."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import pyarrow as pa
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.emulators.faults import BEFORE, Faults, Rule
from sandbox.emulators.requestlog import RequestLog, without_secrets
from sandbox.emulators.store import Store, WatchedJson
from throughline.clock import iso

HTML_PAGE = (
    "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We'll be back</h1></body></html>"
)


class RefusedError(Exception):
    """Stops a handler with a finished answer."""

    def __init__(self, response: Response, fault: str | None = None) -> None:
        super().__init__(response.status_code)
        self.response = response
        self.fault = fault


@dataclass
class Exchange:
    """One request as handlers see it; `note` goes into the log, `obj` is what it turned out to be about."""

    method: str
    path: str
    base: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    params: dict[str, Any]
    obj: str | None = None
    note: dict[str, Any] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON; None when it is not."""
        try:
            return json.loads(self.body or b"null")
        except ValueError:
            return None


@dataclass(frozen=True)
class Slice:
    """Rows of one page after the faults had their say.

    `stuck`: the next link leads here again. `held`: the page is empty and its rows come behind the next link,
    which is another one.
    """

    table: pa.Table
    stuck: bool
    held: bool = False


Handler = Callable[[Exchange], Response]


class Emulator:
    """One vendor's server over one sandbox directory. Subclasses give vendor, defaults, routes and errors.

    Settings are, from weak to strong: the vendor's defaults, "settings" of the store's schema.json,
    DIR/settings.json under the vendor's name (re-read when it changes), the `settings` argument.
    """

    vendor: ClassVar[str]
    defaults: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        root: Path,
        credentials: Mapping[str, Any],
        settings: Mapping[str, Any] | None = None,
        store: str | None = None,
    ) -> None:
        self.root = root
        self.credentials = credentials
        # a second instance of the vendor has a store, faults and a log of its own
        self.name = store or self.vendor
        self.store = Store(root, self.name)
        self.faults = Faults(root, self.name)
        self.log = RequestLog(root, self.name)
        self._settings_file = WatchedJson(root / "settings.json", {})
        self._fixed = dict(settings or {})
        self.settings: dict[str, Any] = {}
        self._load_settings()

    def routes(self) -> list[Route]:
        """The vendor's paths, each endpoint made by `self.endpoint(handler)`."""
        raise NotImplementedError

    def failure(self, kind: str) -> Response:
        """The vendor's answer for a fault kind that has a body in its own format."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget counts, cursors, jobs; subclasses add theirs."""
        self.faults.reset()
        self.log.clear()

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/_sandbox/log", self._show_log, methods=["GET"]),
                Route("/_sandbox/reset", self._do_reset, methods=["POST"]),
                *self.routes(),
            ]
        )

    def endpoint(self, handler: Handler) -> Callable[[Request], Any]:
        """`handler` as an ASGI endpoint: refreshed state, faults on the answer, a line in the log."""

        async def serve(request: Request) -> Response:
            exchange = Exchange(
                method=request.method,
                path=request.url.path,
                base=f"{request.url.scheme}://{request.url.netloc}",
                query=dict(request.query_params),
                headers=request.headers,
                body=await request.body(),
                params=dict(request.path_params),
            )
            return await run_in_threadpool(self._answer, handler, exchange)

        return serve

    def _answer(self, handler: Handler, exchange: Exchange) -> Response:
        started = time.perf_counter()
        fault: str | None = None
        try:
            self.refresh()
            response = handler(exchange)
        except RefusedError as refusal:
            response, fault = refusal.response, refusal.fault
        if fault is None and response.status_code == 200:
            rule = self.faults.take("truncated_json", exchange.path, exchange.obj)
            if rule is not None:
                fault = rule.kind
                body = bytes(response.body)
                kept = {
                    name: value
                    for name, value in response.headers.items()
                    if name.lower() != "content-length"
                }
                response = Response(body[: max(len(body) // 2, 1)], 200, kept)
        self.finish(exchange, response)
        self.log.add(
            {
                "at": iso(datetime.now(UTC)),
                "clock": iso(self.store.now.replace(tzinfo=UTC)),
                "vendor": self.name,
                "method": exchange.method,
                "path": exchange.path,
                "query": without_secrets(exchange.query),
                "status": response.status_code,
                "object": exchange.obj,
                "fault": fault,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                **exchange.note,
            }
        )
        return response

    def finish(self, exchange: Exchange, response: Response) -> None:
        """Last touch on every answer, e.g. quota headers."""

    def refresh(self) -> None:
        """Follow clock, stores, settings and profile."""
        self.store.refresh()
        self.faults.refresh()
        self._load_settings()

    def _load_settings(self) -> None:
        value, _changed = self._settings_file.read()
        settings = {
            **self.defaults,
            **self.store.settings,
            **dict((value or {}).get(self.name) or {}),
            **self._fixed,
        }
        if settings != self.settings:
            self.settings = settings
            self.store.generation += 1

    def strike(self, exchange: Exchange, obj: str | None = None) -> None:
        """Let the faults that come before an answer strike. Once per request, when its object is known."""
        exchange.obj = obj
        for kind in BEFORE:
            rule = self.faults.take(kind, exchange.path, obj)
            if rule is None:
                continue
            if kind == "slow":
                time.sleep(float(rule.params.get("seconds", 0.2)))
                continue
            if kind == "html_200":
                raise RefusedError(Response(HTML_PAGE, 200, media_type="text/html"), kind)
            if kind == "echo":
                said = f"refused: {exchange.headers.get('authorization', '')} {exchange.body.decode()}"
                raise RefusedError(JSONResponse({"message": said}, 400), kind)
            response = self.failure(kind)
            seconds = float(rule.params.get("seconds", 1))
            if kind == "429_seconds":
                response.headers["Retry-After"] = str(int(seconds))
            elif kind == "429_date":
                # Like the Date header beside it, this is the machine's time, not the sandbox clock's.
                until = datetime.now(UTC) + timedelta(seconds=seconds)
                response.headers["Retry-After"] = format_datetime(until, usegmt=True)
            elif kind == "503" and "seconds" in rule.params:
                response.headers["Retry-After"] = str(int(seconds))
            raise RefusedError(response, kind)

    def check_timeout(self, exchange: Exchange, rows: int) -> None:
        """Let query_timeout strike a query of `rows` rows."""
        with_limit = self.faults.take("query_timeout", exchange.path, exchange.obj)
        if with_limit is None:
            return
        if rows <= int(with_limit.params.get("over_rows", -1)):
            with_limit.struck -= 1
            return
        raise RefusedError(self.failure("query_timeout"), "query_timeout")

    def whole(self, exchange: Exchange, table: pa.Table) -> pa.Table:
        """A list result as the faults on whole extracts leave it (truncate_extract, unordered)."""
        rule = self.faults.take("truncate_extract", exchange.path, exchange.obj)
        if rule is not None:
            kept = kept_of(table.num_rows, rule)
            table = table.slice(0, kept)
            exchange.note["truncated_to"] = kept
        if table.num_rows > 1 and self.faults.take("unordered", exchange.path, exchange.obj) is not None:
            exchange.note["bent"] = "unordered"
            table = table.take(pa.array(shuffled(table.num_rows, 7)))
        return table

    def page(self, exchange: Exchange, table: pa.Table, start: int, size: int) -> Slice:
        """Rows start .. start + size of `table` as the faults on pages leave them."""
        path, obj = exchange.path, exchange.obj
        stop = min(start + size, table.num_rows)
        stuck = stop < table.num_rows and self.faults.take("repeat_cursor", path, obj) is not None
        if stuck:
            exchange.note["bent"] = "repeat_cursor"
        if stop < table.num_rows and self.faults.take("empty_page", path, obj) is not None:
            exchange.note.update(rows=0, bent="empty_page")
            return Slice(table.slice(0, 0), stuck, held=True)
        shift = self.faults.take("page_shift", path, obj) if start > 0 else None
        if shift is not None:
            exchange.note["bent"] = "page_shift"
            # A row before this page went away between two requests: everything moved up.
            start = min(start + int(shift.params.get("rows", 1)), stop)
        page = table.slice(start, max(stop - start, 0))
        twice = self.faults.take("duplicate_rows", path, obj) if page.num_rows else None
        if twice is not None:
            exchange.note["bent"] = "duplicate_rows"
            count = int(twice.params.get("rows", 1))
            extra = table.slice(max(start - count, 0), min(count, start)) if start else page.slice(0, count)
            page = pa.concat_tables([page, extra])
        exchange.note["rows"] = page.num_rows
        return Slice(page, stuck)

    async def _show_log(self, _request: Request) -> Response:
        return Response(json.dumps(self.log.entries(), default=str), media_type="application/json")

    async def _do_reset(self, _request: Request) -> Response:
        self.reset()
        return JSONResponse({"reset": self.vendor})


def kept_of(count: int, rule: Rule) -> int:
    """Rows that a truncated extract still serves of `count`: at least one is missing where there is any."""
    kept = int(count * (1 - float(rule.params.get("share", 0.1))) + 1e-9)
    return max(min(kept, count - 1), 0)


def shuffled(count: int, seed: int) -> list[int]:
    """0 .. count - 1 in a seeded disorder."""
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return order


def bearer(exchange: Exchange) -> str | None:
    """The token of an Authorization: Bearer header."""
    scheme, _, token = exchange.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def form(exchange: Exchange) -> dict[str, str]:
    """The body as a URL-encoded form; the last value of a name wins."""
    return dict(parse_qsl(exchange.body.decode("utf-8", "replace"), keep_blank_values=True))
