"""A firm's records as files in the ports' own columns, out of a warehouse that its vendors' APIs filled.

The same firm read from files must give the same numbers; keys differ, because a record out of a file is the
system's it speaks for (`crm:main:7`) and not a vendor's (`salesforce:main:7`). `renamed` turns the one into
the other, in the files as in the truth they are held against. Each instance of the vendors has its own
folder, and what came as files anyway, plans and native reports, has a third.
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
PATTERN = "({}):(main|acquired|files):".format("|".join({*SYSTEMS, *SYSTEMS.values()}))
# of the vendors, and the one of what they hand over as files
INSTANCES = ("main", "acquired", "files")


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
                for instance in INSTANCES:
                    column = pc.replace_substring(column, f"{vendor}:{instance}:", f"{system}:{instance}:")
            table = table.set_column(index, item.name, column)
    return table


def settings(text: str, folder: Path) -> str:
    """A throughline.toml of the vendors' home, reading the files below `folder` instead of the vendors."""
    for vendor, system in SYSTEMS.items():
        for instance in INSTANCES:
            text = text.replace(f"{vendor}:{instance}:", f"{system}:{instance}:")
        text = re.sub(rf"(\[sources\.{vendor}\]\nenabled = )true", r"\1false", text)
        text = re.sub(rf"\[sources\.{vendor}_acquired\]\n(?:\w+ = .*\n)+", "", text)
    text = re.sub(r"\[sources\.files\]\n(?:\w+ = .*\n)+", "", text)
    for instance in INSTANCES:
        text += f'\n[sources.files_{instance}]\nconnector = "files"\ninstance = "{instance}"\n'
        text += f'path = "{folder / instance}"\n'
    return text


def write_ports(build: Path, folder: Path) -> dict[str, int]:
    """Write every port's newest rows in the build file to `folder`/<instance>/<port>.csv; rows per port.

    A row's own key is bare, as people write it; the others are written in full.
    """
    for instance in INSTANCES:
        (folder / instance).mkdir(parents=True, exist_ok=True)
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
            written[port] = 0
            for instance in INSTANCES:
                rows = renamed(
                    connection.execute(
                        f"select {', '.join(chosen)}, {system} else source_system end as source_system"
                        f" from canonical.canonical__{port}"
                        f" where known_to is null and not is_deleted and source_instance = '{instance}'"
                    ).to_arrow_table()
                )
                connection.register("rows_of_port", rows)
                connection.execute(
                    f"copy rows_of_port to '{folder / instance / port}.csv' (header, delimiter ',')"
                )
                connection.unregister("rows_of_port")
                written[port] += rows.num_rows
    return written
