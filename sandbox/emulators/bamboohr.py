"""BambooHR: API key or bearer token, employees by cursor, the changed feeds, tables, time off, datasets.

Objects of its store: Employee, TimeOffRequest, one object per table (with id and employeeId), others that are
read as tables or datasets (Holiday). A table's feed also tells of rows that went away, since it names every
changed employee and sends all rows that are left.

Switches (settings), for what is not verified of the vendor or differs per company:
  restricted         {"Employee": ["ssn"]}: fields the key may not read; null, and named in _restrictedFields
  empty_value        "null" or "blank": how a field without a value is written
  page_limit         most employees a page holds (1000); without page[limit] it holds 100
  company_timezone   zone of the dates in a time-off status ("America/Denver")
  time_off_nested    whether a time-off request nests status, type and amount as objects (true); false is flat
  old_endpoints_xml  whether endpoints of the first kind answer XML unless JSON is asked for (true)
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

import pyarrow as pa
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.emulators.catalogue import Catalogue, Column
from sandbox.emulators.plumbing import Emulator, Exchange, RefusedError, bearer
from sandbox.emulators.store import ObjectDef, quote, utc_naive
from throughline.clock import parse_instant

EMPLOYEE, TIME_OFF = "Employee", "TimeOffRequest"
DEFAULT_FIELDS = ("firstName", "lastName", "preferredName", "jobTitleName", "status")
ACTIONS = {"inserted": "Inserted", "updated": "Updated", "deleted": "Deleted"}
FAULTS = {
    "503": (503, "Service Unavailable"),
    "429_seconds": (429, "Too Many Requests"),
    "429_date": (429, "Too Many Requests"),
    "request_limit": (429, "Too Many Requests"),
    "unexpected_error": (500, "Internal Server Error"),
    "query_timeout": (504, "Gateway Timeout"),
    "session_expired": (401, "Unauthorized"),
}
_FILTER = re.compile(r"\s*(\w+)\s+(eq|ne|gt|ge|lt|le)\s+('(?:[^']|'')*'|-?\d+(?:\.\d+)?|true|false|null)\s*")
_OPERATORS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def problem(status: int, message: str) -> Response:
    """An error, whose text travels in a header too."""
    return JSONResponse(
        {"error": {"status": status, "message": message}},
        status,
        headers={"X-BambooHR-Error-Message": message},
    )


class BambooHR(Emulator):
    """The company."""

    vendor: ClassVar[str] = "bamboohr"
    defaults: ClassVar[dict[str, Any]] = {
        "restricted": {},
        "empty_value": "null",
        "page_limit": 1000,
        "company_timezone": "America/Denver",
        "time_off_nested": True,
        "old_endpoints_xml": True,
    }

    def __init__(
        self,
        root: Path,
        credentials: Mapping[str, Any],
        settings: Mapping[str, Any] | None = None,
        store: str | None = None,
    ) -> None:
        super().__init__(root, credentials, settings, store)
        self.catalogue = Catalogue(self.store, self.faults, lambda _definition: [])

    def routes(self) -> list[Route]:
        """Paths of the company's API."""
        table = [
            ("GET", "/api/v1/employees", self.employees),
            ("GET", "/api/v1/employees/changed", self.changed),
            ("GET", "/api/v1/employees/changed/", self.changed),
            ("GET", "/api/v1/employees/changed/tables/{table}", self.changed_table),
            ("GET", "/api/v1/employees/{id}/tables/{table}", self.employee_table),
            ("GET", "/api/v1/time_off/requests", self.time_off),
            ("GET", "/api/v1/time_off/requests/", self.time_off),
            ("POST", "/api/v2/datasets/{name}/data", self.dataset),
        ]
        routes = [Route(path, self.endpoint(handler), methods=[method]) for method, path, handler in table]
        routes.append(Route("/api/{rest:path}", self.endpoint(self.unknown), methods=["GET", "POST"]))
        return routes

    def failure(self, kind: str) -> Response:
        """The vendor's answer for a fault."""
        return problem(*FAULTS[kind])

    def unknown(self, exchange: Exchange) -> Response:
        """Any other path."""
        return problem(404, "Not Found")

    # --- who may ask, and for what

    def _enter(self, exchange: Exchange, name: str) -> ObjectDef:
        """The object asked for, the key being good. Raises RefusedError 401, 403 or 404."""
        key = str(self.credentials["bamboohr"]["api_key"])
        given = bearer(exchange)
        header = exchange.headers.get("authorization", "")
        if given is None and header.lower().startswith("basic "):
            try:
                given = base64.b64decode(header[6:]).decode("utf-8").partition(":")[0]
            except ValueError:
                given = None
        if not secrets.compare_digest(given or "", key):
            raise RefusedError(problem(401, "Unauthorized"))
        known = self.store.object(name)
        self.strike(exchange, known.name if known else name)
        if known is None:
            raise RefusedError(problem(404, f"Table {name} does not exist"))
        if self.faults.standing("permission_lost", known.name):
            raise RefusedError(problem(403, "Forbidden"))
        return known

    def _restricted(self, definition: ObjectDef) -> set[str]:
        """Lower-case names of fields that the key may not read."""
        named = {str(item).lower() for item in dict(self.settings["restricted"]).get(definition.name, ())}
        rules = self.faults.standing("field_hidden", definition.name)
        return named | {str(rule.params.get("field", "")).lower() for rule in rules}

    def _all_columns(self, definition: ObjectDef) -> dict[str, Column]:
        """Fields by lower-case name; restricted ones included, since they are shown as null."""
        columns = dict(self.catalogue.columns(definition))
        for name, item in definition.fields.items():
            if name.lower() in self._restricted(definition):
                columns.setdefault(
                    name.lower(), Column(name, item.type, item.sql_type, name, item, "{a}." + quote(name))
                )
        return columns

    def _shown(self, value: Any) -> Any:
        """A value as this vendor writes it: a string, whatever it is."""
        if value is None:
            return None if self.settings["empty_value"] == "null" else ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Decimal):
            text = format(value, "f")
            return text.rstrip("0").rstrip(".") if "." in text else text
        if isinstance(value, datetime):
            return _stamp(value)
        if isinstance(value, date):
            return value.isoformat()
        return str(value)

    def _select(
        self,
        definition: ObjectDef,
        names: list[str],
        where: str,
        params: list[Any] | None = None,
        extra: str = "",
    ) -> pa.Table:
        """Columns `names` (canonical) of the live rows of `definition` by key, then `extra` columns."""
        columns = self._all_columns(definition)
        hidden = self._restricted(definition)
        selected = [
            ("null" if name.lower() in hidden else columns[name.lower()].sql("t")) + f" as {quote(name)}"
            for name in names
        ]
        order = ", ".join(f"t.{quote(part)}" for part in definition.key)
        return self.store.query(
            f"select {', '.join(selected)}{extra} from {self.store.state(definition.name)} as t "
            f"where t._op <> 'delete' and {where} order by {_numerically(order)}",
            params,
        )

    def _old(self, exchange: Exchange, body: Any, root: str) -> Response:
        """An answer of an endpoint of the first kind: XML, unless JSON is asked for by name."""
        if self.settings["old_endpoints_xml"] and "json" not in exchange.headers.get("accept", "").lower():
            return Response(_xml(root, body), media_type="application/xml")
        return JSONResponse(body)

    # --- employees

    def employees(self, exchange: Exchange) -> Response:
        """A page of employees by cursor."""
        definition = self._enter(exchange, EMPLOYEE)
        query = exchange.query
        try:
            limit = min(max(int(query.get("page[limit]", "100")), 1), int(self.settings["page_limit"]))
            start = _open_cursor(query.get("page[after]"))
        except ValueError:
            return problem(400, "Invalid page parameter")
        columns = self._all_columns(definition)
        key = definition.key[0]
        # A name that is not a field is ignored, not refused.
        asked = [name.strip() for name in query.get("fields", ",".join(DEFAULT_FIELDS)).split(",")]
        names = [columns[name.lower()].name for name in asked if name.lower() in columns]
        names = [name for name in dict.fromkeys(names) if name != key]
        where, params = ["true"], []
        hidden = self._restricted(definition)
        for name, value in query.items():
            match = re.fullmatch(r"filter\[(\w+)\]", name)
            if match is None or match.group(1).lower() not in columns:
                continue
            column = columns[match.group(1).lower()]
            if column.name.lower() in hidden:
                # Who may not see the value may not be found by it.
                where.append("false")
                continue
            params.append(value)
            where.append(f"lower(cast({column.sql('t')} as VARCHAR)) = lower(${len(params)})")
        table = self.whole(exchange, self._select(definition, [key, *names], " and ".join(where), params))
        self.check_timeout(exchange, table.num_rows)
        part = self.page(exchange, table, start, limit)
        restricted = [name for name in names if name.lower() in hidden]
        rows = []
        for row in part.table.to_pylist():
            shown = {"employeeId": self._shown(row[key])}
            shown.update({name: None if name in restricted else self._shown(row[name]) for name in names})
            rows.append({**shown, "_restrictedFields": restricted})
        following = start if part.stuck or part.held else start + limit
        cursor = _cursor(following, fresh=part.held) if following < table.num_rows else None
        link = f"{exchange.base}/api/v1/employees?page[limit]={limit}&page[after]={cursor}"
        return JSONResponse(
            {
                "data": rows,
                "meta": {
                    "total": table.num_rows,
                    "page": {
                        "limit": limit,
                        "nextCursor": cursor,
                        "prevCursor": _cursor(max(start - limit, 0)) if start else None,
                    },
                },
                "_links": {"next": {"href": link} if cursor else None},
            }
        )

    def changed(self, exchange: Exchange) -> Response:
        """Employees inserted, updated or deleted since an instant."""
        definition = self._enter(exchange, EMPLOYEE)
        since = _since(exchange)
        if since is None:
            return problem(400, "since must be an ISO 8601 instant")
        kind = exchange.query.get("type", "all").lower()
        if kind not in (*ACTIONS, "all"):
            return problem(400, "type must be inserted, updated, deleted or all")
        key = quote(definition.key[0])
        rows = self.store.rows(
            f"select cast({key} as VARCHAR), case when _op = 'delete' then 'deleted' "
            "when _created >= $1 then 'inserted' else 'updated' end as action, "
            "case when _op = 'delete' then _since else _modified end as moved "
            f"from {self.store.state(definition.name)} "
            "where (case when _op = 'delete' then _since else _modified end) >= $1 order by moved, 1",
            [since],
        )
        found = {
            row[0]: {"id": row[0], "action": ACTIONS[row[1]], "lastChanged": _stamp(row[2])}
            for row in rows
            if kind in ("all", row[1])
        }
        exchange.note["rows"] = len(found)
        latest = max((row[2] for row in rows), default=self.store.now)
        return self._old(exchange, {"latest": _stamp(latest), "employees": found}, "changes")

    # --- tables

    def changed_table(self, exchange: Exchange) -> Response:
        """All rows of a table for every employee with a change in it since an instant."""
        definition = self._enter(exchange, str(exchange.params["table"]))
        since = _since(exchange)
        if since is None:
            return problem(400, "since must be an ISO 8601 instant")
        owner = _owner(definition)
        if owner is None:
            return problem(404, "Not a table of employees")
        # Every version counts, so that a row deleted or purged since also marks its employee.
        moved = self.store.rows(
            f"select cast({quote(owner)} as VARCHAR), max(_valid_from) "
            f"from {self.store.versions(definition.name)} "
            "where _valid_from >= $1 and _valid_from <= $2 and _modified = _valid_from group by 1",
            [since, self.store.now],
        )
        stamps = {row[0]: row[1] for row in moved}
        names = self._names(definition)
        table = self._select(
            definition,
            names,
            f"cast(t.{quote(owner)} as VARCHAR) in (select unnest($1::VARCHAR[]))",
            [list(stamps)],
            f", cast(t.{quote(owner)} as VARCHAR) as _owner",
        )
        table = self.whole(exchange, table)
        employees: dict[str, Any] = {
            key: {"lastChanged": _stamp(stamps[key]), "rows": []} for key in sorted(stamps, key=_as_number)
        }
        for row in table.to_pylist():
            employees[str(row.pop("_owner"))]["rows"].append(
                {name: self._shown(value) for name, value in row.items()}
            )
        exchange.note["rows"] = table.num_rows
        return self._old(exchange, {"table": definition.name, "employees": employees}, "table")

    def employee_table(self, exchange: Exchange) -> Response:
        """Rows of a table for one employee, or for all of them when the id is `all`."""
        definition = self._enter(exchange, str(exchange.params["table"]))
        owner = _owner(definition)
        wanted = str(exchange.params["id"])
        where, params = "true", []
        if owner is not None and wanted != "all":
            where, params = f"cast(t.{quote(owner)} as VARCHAR) = $1", [wanted]
        table = self.whole(exchange, self._select(definition, self._names(definition), where, params))
        rows = [
            {name: self._shown(value) for name, value in row.items()}
            for row in self.page(exchange, table, 0, max(table.num_rows, 1)).table.to_pylist()
        ]
        return self._old(exchange, rows, "table")

    def _names(self, definition: ObjectDef) -> list[str]:
        return [column.name for column in self._all_columns(definition).values()]

    # --- time off

    def time_off(self, exchange: Exchange) -> Response:
        """Requests that overlap a span of days; both ends are required."""
        definition = self._enter(exchange, TIME_OFF)
        try:
            first, last = (date.fromisoformat(exchange.query[name]) for name in ("start", "end"))
        except (KeyError, ValueError):
            return problem(400, "start and end are required, as YYYY-MM-DD")
        columns = self._all_columns(definition)
        names = self._names(definition)
        starts, ends = columns["start"].sql("t"), columns["end"].sql("t")
        table = self._select(
            definition,
            names,
            f"cast({starts} as DATE) <= $1 and cast({ends} as DATE) >= $2",
            [last, first],
            ", t._modified as _moved",
        )
        table = self.whole(exchange, table)
        zone = ZoneInfo(str(self.settings["company_timezone"]))
        rows = []
        for row in self.page(exchange, table, 0, max(table.num_rows, 1)).table.to_pylist():
            moved: datetime = row.pop("_moved")
            local = moved.replace(tzinfo=UTC).astimezone(zone).date().isoformat()
            shown = {name: self._shown(value) for name, value in row.items()}
            nested = self.settings["time_off_nested"]
            rows.append(_time_off_shape(shown, local) if nested else {**shown, "lastChanged": local})
        return self._old(exchange, rows, "requests")

    # --- datasets

    def dataset(self, exchange: Exchange) -> Response:
        """A page of any object as a dataset, with field list, filter and order."""
        definition = self._enter(exchange, _dataset_object(str(exchange.params["name"])))
        body = exchange.json()
        body = body if isinstance(body, dict) else {}
        columns = self._all_columns(definition)
        asked = [str(name) for name in body.get("fields") or self._names(definition)]
        names = [columns[name.lower()].name for name in asked if name.lower() in columns]
        try:
            page, size = int(body.get("page", 1)), int(body.get("pageSize", 500))
        except (TypeError, ValueError):
            return problem(400, "page and pageSize must be whole numbers")
        if size > 1000:
            return problem(413, "pageSize is at most 1000")
        if page < 1 or size < 1 or not names:
            return problem(400, "fields, page and pageSize are required")
        where = self._filter(definition, columns, str(body.get("filter") or ""))
        if where is None:
            return problem(400, "Invalid filter")
        table = self.whole(exchange, self._select(definition, list(dict.fromkeys(names)), where))
        order = str(body.get("orderBy") or "").split()
        if order and order[0] in table.column_names:
            table = table.sort_by([(order[0], "descending" if order[-1].lower() == "desc" else "ascending")])
        part = self.page(exchange, table, (page - 1) * size, size)
        pages = max(-(-table.num_rows // size), 1)
        here = f"{exchange.base}{exchange.path}"
        after = page if part.stuck else page + 1
        return JSONResponse(
            {
                "data": [
                    {"fields": {name: self._shown(value) for name, value in row.items()}}
                    for row in part.table.to_pylist()
                ],
                "links": {"next": f"{here}?page={after}" if after <= pages and page < pages else None},
                "meta": {"page": page, "pageSize": size, "totalPages": pages, "totalItems": table.num_rows},
            }
        )

    def _filter(self, definition: ObjectDef, columns: dict[str, Column], text: str) -> str | None:
        """SQL of `field eq 'x' and ...`; None when it is not understood."""
        if not text.strip():
            return "true"
        tests = []
        hidden = self._restricted(definition)
        for part in re.split(r"\band\b(?=(?:[^']*'[^']*')*[^']*$)", text):
            match = _FILTER.fullmatch(part)
            if match is None or match.group(1).lower() not in columns:
                return None
            column = columns[match.group(1).lower()]
            if column.name.lower() in hidden:
                tests.append("false")
            elif match.group(3) == "null":
                tests.append(f"{column.sql('t')} is {'not ' if match.group(2) == 'ne' else ''}null")
            else:
                tests.append(f"{column.sql('t')} {_OPERATORS[match.group(2)]} {match.group(3)}")
        return " and ".join(tests)


def _dataset_object(name: str) -> str:
    return {"employees": EMPLOYEE, "employee": EMPLOYEE, "timeoffrequests": TIME_OFF}.get(name.lower(), name)


def _owner(definition: ObjectDef) -> str | None:
    return next((name for name in definition.fields if name.lower() == "employeeid"), None)


def _numerically(order: str) -> str:
    """Ids are numbers written as text: 9 comes before 10."""
    first = order.split(", ")[0]
    return f"try_cast({first} as BIGINT) nulls last, {order}"


def _as_number(key: str) -> tuple[int, str]:
    return (int(key) if key.isdigit() else 0, key)


def _since(exchange: Exchange) -> datetime | None:
    try:
        return utc_naive(parse_instant(exchange.query["since"].replace(" ", "+")))
    except (KeyError, ValueError):
        return None


def _stamp(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat() + "+00:00"


def _cursor(offset: int, *, fresh: bool = False) -> str:
    """`fresh` makes one that was not given out before, though it leads to the same rows."""
    content = {"after": offset, **({"turn": secrets.token_hex(4)} if fresh else {})}
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _open_cursor(cursor: str | None) -> int:
    if not cursor:
        return 0
    return int(json.loads(base64.urlsafe_b64decode(cursor))["after"])


def _time_off_shape(row: dict[str, Any], changed: str) -> dict[str, Any]:
    """A request with status, type and amount as the objects that this endpoint nests."""
    shaped = dict(row)
    if "status" in row:
        by = shaped.pop("statusLastChangedByUserId", None)
        shaped["status"] = {"lastChanged": changed, "lastChangedByUserId": by, "status": row["status"]}
    if "type" in row:
        shaped["type"] = {"id": shaped.pop("typeId", None), "name": row["type"]}
    if "amount" in row:
        shaped["amount"] = {"unit": shaped.pop("unit", None) or "hours", "amount": row["amount"]}
    return shaped


def _xml(name: str, value: Any) -> str:
    """Plain XML of an answer, enough to show a client that it did not ask for JSON."""
    return '<?xml version="1.0"?>\n' + _element(name, value)


def _element(name: str, value: Any) -> str:
    tag = name if re.fullmatch(r"[A-Za-z_][\w.-]*", name) else "item"
    mark = f" id={quoteattr(name)}" if tag != name else ""
    if isinstance(value, dict):
        inner = "".join(_element(str(key), item) for key, item in value.items())
    elif isinstance(value, list):
        inner = "".join(_element("row", item) for item in value)
    else:
        inner = "" if value is None else escape(str(value))
    return f"<{tag}{mark}>{inner}</{tag}>"
