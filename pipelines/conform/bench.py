"""A home of its own for every check, a clock that it moves, and questions to what was landed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from pipelines.conform.subject import Subject
from pipelines.conform.vendor import Vendor
from pipelines.contract import quoted
from pipelines.landing import ResourceResult, SourceResult, run_source
from pipelines.manifest import Manifest, Resource
from pipelines.store import literal
from throughline import clock

# read only what the cursor says, as above the number of rows up to which all keys are compared every time
BY_CURSOR = {"key_compare_rows": 0, "key_compare_days": 9999}


# To start DuckDB takes longer than most questions: one without a file of its own stays for all of them.
_standing: list[duckdb.DuckDBPyConnection] = []
_names = count()


def ask(path: Path, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Rows of a query over the DuckDB file at `path`, which is let go of afterwards."""
    if not _standing:
        _standing.append(duckdb.connect(":memory:"))
    name = f"asked_{next(_names)}"
    with _standing[0].cursor() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {literal(str(path))} as {name} (read_only)")
        try:
            connection.execute(f"use {name}")
            return connection.execute(query, parameters).fetchall()
        finally:
            connection.execute("use memory")
            connection.execute(f"detach {name}")


class FoundWrongError(Exception):
    """A check has found something; the text says what, for whoever wrote the source."""


@dataclass
class Bench:
    """One check's world. `subject` has been landed once when a check that asks for it begins."""

    manifest: Manifest
    subject: Subject
    vendor: Vendor
    home: Path
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    waits: list[float] = field(default_factory=list)
    instance: str = "main"

    def land(
        self, resources: Sequence[Resource] | None = None, *, hours: float = 24, **limits: Any
    ) -> SourceResult:
        """Land the subject (or the resources named) some time later."""
        self.now += timedelta(hours=hours)
        self.vendor.at(self.now)
        told = dict(self.vendor.settings())
        told["sleep"] = self.waits.append
        told["limits"] = {**told.get("limits", {}), **limits}
        with self.clock():
            return run_source(
                self.manifest.source,
                self.instance,
                self.home,
                told,
                "conform",
                [item.name for item in resources or [self.subject.resource]],
            )

    def one(self, **limits: Any) -> ResourceResult:
        """Land the subject; how it fared."""
        [found] = self.land(**limits).resources
        return found

    def good(self, why: str, **limits: Any) -> ResourceResult:
        """Land the subject, which has to succeed. Raises FoundWrongError."""
        found = self.one(**limits)
        if found.status != "OK":
            raise FoundWrongError(f"{why}: {found.error}")
        return found

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Our clock at the bench's time."""
        before = os.environ.get(clock.VARIABLE)
        os.environ[clock.VARIABLE] = self.now.isoformat()
        try:
            yield
        finally:
            if before is None:
                del os.environ[clock.VARIABLE]
            else:
                os.environ[clock.VARIABLE] = before

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the raw warehouse of the bench's home."""
        return ask(self.home / "raw.duckdb", query, parameters)

    def table(self, resource: Resource | None = None) -> str:
        """The landed table of a resource, in SQL."""
        name = (resource or self.subject.resource).name
        return f"{quoted(f'{self.manifest.source}_{self.instance}')}.{quoted(name)}"

    def live(self, resource: Resource | None = None) -> list[str]:
        """Record ids landed and not deleted, in order."""
        rows = self.sql(
            f"select tl_record_id from {self.table(resource)} group by 1"
            " having not arg_max(tl_is_deleted, tl_loaded_at) order by 1"
        )
        return [row[0] for row in rows]

    def versions(self, key: str) -> list[tuple[bool, str, str | None]]:
        """Deleted flag, payload hash and the subject's text of a record's versions, in load order."""
        return [
            (row[0], row[1], row[2])
            for row in self.sql(
                f"select tl_is_deleted, tl_payload_hash, {quoted(self.subject.text.column)}"
                f" from {self.table()} where tl_record_id = ? order by tl_loaded_at",
                [key],
            )
        ]

    def newest_stamp(self) -> datetime:
        """The newest stamp landed of the subject; now when its rows bear none."""
        [(stamp,)] = self.sql(f"select max(tl_source_updated_at) from {self.table()}")
        return stamp if isinstance(stamp, datetime) else self.now

    def total(self, resource: Resource) -> Decimal | None:
        """The landed live sum of a resource's control amount; none when it has none."""
        if resource.control_amount is None:
            return None
        column = quoted(resource.field(resource.control_amount).column)
        [(total,)] = self.sql(
            f"with latest as (select tl_record_id, arg_max_null({column}, tl_loaded_at) as amount,"
            f" arg_max(tl_is_deleted, tl_loaded_at) as gone from {self.table(resource)} group by 1)"
            " select coalesce(sum(amount), 0) from latest where not gone"
        )
        return Decimal(total)
