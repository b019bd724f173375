"""What the pages ask of a published run: every page, for the whole firm and for one member of each grain.

`python -m tests.bench.pages HOME` prints the slowest.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from dashboards import data
from tests.support.pages import open_page
from throughline import warehouse
from throughline.home import Home

PAGES = (
    "home", "backlog", "wip", "margin", "revenue", "utilisation", "handoff", "collections", "exceptions",
    "close", "definitions",
)  # fmt: skip
# in the address: a grain and one of its members, the first by name
SCOPES = ("", *data.MEMBER_COLUMN)


@dataclass
class Visit:
    """A page as it was opened: seconds in all, and of each of its queries by their words."""

    page: str
    scope: str
    seconds: float = 0.0
    queries: list[tuple[float, str]] = field(default_factory=list)


def visits(home: Path) -> list[Visit]:
    """Open every page once for each scope, with nothing kept from the page before."""
    os.environ["THROUGHLINE_HOME"] = str(home)
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    read, found = data._read, list[Visit]()

    def timed(path: str, sql: str, parameters: Sequence[Any]) -> tuple[data.Row, ...]:
        started = time.monotonic()
        rows = read(path, sql, parameters)
        found[-1].queries.append((time.monotonic() - started, sql))
        return rows

    data._read = timed
    try:
        for grain in SCOPES:
            scope = f"{grain}:{_member(home, grain)}" if grain else ""
            for page in PAGES:
                data._cached.clear()
                found.append(Visit(page, scope))
                started = time.monotonic()
                app = open_page(page, timeout=600, **({"scope": scope} if scope else {}))
                found[-1].seconds = time.monotonic() - started
                # a page says itself that a part of it failed
                if failed := [*app.exception, *app.error]:
                    where = scope or "the whole firm"
                    raise SystemExit(f"the page {page} failed at {where}: {failed[0].value}")
    finally:
        data._read = read
        st.cache_resource.clear()
    return found


def _member(home: Path, grain: str) -> str:
    column = data.MEMBER_COLUMN[grain]
    connection = warehouse.open_published(Home(home))
    try:
        row = connection.execute(
            f"select min({column}) from marts.metric_value where grain = ?", [grain]
        ).fetchone()
    finally:
        connection.close()
    assert row is not None, "an aggregate has a row"
    return str(row[0])


def main() -> None:
    """Print visits and queries, slowest first."""
    found = visits(Path(sys.argv[1]))
    for one in sorted(found, key=lambda visit: -visit.seconds)[:15]:
        asked = sum(seconds for seconds, _ in one.queries)
        count = len(one.queries)
        print(f"{one.seconds:7.2f} s, {asked:6.2f} s of it in {count} queries: {one.page} {one.scope}")
    queries = [(seconds, visit.page, sql) for visit in found for seconds, sql in visit.queries]
    for seconds, page, sql in sorted(queries, key=lambda query: -query[0])[:15]:
        print(f"{seconds * 1000:7.0f} ms {page}: {' '.join(sql.split())[:200]}")


if __name__ == "__main__":
    main()
