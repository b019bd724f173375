"""Recorded answers of an org on the Salesforce platform, queried over REST as the SOQL transport does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import httpx

from pipelines.conform.recorded import NEW_FIELD, Recorded, Row, answer
from pipelines.conform.vendor import Drift
from pipelines.manifest import Resource

TOKEN = "token-that-the-recorded-org-hands-out"  # noqa: S105 - made up, and looked for in every log
PER_PAGE = 3
TYPES = {"text": "string", "id": "id", "bool": "boolean", "date": "date", "ts": "datetime", "int": "int"}
SELECT = re.compile(r"SELECT (.+?) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY (.+))?$")
ROWS = re.compile(r"(\w+) (>=|<) (\S+)$|Id IN \((.+)\)$")


class RecordedOrg(Recorded):
    """An org. Deleted records show through queryAll and in the deleted feed; others are gone."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: dict[str, tuple[list[dict[str, Any]], int]] = {}

    def records(self, resource: Resource, page: Any) -> list[dict[str, Any]]:
        """`records` without their attributes. Raises ThroughlineError E-SRC-041 when there are none."""
        found = page.get("records") if isinstance(page, dict) else None
        if not isinstance(found, list):
            raise self._lacks(f"records in the pages of {resource.name}")
        return [{name: value for name, value in one.items() if name != "attributes"} for one in found]

    def is_login(self, request: httpx.Request) -> bool:
        """The token endpoint."""
        return request.url.path.endswith("/oauth2/token")

    def written(self, at: datetime) -> str:
        """With milliseconds and an offset without a colon."""
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def reply(self, request: httpx.Request) -> httpx.Response:
        """The REST interface."""
        path = request.url.path
        if self.is_login(request):
            sent = {name: value[0] for name, value in parse_qs(request.content.decode()).items()}
            if sent.get("client_secret") != self._settings.get("client_secret"):
                return answer({"error": "invalid_client"}, 400)
            return answer({"access_token": TOKEN, "instance_url": self._settings["base_url"]})
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return answer([{"message": "Session expired", "errorCode": "INVALID_SESSION_ID"}], 401)
        if path.endswith("/limits"):
            return answer({"DailyApiRequests": {"Max": 5000, "Remaining": 4982}})
        if path in self._open:
            return self._page(*self._open[path])
        described = re.search(r"/sobjects/(\w+)/(describe|deleted)", path)
        if described:
            resource = self._resource(described[1])
            if resource is None:
                return answer([{"message": f"no {described[1]}", "errorCode": "NOT_FOUND"}], 404)
            return self._describe(resource) if described[2] == "describe" else self._feed(resource, request)
        return self._query(
            parse_qs(request.url.query.decode())["q"][0], everything=path.endswith("/queryAll")
        )

    def _resource(self, name: str) -> Resource | None:
        return next((one for one in self.manifest.resources if one.object == name), None)

    def _describe(self, resource: Resource) -> httpx.Response:
        types = {item.name: TYPES.get(item.kind, "double") for item in resource.fields}
        if self._drift is not None and self._drift[1] == resource.name:
            kind, _, field = self._drift
            if kind is Drift.ADDED:
                types[NEW_FIELD] = "string"
            elif field is not None and kind is Drift.REMOVED:
                del types[field.name]
            elif field is not None:
                types[field.name] = "string"
        return answer({"name": resource.object, "fields": [{"name": n, "type": t} for n, t in types.items()]})

    def _feed(self, resource: Resource, request: httpx.Request) -> httpx.Response:
        span = {name: value[0] for name, value in parse_qs(request.url.query.decode()).items()}
        start, end = datetime.fromisoformat(span["start"]), datetime.fromisoformat(span["end"])
        gone = [
            {"id": row.values["Id"], "deletedDate": self.written(self.stamp(resource, row))}
            for row in self.rows[resource.name]
            if row.gone and start <= self.stamp(resource, row) < end
        ]
        reach = {"earliestDateAvailable": "2000-01-01T00:00:00.000+0000", "latestDateCovered": span["end"]}
        return answer({"deletedRecords": gone, **reach})

    def _query(self, query: str, *, everything: bool) -> httpx.Response:
        match = SELECT.match(query)
        resource = self._resource(match[2]) if match else None
        if match is None or resource is None:
            return answer([{"message": f"cannot read {query}", "errorCode": "MALFORMED_QUERY"}], 400)
        conditions = match[3].split(" AND ") if match[3] else []
        rows = [
            self._drifted(resource, row.values)
            for row in self.rows[resource.name]
            if (everything or not row.gone) and all(self._holds(row, one) for one in conditions)
        ]
        if "COUNT(" in match[1]:
            total: dict[str, Any] = {"attributes": {}, "total_rows": len(rows)}
            if summed := re.search(r"SUM\((\w+)\)", match[1]):
                total["total_amount"] = str(self._sum(rows, summed[1]))
            return answer({"totalSize": 1, "done": True, "records": [total]})
        order = [name.strip() for name in (match[4] or "Id").split(",")]
        rows.sort(key=lambda row: [str(row.get(name) or "") for name in order])
        names = [name.strip() for name in match[1].split(",")]
        shown: list[dict[str, Any]] = [
            {"attributes": {}, **{name: row.get(name) for name in names}} for row in rows
        ]
        return self._page(shown, 0)

    def _page(self, rows: list[dict[str, Any]], start: int) -> httpx.Response:
        end = start + PER_PAGE
        body: dict[str, Any] = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
        if end < len(rows):
            link = f"/services/data/v67.0/query/01g{len(self._open)}-{end}"
            self._open[link] = (rows, end)
            body["nextRecordsUrl"] = link
        return answer(body)

    @staticmethod
    def _sum(rows: list[dict[str, Any]], name: str) -> Decimal:
        return sum((Decimal(str(row[name])) for row in rows if row.get(name) is not None), Decimal(0))

    @staticmethod
    def _holds(row: Row, condition: str) -> bool:
        match = ROWS.match(condition.strip())
        if match is None:
            raise ValueError(f"the recorded org does not know {condition}")
        if match[4]:
            return str(row.values["Id"]) in re.findall(r"'([^']*)'", match[4])
        value, bound = datetime.fromisoformat(str(row.values[match[1]])), datetime.fromisoformat(match[3])
        return value >= bound if match[2] == ">=" else value < bound
