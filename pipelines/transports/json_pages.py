"""JSON over HTTP in pages: what BambooHR speaks, and the styles other vendors of this kind share.

A resource's `options.style` says how it is read: `list` (opaque cursor), `changed_table` (all rows of every
employee that changed, so they replace the landed ones), `window` (everything that overlaps a span of days),
`dataset` (numbered pages of a posted query).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pyarrow as pa

from pipelines.manifest import Resource
from pipelines.transports.base import TOMBSTONES, Control, Found, Window, text_table
from pipelines.transports.http import Http, RefusedError, Reply
from pipelines.transports.progress import ProgressGuard
from throughline.errors import error

RESTRICTED = "_restricted"
EPOCH = "1970-01-01T00:00:00Z"


@dataclass
class KeyLogin:
    """An API key as the user name of HTTP Basic. It cannot be renewed."""

    api_key: str

    def headers(self, http: Http) -> Mapping[str, str]:
        """The basic header."""
        request = httpx.Request("GET", "http://local")
        flow = httpx.BasicAuth(self.api_key, "x").sync_auth_flow(request)
        value = next(flow).headers["Authorization"]
        http.hide([self.api_key, value.removeprefix("Basic ")])
        return {"Authorization": value}

    def refresh(self, http: Http) -> bool:
        """A static key has nothing to renew."""
        return False


@dataclass
class JsonReader:
    """One company. `history_start` and `days_ahead` bound the span that window resources are read over."""

    http: Http
    history_start: date = date(2000, 1, 1)
    days_ahead: int = 730
    zone: str = "UTC"
    _feed: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    _replaced: dict[str, list[str]] = field(default_factory=dict)

    def open(self) -> None:
        """A static key needs no login."""

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def ordered(self, resource: Resource) -> bool:
        """No style comes in the order of a cursor."""
        return False

    def reads_all(self, resource: Resource, window: Window) -> bool:
        """Only the changed tables know of a start; all others are read whole."""
        return _style(resource) != "changed_table" or window.start is None

    def replaced(self, resource: Resource) -> list[str] | None:
        """The employees whose rows the last read returned in full."""
        return self._replaced.get(resource.name)

    def discover(self, resource: Resource) -> Found:
        """Nothing is told before the rows are read; columns are compared while reading."""
        return Found()

    def rows(self, resource: Resource, window: Window, found: Found) -> Iterator[pa.Table]:
        """All rows of the resource, or of the employees changed in the window, as strings."""
        pages = {
            "list": self._list,
            "changed_table": self._changed_table,
            "window": self._overlapping,
            "dataset": self._dataset,
        }[_style(resource)](resource, window)
        seen: set[str] = set()
        count = 0
        for records in pages:
            count += len(records)
            for record in records:
                seen |= record.keys()
            yield flat_table(resource, records)
        if count:
            # an empty value is written as null or as an empty text, so a name that no record bears is gone
            self._all_present(resource, seen)

    def rows_by_key(self, resource: Resource, keys: Sequence[str], found: Found) -> Iterator[pa.Table]:
        """Nothing to fetch one by one: a full read has just returned every row."""
        return iter(())

    def tombstones(self, resource: Resource, window: Window) -> tuple[pa.Table, bool]:
        """Keys that the changed feed calls deleted."""
        feed = self._changed(resource, window)
        gone = {key: entry for key, entry in feed.items() if str(entry.get("action")).lower() == "deleted"}
        return (
            pa.table(
                {
                    "record_id": pa.array(list(gone), pa.string()),
                    "deleted_at": pa.array(
                        [_instant(entry.get("lastChanged")) for entry in gone.values()],
                        TOMBSTONES.field(1).type,
                    ),
                }
            ),
            True,
        )

    def keys(self, resource: Resource, window: Window) -> Iterator[pa.Array] | None:
        """Only a full read can tell."""
        return None

    def control(self, resource: Resource, window: Window) -> Control | None:
        """The total that a list announces; other styles announce none."""
        if _style(resource) != "list":
            return None
        params = {"page[limit]": "1", "fields": resource.key[0]}
        meta = self._get(f"/{resource.object}", resource, params).data.get("meta", {})
        return Control(int(meta["total"]), None) if "total" in meta else None

    def _list(self, resource: Resource, window: Window) -> Iterator[list[dict[str, Any]]]:
        stamps = self._changed(resource, window) if resource.options.get("changed_feed") else {}
        guard = ProgressGuard(self.http.source, resource.name)
        asked = [item.paths[0].split(".")[0] for item in resource.fields if item.name != resource.cursor]
        params = {"page[limit]": str(resource.page_size), "fields": ",".join(asked)}
        totals: list[int] = []
        while True:
            data = self._get(f"/{resource.object}", resource, params, verify=_has("data")).data
            records = [dict(record) for record in data["data"]]
            for record in records:
                entry = stamps.get(str(record.get("id") or record.get("employeeId")))
                if entry and resource.cursor:
                    record[resource.cursor] = entry.get("lastChanged")
            guard.page(str(record.get("id") or record.get("employeeId")) for record in records)
            yield records
            meta = data.get("meta") or {}
            if "total" in meta:
                totals.append(int(meta["total"]))
            cursor = (meta.get("page") or {}).get("nextCursor")
            if not cursor:
                # the smallest: who joins or leaves while the list is read may be on no page
                guard.complete(min(totals, default=None))
                return
            params = {**params, "page[after]": guard.cursor(str(cursor))}

    def _changed_table(self, resource: Resource, window: Window) -> Iterator[list[dict[str, Any]]]:
        since = _iso(window.start)
        path = f"/employees/changed/tables/{quote(resource.object)}"
        data = self._get(path, resource, {"since": since}, verify=_has("employees")).data
        # an empty map is written as an empty list by some versions
        employees: Mapping[str, Any] = data["employees"] or {}
        self._replaced[resource.name] = [str(key) for key in employees]
        records = []
        for key, entry in employees.items():
            for row in entry.get("rows") or []:
                record = dict(row)
                record.setdefault("employeeId", str(key))
                if resource.cursor:
                    record.setdefault(resource.cursor, entry.get("lastChanged"))
                records.append(record)
        yield records

    def _overlapping(self, resource: Resource, window: Window) -> Iterator[list[dict[str, Any]]]:
        span = {
            "start": self.history_start.isoformat(),
            "end": (window.end.date() + timedelta(days=self.days_ahead)).isoformat(),
        }
        data = self._get(f"/{resource.object}", resource, span, verify=_is_list).data
        yield [dict(record) for record in data]

    def _dataset(self, resource: Resource, window: Window) -> Iterator[list[dict[str, Any]]]:
        size, page = min(1000, resource.page_size), 1
        guard = ProgressGuard(self.http.source, resource.name)
        asked = [item.paths[0] for item in resource.fields]
        totals: list[int] = []
        while True:
            body = {"fields": asked, "page": page, "pageSize": size, "orderBy": resource.key[0]}
            path = f"/api/v2/datasets/{quote(resource.object)}/data"
            try:
                data = self._send("POST", path, resource, verify=_has("data"), json=body).data
            except RefusedError as refused:
                if refused.status == 413 and page == 1 and size > 1:
                    size = max(1, size // 2)
                    continue
                raise self._refused(resource, refused) from None
            records = [dict(entry.get("fields", entry)) for entry in data["data"]]
            guard.cursor(f"page {page}")
            guard.page(str(record.get(resource.key[0])) for record in records)
            yield records
            meta = data.get("meta") or {}
            if "totalItems" in meta:
                totals.append(int(meta["totalItems"]))
            if page >= int(meta.get("totalPages", 0)):
                guard.complete(min(totals, default=None))
                return
            page += 1

    def _changed(self, resource: Resource, window: Window) -> dict[str, dict[str, Any]]:
        """The changed feed of the window, asked for once per run."""
        since = _iso(window.start)
        if since not in self._feed:
            path = str(resource.options.get("changed_feed", "employees/changed"))
            data = self._get(
                f"/{path}", resource, {"since": since, "type": "all"}, verify=_has("employees")
            ).data
            self._feed[since] = {str(key): entry for key, entry in (data["employees"] or {}).items()}
        return self._feed[since]

    def _get(self, path: str, resource: Resource, params: Mapping[str, str], **arguments: Any) -> Reply:
        try:
            return self._send("GET", f"/api/v1{path}", resource, params=dict(params), **arguments)
        except RefusedError as refused:
            raise self._refused(resource, refused) from None

    def _send(self, method: str, path: str, resource: Resource, **arguments: Any) -> Reply:
        stop = self.http.quota_reached()
        if stop:
            raise stop
        # without it the older addresses answer in XML
        headers = {"Accept": "application/json"}
        return self.http.request(method, path, resource=resource.name, headers=headers, **arguments)

    def _all_present(self, resource: Resource, seen: set[str]) -> None:
        for item in resource.fields:
            places = {path.split(".")[0] for path in item.paths}
            if not item.optional and item.name != resource.cursor and not places & seen:
                raise self._error("E-SRC-011", resource, column=item.name)

    def _refused(self, resource: Resource, refused: RefusedError) -> Exception:
        if refused.status in {403, 404}:
            return self._error("E-SRC-010", resource, object=resource.object, detail=refused.text)
        return self._error("E-SRC-009", resource, detail=refused.text)

    def _error(self, code: str, resource: Resource, **known: Any) -> Exception:
        return error(code, source=self.http.source, resource=resource.name, **known)


def flat_table(resource: Resource, records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Records as a table of the declared fields, what else they hold, and the fields the vendor hid."""
    tops = {path.split(".")[0] for item in resource.fields for path in item.paths}
    known = tops | {"_restrictedFields", "_links"}
    extra = sorted(
        {name for record in records for name in record if name.lower() not in resource.ignore} - known
    )
    declared = set(resource.names)
    flat = []
    for record in records:
        row = {item.name: value_at(record, item.paths) for item in resource.fields}
        row.update({name: record.get(name) for name in extra})
        hidden = sorted(set(record.get("_restrictedFields") or []) & declared)
        row[RESTRICTED] = ", ".join(hidden) or None
        flat.append(row)
    return text_table(flat, [*resource.names, *extra, RESTRICTED])


def value_at(record: Mapping[str, Any], paths: Sequence[str]) -> Any:
    """The first value found at one of the dotted `paths`; none when there is none."""
    for path in paths:
        value: Any = record
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and not isinstance(value, Mapping):
            return value
    return None


def _style(resource: Resource) -> str:
    return str(resource.options.get("style", "list"))


def _iso(moment: datetime | None) -> str:
    return EPOCH if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(value: Any) -> datetime | None:
    if not value:
        return None
    moment = datetime.fromisoformat(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _has(name: str) -> Any:
    def verify(reply: Reply) -> str | None:
        return None if isinstance(reply.data, dict) and name in reply.data else f"the answer holds no {name}"

    return verify


def _is_list(reply: Reply) -> str | None:
    return None if isinstance(reply.data, list) else "the answer is no list"
