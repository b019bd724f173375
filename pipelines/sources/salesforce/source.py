"""Salesforce as the firm's CRM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa

from pipelines.manifest import load_manifest
from pipelines.sources import Source
from pipelines.sources.platform import soql_reader
from pipelines.store import table_resource
from pipelines.transports.soql import SoqlReader
from pipelines.versions import PRIMARY_KEY

MANIFEST = load_manifest(Path(__file__).with_name("source.yml"))


def reader(settings: Mapping[str, Any]) -> SoqlReader:
    """A reader for the org that `settings` name."""
    return soql_reader(MANIFEST.source, settings)


@dlt.source(name="salesforce", max_table_nesting=0)
def salesforce(rows: Mapping[str, Iterable[pa.Table]]) -> Iterator[Any]:
    """Accounts, opportunities with their history and lines, and users.

    `rows` holds the new versions of each resource of source.yml that has any.
    """
    for resource in MANIFEST.resources:
        if resource.name in rows:
            yield table_resource(resource.name, rows[resource.name], PRIMARY_KEY)


SOURCE = Source(MANIFEST, reader, salesforce)
