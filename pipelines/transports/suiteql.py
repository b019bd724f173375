"""SuiteQL over REST: what NetSuite speaks.

Rows are read by keyset (`key > last key order by key`), which neither loses nor repeats rows and knows no cap
of 100,000, as long as pages come in the order asked for; one that does not ends the read. Times are printed
in the account's zone, so they are asked for in one form and converted here and in the contract check. A
missing right looks like a missing table, which is why every table is probed.
"""

# Names in the queries are the manifest's; values are written as literals here.

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import jwt
import pyarrow as pa

from pipelines.manifest import Resource
from pipelines.transports.base import TOMBSTONES, Control, Found, Window, join_key, text_table
from pipelines.transports.http import Http, RefusedError, Reply
from pipelines.transports.progress import ProgressGuard
from throughline import clock
from throughline.errors import error

LOG = logging.getLogger("throughline.pipelines.suiteql")
TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105
QUERY_PATH = "/services/rest/query/v1/suiteql"
STAMP = "YYYY-MM-DD HH24:MI:SS"
MISSING_FIELD = re.compile(r"[Ff]ield '([^']+)'[^.]*was not found|unknown (?:field|column)[: ]+'?(\w+)", re.I)
QUARTER = timedelta(minutes=15)
# one query serves no more, however it is paged
ROW_CAP = 100_000
# records looked at for columns that the manifest does not name; nulls are left out of each
PROBED = 100


@dataclass
class CertificateLogin:
    """OAuth 2.0 client credentials with a signed assertion (PS256); a 401 brings a new token."""

    client_id: str
    certificate_id: str
    private_key: str
    scope: str = "rest_webservices"
    algorithm: str = "PS256"
    token: str | None = None

    def headers(self, http: Http) -> Mapping[str, str]:
        """The bearer header, logging in when there is no token."""
        if self.token is None:
            self.refresh(http)
        return {"Authorization": f"Bearer {self.token}"}

    def refresh(self, http: Http) -> bool:
        """Log in anew."""
        now = clock.now()
        claims = {
            "iss": self.client_id,
            "scope": [self.scope],
            "aud": f"{http.base_url.rstrip('/')}{TOKEN_PATH}",
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=55)).timestamp()),
        }
        assertion = jwt.encode(
            claims,
            self.private_key,
            algorithm=self.algorithm,
            headers={"typ": "JWT", "kid": self.certificate_id},
        )
        http.hide([assertion])
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        try:
            reply = http.request("POST", TOKEN_PATH, login=False, data=form)
        except RefusedError as refused:
            raise error("E-SRC-003", source=http.source, detail=http.clean(refused.text)) from None
        self.token = str(reply.data["access_token"])
        http.hide([self.token])
        return True


@dataclass
class SuiteqlReader:
    """One account. `zone` is the account's time zone; `check_zone` compares it with the account's clock."""

    http: Http
    zone: str = "UTC"
    check_zone: bool = True
    extra_columns: bool = True
    row_cap: int = ROW_CAP
    _deleted: dict[tuple[datetime | None, datetime], list[dict[str, Any]]] = field(default_factory=dict)

    def open(self) -> None:
        """Log in and compare clocks. Raises E-SRC-016 when the zone is set wrong."""
        items = None
        for tail in ("", " FROM dual"):
            try:
                items = self._page(f"SELECT TO_CHAR(SYSDATE,'{STAMP}') AS account_now{tail}", 0, "clock", 1)
                break
            except RefusedError:
                continue
        if not items or not self.check_zone:
            return
        told = next(iter(value for name, value in items[0].items() if name != "links"), None)
        if not told:
            return
        account = datetime.fromisoformat(str(told)).replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
        away = round((account - clock.now()) / QUARTER)
        minutes = away * 15
        if away and abs(minutes) <= 14 * 60:
            raise error("E-SRC-016", source=self.http.source, zone=self.zone, minutes=minutes)
        if away:
            LOG.warning("%s: the account's clock is %d minutes away", self.http.source, minutes)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def ordered(self, resource: Resource) -> bool:
        """Rows come by key, not by time, so a read cut short is no window."""
        return False

    def reads_all(self, resource: Resource, window: Window) -> bool:
        """Full resources and windows without a start hold every row."""
        return resource.window == "full" or window.start is None

    def replaced(self, resource: Resource) -> list[str] | None:
        """Known to landing, which has read the parents."""
        return None

    def discover(self, resource: Resource) -> Found:
        """Probe the table. Raises E-SRC-010 when it cannot be read, E-SRC-011 when a column is gone."""
        key = resource.key[0]
        try:
            newest = self._page(
                f"SELECT MAX(t.{key}) AS newest FROM {resource.object} t", 0, resource.name, 1
            )
        except RefusedError as refused:
            detail = _detail(refused)
            raise self._error("E-SRC-010", resource, object=resource.object, detail=detail) from None
        value = newest[0].get("newest") if newest else None
        if value is None or not self.extra_columns:
            return Found()
        query = f"SELECT t.* FROM {resource.object} t ORDER BY t.{key} DESC"
        try:
            rows = self._page(query, 0, resource.name, PROBED)
        except RefusedError as refused:
            LOG.info("%s %s: no column probe: %s", self.http.source, resource.name, _detail(refused))
            return Found()
        declared = {name.lower() for name in resource.names} | resource.ignore | {"links"}
        named = {name: None for row in rows for name in row if name.lower() not in declared}
        return Found(extra=tuple(sorted(named)))

    def rows(self, resource: Resource, window: Window, found: Found) -> Iterator[pa.Table]:
        """The window's rows by keyset, as strings; times in the account's zone."""
        yield from self._keyset(
            resource, self._select_list(resource, found), self._bounds(resource, window), found
        )

    def rows_by_key(self, resource: Resource, keys: Sequence[str], found: Found) -> Iterator[pa.Table]:
        """Rows by record id, two hundred at a time."""
        for start in range(0, len(keys), 200):
            some = keys[start : start + 200]
            if len(resource.key) == 1:
                bound = f"t.{resource.key[0]} IN ({', '.join(_literal(key) for key in some)})"
            else:
                bound = " OR ".join(
                    "("
                    + " AND ".join(
                        f"t.{name} = {_literal(part)}"
                        for name, part in zip(resource.key, key.split("|"), strict=True)
                    )
                    + ")"
                    for key in some
                )
                bound = f"({bound})"
            yield from self._keyset(resource, self._select_list(resource, found), [bound], found)

    def tombstones(self, resource: Resource, window: Window) -> tuple[pa.Table, bool]:
        """Rows of `deletedrecord` since the window's start that concern this table."""
        wanted = {resource.object.lower(), *resource.deletes.tombstone_types}
        records = [
            record
            for record in self._deleted_records(window, resource)
            if {str(record.get(name, "")).lower() for name in ("type", "recordtype", "scriptid")} & wanted
        ]
        zone = ZoneInfo(self.zone)
        table = pa.table(
            {
                "record_id": pa.array([str(record["recordid"]) for record in records], pa.string()),
                "deleted_at": pa.array(
                    [
                        datetime.fromisoformat(str(record["deleteddate"]))
                        .replace(tzinfo=zone)
                        .astimezone(UTC)
                        for record in records
                    ],
                    TOMBSTONES.field(1).type,
                ),
            }
        )
        return table, True

    def keys(self, resource: Resource, window: Window) -> Iterator[pa.Array] | None:
        """Record ids of all rows, by keyset."""
        return self._keys(resource)

    def _keys(self, resource: Resource) -> Iterator[pa.Array]:
        names = list(resource.key)
        bounds = [resource.where] if resource.where else []
        for table in self._keyset(
            resource, [f"t.{name} AS {name}" for name in names], bounds, Found(), names
        ):
            rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
            yield pa.array([join_key(row) for row in rows], pa.string())

    def control(self, resource: Resource, window: Window) -> Control | None:
        """Rows and their sum by an aggregate query."""
        wanted = ["COUNT(*) AS total_rows"]
        if resource.control_amount:
            wanted.append(f"SUM(t.{resource.control_amount}) AS total_amount")
        where = f" WHERE {resource.where}" if resource.where else ""
        query = f"SELECT {', '.join(wanted)} FROM {resource.object} t{where}"
        try:
            items = self._page(query, 0, resource.name, 1)
        except RefusedError as refused:
            LOG.warning("%s %s: control query refused: %s", self.http.source, resource.name, _detail(refused))
            return None
        record = items[0] if items else {}
        amount = Decimal(str(record.get("total_amount", 0))) if resource.control_amount else None
        return Control(int(Decimal(str(record.get("total_rows", 0)))), amount)

    def _select_list(self, resource: Resource, found: Found) -> list[str]:
        wanted = []
        for item in resource.fields:
            name = item.name
            if item.kind == "date":
                wanted.append(f"TO_CHAR(t.{name},'YYYY-MM-DD') AS {name}")
            elif item.kind == "ts":
                wanted.append(f"TO_CHAR(t.{name},'{STAMP}') AS {name}")
            else:
                wanted.append(f"t.{name} AS {name}")
        return wanted + [f"t.{name} AS {name}" for name in found.extra]

    def _bounds(self, resource: Resource, window: Window) -> list[str]:
        held = [resource.where] if resource.where else []
        if resource.window == "full" or window.start is None:
            return held
        choices = []
        if resource.cursor:
            choices.append(self._between(f"t.{resource.cursor}", window))
        if resource.parent:
            parent = resource.parent
            choices.append(
                f"t.{parent.field} IN (SELECT p.id FROM {parent.object} p"
                f" WHERE {self._between(f'p.{parent.cursor}', window)})"
            )
        also = resource.options.get("also")
        if also:
            choices.append(str(also))
        held.append(
            f"({' OR '.join(f'({choice})' for choice in choices)})" if len(choices) > 1 else choices[0]
        )
        return held

    def _between(self, column: str, window: Window) -> str:
        return (
            f"{column} >= {self._stamp(window.start)} AND {column} < {self._stamp(window.end, round_up=True)}"
        )

    def _stamp(self, moment: datetime | None, *, round_up: bool = False) -> str:
        local = (moment or datetime(1970, 1, 1, tzinfo=UTC)).astimezone(ZoneInfo(self.zone))
        if round_up and local.microsecond:
            local += timedelta(seconds=1)
        return f"TO_TIMESTAMP('{local:%Y-%m-%d %H:%M:%S}','{STAMP}')"

    def _keyset(
        self,
        resource: Resource,
        wanted: Sequence[str],
        bounds: Sequence[str],
        found: Found,
        columns: Sequence[str] | None = None,
    ) -> Iterator[pa.Table]:
        names = list(columns or (*resource.names, *found.extra))
        guard = ProgressGuard(self.http.source, resource.name)
        order = ", ".join(f"t.{name}" for name in resource.key)
        limit = min(1000, resource.page_size)
        last: tuple[str, ...] | None = None
        while True:
            held = list(bounds)
            if last is not None:
                held.append(_after(resource.key, last))
            where = f" WHERE {' AND '.join(held)}" if held else ""
            query = f"SELECT {', '.join(wanted)} FROM {resource.object} t{where} ORDER BY {order}"
            guard.cursor(query)
            try:
                items, more, _ = self._answer(query, 0, resource.name, limit)
            except RefusedError as refused:
                raise self._refused(resource, refused) from None
            keys = [tuple(str(item.get(name)) for name in resource.key) for item in items]
            guard.page(join_key(key) for key in keys)
            if not _ascending(keys if last is None else [last, *keys]):
                # the rows behind the last key would be lost
                detail = "a page did not come in the order asked for"
                raise self._error("E-SRC-007", resource, detail=detail)
            if items:
                yield text_table(items, names)
            if not more:
                return
            last = keys[-1]

    def _deleted_records(self, window: Window, resource: Resource) -> list[dict[str, Any]]:
        asked = (window.start, window.end)
        if asked in self._deleted:
            return self._deleted[asked]
        guard = ProgressGuard(self.http.source, "deletedrecord")
        start = self._stamp(window.start) if window.start else None
        records: dict[str, dict[str, Any]] = {}
        offset, more = 0, True
        while more:
            where = f" WHERE d.deleteddate >= {start}" if start else ""
            query = (
                f"SELECT d.recordid AS recordid, d.type AS type, d.scriptid AS scriptid, d.name AS name,"
                f" TO_CHAR(d.deleteddate,'{STAMP}') AS deleteddate FROM deletedrecord d{where}"
                " ORDER BY d.deleteddate, d.recordid, d.type"
            )
            try:
                items, more, total = self._answer(query, offset, "deletedrecord", 1000)
            except RefusedError as refused:
                raise self._refused(resource, refused) from None
            marks = {
                f"{item.get('type')}|{item.get('recordid')}|{item.get('deleteddate')}": item for item in items
            }
            guard.page(marks)
            records |= marks
            offset += 1000
            if items and offset >= self.row_cap and (total is None or total > offset or more):
                # the cap ends a query without a word: go on from the last deletion as a new one
                start = f"TO_TIMESTAMP('{items[-1]['deleteddate']}','{STAMP}')"
                offset, more = 0, True
        self._deleted[asked] = list(records.values())
        return self._deleted[asked]

    def _page(self, query: str, offset: int, resource: str, limit: int) -> list[dict[str, Any]]:
        return self._answer(query, offset, resource, limit)[0]

    def _answer(
        self, query: str, offset: int, resource: str, limit: int
    ) -> tuple[list[dict[str, Any]], bool, int | None]:
        """Rows of a page, whether there are more, and how many the query has in all (none = not told)."""
        stop = self.http.quota_reached()
        if stop:
            raise stop
        data = self.http.request(
            "POST",
            f"{QUERY_PATH}?limit={limit}&offset={offset}",
            resource=resource,
            headers={"Prefer": "transient"},
            json={"q": query},
            verify=_has_items,
        ).data
        total = data.get("totalResults")
        return data["items"], data.get("hasMore") is True, None if total is None else int(total)

    def _refused(self, resource: Resource, refused: RefusedError) -> Exception:
        detail = _detail(refused)
        match = MISSING_FIELD.search(detail)
        if match:
            column = (match[1] or match[2]).split(".")[-1]
            return self._error("E-SRC-011", resource, column=column)
        return self._error("E-SRC-009", resource, detail=detail)

    def _error(self, code: str, resource: Resource, **known: Any) -> Exception:
        return error(code, source=self.http.source, resource=resource.name, **known)


def _after(key: Sequence[str], last: Sequence[str]) -> str:
    """The rows behind `last` in the order of a key of one or more columns."""
    name, value = key[0], _literal(last[0])
    if len(key) == 1:
        return f"t.{name} > {value}"
    return f"(t.{name} > {value} OR (t.{name} = {value} AND {_after(key[1:], last[1:])}))"


def _literal(value: object) -> str:
    """A value in quotes: the database converts it to the column's type, number or text."""
    return "'" + str(value).replace("'", "''") + "'"


def _detail(refused: RefusedError) -> str:
    if isinstance(refused.body, dict):
        details = refused.body.get("o:errorDetails")
        if isinstance(details, list) and details and isinstance(details[0], dict):
            return str(details[0].get("detail", refused.text))[:300]
    return refused.text


def _ascending(keys: Sequence[tuple[str, ...]]) -> bool:
    """Whether `keys` come in the order of their numbers, or as texts.

    Where a part is no number, the database's own order of texts decides and is not second-guessed here.
    """
    numbers: list[tuple[int, ...]] = []
    for key in keys:
        whole: list[int] = []
        for part in key:
            if not part.removeprefix("-").isdecimal():
                break
            whole.append(int(part))
        numbers.append(tuple(whole))
    shared = min((len(key) for key in numbers), default=0)
    cut = [key[:shared] for key in numbers]
    if all(before <= after for before, after in pairwise(cut)):
        return True
    return all(before <= after for before, after in pairwise(key[:shared] for key in keys))


def _has_items(reply: Reply) -> str | None:
    if not isinstance(reply.data, dict) or not isinstance(reply.data.get("items"), list):
        return "the answer holds no items"
    if not reply.data["items"] and reply.data.get("hasMore") is True:
        return "an empty page says that there is more"
    return None
