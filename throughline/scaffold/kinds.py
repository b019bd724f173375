"""What differs between the ways of talking to a vendor: names of fields there, the connector, the pages.

Whatever the vendor calls a field, it lands in the column of the domain's name for it, so that the models are
the same for all kinds.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from string import Template
from typing import Any

from throughline.scaffold.domain import CREATED, UPDATED, Domain

Files = dict[str, str]
PER_PAGE = 4
SOURCE = Template(
    '''"""$title as the firm's $system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa

$imports

MANIFEST = load_manifest(Path(__file__).with_name("source.yml"))


$reader


@dlt.source(name="$name", max_table_nesting=0)
def $name(rows: Mapping[str, Iterable[pa.Table]]) -> Iterator[Any]:
    """$what

    `rows` holds the new versions of each resource of source.yml that has any.
    """
    for resource in MANIFEST.resources:
        if resource.name in rows:
            yield table_resource(resource.name, rows[resource.name], PRIMARY_KEY)


SOURCE = Source(MANIFEST, reader, $name)
'''
)
SYSTEMS = {
    "crm": "CRM",
    "psa": "PSA",
    "hr": "HR system",
    "erp": "ERP",
    "procurement": "procurement system",
}


@dataclass(frozen=True)
class New:
    """The source to be made."""

    name: str
    domain: Domain

    @property
    def title(self) -> str:
        """The name as people write it."""
        return self.name.capitalize()


class Kind(ABC):
    """One way of talking to a vendor. `reached` and `changed` are sentences for the README."""

    name: str
    reached: str
    changed: str
    secrets: tuple[str, ...]
    deleted = "the key compare, on every load up to 20,000 rows and weekly above"
    lag = "10m"

    @abstractmethod
    def field(self, column: str) -> str:
        """What the vendor calls the field that lands in `column`."""

    @abstractmethod
    def address(self, new: New) -> str:
        """What the vendor calls the resource: `object` of source.yml."""

    @abstractmethod
    def source_py(self, new: New) -> str:
        """The connector."""

    @abstractmethod
    def pages(self, new: New) -> Files:
        """Recorded answers, by file name."""

    def head(self, new: New) -> str:
        """What source.yml says of the whole source, besides what all kinds say."""
        return ""

    def resource_lines(self, new: New) -> list[str]:
        """What source.yml says of the resource, besides what all kinds say."""
        return []

    def field_lines(self, new: New) -> list[str]:
        """Fields that the vendor has and no domain knows of."""
        return []

    def settings(self, new: New) -> dict[str, str]:
        """What the reader is given offline. Credentials are made up."""
        made_up = {name: f"made-up-{name.replace('_', '-')}-of-{new.name}" for name in self.secrets}
        return {"base_url": f"https://{new.name}.invalid", **made_up}

    def records(self, new: New) -> list[dict[str, Any]]:
        """The domain's records in the vendor's words."""
        return [
            {self.field(column): self.value(new, column, value) for column, value in record.items()}
            for record in new.domain.records()
        ]

    def value(self, new: New, column: str, value: Any) -> Any:
        """A value as the vendor writes it."""
        return value

    def manifest(self, new: New) -> str:
        """source.yml."""
        domain = new.domain
        lines = [self._line(item.name, item.kind) for item in domain.items]
        lines += [self._line(CREATED, "ts"), self._line(UPDATED, "ts"), *self.field_lines(new)]
        personal = ", ".join(self.field(name) for name in domain.personal)
        return "\n".join(
            [
                f"# {new.title}: {domain.what[0].lower()}{domain.what[1:]}",
                "# Kinds, `!` (a row is refused without it) and `?` (an account may lack it) are explained",
                "# in pipelines/manifest.py. Names of fields are the vendor's; `column`: what they land in.",
                f"source: {new.name}",
                f"source_system: {new.name}",
                f"domain: {domain.name}",
                f"transport: {self.name}",
                "version: 1",
                "# whom to ask, and by when on which clock its data has to be there",
                f"owner: {SYSTEMS[domain.name]} administrators",
                'due: "07:00"',
                "time_zone: UTC",
                *self.head(new).splitlines(),
                "defaults:",
                f"  key: {self.field('id')}",
                f"  cursor: {self.field(UPDATED)}",
                f"  created: {self.field(CREATED)}",
                f"  lag: {self.lag}",
                "  page_size: 100",
                "  write: append",
                "  freshness_hours: 26",
                "resources:",
                f"  - name: {domain.resource}",
                f"    object: {self.address(new)}",
                *self.resource_lines(new),
                f"    control_amount: {self.field(domain.amount)}",
                *([f"    pii: [{personal}]"] if personal else []),
                "    fields:",
                *lines,
                "",
            ]
        )

    def _line(self, column: str, kind: str) -> str:
        name = self.field(column)
        told = kind if name == column else f"{{type: {kind}, column: {column}}}"
        return f"      {name}: {told}"

    def _source(self, new: New, imports: str, reader: str) -> str:
        return SOURCE.substitute(
            title=new.title,
            system=SYSTEMS[new.domain.name],
            what=new.domain.what,
            name=new.name,
            imports=imports,
            reader=reader,
        )


PAGES = {
    "page": "style: page, at: page, size: per_page, items: results, total: meta.total",
    "offset": "style: offset, at: offset, size: limit, items: results, total: meta.total",
    "cursor": "style: cursor, at: after, size: limit, items: results, next: paging.next",
    "link": "style: link, size: per_page, items: results, next: links.next",
}


class JsonPages(Kind):
    """Lists of JSON records in pages, behind a bearer token."""

    name = "json_pages"
    reached = "JSON pages; a bearer token"
    changed = (
        "asked for since the newest stamp landed, with ten minutes of overlap; the key compare reads all"
    )
    secrets = ("token",)

    def __init__(self, style: str = "page") -> None:
        self.style = style

    def field(self, column: str) -> str:
        """The column's own name."""
        return column

    def address(self, new: New) -> str:
        """The address below base_url."""
        return f"api/v1/{new.domain.object}"

    def head(self, new: New) -> str:
        """How lists are paged."""
        return "\n".join(
            [
                "settings:",
                "  # how lists come in pages; all of it is explained in pipelines/transports/paged.py",
                f"  pages: {{{PAGES[self.style]}, since: updated_since}}",
            ]
        )

    def source_py(self, new: New) -> str:
        """The paged reader with a bearer token."""
        imports = [
            "from pipelines.manifest import load_manifest",
            "from pipelines.sources import Source, client, setting",
            "from pipelines.store import table_resource",
            "from pipelines.transports.paged import BearerLogin, PagedReader",
            "from pipelines.versions import PRIMARY_KEY",
        ]
        reader = '''def reader(settings: Mapping[str, Any]) -> PagedReader:
    """A reader for the account that `settings` name. Needs base_url and token; takes limits."""
    login = BearerLogin(setting(settings, "token", MANIFEST.source))
    return PagedReader(
        http=client(MANIFEST.source, settings, login, secrets=[login.token]), settings=MANIFEST.settings
    )'''
        return self._source(new, "\n".join(imports), reader)

    def pages(self, new: New) -> Files:
        """Two pages as the style has them."""
        records = self.records(new)
        files = {}
        parts = [records[:PER_PAGE], records[PER_PAGE:]]
        for number, part in enumerate(parts, 1):
            body: dict[str, Any] = {"results": part}
            last = number == len(parts)
            if self.style == "cursor":
                body["paging"] = {"next": None if last else "cursor-2"}
            elif self.style == "link":
                link = f"https://{new.name}.invalid/{self.address(new)}?mark=2"
                body["links"] = {"next": None if last else link}
            else:
                body["meta"] = {"total": len(records)}
            files[f"{new.domain.resource}.{number}.json"] = pretty(body)
        return files


def pretty(body: Any) -> str:
    """JSON for people."""
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def kinds(style: str) -> dict[str, Kind]:
    """All kinds there is a scaffold for, by name; `style` is how JSON lists are paged."""
    from throughline.scaffold.platforms import Soql, SuiteQl

    return {one.name: one for one in (JsonPages(style), Soql(), SuiteQl())}
