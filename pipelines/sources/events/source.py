"""Events that other systems push: the inbox's spool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa

from pipelines.inbox.journal import folder_of
from pipelines.manifest import load_manifest
from pipelines.sources import Source, setting
from pipelines.store import table_resource
from pipelines.transports.inbox import InboxReader
from pipelines.versions import PRIMARY_KEY

MANIFEST = load_manifest(Path(__file__).with_name("source.yml"))


def reader(settings: Mapping[str, Any]) -> InboxReader:
    """A reader of the instance's spool in the home, or of the folder `spool` where it lies elsewhere."""
    if settings.get("spool"):
        return InboxReader(Path(str(settings["spool"])).expanduser(), MANIFEST.source)
    home = Path(setting(settings, "home", MANIFEST.source))
    return InboxReader(folder_of(home, str(settings.get("instance", "main"))), MANIFEST.source)


@dlt.source(name="events", max_table_nesting=0)
def events(rows: Mapping[str, Iterable[pa.Table]]) -> Iterator[Any]:
    """Received events.

    `rows` holds the new versions of each resource of source.yml that has any.
    """
    for resource in MANIFEST.resources:
        if resource.name in rows:
            yield table_resource(resource.name, rows[resource.name], PRIMARY_KEY)


SOURCE = Source(MANIFEST, reader, events)
