"""What a domain's first resource holds: domains.yml, read into types, and its invented records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("domains.yml")
ROWS = 7
CREATED, UPDATED = "created_at", "updated_at"


@dataclass(frozen=True)
class Item:
    """One field of the vendor, and the port's column that it fills (none = it is landed only)."""

    name: str
    kind: str
    port: str | None = None
    expression: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    raw: bool = True
    values: tuple[Any, ...] = ()

    @property
    def plain_kind(self) -> str:
        """The kind without its marks."""
        return self.kind.rstrip("!?")


@dataclass(frozen=True)
class Domain:
    """A domain's first resource: `amount` is what its report sums, `more` columns no field fills."""

    name: str
    port: str
    resource: str
    object: str
    what: str
    amount: str
    items: tuple[Item, ...]
    more: Mapping[str, str]
    personal: tuple[str, ...]

    def records(self) -> list[dict[str, Any]]:
        """Invented records, every one with a stamp of its own."""
        rows = []
        for number in range(ROWS):
            row: dict[str, Any] = {}
            for item in self.items:
                value = item.values[number % len(item.values)] if item.values else f"{number + 1:03d}"
                row[item.name] = value
            row[CREATED] = f"2026-01-{number + 1:02d}T08:00:00Z"
            row[UPDATED] = f"2026-02-{number + 1:02d}T23:30:00Z"
            rows.append(row)
        return rows


@cache
def domains() -> dict[str, Domain]:
    """All domains that can be scaffolded, by name."""
    data: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return {name: _domain(name, told) for name, told in data.items()}


def _domain(name: str, told: Mapping[str, Any]) -> Domain:
    items = tuple(
        Item(
            name=key,
            kind=one["kind"],
            port=one.get("port"),
            expression=one.get("as"),
            words=one.get("words", {}),
            raw=one.get("raw", True),
            values=tuple(one.get("values", ())),
        )
        for key, one in told["fields"].items()
    )
    return Domain(
        name=name,
        port=told["port"],
        resource=told["resource"],
        object=told["object"],
        what=told["what"],
        amount=told["amount"],
        items=items,
        more=told.get("more", {}),
        personal=tuple(told.get("personal", ())),
    )
