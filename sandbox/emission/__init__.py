"""From the firm's process state to the records its vendors hold: one parquet of versions per object.

DIR/stores/<vendor>/<Object>.parquet and schema.json, for the vendors salesforce (CRM and PSA share a host),
bamboohr and netsuite. The same firm gives the same bytes.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path

from sandbox.emission import bamboohr, certinia, netsuite, salesforce
from sandbox.emission.context import Context, build_context
from sandbox.emission.table import Table
from sandbox.firm.state import Firm

VENDORS: dict[str, tuple[Callable[[Context], list[Table]], ...]] = {
    "salesforce": (salesforce.emit, certinia.emit),
    "bamboohr": (bamboohr.emit,),
    "netsuite": (netsuite.emit,),
}
NETSUITE_ZONE = "America/Los_Angeles"
SETTINGS: dict[str, dict[str, object]] = {
    "salesforce": {"multi_currency": True},
    "bamboohr": {},
    # Not UTC, as accounts are: whoever reads its times has to know the account's zone.
    "netsuite": {"account_timezone": NETSUITE_ZONE},
}


def write_stores(
    firm: Firm, directory: Path, progress: Callable[[str], None] | None = None
) -> dict[str, dict[str, int]]:
    """Write every vendor's store below `directory`/stores; versions written, per vendor and object."""
    # Millions of tuples live until they are written and form no cycles: nothing for the collector to find.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _write(firm, directory, progress)
    finally:
        if collecting:
            gc.enable()


def _write(firm: Firm, directory: Path, progress: Callable[[str], None] | None) -> dict[str, dict[str, int]]:
    context = build_context(firm)
    written: dict[str, dict[str, int]] = {}
    for vendor, emitters in VENDORS.items():
        folder = directory / "stores" / vendor
        folder.mkdir(parents=True, exist_ok=True)
        objects: dict[str, object] = {}
        counts = written[vendor] = {}
        for emitter in emitters:
            tables = emitter(context)
            while tables:
                table = tables.pop(0)
                table.write(folder)
                objects[table.spec.name] = table.spec.schema()
                counts[table.spec.name] = len(table)
        schema = {"vendor": vendor, "objects": objects, "settings": SETTINGS[vendor]}
        (folder / "schema.json").write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")
        if progress is not None:
            progress(f"{vendor}: {len(counts)} objects, {sum(counts.values()):,} versions")
    return written
