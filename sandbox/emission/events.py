"""The bus's delivery log as CloudEvents, one JSON line each, in the order in which they happened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.firm.event_state import BusinessEvent, Report
from sandbox.firm.state import Firm
from throughline.clock import iso

STORE = "events"
SOURCE = "/integration/bus"
DELIVERY = "integration.delivery.changed"
LOG = "log.jsonl"


def write(firm: Firm, folder: Path) -> dict[str, int]:
    """Write log and schema into `folder`; the number of lines."""
    folder.mkdir(parents=True, exist_ok=True)
    told = sorted(_told(firm), key=lambda line: (line["at"], line["event"]["id"]))
    with (folder / LOG).open("w", encoding="utf-8") as out:
        for line in told:
            out.write(json.dumps(line, separators=(",", ":")) + "\n")
    schema = {"vendor": STORE, "objects": {}, "settings": {}}
    (folder / "schema.json").write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")
    return {"delivery": len(told)}


def _told(firm: Firm) -> Iterator[dict[str, Any]]:
    for event in firm.events:
        if event.event_type == "opportunity.won" and not event.is_test:
            # the event itself, as a hint to read the deal again
            hint = {"record_id": event.entity_key, "object": "Opportunity"}
            yield {"at": iso(event.created_at), "twice": False, "event": _event(event, 0, None, hint)}
        for number, report in enumerate(event.reports, start=1):
            body = _event(event, number, report, _delivery(event, report))
            yield {"at": iso(report.at), "twice": event.is_repeated, "event": body}


def _event(event: BusinessEvent, number: int, report: Report | None, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{event.event_id}.{number}",
        "source": SOURCE,
        "type": DELIVERY if report is not None else event.event_type,
        "subject": event.entity_key,
        "time": iso(report.at if report is not None else event.created_at),
        "datacontenttype": "application/json",
        **({"environment": "test"} if event.is_test else {}),
        "data": data,
    }


def _delivery(event: BusinessEvent, report: Report) -> dict[str, Any]:
    told = {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "status": report.status,
        "attempts": report.attempts,
        "error_class": report.error_class,
        "last_error": report.last_error,
        "target": event.target,
        "entity_type": event.entity_type,
        "entity_key": event.entity_key,
        "correlation_id": event.correlation_id,
        "created_at": iso(event.created_at),
        "approval_id": report.approval_id,
    }
    return {name: value for name, value in told.items() if value is not None}
