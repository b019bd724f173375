"""Kinds whose vendors are platforms: objects and fields of one's own there carry the platform's marks."""

from __future__ import annotations

from typing import Any

from throughline.scaffold.domain import CREATED, UPDATED
from throughline.scaffold.kinds import Files, Kind, New, pretty

STAMPS = (CREATED, UPDATED)


class Soql(Kind):
    """A package on the Salesforce platform."""

    name = "soql"
    reached = "SOQL over REST and bulk jobs; client credentials"
    changed = "by SystemModstamp, with ten minutes of overlap"
    secrets = ("client_id", "client_secret")
    deleted = "flag, deleted-records feed, key compare"

    def field(self, column: str) -> str:
        """`Title__c`; what every object has bears no mark."""
        known = {"id": "Id", CREATED: "CreatedDate", UPDATED: "SystemModstamp", "currency": "CurrencyIsoCode"}
        return known.get(column) or f"{column.title()}__c"

    def address(self, new: New) -> str:
        """`Project__c`."""
        return f"{new.domain.resource.title()}__c"

    def head(self, new: New) -> str:
        """A transaction commits after its stamp is taken."""
        return "safety: 10m"

    def resource_lines(self, new: New) -> list[str]:
        """How deletions are seen."""
        return ["    deletes: {flag: IsDeleted, tombstone: true}"]

    def field_lines(self, new: New) -> list[str]:
        """The flag of a deleted record."""
        return ["      IsDeleted: bool?"]

    def settings(self, new: New) -> dict[str, str]:
        """Small lists are read over REST."""
        return {**super().settings(new), "mode": "rest"}

    def value(self, new: New, column: str, value: Any) -> Any:
        """Instants with milliseconds and an offset without a colon."""
        return value.replace("Z", ".000+0000") if column in STAMPS else value

    def source_py(self, new: New) -> str:
        """The platform's reader."""
        imports = [
            "from pipelines.manifest import load_manifest",
            "from pipelines.sources import Source",
            "from pipelines.sources.platform import soql_reader",
            "from pipelines.store import table_resource",
            "from pipelines.transports.soql import SoqlReader",
            "from pipelines.versions import PRIMARY_KEY",
        ]
        reader = '''def reader(settings: Mapping[str, Any]) -> SoqlReader:
    """A reader for the org that `settings` name."""
    return soql_reader(MANIFEST.source, settings)'''
        return self._source(new, "\n".join(imports), reader)

    def pages(self, new: New) -> Files:
        """One answer of the query interface."""
        attributes = {"type": self.address(new)}
        records = [{"attributes": attributes, **record, "IsDeleted": False} for record in self.records(new)]
        body = {"totalSize": len(records), "done": True, "records": records}
        return {f"{new.domain.resource}.1.json": pretty(body)}


class SuiteQl(Kind):
    """A custom record of a NetSuite account."""

    name = "suiteql"
    reached = "SuiteQL over HTTP; a signed assertion"
    changed = "by lastmodified, with a day of overlap, as stamps may have the precision of a day"
    secrets = ("client_id", "certificate_id", "private_key")
    deleted = "`deletedrecord`, key compare"
    lag = "24h"

    def field(self, column: str) -> str:
        """`custrecord_title`; what every record has bears no mark."""
        return {"id": "id", CREATED: "created", UPDATED: "lastmodified"}.get(column) or f"custrecord_{column}"

    def address(self, new: New) -> str:
        """`customrecord_kantata_project`."""
        return f"customrecord_{new.name}_{new.domain.resource}"

    def resource_lines(self, new: New) -> list[str]:
        """How deletions are seen."""
        return ["    deletes: {tombstone: true}"]

    def settings(self, new: New) -> dict[str, str]:
        """The key is made anew for each check: one that opens nothing has no place in a repository either."""
        return {name: value for name, value in super().settings(new).items() if name != "private_key"}

    def value(self, new: New, column: str, value: Any) -> Any:
        """Everything is text: T and F, local times."""
        if isinstance(value, bool):
            return "T" if value else "F"
        return value.removesuffix("Z").replace("T", " ") if column in STAMPS else value

    def source_py(self, new: New) -> str:
        """The account's reader."""
        imports = [
            "from pipelines.manifest import load_manifest",
            "from pipelines.sources import Source, client, private_key, setting",
            "from pipelines.store import table_resource",
            "from pipelines.transports.suiteql import CertificateLogin, SuiteqlReader",
            "from pipelines.versions import PRIMARY_KEY",
            "from throughline.errors import error",
        ]
        reader = '''def reader(settings: Mapping[str, Any]) -> SuiteqlReader:
    """A reader for the account that `settings` name.

    Needs base_url, client_id, certificate_id and private_key (PEM text or its path). Takes time_zone, limits.
    """
    key = private_key(settings, MANIFEST.source)
    if key is None:
        raise error("E-SRC-002", source=MANIFEST.source, setting="private_key")
    login = CertificateLogin(
        client_id=setting(settings, "client_id", MANIFEST.source),
        certificate_id=setting(settings, "certificate_id", MANIFEST.source),
        private_key=key,
    )
    return SuiteqlReader(
        http=client(MANIFEST.source, settings, login, secrets=[key]),
        zone=str(settings.get("time_zone", "UTC")),
    )'''
        return self._source(new, "\n".join(imports), reader)

    def pages(self, new: New) -> Files:
        """One answer of the query service, which leaves out what is empty."""
        items = [
            {"links": [], **{name: value for name, value in record.items() if value is not None}}
            for record in self.records(new)
        ]
        body = {"count": len(items), "hasMore": False, "offset": 0, "items": items}
        return {f"{new.domain.resource}.1.json": pretty(body)}
