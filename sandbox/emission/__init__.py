"""From the firm's process state to the records its vendors hold: one parquet of versions per object.

DIR/stores/<store>/<Object>.parquet and schema.json, for the vendors salesforce (CRM and PSA share a host),
bamboohr, netsuite and docusign; a store is called like its vendor, that of a second instance like both
(salesforce_acquired). Beside them stands the log of the integration bus, DIR/stores/events. The same firm
gives the same bytes.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path

from sandbox.emission import bamboohr, certinia, docusign, events, netsuite, salesforce
from sandbox.emission.context import Context, build_context
from sandbox.emission.table import Table
from sandbox.firm.group import Group, alone
from sandbox.firm.house import ACQUIRED, MAIN
from sandbox.firm.state import Firm

VENDORS: dict[str, tuple[Callable[[Context], list[Table]], ...]] = {
    "salesforce": (salesforce.emit, certinia.emit),
    "bamboohr": (bamboohr.emit,),
    "netsuite": (netsuite.emit,),
    "docusign": (docusign.emit,),
}
NETSUITE_ZONE = "America/Los_Angeles"
ACQUIRED_ZONE = "Europe/Dublin"
SETTINGS: dict[str, dict[str, object]] = {
    "salesforce": {"multi_currency": True},
    "bamboohr": {},
    # Not UTC, as accounts are: whoever reads its times has to know the account's zone.
    "netsuite": {"account_timezone": NETSUITE_ZONE},
    "docusign": {},
    f"salesforce_{ACQUIRED}": {"multi_currency": True},
    # An account of other habits: another zone, and sales printed as people read them.
    f"netsuite_{ACQUIRED}": {
        "account_timezone": ACQUIRED_ZONE,
        "sales_amounts": "positive",
        "sales_quantities": "positive",
    },
}


def write_stores(
    firm: Firm | Group, directory: Path, progress: Callable[[str], None] | None = None
) -> dict[str, dict[str, int]]:
    """Write every store below `directory`/stores; versions written, per store and object."""
    # Millions of tuples live until they are written and form no cycles: nothing for the collector to find.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _write(firm if isinstance(firm, Group) else alone(firm), directory, progress)
    finally:
        if collecting:
            gc.enable()


def _write(
    group: Group, directory: Path, progress: Callable[[str], None] | None
) -> dict[str, dict[str, int]]:
    contexts: dict[int, Context] = {}
    written: dict[str, dict[str, int]] = {}
    for store, firm in group.stores.items():
        vendor, _, instance = store.partition("_")
        if id(firm) not in contexts:
            contexts[id(firm)] = build_context(firm, instance or MAIN)
        context = contexts[id(firm)]
        folder = directory / "stores" / store
        folder.mkdir(parents=True, exist_ok=True)
        objects: dict[str, object] = {}
        counts = written[store] = {}
        for emitter in VENDORS[vendor]:
            tables = emitter(context)
            while tables:
                table = tables.pop(0)
                table.write(folder, instance or MAIN)
                objects[table.spec.name] = table.spec.schema()
                counts[table.spec.name] = len(table)
        schema = {"vendor": vendor, "objects": objects, "settings": SETTINGS[store]}
        (folder / "schema.json").write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")
        if progress is not None:
            progress(f"{store}: {len(counts)} objects, {sum(counts.values()):,} versions")
    written[events.STORE] = events.write(group.firm, directory / "stores" / events.STORE)
    return written
