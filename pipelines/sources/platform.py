"""What all sources on the Salesforce platform share: the login and the reader, by settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.sources import client, private_key, setting
from pipelines.transports.soql import SoqlReader, TokenLogin, quota_share


def soql_reader(source: str, settings: Mapping[str, Any]) -> SoqlReader:
    """A reader for one org.

    Needs base_url, client_id and client_secret (or username with private_key, PEM text or its path). Takes
    api_version, mode (auto, rest, bulk), currency (for an org with a single one), extra_columns and limits
    (bulk_above, bulk_page, job_timeout, quota_share, retry_budget).
    """
    key = private_key(settings, source)
    login = TokenLogin(
        client_id=setting(settings, "client_id", source),
        client_secret=None if key else setting(settings, "client_secret", source),
        private_key=key,
        username=setting(settings, "username", source) if key else None,
        audience=settings.get("audience"),
    )
    limits: Mapping[str, Any] = settings.get("limits", {})
    return SoqlReader(
        http=client(source, settings, login, secrets=[login.client_secret, key], quota=quota_share),
        api_version=str(settings.get("api_version", "67.0")),
        mode=str(settings.get("mode", "auto")),
        bulk_above=int(limits.get("bulk_above", 2000)),
        bulk_page=int(limits.get("bulk_page", 250_000)),
        job_timeout=float(limits.get("job_timeout", 7200)),
        fallbacks={"currency": str(settings["currency"])} if settings.get("currency") else {},
        extra_columns=bool(settings.get("extra_columns", True)),
    )
