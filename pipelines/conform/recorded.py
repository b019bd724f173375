"""A vendor that plays back what was recorded of it: the folder `recorded` beside a source's source.yml.

    settings.yml            what the reader is given: base_url, and made-up credentials, which are secret
    <resource>.1.json ...   answers of the vendor as they came, scrubbed; one file per page, in order
    report.yml              <resource>: {rows: ..., amount: ...} as the vendor's own report says

The records of the pages are served anew, in the envelope of the first page, page by page as asked for.
"""

from __future__ import annotations

import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from pipelines.conform.vendor import DRIFT_CODES, NONE_EXEMPT, Drift, Report, Trouble
from pipelines.manifest import Field, Manifest, Resource
from pipelines.transports.base import join_key
from pipelines.transports.json_pages import value_at
from throughline.errors import error

FOLDER = "recorded"
OPEN_SETTINGS = frozenset({"base_url", "time_zone", "mode", "currency", "client_id", "certificate_id"})
NEW_FIELD = "brandNewField"


@dataclass
class Row:
    """One record as the vendor shows it. `gone` ones are shown only where deletions are flagged."""

    values: dict[str, Any]
    gone: bool = False


@dataclass
class _Struck:
    kind: Trouble
    times: int | None
    after: int


class Recorded(ABC):
    """What all kinds share: the recorded rows, edits to them, trouble and drift."""

    remembers = False
    exempt = NONE_EXEMPT
    codes = DRIFT_CODES

    def __init__(self, manifest: Manifest, folder: Path) -> None:
        """Read the folder. Raises ThroughlineError E-SRC-041 when it lacks something."""
        self.manifest = manifest
        self._folder = folder
        self._settings = dict(self._yaml("settings.yml"))
        self._reports = self._yaml("report.yml")
        self.pages: dict[str, list[Any]] = {}
        self.rows: dict[str, list[Row]] = {}
        for resource in manifest.resources:
            paths = sorted(folder.glob(f"{resource.name}.*.json"), key=_page_number)
            if not paths:
                raise self._lacks(f"{resource.name}.1.json")
            self.pages[resource.name] = [_json(path) for path in paths]
            self.rows[resource.name] = [
                Row(dict(record))
                for page in self.pages[resource.name]
                for record in self.records(resource, page)
            ]
        self._now = self._newest() + timedelta(days=1)
        self._trouble: _Struck | None = None
        self._drift: tuple[Drift, str, Field | None] | None = None

    @abstractmethod
    def records(self, resource: Resource, page: Any) -> list[dict[str, Any]]:
        """The records of a recorded page."""

    @abstractmethod
    def reply(self, request: httpx.Request) -> httpx.Response:
        """The vendor's answer when it behaves."""

    def is_login(self, request: httpx.Request) -> bool:
        """Whether a request only logs in; trouble strikes the others."""
        return False

    def begin(self) -> datetime:
        """A day after the newest recorded stamp."""
        return self._now

    def at(self, now: datetime) -> None:
        """It is `now` at the vendor."""
        self._now = now

    def settings(self) -> Mapping[str, Any]:
        """The recorded settings, with ourselves in the network's place."""
        return {**self._settings, "http_transport": httpx.MockTransport(self._answer), "chance": lambda: 0.5}

    def secrets(self) -> frozenset[str]:
        """All recorded settings that are not known to be harmless."""
        return frozenset(
            str(value) for name, value in self._settings.items() if name not in OPEN_SETTINGS and value
        )

    def update(self, resource: Resource, key: str, at: datetime, fields: Mapping[str, Any]) -> None:
        """Set fields and the stamp."""
        row = self._row(resource, key)
        for name, value in fields.items():
            _put(row.values, resource.field(name).paths[0], value)
        self._stamp(resource, row, at)

    def delete(self, resource: Resource, key: str, at: datetime) -> None:
        """Flag the record, or take it off the list where deletions are not flagged."""
        row, how = self._row(resource, key), resource.deletes
        row.gone = True
        if how.flag:
            _put(row.values, resource.field(how.flag).paths[0], True)
        if how.status_field and how.status_values:
            field = resource.field(how.status_field)
            row.values.setdefault("_before", value_at(row.values, field.paths))
            _put(row.values, field.paths[0], how.status_values[0])
        self._stamp(resource, row, at)

    def restore(self, resource: Resource, key: str, at: datetime) -> None:
        """Undo `delete`."""
        row, how = self._row(resource, key), resource.deletes
        row.gone = False
        if how.flag:
            _put(row.values, resource.field(how.flag).paths[0], False)
        if how.status_field and "_before" in row.values:
            _put(row.values, resource.field(how.status_field).paths[0], row.values.pop("_before"))
        self._stamp(resource, row, at)

    def purge(self, resource: Resource, key: str, at: datetime) -> None:
        """Forget the record."""
        self.rows[resource.name].remove(self._row(resource, key))

    def trouble(self, kind: Trouble | None, *, times: int | None = None, after: int = 0) -> None:
        """Misbehave from the next request for data on."""
        self._trouble = _Struck(kind, times, after) if kind else None

    def drift(self, kind: Drift | None, resource: Resource, field: str = "") -> None:
        """Change what records look like."""
        found = resource.field(field) if field else None
        self._drift = (kind, resource.name, found) if kind else None

    def came(self, resource: Resource) -> int | None:
        """The records of all pages."""
        return len(self.rows[resource.name])

    def report(self, resource: Resource) -> Report | None:
        """What report.yml says."""
        told = self._reports.get(resource.name)
        if told is None:
            return None
        amount = told.get("amount")
        return Report(told.get("rows"), None if amount is None else Decimal(str(amount)))

    def shown(self, resource: Resource, since: datetime | None = None) -> list[dict[str, Any]]:
        """The records that a list shows now, changed since an instant, as they look now."""
        flagged = resource.deletes.flag or resource.deletes.status_field
        rows = [row for row in self.rows[resource.name] if flagged or not row.gone]
        if since is not None and resource.cursor:
            rows = [row for row in rows if self.stamp(resource, row) >= since]
        return [self._drifted(resource, row.values) for row in rows]

    @staticmethod
    def stamp(resource: Resource, row: Row) -> datetime:
        """When a record was last changed, by its cursor field."""
        value = value_at(row.values, resource.field(resource.cursor).paths) if resource.cursor else None
        return _moment(str(value)) if value else datetime(1970, 1, 1, tzinfo=UTC)

    def logged_in(self, request: httpx.Request) -> bool:
        """Whether a request shows one of the recorded credentials."""
        return any(secret in value for secret in self.secrets() for value in request.headers.values())

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self._trouble is not None and not self.is_login(request):
            struck = self._trouble
            if struck.after > 0:
                struck.after -= 1
            elif struck.times is None or struck.times > 0:
                struck.times = None if struck.times is None else struck.times - 1
                return self._trouble_answer(struck.kind, request)
        return self.reply(request)

    def _trouble_answer(self, kind: Trouble, request: httpx.Request) -> httpx.Response:
        if kind is Trouble.BUSY:
            return httpx.Response(429, headers={"Retry-After": "2"})
        if kind is Trouble.BUSY_UNTIL:
            until = self._now + timedelta(seconds=30)
            dates = {"Date": self._now, "Retry-After": until}
            return httpx.Response(
                429,
                headers={
                    name: format_datetime(at.astimezone(UTC), usegmt=True) for name, at in dates.items()
                },
            )
        if kind is Trouble.DOWN:
            return httpx.Response(503, text="down for maintenance")
        if kind is Trouble.CUT_OFF:
            whole = self.reply(request).content
            return httpx.Response(
                200, content=whole[: len(whole) // 2], headers={"content-type": "application/json"}
            )
        if kind is Trouble.FOR_PEOPLE:
            return httpx.Response(200, html="<!doctype html><title>Please log in</title>")
        return answer({"error": "unexpected", "sent": dict(request.headers), "url": str(request.url)}, 400)

    def _drifted(self, resource: Resource, values: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: copy.deepcopy(value) for name, value in values.items() if name != "_before"}
        if self._drift is None or self._drift[1] != resource.name:
            return shown
        kind, _, field = self._drift
        if kind is Drift.ADDED:
            shown[NEW_FIELD] = "here"
        for path in field.paths if field else ():
            if kind is Drift.REMOVED:
                _remove(shown, path)
            elif value_at(shown, [path]) is not None:
                _put(shown, path, "twelve and a half")
        return shown

    def _row(self, resource: Resource, key: str) -> Row:
        for row in self.rows[resource.name]:
            if join_key([value_at(row.values, resource.field(name).paths) for name in resource.key]) == key:
                return row
        raise KeyError(f"{resource.name} has no record {key}")

    def _stamp(self, resource: Resource, row: Row, at: datetime) -> None:
        if resource.cursor:
            _put(row.values, resource.field(resource.cursor).paths[0], self.written(at))

    def written(self, at: datetime) -> str:
        """An instant as the vendor writes it."""
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _newest(self) -> datetime:
        stamps = [
            self.stamp(resource, row)
            for resource in self.manifest.resources
            for row in self.rows[resource.name]
        ]
        return max([*stamps, datetime(2026, 1, 1, tzinfo=UTC)])

    def _yaml(self, name: str) -> dict[str, Any]:
        path = self._folder / name
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError):
            raise self._lacks(name) from None
        return found if isinstance(found, dict) else {}

    def _lacks(self, name: str) -> Exception:
        return error("E-SRC-041", source=self.manifest.source, folder=self._folder, name=name)


def answer(data: Any, status: int = 200, **headers: str) -> httpx.Response:
    """A JSON answer."""
    return httpx.Response(
        status, content=json.dumps(data), headers={"content-type": "application/json", **headers}
    )


def _json(path: Path) -> Any:
    # numbers stay as they were written: 10.125 must not pass through binary
    return json.loads(path.read_text(encoding="utf-8"), parse_float=str)


def _page_number(path: Path) -> int:
    number = path.name.split(".")[-2]
    return int(number) if number.isdigit() else 0


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _put(record: dict[str, Any], path: str, value: Any) -> None:
    *above, leaf = path.split(".")
    for part in above:
        record = record.setdefault(part, {})
    record[leaf] = value


def _remove(record: dict[str, Any], path: str) -> None:
    *above, leaf = path.split(".")
    for part in above:
        record = record.get(part) or {}
    record.pop(leaf, None)
