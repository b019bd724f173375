"""Recorded JSON pages, served as the paged transport asks for them."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

import httpx

from pipelines.conform.recorded import Recorded, answer
from pipelines.manifest import Resource
from pipelines.transports.paged import Paging, paging

START = "conform_from"
MOST_ROWS = 1000


class RecordedPages(Recorded):
    """A vendor of JSON pages. Lists begin where `pages` of source.yml says, and end as it says."""

    def records(self, resource: Resource, page: Any) -> list[dict[str, Any]]:
        """The list at `items`. Raises ThroughlineError E-SRC-041 when there is none."""
        how = paging(self.manifest.settings, resource)
        for part in how.items.split(".") if how.items else []:
            page = page.get(part) if isinstance(page, dict) else None
        if not isinstance(page, list):
            raise self._lacks(f"a list at '{how.items}' in the pages of {resource.name}")
        return page

    def reply(self, request: httpx.Request) -> httpx.Response:
        """One page of the list that the address names."""
        if not self.logged_in(request):
            return answer({"error": "unauthorized"}, 401)
        base = httpx.URL(str(self._settings["base_url"])).path.rstrip("/")
        asked = request.url.path.removeprefix(base).strip("/")
        for resource in self.manifest.resources:
            if resource.object.strip("/") == asked:
                return self._page(resource, request)
        return answer({"error": f"no {asked}"}, 404)

    def _page(self, resource: Resource, request: httpx.Request) -> httpx.Response:
        how = paging(self.manifest.settings, resource)
        params = dict(request.url.params)
        since = params.get(how.since) if how.since else None
        rows = self.shown(resource, datetime.fromisoformat(since) if since else None)
        size = min(MOST_ROWS, int(params.get(how.size, MOST_ROWS)) if how.size else MOST_ROWS)
        start = self._start(how, params, size)
        end = start + size
        body = copy.deepcopy(self.pages[resource.name][0])
        body = _set(body, how.items, rows[start:end])
        if how.total:
            body = _set(body, how.total, len(rows))
        if how.style in {"cursor", "link"}:
            body = _set(body, how.next, self._next(how, request, end) if end < len(rows) else None)
        return answer(body)

    @staticmethod
    def _start(how: Paging, params: dict[str, str], size: int) -> int:
        if how.style == "link":
            return int(params.get(START, 0))
        told = params.get(how.at)
        if told is None:
            return 0
        if how.style == "cursor":
            return int(told.removeprefix(START))
        return int(told) if how.style == "offset" else (int(told) - 1) * size

    @staticmethod
    def _next(how: Paging, request: httpx.Request, end: int) -> str:
        if how.style == "cursor":
            return f"{START}{end}"
        return str(request.url.copy_set_param(START, end))


def _set(body: Any, path: str, value: Any) -> Any:
    if not path:
        return value
    inner = body
    *above, leaf = path.split(".")
    for part in above:
        inner = inner.setdefault(part, {})
    inner[leaf] = value
    return body
