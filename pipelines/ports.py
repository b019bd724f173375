"""The canonical ports as files fill them: ports.yml, which is written from the canonical models' YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("ports.yml")
SYSTEMS = ("crm", "psa", "hr", "erp", "documents", "events")
SYSTEM_COLUMN = "source_system"


@dataclass(frozen=True)
class Column:
    """One column of a port. `default` says in SQL what holds for a row without a value."""

    name: str
    kind: str
    description: str
    required: bool = False
    references: str | Mapping[str, str] | None = None
    system: str | None = None
    values: tuple[str, ...] = ()
    default: str | None = None
    personal: bool = False


@dataclass(frozen=True)
class Port:
    """One port. `systems` are those that fill it, where a file must say which one a row is from."""

    name: str
    description: str
    grain: str
    system: str
    systems: tuple[str, ...]
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def asks_system(self) -> bool:
        """Whether every row has to say which system it is from."""
        return bool(self.systems)

    def column(self, name: str) -> Column | None:
        """The column `name`, if there is one."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def header(self) -> tuple[str, ...]:
        """All columns a file may have, in their order."""
        return (SYSTEM_COLUMN, *(column.name for column in self.columns))

    @property
    def required(self) -> tuple[str, ...]:
        """The columns a file must have."""
        own = tuple(column.name for column in self.columns if column.required)
        return (SYSTEM_COLUMN, *own) if self.asks_system else own


@cache
def load_ports() -> dict[str, Port]:
    """All ports by name, in alphabetical order."""
    data: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return {name: _port(name, entry) for name, entry in data.items()}


def _port(name: str, entry: Mapping[str, Any]) -> Port:
    columns = tuple(
        Column(name=column, **{**told, "values": tuple(told.get("values", ()))})
        for column, told in entry["columns"].items()
    )
    return Port(
        name=name,
        description=entry["description"],
        grain=entry["grain"],
        system=entry["system"],
        systems=tuple(entry.get("systems", ())),
        key=tuple(entry["key"]),
        columns=columns,
    )
