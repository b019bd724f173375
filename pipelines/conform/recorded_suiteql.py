"""Recorded answers of a NetSuite account, queried as the SuiteQL transport does, with DuckDB behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import duckdb
import httpx

from pipelines.conform.recorded import Recorded, answer
from pipelines.contract import quoted
from pipelines.manifest import Resource

TOKEN = "token-that-the-recorded-account-hands-out"  # noqa: S105 - made up, and looked for in every log
FORMATS = {"YYYY-MM-DD HH24:MI:SS": "%Y-%m-%d %H:%M:%S", "YYYY-MM-DD": "%Y-%m-%d"}
SQL = {"ts": "timestamp", "date": "date"}


@cache
def throwaway_key() -> str:
    """A private key that opens nothing, made anew for each process."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class RecordedAccount(Recorded):
    """An account in UTC. Deleted records are gone from their table and stand in `deletedrecord`."""

    def records(self, resource: Resource, page: Any) -> list[dict[str, Any]]:
        """`items` without their links. Raises ThroughlineError E-SRC-041 when there are none."""
        found = page.get("items") if isinstance(page, dict) else None
        if not isinstance(found, list):
            raise self._lacks(f"items in the pages of {resource.name}")
        return [{name: value for name, value in one.items() if name != "links"} for one in found]

    def settings(self) -> Mapping[str, Any]:
        """The recorded settings with a key of their own."""
        return {**super().settings(), "private_key": throwaway_key(), "time_zone": "UTC"}

    def secrets(self) -> frozenset[str]:
        """The key; ids are none."""
        return frozenset({throwaway_key()})

    def is_login(self, request: httpx.Request) -> bool:
        """The token endpoint."""
        return request.url.path.endswith("/token")

    def written(self, at: datetime) -> str:
        """As TO_CHAR writes it, in the account's zone."""
        return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

    def reply(self, request: httpx.Request) -> httpx.Response:
        """The query service."""
        if self.is_login(request):
            return answer({"access_token": TOKEN, "expires_in": "3600", "token_type": "bearer"})
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return answer({"title": "Unauthorized", "status": 401}, 401)
        try:
            rows = self._run(json.loads(request.content)["q"])
        except duckdb.CatalogException as problem:
            return _wrong(f"Invalid search query. Record '{problem}' was not found.")
        except duckdb.BinderException as problem:
            column = re.search(r'column named "(\w+)"|column "?(\w+)"?', str(problem))
            name = (column[1] or column[2]) if column else "?"
            return _wrong(f"Field '{name}' for record 'recorded' was not found.")
        limit, offset = (int(request.url.params[name]) for name in ("limit", "offset"))
        part = rows[offset : offset + limit]
        items = [
            {"links": [], **{name.lower(): str(value) for name, value in row.items() if value is not None}}
            for row in part
        ]
        return answer(
            {"count": len(items), "hasMore": offset + limit < len(rows), "offset": offset, "items": items}
        )

    def _run(self, query: str) -> list[dict[str, Any]]:
        with duckdb.connect() as connection:
            connection.execute("create macro print_stamp(x, f) as strftime(x::timestamp, f)")
            connection.execute("create table dual as select 1 as one")
            for resource in self.manifest.resources:
                self._fill(connection, resource)
            self._fill_deleted(connection)
            query = query.replace("SYSDATE", f"timestamp '{self.written(self._now)}'")
            for theirs, ours in FORMATS.items():
                query = query.replace(f"'{theirs}'", f"'{ours}'")
            query = query.replace("TO_TIMESTAMP(", "strptime(").replace("TO_CHAR(", "print_stamp(")
            query = re.sub(r"SUM\(([\w.]+)\)", r"sum(try_cast(\1 as decimal(38,4)))", query)
            cursor = connection.execute(query)
            names = [item[0] for item in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _fill(self, connection: duckdb.DuckDBPyConnection, resource: Resource) -> None:
        rows = self.shown(resource)
        names = list(dict.fromkeys(name.lower() for row in rows for name in row))
        kinds = {item.name.lower(): SQL.get(item.kind, "varchar") for item in resource.fields}
        columns = ", ".join(f"{quoted(name)} {kinds.get(name, 'varchar')}" for name in names)
        connection.execute(f"create table {quoted(resource.object)} ({columns or 'id varchar'})")
        for row in rows:
            values = {name.lower(): value for name, value in row.items()}
            marks = ", ".join("?" for _ in names)
            connection.execute(
                f"insert into {quoted(resource.object)} values ({marks})",
                [values.get(name) for name in names],
            )

    def _fill_deleted(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(
            "create table deletedrecord"
            " (recordid varchar, type varchar, scriptid varchar, name varchar, deleteddate timestamp)"
        )
        for resource in self.manifest.resources:
            for row in self.rows[resource.name]:
                if row.gone:
                    at = self.written(self.stamp(resource, row))
                    told = [row.values[resource.key[0]], resource.object, None, None, at]
                    connection.execute("insert into deletedrecord values (?, ?, ?, ?, ?)", told)


def _wrong(detail: str) -> httpx.Response:
    body = {"title": "Bad Request", "status": 400, "o:errorDetails": [{"detail": detail}]}
    return answer(body, 400)
