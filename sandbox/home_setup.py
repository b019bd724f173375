"""Points a warehouse's home at the sandbox: which systems, where they answer, with which credentials."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sandbox.emission import ACQUIRED_ZONE, NETSUITE_ZONE
from sandbox.firm.entities import AFFILIATES
from sandbox.firm.house import ACQUIRED
from throughline.commands.init import DLT_CONFIG, TEMPLATES
from throughline.config import load
from throughline.files import write_text
from throughline.home import Home

# source -> the emulator that answers for it; the PSA lives on the CRM's host.
SOURCES = {
    "salesforce": "salesforce",
    "certinia": "salesforce",
    "bamboohr": "bamboohr",
    "netsuite": "netsuite",
    "docusign": "docusign",
}
# The integration bus, which is not asked but pushes to the home's inbox.
BUS = "events"
# The bought firm's systems: table -> (connector, emulator, further settings).
SECOND = {
    f"salesforce_{ACQUIRED}": ("salesforce", f"salesforce_{ACQUIRED}", ""),
    f"certinia_{ACQUIRED}": ("certinia", f"salesforce_{ACQUIRED}", ""),
    f"netsuite_{ACQUIRED}": ("netsuite", f"netsuite_{ACQUIRED}", f'time_zone = "{ACQUIRED_ZONE}"\n'),
}


# What comes into the drop folder; a source that says so is spared the models of all other ports.
DROPPED = ("native_report_line", "plan_target")


def set_up(
    home: Home, announced: dict[str, Any], reporting_currency: str, *, drop: Path | None = None
) -> None:
    """Write the home's throughline.toml (once; later only the addresses) and its secrets.

    `announced` is the emulators' serve.json, `drop` the folder of a firm that delivers files. What else is
    in a throughline.toml that stands there is kept.
    Raises E-CFG-001 when the result cannot be read.
    """
    home.ensure()
    endpoints = {source: announced["endpoints"][vendor] for source, vendor in SOURCES.items()}
    first = not home.config.exists()
    template = TEMPLATES / "throughline.toml" if first else home.config
    text = template.read_text(encoding="utf-8")
    if first:
        text = re.sub(
            r'^reporting_currency = ".*"$', f'reporting_currency = "{reporting_currency}"', text, flags=re.M
        )
        text = text.rstrip("\n") + "\n" + "".join(_affiliates(*pair) for pair in AFFILIATES)
        text += "".join(
            _second(source, connector, more)
            for source, (connector, emulator, more) in SECOND.items()
            if emulator in announced["endpoints"]
        )
    endpoints |= {
        source: announced["endpoints"][emulator]
        for source, (_, emulator, _) in SECOND.items()
        if emulator in announced["endpoints"] and f"\n[sources.{source}]" in text
    }
    if BUS in announced["endpoints"] and f"\n[sources.{BUS}]" in text:
        # it pushes: there is no address to ask
        endpoints[BUS] = ""
    if first and drop is not None:
        text = _dropped(text, drop)
    for source, address in endpoints.items():
        text = _source(text, source, address, first)
    write_text(home.config, text)
    if not (home.dlt / "config.toml").exists():
        write_text(home.dlt / "config.toml", DLT_CONFIG)
    write_text(home.secrets, secrets(announced["credentials"]), mode=0o600)
    load(home)


def _affiliates(sold_by: str, invoiced_by: str) -> str:
    return (
        '\n[[entity_whitelist]]\ncontrol = "CRM-ERP-004"\n'
        f'sold_by = "{sold_by}"\ninvoiced_by = "{invoiced_by}"\n'
    )


def _second(source: str, connector: str, more: str) -> str:
    return (
        f'\n[sources.{source}]\nconnector = "{connector}"\ninstance = "{ACQUIRED}"\n'
        f'base_url = "https://sandbox.invalid"\n{more}'
    )


def _dropped(text: str, folder: Path) -> str:
    """`text` with the template's folder of files as a drop folder."""
    ports = ", ".join(f'"{port}"' for port in DROPPED)
    table = (
        f'[sources.files]\nenabled = true\ninstance = "files"\npath = "{_escaped(str(folder))}"\n'
        f'layout = "drop"\nports = [{ports}]\n'
    )
    return re.sub(r"^\[sources\.files\]\n(?:\w+ = .*\n)+", lambda _found: table, text, flags=re.M)


def _source(text: str, source: str, address: str, first: bool) -> str:
    """`text` with the source's table pointing at `address`; at first also switched on."""
    head = f"[sources.{source}]"
    # at the start of a line: the template shows a second instance in a comment
    start = text.index(f"\n{head}") + 1
    end = text.find("\n[", start)
    table = text[start : end if end >= 0 else len(text)]
    changed = re.sub(r'^base_url = ".*"$', f'base_url = "{address}"', table, flags=re.M)
    if first:
        changed = re.sub(r"^enabled = false", "enabled = true", changed, flags=re.M)
        if source == "netsuite":
            changed = changed.replace(
                f'base_url = "{address}"', f'base_url = "{address}"\ntime_zone = "{NETSUITE_ZONE}"'
            )
    return text.replace(table, changed)


def secrets(credentials: dict[str, Any]) -> str:
    """The text of secrets.toml; keys are named by path, not copied."""
    crm, erp, papers = credentials["salesforce"], credentials["netsuite"], credentials["docusign"]
    login = {"client_id": crm["client_id"], "client_secret": crm["client_secret"]}
    tables = {
        "salesforce": login,
        "certinia": login,
        "bamboohr": {"api_key": credentials["bamboohr"]["api_key"]},
        "netsuite": {
            "account": erp["account"],
            "client_id": erp["client_id"],
            "certificate_id": erp["certificate_id"],
            "private_key": str(Path(erp["private_key"])),
        },
        "docusign": {
            "client_id": papers["client_id"],
            "user_id": papers["user_id"],
            "account_id": papers["account_id"],
            "private_key": str(Path(papers["private_key"])),
        },
    }
    if BUS in credentials:
        tables[BUS] = {"secret": credentials[BUS]["secret"]}
    lines = ["# Credentials of the sandbox's emulators, good for nothing else."]
    for name, values in tables.items():
        lines += ["", f"[sources.{name}]"]
        lines += [f'{key} = "{_escaped(value)}"' for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
