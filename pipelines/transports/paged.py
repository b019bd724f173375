"""JSON lists in pages as most vendors write them: what differs between vendors stands in source.yml.

`settings.pages` of a manifest, overlaid by `options` of a resource:

- `style`: how the next page is asked for: `page` (a number from 1), `offset` (rows to leave out), `cursor` (a
  mark from the answer) or `link` (an address from the answer)
- `at`: the parameter that says where a page begins (not for `link`); `size`: the parameter for rows per page
- `items`: where in the answer the rows stand, dotted; empty = the answer is the list
- `next`: where the next cursor or link stands (styles `cursor` and `link`)
- `total`: where the number of rows is announced, if it is
- `since`: the parameter that asks for rows changed at an instant or later, if there is one
- `fixed`: parameters that are always sent

A resource's `object` is its address below base_url. Without `total` a list of numbered pages ends with an
empty page and not with a short one, since vendors cut the page size that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pyarrow as pa

from pipelines.manifest import Resource
from pipelines.transports.base import TOMBSTONES, Control, Found, Window, join_key
from pipelines.transports.http import Http, RefusedError, Reply
from pipelines.transports.json_pages import flat_table, value_at
from pipelines.transports.progress import ProgressGuard
from throughline.errors import error

STYLES = ("page", "offset", "cursor", "link")


@dataclass(frozen=True)
class Paging:
    """How a resource is paged; see the module's text. Raises ValueError for what cannot be followed."""

    style: str
    at: str = ""
    size: str | None = None
    items: str = ""
    next: str = ""
    total: str | None = None
    since: str | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"pages.style {self.style} is none of {', '.join(STYLES)}")
        if self.style != "link" and not self.at:
            raise ValueError(f"pages.at is missing, which style {self.style} needs")
        if self.style in {"cursor", "link"} and not self.next:
            raise ValueError(f"pages.next is missing, which style {self.style} needs")


def paging(settings: Mapping[str, Any], resource: Resource) -> Paging:
    """The paging of a resource by the manifest's `settings`. Raises ThroughlineError E-SRC-001."""
    told = {**settings.get("pages", {}), **resource.options.get("pages", {})}
    try:
        return Paging(**told)
    except (TypeError, ValueError) as problem:
        detail = f"{resource.name}: {problem}"
        raise error("E-SRC-001", path="source.yml", detail=detail, source=resource.name) from None


@dataclass
class BearerLogin:
    """A token that was handed out once. It cannot be renewed."""

    token: str

    def headers(self, http: Http) -> Mapping[str, str]:
        """The bearer header."""
        return {"Authorization": f"Bearer {self.token}"}

    def refresh(self, http: Http) -> bool:
        """A static token has nothing to renew."""
        return False


@dataclass
class PagedReader:
    """One account of a vendor. `settings` are those of the manifest."""

    http: Http
    settings: Mapping[str, Any]
    zone: str = "UTC"

    def open(self) -> None:
        """A static token needs no login."""

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def ordered(self, resource: Resource) -> bool:
        """No vendor promises the order of its cursor."""
        return False

    def reads_all(self, resource: Resource, window: Window) -> bool:
        """Without a start, or where changes cannot be asked for, every row comes."""
        return window.start is None or paging(self.settings, resource).since is None

    def replaced(self, resource: Resource) -> list[str] | None:
        """Rows are read one by one, never by parent."""
        return None

    def discover(self, resource: Resource) -> Found:
        """Nothing is told before the rows are read; columns are compared while reading."""
        paging(self.settings, resource)
        return Found()

    def rows(self, resource: Resource, window: Window, found: Found) -> Iterator[pa.Table]:
        """All rows changed since the window's start, as strings. Raises E-SRC-007 to E-SRC-011, E-SRC-023."""
        seen: set[str] = set()
        for records in self._pages(resource, window):
            for item in resource.fields:
                if item.name not in seen and any(bears(record, item.paths) for record in records):
                    seen.add(item.name)
            if records:
                yield flat_table(resource, records)
        if seen:
            self._all_present(resource, seen)

    def rows_by_key(self, resource: Resource, keys: Sequence[str], found: Found) -> Iterator[pa.Table]:
        """Nothing to fetch one by one: the key compare is a full read."""
        return iter(())

    def tombstones(self, resource: Resource, window: Window) -> tuple[pa.Table, bool]:
        """No feed of deleted keys; the key compare finds them."""
        return TOMBSTONES.empty_table(), True

    def keys(self, resource: Resource, window: Window) -> Iterator[pa.Array] | None:
        """Only a full read can tell."""
        return None

    def control(self, resource: Resource, window: Window) -> Control | None:
        """The number of rows that the list announces, where it does."""
        how = paging(self.settings, resource)
        if how.total is None:
            return None
        told = value_at(self._get(resource, how, self._first(how, 1)).data, [how.total])
        return None if told is None else Control(int(told), None)

    def _first(self, how: Paging, size: int) -> dict[str, str]:
        start = {"page": "1", "offset": "0"}.get(how.style)
        params = dict(how.fixed)
        if start is not None:
            params[how.at] = start
        if how.size:
            params[how.size] = str(size)
        return params

    def _pages(self, resource: Resource, window: Window) -> Iterator[list[dict[str, Any]]]:
        how = paging(self.settings, resource)
        guard = ProgressGuard(self.http.source, resource.name)
        params = self._first(how, resource.page_size)
        if how.since and window.start is not None:
            params[how.since] = instant(window.start)
        path, read, totals = "", 0, []
        while True:
            data = self._get(resource, how, params, path).data
            records = [dict(record) for record in _items(data, how)]
            guard.page(_record_id(resource, record) for record in records)
            read += len(records)
            yield records
            total = value_at(data, [how.total]) if how.total else None
            if total is not None:
                totals.append(int(total))
            following = self._following(how, params, data, read, bool(records), min(totals, default=None))
            if following is None:
                # the smallest: who joins or leaves while the list is read may be on no page
                guard.complete(min(totals, default=None))
                return
            guard.cursor(following)
            if how.style == "link":
                path, params = self._own(resource, following), {}
            else:
                params = {**params, how.at: following}

    @staticmethod
    def _following(
        how: Paging, params: Mapping[str, str], data: Any, read: int, some: bool, total: int | None
    ) -> str | None:
        """Where the next page begins; none when the list is at its end."""
        if how.style in {"cursor", "link"}:
            mark = value_at(data, [how.next])
            return str(mark) if mark else None
        if not some or (total is not None and read >= total):
            return None
        return str(int(params[how.at]) + 1 if how.style == "page" else read)

    def _get(self, resource: Resource, how: Paging, params: Mapping[str, str], link: str = "") -> Reply:
        stop = self.http.quota_reached()
        if stop:
            raise stop

        def verify(reply: Reply) -> str | None:
            return None if isinstance(_items(reply.data, how), list) else f"the answer holds no {how.items}"

        try:
            return self.http.request(
                "GET",
                link or f"/{resource.object}",
                resource=resource.name,
                headers={"Accept": "application/json"},
                verify=verify,
                # an empty mapping would cut off what the link itself asks for
                params=dict(params) or None,
            )
        except RefusedError as refused:
            raise self._refused(resource, refused) from None

    def _own(self, resource: Resource, link: str) -> str:
        """The link, if it stays with the vendor: the login goes where the link points. Raises E-SRC-007."""
        url, base = httpx.URL(link), httpx.URL(self.http.base_url)
        if url.host and (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port):
            raise self._error("E-SRC-007", resource, detail=f"the next link leads away, to {url.host}")
        return link

    def _all_present(self, resource: Resource, seen: set[str]) -> None:
        for item in resource.fields:
            if not item.optional and item.name not in seen:
                raise self._error("E-SRC-011", resource, column=item.name)

    def _refused(self, resource: Resource, refused: RefusedError) -> Exception:
        if refused.status in {403, 404}:
            return self._error("E-SRC-010", resource, object=resource.object, detail=refused.text)
        return self._error("E-SRC-009", resource, detail=refused.text)

    def _error(self, code: str, resource: Resource, **known: Any) -> Exception:
        return error(code, source=self.http.source, resource=resource.name, **known)


def _items(data: Any, how: Paging) -> Any:
    """The rows of an answer; anything but a list when it holds none."""
    for part in how.items.split(".") if how.items else []:
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def _record_id(resource: Resource, record: Mapping[str, Any]) -> str:
    return join_key([value_at(record, resource.field(name).paths) for name in resource.key])


def bears(record: Mapping[str, Any], paths: Sequence[str]) -> bool:
    """Whether a record has one of the dotted `paths`, be it empty."""
    for path in paths:
        *above, leaf = path.split(".")
        inner: Any = record
        for part in above:
            inner = inner.get(part) if isinstance(inner, Mapping) else None
        if isinstance(inner, Mapping) and leaf in inner:
            return True
    return False


def instant(moment: datetime) -> str:
    """An instant as it is written in a request."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
