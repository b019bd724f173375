"""Empty files of all ports and the page that says what their columns are, for a firm that fills them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.ports import SYSTEM_COLUMN, SYSTEMS, Column, Port, load_ports
from throughline import files

PAGE = "columns.md"
KINDS = {
    "id": "id",
    "text": "text",
    "money": "amount, up to 4 decimals",
    "rate": "number, up to 8 decimals",
    "fx": "exchange rate, up to 10 decimals",
    "hours": "hours, up to 2 decimals",
    "int": "whole number",
    "bool": "true or false",
    "date": "date, 2026-01-31",
    "ts": "time, 2026-01-31T18:00:00Z",
}
HEAD = """# The columns of the files

One file per port, `<port>.csv`, `.parquet` or `.xlsx`, with the names of the columns in its first row, in any
order. Fill the files you have and delete the others. Columns that are not marked as required may be left out.

- **Ids are bare**: `4711`. A reference is bare too, and names a record of the system in brackets; written in
  full, `netsuite:main:4711`, it names a record of any system.
- Every run reads every file whole. A row that is absent from the next file is deleted; a file that is absent
  deletes nothing.
- Numbers are written `1234.56`, dates `2026-01-31`, times `2026-01-31T18:00:00Z` (without a zone they are
  UTC), flags true or false. CSV files are UTF-8 with comma, semicolon or tab.
- What is wrong with a file is said by `throughline land files`, what is wrong with a row by
  `throughline rejects list`.
"""


def write(folder: Path) -> tuple[list[str], list[str]]:
    """Write the templates that `folder` lacks, and the page. The files written, and those left alone."""
    written: list[str] = []
    kept: list[str] = []
    folder.mkdir(parents=True, exist_ok=True)
    ports = load_ports()
    present = {path.stem.lower() for path in folder.iterdir() if path.suffix.lower() != ".md"}
    for port in ports.values():
        name = f"{port.name}.csv"
        if port.name in present:
            kept.append(name)
            continue
        files.write_text(folder / name, ",".join(port.header) + "\n")
        written.append(name)
    files.write_text(folder / PAGE, page(ports))
    return written, kept


def page(ports: Mapping[str, Port]) -> str:
    """The page's text."""
    listed = "\n".join(f"- [{port.name}](#{port.name}): {port.description}" for port in ports.values())
    return "\n".join([HEAD, "## Ports\n", listed, *(_section(port, ports) for port in ports.values())]) + "\n"


def _section(port: Port, ports: Mapping[str, Port]) -> str:
    rows = [_system_row(port), *(_row(column, ports) for column in port.columns)]
    return "\n".join(
        [
            f"\n## {port.name}\n",
            f"{port.description} A row is {port.grain}; its key is {' and '.join(port.key)}.\n",
            "| column | what it holds | required | meaning |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _system_row(port: Port) -> str:
    meaning = (
        "System the row is from." if port.asks_system else f"System the row is from; if empty, {port.system}."
    )
    required = "yes" if port.asks_system else ""
    return f"| {SYSTEM_COLUMN} | one of {', '.join(SYSTEMS)} | {required} | {meaning} |"


def _row(column: Column, ports: Mapping[str, Port]) -> str:
    holds = f"one of {', '.join(column.values)}" if column.values else KINDS[column.kind]
    meaning = column.description
    if column.references is not None:
        holds = _reference(column, ports)
    if column.default is not None:
        meaning += f" If empty: `{column.default}`."
    if column.personal:
        meaning += " Kept apart, so that it can be erased."
    required = "yes" if column.required else ""
    return f"| {column.name} | {holds} | {required} | {meaning.replace('|', '/')} |"


def _reference(column: Column, ports: Mapping[str, Port]) -> str:
    if isinstance(column.references, str):
        if column.references == "own":
            return "id"
        return f"id of {column.references} ({column.system or ports[column.references].system})"
    parts = [
        f"{value}: {'id' if port == 'own' else f'id of {port} ({ports[port].system})'}"
        for value, port in (column.references or {}).items()
        if value != "by"
    ]
    return "; ".join(parts)
