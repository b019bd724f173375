"""BambooHR as the firm's HR system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa

from pipelines.manifest import load_manifest
from pipelines.sources import Source, client, setting
from pipelines.store import table_resource
from pipelines.transports.json_pages import JsonReader, KeyLogin
from pipelines.versions import PRIMARY_KEY

MANIFEST = load_manifest(Path(__file__).with_name("source.yml"))


def reader(settings: Mapping[str, Any]) -> JsonReader:
    """A reader for the company that `settings` name.

    Needs base_url and api_key. Takes history_start (ISO date) and days_ahead, which bound the span that leave
    is read over, and limits.
    """
    login = KeyLogin(setting(settings, "api_key", MANIFEST.source))
    return JsonReader(
        http=client(MANIFEST.source, settings, login, secrets=[login.api_key]),
        history_start=date.fromisoformat(str(settings.get("history_start", "2000-01-01"))),
        days_ahead=int(settings.get("days_ahead", 730)),
    )


@dlt.source(name="bamboohr", max_table_nesting=0)
def bamboohr(rows: Mapping[str, Iterable[pa.Table]]) -> Iterator[Any]:
    """Employees, their dated employment, job and cost rows, and leave.

    `rows` holds the new versions of each resource of source.yml that has any.
    """
    for resource in MANIFEST.resources:
        if resource.name in rows:
            yield table_resource(resource.name, rows[resource.name], PRIMARY_KEY)


SOURCE = Source(MANIFEST, reader, bamboohr)
