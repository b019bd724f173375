"""DocuSign as the firm's file of signed papers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa

from pipelines.manifest import load_manifest
from pipelines.sources import Source, client, private_key, setting
from pipelines.sources.docusign.reader import EnvelopeReader, JwtLogin, used_share
from pipelines.store import table_resource
from pipelines.versions import PRIMARY_KEY
from throughline.errors import error

MANIFEST = load_manifest(Path(__file__).with_name("source.yml"))


def reader(settings: Mapping[str, Any]) -> EnvelopeReader:
    """A reader for the account that `settings` name.

    Needs base_url (the account server), client_id, user_id and private_key (PEM text or its path). Takes
    account_id, history_start (ISO date), lists_bin, list_rows and limits.
    """
    source = MANIFEST.source
    key = private_key(settings, source)
    if key is None:
        raise error("E-SRC-002", source=source, setting="private_key")
    login = JwtLogin(
        client_id=setting(settings, "client_id", source),
        user_id=setting(settings, "user_id", source),
        private_key=key,
    )
    account = settings.get("account_id")
    first = date.fromisoformat(str(settings.get("history_start", "2000-01-01")))
    return EnvelopeReader(
        http=client(source, settings, login, secrets=[key, login.client_id, login.user_id], quota=used_share),
        settings=MANIFEST.settings,
        account_id=str(account) if account else None,
        history_start=datetime.combine(first, time(0), UTC),
        lists_bin=bool(settings.get("lists_bin", False)),
        list_rows=int(settings.get("list_rows", 5000)),
    )


@dlt.source(name="docusign", max_table_nesting=0)
def docusign(rows: Mapping[str, Iterable[pa.Table]]) -> Iterator[Any]:
    """Envelopes with the custom fields by which they are matched.

    `rows` holds the new versions of each resource of source.yml that has any.
    """
    for resource in MANIFEST.resources:
        if resource.name in rows:
            yield table_resource(resource.name, rows[resource.name], PRIMARY_KEY)


SOURCE = Source(MANIFEST, reader, docusign)
