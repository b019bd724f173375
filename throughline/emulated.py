"""The sandbox's vendors for the conformance kit: a tiny firm, served by processes of its own.

The kit reaches it as it would reach the vendors: over HTTP, and through the sandbox's own commands and files.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.conform.vendor import DRIFT_CODES, NONE_EXEMPT, Drift, Report, Trouble
from pipelines.manifest import Resource
from throughline import clock, process
from throughline.errors import error
from throughline.home import PROJECT_ROOT

# source -> the emulator that serves it, and what of it the checks are made on
VENDORS: dict[str, tuple[str, dict[str, str]]] = {
    "salesforce": (
        "salesforce",
        {"resource": "opportunity", "text": "Name", "needed": "StageName", "number": "Services_Amount__c"},
    ),
    "certinia": (
        "salesforce",
        {
            "resource": "proj",
            "text": "Service_Line_Code__c",
            "needed": "pse__Stage__c",
            "number": "Budget_Revenue__c",
        },
    ),
    # an employee shows the fields it is asked for and no other; its tables show all they have
    "bamboohr": (
        "bamboohr",
        {
            "resource": "employee",
            "text": "jobTitle",
            "needed": "employeeNumber",
            "number": "customStandardHours",
            "growing": "job_info",
        },
    ),
    "netsuite": (
        "netsuite",
        {"resource": "transaction", "text": "externalid", "needed": "tranid", "number": "foreigntotal"},
    ),
    "docusign": (
        "docusign",
        {"resource": "envelope", "text": "emailSubject", "needed": "status", "number": "document_value"},
    ),
}
# what the emulators call a resource where the manifest has another word for it
OBJECTS = {("bamboohr", "employee"): "Employee"}
# how an account is set for the checks: that an edit of any field moves the cursor is a switch of DocuSign
SWITCHES: dict[str, dict[str, Any]] = {"docusign": {"edits_change_status": True}}
TROUBLES = {
    Trouble.BUSY: "429_seconds",
    Trouble.BUSY_UNTIL: "429_date",
    Trouble.DOWN: "503",
    Trouble.CUT_OFF: "truncated_json",
    Trouble.FOR_PEOPLE: "html_200",
    Trouble.ECHO: "echo",
}
OPEN_SETTINGS = frozenset(
    {"base_url", "time_zone", "client_id", "certificate_id", "username", "audience", "user_id", "account_id"}
)
PATIENCE = 120.0


@dataclass
class Firm:
    """A firm being served from `root`; `now` only moves on."""

    root: Path
    now: datetime

    def write(self, name: str, body: Any) -> None:
        """Put a file that the emulators watch, in one step."""
        path = self.root / name
        path.with_suffix(".new").write_text(json.dumps(body), encoding="utf-8")
        path.with_suffix(".new").replace(path)
        # the emulators look at the file's time
        time.sleep(0.02)

    def move(self, now: datetime) -> None:
        """It is `now` at all vendors."""
        self.now = now
        self.write("clock.json", {"now": now.isoformat()})

    def read(self, name: str) -> Any:
        """One of the firm's JSON files."""
        return json.loads((self.root / name).read_text(encoding="utf-8"))


@contextlib.contextmanager
def firm() -> Iterator[Firm]:
    """A tiny firm, built and served for the block. Raises ThroughlineError E-SRC-046 when it cannot be."""
    with tempfile.TemporaryDirectory(prefix="conform-firm-") as folder:
        root = Path(folder) / "sandbox"
        _sandbox("build", "--seed", "11", "--scale", "tiny", "--faults", "none", "--dir", str(root))
        with (Path(folder) / "serve.log").open("wb") as log:
            server = subprocess.Popen(
                process.module("sandbox.serve", "--dir", str(root)),
                cwd=PROJECT_ROOT,
                stdin=subprocess.PIPE,
                stderr=log,
            )
            try:
                deadline = time.monotonic() + PATIENCE
                while not (root / "serve.json").exists():
                    if server.poll() is not None or time.monotonic() > deadline:
                        raise error("E-SRC-046", detail=(Path(folder) / "serve.log").read_text()[-300:])
                    time.sleep(0.1)
                served = Firm(root, clock.parse_instant("2000-01-01"))
                served.move(
                    clock.parse_instant(str(served.read("sandbox.json")["as_of"])) + timedelta(days=1)
                )
                yield served
            finally:
                server.terminate()
                server.wait(30)


class Emulated:
    """One source's vendor in a firm. Edits of earlier checks stay."""

    remembers = True
    exempt = NONE_EXEMPT
    codes = DRIFT_CODES

    def __init__(self, source: str, served: Firm) -> None:
        self._source = source
        self._vendor = VENDORS[source][0]
        self._firm = served

    def begin(self) -> datetime:
        """Behave again."""
        self._firm.write("profile.json", [])
        self._firm.write("settings.json", SWITCHES)
        return self._firm.now

    def at(self, now: datetime) -> None:
        """It is `now` at the vendor."""
        self._firm.move(now)

    def settings(self) -> Mapping[str, Any]:
        """What serve.json says."""
        served = self._firm.read("serve.json")
        found = {"base_url": served["endpoints"][self._vendor], **served["credentials"][self._vendor]}
        if self._vendor == "netsuite":
            found["time_zone"] = self._firm.read("stores/netsuite/schema.json")["settings"][
                "account_timezone"
            ]
        return found

    def secrets(self) -> frozenset[str]:
        """The credentials themselves; a key file's text."""
        found = set()
        for name, value in self.settings().items():
            if name in OPEN_SETTINGS:
                continue
            text = str(value)
            found.add(Path(text).read_text(encoding="utf-8") if name == "private_key" else text)
        return frozenset(found)

    def update(self, resource: Resource, key: str, at: datetime, fields: Mapping[str, Any]) -> None:
        """`sandbox mutate --op update`."""
        pairs = [f"{name}={'' if value is None else value}" for name, value in fields.items()]
        self._mutate(resource, key, at, "update", *(word for pair in pairs for word in ("--set", pair)))

    def delete(self, resource: Resource, key: str, at: datetime) -> None:
        """`sandbox mutate --op delete`."""
        self._mutate(resource, key, at, "delete")

    def restore(self, resource: Resource, key: str, at: datetime) -> None:
        """`sandbox mutate --op restore`."""
        self._mutate(resource, key, at, "restore")

    def purge(self, resource: Resource, key: str, at: datetime) -> None:
        """`sandbox mutate --op purge`."""
        self._mutate(resource, key, at, "purge")

    def trouble(self, kind: Trouble | None, *, times: int | None = None, after: int = 0) -> None:
        """A rule of the fault profile; the login goes through."""
        rule: dict[str, Any] = {"vendor": self._vendor, "after": after + 1}
        if times is not None:
            rule["times"] = times
        self._firm.write("profile.json", [{**rule, "kind": TROUBLES[kind]}] if kind else [])

    def drift(self, kind: Drift | None, resource: Resource, field: str = "") -> None:
        """A rule of the fault profile."""
        shapes: dict[Drift, tuple[str, dict[str, str]]] = {
            Drift.ADDED: ("schema_add", {"field": "customnew__c", "value": "here"}),
            Drift.REMOVED: ("schema_rename", {"field": field, "new": "renamed_field"}),
            Drift.RETYPED: ("schema_retype", {"field": field, "to": "text with comma decimal"}),
        }
        rules = []
        if kind is not None:
            name, params = shapes[kind]
            rule = {"vendor": self._vendor, "object": self._object(resource), "kind": name, "params": params}
            rules.append(rule)
        self._firm.write("profile.json", rules)

    def came(self, resource: Resource) -> int | None:
        """Not known but through the reader."""
        return None

    def report(self, resource: Resource) -> Report | None:
        """Only the reader's own query of the vendor tells."""
        return None

    def _object(self, resource: Resource) -> str:
        return OBJECTS.get((self._source, resource.name), resource.object)

    def _mutate(self, resource: Resource, key: str, at: datetime, op: str, *more: str) -> None:
        where = ("--dir", str(self._firm.root), "--at", clock.iso(at), "--op", op)
        _sandbox("mutate", self._vendor, self._object(resource), key, *where, *more)


def _sandbox(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "throughline.cli", "sandbox", *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise error("E-SRC-046", detail=f"sandbox {arguments[0]}: {done.stderr.strip()[-300:]}")
