"""Small vendors of our own for the edges of the transports; they share nothing with the sandbox."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import duckdb
import httpx
import pyarrow as pa

from pipelines.manifest import Manifest
from pipelines.sources import load_source

Fault = Callable[[httpx.Request], httpx.Response | None]
SECRET = "s3cr3t-of-the-client"
TOKEN = "00D-token-never-to-be-printed"
SOQL_TYPES = {
    "id": "id",
    "text": "string",
    "money": "currency",
    "rate": "double",
    "fx": "double",
    "hours": "double",
    "int": "int",
    "bool": "boolean",
    "date": "date",
    "ts": "datetime",
}


def answer(data: Any, status: int = 200, **headers: str) -> httpx.Response:
    """A JSON answer."""
    return httpx.Response(
        status, content=json.dumps(data), headers={"content-type": "application/json", **headers}
    )


@dataclass
class Vendor:
    """Common to all fakes: a request log and faults, each of which may answer in the vendor's stead."""

    requests: list[httpx.Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        for fault in list(self.faults):
            response = fault(request)
            if response is not None:
                return response
        return self.reply(request)

    def reply(self, request: httpx.Request) -> httpx.Response:
        raise NotImplementedError

    def once(self, part: str, make: Callable[[], httpx.Response], times: int = 1, skip: int = 0) -> None:
        """Answer the next `times` requests whose address holds `part` by `make`, after `skip` of them."""
        left = {"times": times, "skip": skip}

        def fault(request: httpx.Request) -> httpx.Response | None:
            if part not in str(request.url) or not left["times"]:
                return None
            if left["skip"]:
                left["skip"] -= 1
                return None
            left["times"] -= 1
            return make()

        self.faults.append(fault)

    def config(self, **more: Any) -> dict[str, Any]:
        """The configuration of a source that talks to this fake."""
        return {
            "base_url": "https://vendor.test",
            "http_transport": httpx.MockTransport(self),
            "sleep": self.waits.append,
            "chance": lambda: 0.5,
            **more,
        }


@dataclass
class Org(Vendor):
    """A Salesforce org: records by object and id, with `_at` (stamp), `_deleted` and the deleted feed."""

    source: str = "salesforce"
    page: int = 2000
    usage: str = "api-usage=18/5000"
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    feed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    describe_changes: dict[str, dict[str, str | None]] = field(default_factory=dict)
    cursors: dict[str, tuple[list[dict[str, Any]], int]] = field(default_factory=dict)
    jobs: dict[str, tuple[list[str], list[dict[str, Any]]]] = field(default_factory=dict)
    job_states: list[str] = field(default_factory=list)

    @property
    def manifest(self) -> Manifest:
        return load_source(self.source).manifest

    def config(self, **more: Any) -> dict[str, Any]:
        return super().config(client_id="client", client_secret=SECRET, **more)

    def put(self, name: str, key: str, at: str, **fields: Any) -> None:
        """Insert or update a record at an instant."""
        old = self.records.setdefault(name, {}).get(key, {"CreatedDate": at})
        self.records[name][key] = {**old, "Id": key, **fields, "_at": at, "_deleted": False}

    def delete(self, name: str, key: str, at: str) -> None:
        """Into the recycle bin, and onto the feed."""
        self.records[name][key].update(_at=at, _deleted=True)
        self.feed.setdefault(name, []).append((key, at))

    def purge(self, name: str, key: str) -> None:
        """Gone without trace."""
        del self.records[name][key]

    def reply(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        limit = {"Sforce-Limit-Info": self.usage}
        if path.endswith("/oauth2/token"):
            return answer({"access_token": TOKEN, "instance_url": "https://vendor.test"})
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return answer([{"message": "Session expired", "errorCode": "INVALID_SESSION_ID"}], 401)
        if path.endswith("/limits"):
            return answer({"DailyApiRequests": {"Max": 5000, "Remaining": 4982}}, **limit)
        if path.endswith("/describe"):
            return self._describe(path.split("/")[-2])
        if "/deleted" in path:
            return self._deleted(path.split("/")[-3 if path.endswith("/") else -2], request)
        if "/jobs/query" in path:
            return self._job(request, path)
        if path in self.cursors:
            rows, start = self.cursors[path]
            return self._page(rows, start, limit)
        query = parse_qs(request.url.query.decode())["q"][0]
        rows = self._select(query, hide=path.endswith("/query"))
        if "COUNT(" in query:
            amount = re.search(r"SUM\((\w+)\)", query)
            total: dict[str, Any] = {"attributes": {}, "total_rows": len(rows)}
            if amount:
                values = [_number(row.get(amount[1])) for row in rows]
                total["total_amount"] = sum(values)
            return answer({"totalSize": 1, "done": True, "records": [total]}, **limit)
        if "MIN(" in query:
            stamps = sorted(str(row["SystemModstamp"]) for row in rows)
            return answer({"totalSize": 1, "done": True, "records": [{"first_stamp": stamps[0]}]}, **limit)
        return self._page(rows, 0, limit)

    def _page(self, rows: list[dict[str, Any]], start: int, limit: dict[str, str]) -> httpx.Response:
        part = rows[start : start + self.page]
        done = start + self.page >= len(rows)
        body: dict[str, Any] = {"totalSize": len(rows), "done": done, "records": part}
        if not done:
            link = f"/services/data/v67.0/query/01g{id(rows)}-{start + self.page}"
            self.cursors[link] = (rows, start + self.page)
            body["nextRecordsUrl"] = link
        return answer(body, **limit)

    def _describe(self, name: str) -> httpx.Response:
        resource = next(item for item in self.manifest.resources if item.object == name)
        types: dict[str, str | None] = {item.name: SOQL_TYPES[item.kind] for item in resource.fields}
        types.update(self.describe_changes.get(name, {}))
        return answer({"name": name, "fields": [{"name": k, "type": v} for k, v in types.items() if v]})

    def _deleted(self, name: str, request: httpx.Request) -> httpx.Response:
        span = {key: value[0] for key, value in parse_qs(request.url.query.decode()).items()}
        found = [
            {"id": key, "deletedDate": at}
            for key, at in self.feed.get(name, [])
            if _moment(span["start"]) <= _moment(at) < _moment(span["end"])
        ]
        earliest = {"earliestDateAvailable": "2020-01-01T00:00:00.000+0000", "latestDateCovered": span["end"]}
        return answer({"deletedRecords": found, **earliest})

    def _job(self, request: httpx.Request, path: str) -> httpx.Response:
        if request.method == "POST":
            order = json.loads(request.content)
            job = f"750{len(self.jobs)}"
            state = self.job_states.pop(0) if self.job_states else "JobComplete"
            rows = self._select(order["query"], hide=order["operation"] == "query")
            columns = re.match(r"SELECT (.+?) FROM", order["query"])
            assert columns
            self.jobs[job] = ([state, *columns[1].split(", ")], rows)
            return answer({"id": job, "state": "UploadComplete", "operation": order["operation"]})
        job = path.split("/jobs/query/")[1].split("/")[0]
        (state, *columns), rows = self.jobs[job]
        if request.method in {"DELETE", "PATCH"}:
            return httpx.Response(204)
        if not path.endswith("/results"):
            return answer(
                {"id": job, "state": state, "errorMessage": "InvalidBatch" if state == "Failed" else None}
            )
        span = {key: value[0] for key, value in parse_qs(request.url.query.decode()).items()}
        start, size = int(span.get("locator", 0)), min(int(span["maxRecords"]), self.page)
        part = rows[start : start + size]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        for row in part:
            writer.writerow([_csv_value(row.get(column)) for column in columns])
        following = str(start + size) if start + size < len(rows) else "null"
        headers = {
            "Sforce-NumberOfRecords": str(len(part)),
            "Sforce-Locator": following,
            "content-type": "text/csv",
        }
        return httpx.Response(200, content=text.getvalue(), headers=headers)

    def _select(self, query: str, *, hide: bool) -> list[dict[str, Any]]:
        match = re.match(r"SELECT (.+?) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY (.+))?$", query)
        assert match, query
        names = [name.strip() for name in match[1].split(",")]
        rows = [
            {**row, "SystemModstamp": row["_at"], "IsDeleted": row["_deleted"]}
            for row in self.records.get(match[2], {}).values()
            if not (hide and row["_deleted"])
        ]
        for condition in (match[3] or "").split(" AND ") if match[3] else []:
            rows = [row for row in rows if _holds(row, condition.strip())]
        order = [name.strip() for name in (match[4] or "").split(",") if name.strip()]
        rows.sort(key=lambda row: [str(row.get(name) or "") for name in order])
        if "(" in match[1]:
            return rows
        return [{"attributes": {"type": match[2]}, **{name: row.get(name) for name in names}} for row in rows]


def _number(value: Any) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0


def _csv_value(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds(row: dict[str, Any], condition: str) -> bool:
    within = re.match(r"(\w+) IN \((.+)\)$", condition)
    if within:
        return str(row.get(within[1])) in re.findall(r"'([^']*)'", within[2])
    match = re.match(r"(\w+) (>=|<|=) (.+)$", condition)
    assert match, condition
    value, wanted = row.get(match[1]), match[3]
    if match[2] == "=":
        return str(value).lower() == wanted.strip("'").lower()
    try:
        left, right = _moment(str(value)), _moment(wanted)
    except ValueError:
        return True
    return left >= right if match[2] == ">=" else left < right


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass
class Company(Vendor):
    """A BambooHR company: employees, dated tables, leave and the changed feeds."""

    employees: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    leave: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def config(self, **more: Any) -> dict[str, Any]:
        return super().config(api_key=SECRET, **more)

    def put(self, key: str, at: str, **fields: Any) -> None:
        """Insert or update an employee."""
        base = {"employeeNumber": f"E{key}", "hireDate": "2024-01-01", "customLegalEntity": "US01"}
        self.employees[key] = {**base, **self.employees.get(key, {}), "id": key, **fields}
        self.changes[key] = ("Updated", at)

    def delete(self, key: str, at: str) -> None:
        """Remove an employee; the feed says so."""
        del self.employees[key]
        self.changes[key] = ("Deleted", at)

    def reply(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        ask = {key: value[0] for key, value in parse_qs(request.url.query.decode()).items()}
        if path == "/employees":
            wanted = [*ask["fields"].split(","), "_restrictedFields"]
            rows = sorted(self.employees.values(), key=lambda row: int(row["id"]))
            start, size = int(ask.get("page[after]", 0)), int(ask["page[limit]"])
            following = str(start + size) if start + size < len(rows) else None
            data = [{name: row.get(name) for name in wanted} for row in rows[start : start + size]]
            meta = {"total": len(rows), "page": {"limit": size, "nextCursor": following, "prevCursor": None}}
            return answer({"data": data, "meta": meta, "_links": {}})
        since = _moment(ask["since"]) if "since" in ask else datetime(1970, 1, 1, tzinfo=UTC)
        changed = {key: entry for key, entry in self.changes.items() if _moment(entry[1]) >= since}
        if path == "/employees/changed":
            found = {k: {"id": k, "action": action, "lastChanged": at} for k, (action, at) in changed.items()}
            return answer({"latest": "2026-01-01T00:00:00+00:00", "employees": found})
        if path.startswith("/employees/changed/tables/"):
            rows = self.tables.get(path.rsplit("/", 1)[1], [])
            found = {
                key: {
                    "lastChanged": at,
                    "rows": [
                        {k: v for k, v in row.items() if k != "employeeId"}
                        for row in rows
                        if row["employeeId"] == key
                    ],
                }
                for key, (_, at) in changed.items()
            }
            return answer({"table": "x", "employees": found})
        return answer(self.leave)


@dataclass
class Account(Vendor):
    """A NetSuite account whose tables are DuckDB's; local times of `zone` are what it prints."""

    zone: str = "America/New_York"
    now: str = "2026-03-10T12:00:00+00:00"
    hidden: set[str] = field(default_factory=set)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    private_key: str = ""

    def config(self, **more: Any) -> dict[str, Any]:
        key = {"client_id": "client", "certificate_id": "certificate", "private_key": self.private_key}
        return super().config(**key, time_zone=self.zone, **more)

    def reply(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return answer({"access_token": TOKEN, "expires_in": "3600", "token_type": "bearer"})
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return answer({"title": "Unauthorized", "status": 401}, 401)
        if request.headers.get("prefer") != "transient":
            return self._wrong("Prefer: transient is missing")
        ask = {key: int(value[0]) for key, value in parse_qs(request.url.query.decode()).items()}
        query = json.loads(request.content)["q"]
        named = set(re.findall(r"FROM (\w+)", query))
        if named & self.hidden or named - self.tables.keys():
            return self._wrong(f"Invalid search query. Record '{', '.join(named)}' was not found.")
        try:
            rows = self._run(query)
        except duckdb.BinderException as problem:
            column = re.search(r'column named "(\w+)"|column "?(\w+)"?', str(problem))
            return self._wrong(
                f"Field '{column[1] or column[2] if column else '?'}' for record 'x' was not found."
            )
        part = rows[ask["offset"] : ask["offset"] + ask["limit"]]
        items = [
            {"links": [], **{k.lower(): str(v) for k, v in row.items() if v is not None}} for row in part
        ]
        more = ask["offset"] + ask["limit"] < len(rows)
        return answer({"count": len(items), "hasMore": more, "offset": ask["offset"], "items": items})

    def _run(self, query: str) -> list[dict[str, Any]]:
        connection = duckdb.connect()
        local = f"timestamptz '{self.now}' at time zone '{self.zone}'"
        query = query.replace("SYSDATE", f"({local})")
        for written, read in (("YYYY-MM-DD HH24:MI:SS", "%Y-%m-%d %H:%M:%S"), ("YYYY-MM-DD", "%Y-%m-%d")):
            query = query.replace(f"'{written}'", f"'{read}'")
        query = query.replace("TO_TIMESTAMP(", "strptime(").replace("TO_CHAR(", "print_stamp(")
        connection.execute("create macro print_stamp(x, f) as strftime(x::timestamp, f)")
        for name, rows in self.tables.items():
            columns = {key: None for row in rows for key in row}
            kinds = {
                key: _kind(next((r[key] for r in rows if r.get(key) is not None), "")) for key in columns
            }
            connection.execute(
                f"create table {name} ({', '.join(f'{k} {v}' for k, v in kinds.items()) or 'id int'})"
            )
            if rows and columns:
                texts = {
                    key: pa.array([None if r.get(key) is None else str(r[key]) for r in rows], pa.string())
                    for key in columns
                }
                connection.register("told", pa.table(texts))
                cast = ", ".join(f"cast({key} as {kind})" for key, kind in kinds.items())
                connection.execute(f"insert into {name} select {cast} from told")
        cursor = connection.execute(query)
        names = [item[0] for item in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @staticmethod
    def _wrong(detail: str) -> httpx.Response:
        body = {"title": "Bad Request", "status": 400, "o:errorDetails": [{"detail": detail}]}
        return answer(body, 400)


def _kind(value: Any) -> str:
    if isinstance(value, datetime):
        return "timestamp"
    return "bigint" if isinstance(value, int) else "varchar"
