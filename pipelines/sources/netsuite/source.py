"""NetSuite as the firm's ERP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dlt
import pyarrow as pa

from pipelines.manifest import load_manifest
from pipelines.sources import Source, client, private_key, setting
from pipelines.store import table_resource
from pipelines.transports.suiteql import CertificateLogin, SuiteqlReader
from pipelines.versions import PRIMARY_KEY
from throughline.errors import error

MANIFEST = load_manifest(Path(__file__).with_name("source.yml"))


def reader(settings: Mapping[str, Any]) -> SuiteqlReader:
    """A reader for the account that `settings` name.

    Needs base_url, client_id, certificate_id and private_key (PEM text or its path). Takes time_zone (the
    account's, UTC unless set), check_time_zone, extra_columns and limits.
    """
    source = MANIFEST.source
    key = private_key(settings, source)
    if key is None:
        raise error("E-SRC-002", source=source, setting="private_key")
    zone = str(settings.get("time_zone", "UTC"))
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise error("E-SRC-002", source=source, setting=f"time_zone ({zone} is no zone)") from None
    login = CertificateLogin(
        client_id=setting(settings, "client_id", source),
        certificate_id=setting(settings, "certificate_id", source),
        private_key=key,
        algorithm=str(settings.get("algorithm", "PS256")),
    )
    return SuiteqlReader(
        http=client(source, settings, login, secrets=[key]),
        zone=zone,
        check_zone=bool(settings.get("check_time_zone", True)),
        extra_columns=bool(settings.get("extra_columns", True)),
    )


@dlt.source(name="netsuite", max_table_nesting=0)
def netsuite(rows: Mapping[str, Iterable[pa.Table]]) -> Iterator[Any]:
    """Entities, periods and rates, transactions with their lines and ledger lines, revenue, custom records.

    `rows` holds the new versions of each resource of source.yml that has any.
    """
    for resource in MANIFEST.resources:
        if resource.name in rows:
            yield table_resource(resource.name, rows[resource.name], PRIMARY_KEY)


SOURCE = Source(MANIFEST, reader, netsuite)
