"""A firm's records as files in the ports' own columns, out of a warehouse that its vendors' APIs filled.

The same firm read from files must give the same numbers; keys differ, because a record out of a file is the
system's it speaks for (`crm:files:7`) and not a vendor's (`salesforce:main:7`). `renamed` turns the one into
the other, in the files as in the truth they are held against.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from throughline.home import PROJECT_ROOT

PORTS = PROJECT_ROOT / "pipelines" / "ports.yml"
SYSTEMS = {
    "salesforce": "crm",
    "certinia": "psa",
    "bamboohr": "hr",
    "netsuite": "erp",
    "docusign": "documents",
    "events": "events",
}
PATTERN = "({}):main:".format("|".join(SYSTEMS))


def ports() -> dict[str, dict[str, Any]]:
    """What pipelines/ports.yml says of every port."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(PORTS.read_text(encoding="utf-8"))
    return found


def renamed(table: pa.Table) -> pa.Table:
    """`table` with every vendor's key in its text columns as the key of the same record out of a file."""
    for index, item in enumerate(table.schema):
        if pa.types.is_string(item.type) or pa.types.is_large_string(item.type):
            column = table.column(index)
            for vendor, system in SYSTEMS.items():
                column = pc.replace_substring(column, f"{vendor}:main:", f"{system}:files:")
            table = table.set_column(index, item.name, column)
    return table


def settings(text: str, folder: Path) -> str:
    """A throughline.toml of the vendors' home, reading the files in `folder` instead of the vendors."""
    for vendor, system in SYSTEMS.items():
        text = text.replace(f"{vendor}:main:", f"{system}:files:")
        text = re.sub(rf"(\[sources\.{vendor}\]\nenabled = )true", r"\1false", text)
    read = f'[sources.files]\nenabled = true\ninstance = "files"\npath = "{folder}"\n'
    return re.sub(r"\[sources\.files\]\n(?:\w+ = .*\n)+", read, text)


def write_ports(build: Path, folder: Path) -> dict[str, int]:
    """Write every port's newest rows in the build file to `folder`/<port>.csv; rows per port.

    A row's own key is bare, as people write it; the others are written in full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, int] = {}
    with duckdb.connect(str(build), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        schema_of = dict(
            connection.execute(
                "select table_name, schema_name from duckdb_tables() where schema_name = 'canonical'"
            ).fetchall()
        )
        for port, declared in ports().items():
            held = connection.execute(
                "select column_name from duckdb_columns() where schema_name = 'canonical' and table_name = ?",
                [f"canonical__{port}"],
            ).fetchall()
            if f"canonical__{port}" not in schema_of:
                continue
            present = {name for (name,) in held}
            chosen = []
            for name in declared["columns"]:
                if name == "source_system" or name not in present:
                    continue
                if name in declared["key"] and declared["columns"][name]["kind"] == "id":
                    chosen.append(f"regexp_replace({name}, '^{PATTERN}', '') as {name}")
                else:
                    chosen.append(name)
            system = "case source_system " + " ".join(
                f"when '{vendor}' then '{kind}'" for vendor, kind in SYSTEMS.items()
            )
            rows = connection.execute(
                f"select {', '.join(chosen)}, {system} end as source_system"
                f" from canonical.canonical__{port} where known_to is null and not is_deleted"
            ).to_arrow_table()
            rows = renamed(rows)
            connection.register("rows_of_port", rows)
            connection.execute(f"copy rows_of_port to '{folder / port}.csv' (header, delimiter ',')")
            connection.unregister("rows_of_port")
            written[port] = rows.num_rows
    return written
