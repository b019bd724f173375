"""Files in the ports' own columns, for a firm or a part of it without APIs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa

from pipelines.manifest import load_manifest
from pipelines.sources import Source, served, setting
from pipelines.store import table_resource
from pipelines.transports.drop import DropReader
from pipelines.transports.files import FilesReader
from pipelines.versions import PRIMARY_KEY
from throughline.errors import error

MANIFEST = load_manifest(Path(__file__).with_name("source.yml"))


LAYOUTS: dict[str, type[FilesReader]] = {"folder": FilesReader, "drop": DropReader}


def reader(settings: Mapping[str, Any]) -> FilesReader:
    """A reader for the folder `path`; takes the `encoding` of its CSV files where that is not UTF-8.

    `layout`: `folder` with one file per port, or `drop` with deliveries and their manifests; `ports`: those
    that may come, where not all. Raises ThroughlineError E-SRC-031 for what is none of them.
    """
    layout = str(settings.get("layout", "folder"))
    if layout not in LAYOUTS:
        detail = f'layout = "{layout}" is none of {", ".join(LAYOUTS)}'
        raise error("E-SRC-031", source=MANIFEST.source, detail=detail)
    return LAYOUTS[layout](
        Path(setting(settings, "path", MANIFEST.source)).expanduser(),
        str(settings.get("encoding", "utf8")),
        [one.name for one in served(MANIFEST, settings.get("ports")).resources],
    )


@dlt.source(name="files", max_table_nesting=0)
def files(rows: Mapping[str, Iterable[pa.Table]]) -> Iterator[Any]:
    """One table per port.

    `rows` holds the new versions of each resource of source.yml that has any.
    """
    for resource in MANIFEST.resources:
        if resource.name in rows:
            yield table_resource(resource.name, rows[resource.name], PRIMARY_KEY)


SOURCE = Source(MANIFEST, reader, files)
