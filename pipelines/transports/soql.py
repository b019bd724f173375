"""SOQL over REST and Bulk API 2.0: what Salesforce speaks, and every package that lives on its platform.

Small windows come page by page over REST; above a number of rows the same query becomes a bulk job, whose CSV
is read by Arrow straight into the declared types. Deleted rows come with their flag through queryAll while
they are in the recycle bin, then only the deleted-records feed and the key compare know of them.
"""

# Names in the queries are the manifest's, checked against describe; values are written as literals here.

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pyarrow as pa
import pyarrow.csv as pacsv

from pipelines.manifest import NUMBERS, Field, Resource
from pipelines.transports.base import TOMBSTONES, Control, Found, Window, text_table
from pipelines.transports.http import CSV, Http, QuotaStopError, RefusedError, Reply
from pipelines.transports.progress import ProgressGuard
from throughline import clock
from throughline.errors import error

LOG = logging.getLogger("throughline.pipelines.soql")
FEED_REACH = timedelta(days=15)
SHORTEST_WINDOW = timedelta(minutes=1)
# an address holds 16,384 bytes with host and path; a longer query is refused with 414
LONGEST_QUERY = 15_000
# these hold several values in one or are fetched one by one
UNREADABLE_TYPES = frozenset({"address", "location", "base64", "complexvalue"})
VENDOR_TYPES: Mapping[str, frozenset[str]] = {
    "bool": frozenset({"boolean"}),
    "date": frozenset({"date"}),
    "ts": frozenset({"datetime"}),
    **{kind: frozenset({"currency", "double", "int", "percent", "long"}) for kind in NUMBERS},
}


def quota_share(headers: httpx.Headers) -> Decimal | None:
    """The used share of the daily allowance by `Sforce-Limit-Info: api-usage=18/5000`."""
    match = re.search(r"api-usage=(\d+)/(\d+)", headers.get("sforce-limit-info", ""))
    if not match or int(match[2]) == 0:
        return None
    return Decimal(match[1]) / Decimal(match[2])


def literal(moment: datetime) -> str:
    """An instant as SOQL writes it, unquoted."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass
class TokenLogin:
    """Logs in with client credentials, or with a signed assertion when a private key is given."""

    client_id: str
    client_secret: str | None = None
    private_key: str | None = None
    username: str | None = None
    audience: str | None = None
    token: str | None = None

    def headers(self, http: Http) -> Mapping[str, str]:
        """The bearer header, logging in first when there is no token."""
        if self.token is None:
            self._login(http)
        return {"Authorization": f"Bearer {self.token}"}

    def refresh(self, http: Http) -> bool:
        """Log in anew."""
        self._login(http)
        return True

    def _login(self, http: Http) -> None:
        if self.private_key:
            now = clock.now()
            claims = {
                "iss": self.client_id,
                "sub": self.username,
                "aud": self.audience or http.base_url,
                "exp": int((now + timedelta(minutes=3)).timestamp()),
            }
            form = {
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "assertion": jwt.encode(claims, self.private_key, algorithm="RS256"),
            }
            http.hide([form["assertion"]])
        else:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.client_id,
                "client_secret": self.client_secret or "",
            }
        try:
            reply = http.request("POST", "/services/oauth2/token", login=False, data=form)
        except RefusedError as refused:
            raise error("E-SRC-003", source=http.source, detail=http.clean(refused.text)) from None
        self.token = str(reply.data["access_token"])
        http.hide([self.token])


@dataclass
class SoqlReader:
    """One org. `mode` is auto, rest or bulk; above `bulk_above` rows auto takes the bulk interface."""

    http: Http
    api_version: str = "67.0"
    mode: str = "auto"
    bulk_above: int = 2000
    bulk_page: int = 250_000
    poll_longest: float = 30.0
    job_timeout: float = 7200.0
    job_attempts: int = 3
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    extra_columns: bool = True
    monotonic: Callable[[], float] = time.monotonic
    zone: str = "UTC"
    _present: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return f"/services/data/v{self.api_version}"

    def open(self) -> None:
        """Log in and read the allowance, so that a run does not start into an empty one."""
        try:
            limits = self.http.request("GET", f"{self.root}/limits", resource="limits").data
        except RefusedError as refused:
            self._stop_if_exhausted(refused)
            return
        daily = limits.get("DailyApiRequests") if isinstance(limits, dict) else None
        if isinstance(daily, dict) and int(daily.get("Max", 0)):
            left = Decimal(str(daily["Remaining"])) / Decimal(str(daily["Max"]))
            self.http.counters.quota = max(Decimal(1) - left, self.http.counters.quota or Decimal(0))

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def ordered(self, resource: Resource) -> bool:
        """REST and bulk rows alike come in the order of the cursor."""
        return resource.cursor is not None

    def reads_all(self, resource: Resource, window: Window) -> bool:
        """A window without a start holds every row."""
        return window.start is None

    def replaced(self, resource: Resource) -> list[str] | None:
        """SOQL resources have no children that are replaced as a whole."""
        return None

    def discover(self, resource: Resource) -> Found:
        """Compare the manifest with `describe`. Raises E-SRC-010, E-SRC-011 and E-SRC-012."""
        try:
            described = self._get(f"/sobjects/{resource.object}/describe", resource).data
        except RefusedError as refused:
            self._stop_if_exhausted(refused)
            if refused.status in {400, 403, 404}:
                raise self._error(
                    "E-SRC-010", resource, object=resource.object, detail=refused.text
                ) from None
            raise self._refused(resource, refused) from None
        types = {str(item["name"]): str(item["type"]) for item in described["fields"]}
        by_lower = {name.lower(): name for name in types}
        for declared in resource.fields:
            found = types.get(declared.name) or types.get(by_lower.get(declared.name.lower(), ""))
            if found is None:
                if declared.optional or (declared.fallback and declared.fallback in self.fallbacks):
                    continue
                raise self._error("E-SRC-011", resource, column=declared.name)
            allowed = VENDOR_TYPES.get(declared.kind)
            if allowed is not None and found not in allowed:
                raise self._error(
                    "E-SRC-012", resource, column=declared.name, declared=declared.kind, found=found
                )
        named = {name.lower() for name in resource.names} | resource.ignore
        extra = tuple(
            name
            for name, kind in types.items()
            if name.lower() not in named and kind.lower() not in UNREADABLE_TYPES
        )
        self._present[resource.name] = frozenset(types)
        return Found(extra=extra if self.extra_columns else (), types=types)

    def rows(self, resource: Resource, window: Window, found: Found) -> Iterator[pa.Table]:
        """The window's rows, deleted ones included, in the order of the cursor."""
        yield from self._windowed(resource, window, found)

    def rows_by_key(self, resource: Resource, keys: Sequence[str], found: Found) -> Iterator[pa.Table]:
        """Rows by id, two hundred at a time, or as many as an address has room for."""
        columns = self._columns(resource, found)
        head = f"SELECT {', '.join(columns)} FROM {resource.object} WHERE Id IN "
        room = LONGEST_QUERY - len(urlencode({"q": head}))
        most = max(1, min(200, room // 28))
        for start in range(0, len(keys), most):
            some = ", ".join(f"'{_quoted(key)}'" for key in keys[start : start + most])
            query = f"{head}({some})"
            for records in self._pages(resource, query, "queryAll"):
                yield self._table(resource, records, columns, found)

    def tombstones(self, resource: Resource, window: Window) -> tuple[pa.Table, bool]:
        """The deleted-records feed, which reaches back fifteen days and holds 600,000 ids at most."""
        earliest = window.end - FEED_REACH + timedelta(minutes=5)
        start = max(window.start or earliest, earliest)
        if start >= window.end:
            return TOMBSTONES.empty_table(), True
        span = {"start": literal(start), "end": literal(window.end)}
        try:
            data = self._get(f"/sobjects/{resource.object}/deleted/?{urlencode(span)}", resource).data
        except RefusedError as refused:
            self._stop_if_exhausted(refused)
            if "EXCEEDED_ID_LIMIT" in refused.text or "INVALID_REPLICATION_DATE" in refused.text:
                return TOMBSTONES.empty_table(), False
            raise self._refused(resource, refused) from None
        records = data.get("deletedRecords", [])
        available = data.get("earliestDateAvailable")
        whole = window.start is not None and window.start >= earliest
        if whole and available and window.start and _instant(available) > window.start:
            # the log is purged ahead of its fifteen days when it is full
            whole = False
        covered = data.get("latestDateCovered")
        if covered and _instant(covered) < window.end - max(resource.lag, timedelta(seconds=1)):
            # the next window of the feed reaches back by the lag only
            whole = False
        table = pa.table(
            {
                "record_id": pa.array([str(record["id"]) for record in records], pa.string()),
                "deleted_at": pa.array(
                    [_instant(record["deletedDate"]) for record in records], TOMBSTONES.field(1).type
                ),
            }
        )
        return table, whole

    def keys(self, resource: Resource, window: Window) -> Iterator[pa.Array] | None:
        """Ids of the live rows, by the same road as the rows themselves."""
        return self._keys(resource, window)

    def _keys(self, resource: Resource, window: Window) -> Iterator[pa.Array]:
        where = _where([resource.where, self._born_before(resource, window)])
        query = f"SELECT Id FROM {resource.object}{where} ORDER BY Id"
        id_only = (Field("Id", "id", "id", required=True, paths=("Id",)),)
        for table in self._select(resource, query, id_only, ("Id",), operation="query"):
            yield table.column("Id").combine_chunks()

    def control(self, resource: Resource, window: Window) -> Control | None:
        """Live rows born before the window's end, and their sum, by an aggregate query."""
        where = _where([resource.where, self._born_before(resource, window)])
        wanted = ["COUNT(Id) total_rows"]
        if resource.control_amount:
            wanted.append(f"SUM({resource.control_amount}) total_amount")
        query = f"SELECT {', '.join(wanted)} FROM {resource.object}{where}"
        try:
            data = self._get(f"/query?{urlencode({'q': query})}", resource).data
        except RefusedError as refused:
            self._stop_if_exhausted(refused)
            LOG.warning("%s %s: control query refused: %s", self.http.source, resource.name, refused.text)
            return None
        record = {name.lower(): value for name, value in data["records"][0].items() if name != "attributes"}
        values = list(record.values())
        rows = record.get("total_rows", values[0] if values else None)
        amount: Any = None
        if resource.control_amount:
            amount = record.get("total_amount", values[1] if len(values) > 1 else None)
        return Control(
            int(Decimal(str(rows))),
            None if not resource.control_amount else Decimal(str(amount if amount is not None else 0)),
        )

    def _born_before(self, resource: Resource, window: Window) -> str | None:
        return f"{resource.created} < {literal(window.end)}" if resource.created else None

    def _windowed(self, resource: Resource, window: Window, found: Found) -> Iterator[pa.Table]:
        columns = self._columns(resource, found)
        bounds = []
        if resource.cursor:
            if window.start:
                bounds.append(f"{resource.cursor} >= {literal(window.start)}")
            bounds.append(f"{resource.cursor} < {literal(window.end)}")
        order = f" ORDER BY {resource.cursor}, Id" if resource.cursor else " ORDER BY Id"
        query = (
            f"SELECT {', '.join(columns)} FROM {resource.object}{_where([resource.where, *bounds])}{order}"
        )
        fields = tuple(item for item in resource.fields if item.name in columns) + tuple(
            Field(name, "text", name.lower(), paths=(name,)) for name in found.extra
        )
        yielded = False
        try:
            for table in self._select(resource, query, fields, columns, operation="queryAll"):
                yielded = True
                yield self._filled(resource, table)
            return
        except RefusedError as refused:
            self._stop_if_exhausted(refused)
            if "QUERY_TIMEOUT" not in refused.text or yielded or not resource.cursor:
                raise self._refused(resource, refused) from None
        start = window.start or self._first_stamp(resource)
        if start is None or window.end - start < SHORTEST_WINDOW:
            raise self._error(
                "E-SRC-004", resource, attempts=1, detail="QUERY_TIMEOUT in the shortest window"
            )
        middle = start + (window.end - start) / 2
        LOG.info("%s %s: query timed out, halving the window", self.http.source, resource.name)
        yield from self._windowed(resource, Window(window.start, middle), found)
        yield from self._windowed(resource, Window(middle, window.end), found)

    def _first_stamp(self, resource: Resource) -> datetime | None:
        query = f"SELECT MIN({resource.cursor}) first_stamp FROM {resource.object}{_where([resource.where])}"
        try:
            data = self._get(f"/queryAll?{urlencode({'q': query})}", resource).data
        except RefusedError as refused:
            raise self._refused(resource, refused) from None
        values = [value for name, value in data["records"][0].items() if name != "attributes" and value]
        return _instant(values[0]) if values else None

    def _select(
        self,
        resource: Resource,
        query: str,
        fields: Sequence[Field],
        columns: Sequence[str],
        *,
        operation: str,
    ) -> Iterator[pa.Table]:
        too_long = len(urlencode({"q": query})) > LONGEST_QUERY
        if self.mode == "bulk" or (too_long and self.mode == "auto"):
            yield from self._bulk(resource, query, fields, operation)
            return
        pages = self._pages(resource, query, operation, stop_above=self._rest_limit())
        try:
            for records in pages:
                yield text_table(records, columns)
        except _TooLargeError as large:
            LOG.info("%s %s: %d rows, taking the bulk interface", self.http.source, resource.name, large.rows)
            yield from self._bulk(resource, query, fields, operation)

    def _rest_limit(self) -> int | None:
        return None if self.mode == "rest" else self.bulk_above

    def _pages(
        self, resource: Resource, query: str, operation: str, stop_above: int | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        guard = ProgressGuard(self.http.source, resource.name)
        link = f"{self.root}/{operation}?{urlencode({'q': query})}"
        headers = {"Sforce-Query-Options": f"batchSize={min(2000, max(200, resource.page_size))}"}
        total: int | None = None
        while True:
            self._check_quota()
            data = self.http.request(
                "GET", guard.cursor(link), resource=resource.name, headers=headers, verify=_has_records
            ).data
            if total is None:
                total = int(data.get("totalSize", 0))
                if stop_above is not None and total > stop_above:
                    raise _TooLargeError(total)
            records = data["records"]
            guard.page(str(record.get("Id")) for record in records)
            yield records
            if data.get("done") is True or not data.get("nextRecordsUrl"):
                guard.complete(total)
                return
            # it says /query/ even behind a queryAll, and is followed as given
            link = data["nextRecordsUrl"]

    def _bulk(
        self, resource: Resource, query: str, fields: Sequence[Field], operation: str
    ) -> Iterator[pa.Table]:
        job, announced = self._finished_job(resource, query, operation)
        guard = ProgressGuard(self.http.source, resource.name)
        locator: str | None = None
        read = 0
        try:
            while True:
                self._check_quota()
                asked = {"maxRecords": str(self.bulk_page), **({"locator": locator} if locator else {})}
                parsed: list[pa.Table] = []

                def count_ok(reply: Reply, parsed: list[pa.Table] = parsed) -> str | None:
                    try:
                        table = read_csv(reply.body, fields)
                    except pa.ArrowInvalid as problem:
                        return f"CSV cut off or malformed: {problem}"
                    told = reply.headers.get("sforce-numberofrecords")
                    if told is not None and told.isdigit() and int(told) != table.num_rows:
                        return f"{table.num_rows} rows came, {told} were announced"
                    parsed[:] = [table]
                    return None

                reply = self.http.request(
                    "GET",
                    f"{self.root}/jobs/query/{job}/results?{urlencode(asked)}",
                    resource=resource.name,
                    expect=CSV,
                    verify=count_ok,
                    headers={"Accept": "text/csv"},
                )
                read += parsed[0].num_rows
                # rows without ids may be read here; a page that holds any counts as progress
                guard.page([locator or "first"] if parsed[0].num_rows else [])
                yield parsed[0]
                locator = reply.headers.get("sforce-locator", "null")
                if locator == "null" or not locator:
                    break
                guard.cursor(locator)
            if announced is not None and read < announced:
                raise self._error("E-SRC-023", resource, read=read, announced=announced)
        finally:
            self._forget_job(resource, job)

    def _finished_job(self, resource: Resource, query: str, operation: str) -> tuple[str, int | None]:
        """A completed job: its id and the rows it says it holds (none = it does not say).

        A failed or aborted one is started again a few times.
        """
        state, detail = "", ""
        for _ in range(self.job_attempts):
            self._check_quota()
            order = {
                "operation": operation,
                "query": query,
                "columnDelimiter": "COMMA",
                "lineEnding": "LF",
            }
            reply = self.http.request("POST", f"{self.root}/jobs/query", resource=resource.name, json=order)
            job = str(reply.data["id"])
            state, detail, rows = self._poll(resource, job)
            if state == "JobComplete":
                return job, rows
            LOG.warning("%s %s: bulk job %s: %s", self.http.source, resource.name, state, detail)
            self._forget_job(resource, job)
            if "QUERY_TIMEOUT" in detail:
                raise RefusedError(400, None, detail)
        raise self._error("E-SRC-013", resource, state=state, attempts=self.job_attempts, detail=detail)

    def _poll(self, resource: Resource, job: str) -> tuple[str, str, int | None]:
        deadline = self.monotonic() + self.job_timeout
        pause = 0.05
        while True:
            data = self.http.request("GET", f"{self.root}/jobs/query/{job}", resource=resource.name).data
            state = str(data.get("state"))
            if state in {"JobComplete", "Failed", "Aborted"}:
                told = str(data.get("numberRecordsProcessed", ""))
                rows = int(told) if told.isdigit() else None
                return state, self.http.clean(data.get("errorMessage") or "no reason given"), rows
            if self.monotonic() > deadline:
                self._abort_job(resource, job)
                return "Aborted", f"not finished after {self.job_timeout:.0f} s", None
            self.http.sleep(pause)
            pause = min(self.poll_longest, pause * 2)

    def _abort_job(self, resource: Resource, job: str) -> None:
        try:
            self.http.request(
                "PATCH", f"{self.root}/jobs/query/{job}", resource=resource.name, json={"state": "Aborted"}
            )
        except RefusedError as refused:
            LOG.info("%s: job %s not aborted: %s", self.http.source, job, refused.text)

    def _forget_job(self, resource: Resource, job: str) -> None:
        try:
            self.http.request("DELETE", f"{self.root}/jobs/query/{job}", resource=resource.name, expect="any")
        except RefusedError as refused:
            LOG.info("%s: job %s not deleted: %s", self.http.source, job, refused.text)

    def _columns(self, resource: Resource, found: Found) -> list[str]:
        present = {name.lower() for name in self._present.get(resource.name, frozenset(resource.names))}
        return [name for name in resource.names if name.lower() in present] + list(found.extra)

    def _table(
        self, resource: Resource, records: Sequence[Mapping[str, Any]], columns: Sequence[str], found: Found
    ) -> pa.Table:
        return self._filled(resource, text_table(records, columns))

    def _filled(self, resource: Resource, table: pa.Table) -> pa.Table:
        """Give a column the account lacks its configured value, for instance the org's only currency."""
        for declared in resource.fields:
            if declared.name not in table.column_names and declared.fallback in self.fallbacks:
                value = self.fallbacks[str(declared.fallback)]
                table = table.append_column(declared.name, pa.array([value] * table.num_rows, pa.string()))
        return table

    def _get(self, path: str, resource: Resource) -> Reply:
        self._check_quota()
        return self.http.request("GET", f"{self.root}{path}", resource=resource.name)

    def _check_quota(self) -> None:
        stop = self.http.quota_reached()
        if stop:
            raise stop

    def _stop_if_exhausted(self, refused: RefusedError) -> None:
        if refused.status == 403 and "REQUEST_LIMIT_EXCEEDED" in refused.text:
            share = f"{self.http.quota_share:.0%}"
            raise QuotaStopError(
                error("E-SRC-006", source=self.http.source, used="all", share=share)
            ) from None

    def _refused(self, resource: Resource, refused: RefusedError) -> Exception:
        self._stop_if_exhausted(refused)
        match = re.search(r"No such column '([^']+)'", refused.text)
        if match:
            return self._error("E-SRC-011", resource, column=match[1])
        return self._error("E-SRC-009", resource, detail=refused.text)

    def _error(self, code: str, resource: Resource, **known: Any) -> Exception:
        return error(code, source=self.http.source, resource=resource.name, **known)


class _TooLargeError(Exception):
    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


def read_csv(body: bytes, fields: Sequence[Field]) -> pa.Table:
    """A bulk result as a table with the declared types, or as strings when any value does not fit them.

    The strings then go through the row by row contract check. Raises pa.ArrowInvalid when it is no CSV.
    """
    if b"\x00" in body:
        body = body.replace(b"\x00", b"")
    if not body.strip():
        return pa.table({item.name: pa.array([], pa.string()) for item in fields})
    try:
        return _parse(body, {item.name: item.arrow for item in fields})
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return _parse(body, {item.name: pa.string() for item in fields})


def _parse(body: bytes, types: Mapping[str, pa.DataType]) -> pa.Table:
    return pacsv.read_csv(
        io.BytesIO(body),
        read_options=pacsv.ReadOptions(block_size=16 << 20),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            true_values=["true"],
            false_values=["false"],
        ),
    )


def _has_records(reply: Reply) -> str | None:
    if isinstance(reply.data, dict) and isinstance(reply.data.get("records"), list):
        return None
    return "the answer holds no records"


def _where(parts: Sequence[str | None]) -> str:
    held = [part for part in parts if part]
    return f" WHERE {' AND '.join(held)}" if held else ""


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _instant(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)
