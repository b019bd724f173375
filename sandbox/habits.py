"""What people do in ways that differ from one vendor account to the next, as edits of a sandbox's stores.

Each follows a switch of its emulator (in DIR/settings.json, else the store's own settings, else the
emulator's default), so that a test can do the same thing in both kinds of account:
  void            NetSuite's `voids`: a flag on the transaction, or a reversing entry
  approve_again   Salesforce's `split_ids`: a card's splits are changed, or deleted and made again
  bill_again      a billing event deleted and run again; `billing_event_links` says what its records show
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.emulators.netsuite import NetSuite
from sandbox.emulators.salesforce import BILLED_BY, EVENT_ITEM, Salesforce
from sandbox.emulators.store import Store, quote
from sandbox.firm.ids import salesforce_id
from sandbox.mutate import MutationError, delete, mutate, record, repost
from throughline.clock import parse_instant

# Far from the numbers of the simulator and the emission; below what a 64-bit id and a file's edits may reach.
OWN_IDS = 900_000_000
VOID = "VOID"
HEADER, SPLIT, EVENT = "pse__Timecard_Header__c", "pse__Timecard__c", "pse__Billing_Event__c"
CENT = Decimal("0.01")


def switch(root: Path, vendor: type[NetSuite] | type[Salesforce], name: str) -> str:
    """What a switch of the vendor's emulator stands at."""
    schema = json.loads((root / "stores" / vendor.vendor / "schema.json").read_text(encoding="utf-8"))
    path = root / "settings.json"
    own = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    settings = {**vendor.defaults, **(schema.get("settings") or {}), **(own.get(vendor.vendor) or {})}
    return str(settings[name])


def void(root: Path, transaction: str, at: datetime | str) -> str | None:
    """Void a NetSuite transaction; the id of the reversing entry where the account makes one.

    The entry is a journal of `at`'s period with every posting of the original the other way round. It names
    what it voids in custbody_tl_applies_to, under the reason code VOID; the original is not touched.
    """
    if switch(root, NetSuite, "voids") == "flag":
        mutate(root, "netsuite", "transaction", transaction, "update", {"voided": True}, at)
        return None
    original = record(root, "netsuite", "transaction", transaction)
    moment = parse_instant(at) if isinstance(at, str) else at
    [period] = [
        row["id"]
        for row in _records(root, "netsuite", "accountingperiod", "isposting", "true")
        if row["startdate"] <= moment.date() <= row["enddate"]
    ]
    number = _next_number(root, "netsuite")
    entry = str(number)
    header = {
        "type": "Journal",
        "tranid": f"{VOID}-{original['tranid']}",
        "trandate": moment.date(),
        "createddate": moment,
        "currency": original["currency"],
        "exchangerate": original["exchangerate"],
        "foreigntotal": -original["foreigntotal"],
        "status": "B",
        "posting": True,
        "postingperiod": period,
        "voided": False,
        "subsidiary": original["subsidiary"],
        "custbody_tl_applies_to": transaction,
        "custbody_tl_reason_code": VOID,
        "custbody_tl_posted_at": moment,
    }
    mutate(root, "netsuite", "transaction", entry, "insert", header, at)
    postings = _records(root, "netsuite", "transactionaccountingline", "transaction", transaction)
    for place, posting in enumerate(postings):
        line = {
            "transaction": entry,
            "id": str(place),
            "linesequencenumber": place,
            "mainline": place == 0,
            "taxline": False,
            "isclosed": False,
            "subsidiary": original["subsidiary"],
            "netamount": -posting["amount"],
        }
        mutate(root, "netsuite", "transactionline", str(number + 1 + place), "insert", line, at)
        key = {
            "transaction": entry,
            "transactionline": str(place),
            "accountingbook": posting["accountingbook"],
        }
        turned = {
            "account": posting["account"],
            "debit": posting["credit"],
            "credit": posting["debit"],
            "amount": -posting["amount"],
            "posting": True,
            "exchangerate": posting["exchangerate"],
        }
        mutate(root, "netsuite", "transactionaccountingline", key, "insert", turned, at)
    return entry


def approve_again(root: Path, card: str, hours: Mapping[str, Decimal], at: datetime | str) -> list[str]:
    """Change a timecard's hours (by field, as pse__Monday_Hours__c) and approve it once more.

    Every split is worth what it was per hour. The ids of the card's splits afterwards, in order of time.
    """
    moment = parse_instant(at) if isinstance(at, str) else at
    approved = {"pse__Status__c": "Approved", "pse__Approved__c": True, "Approved_At__c": moment}
    mutate(root, "salesforce", HEADER, card, "update", {**hours, **approved}, at)
    splits = sorted(
        _records(root, "salesforce", SPLIT, "pse__Timecard_Header__c", card),
        key=lambda row: (row["pse__Start_Date__c"], row["Id"]),
    )
    ids = []
    for split in splits:
        # A day belongs to the split that has hours on it; other days of the week are another split's.
        changed = {name: value for name, value in hours.items() if split[name]}
        days = [name for name in split if name.endswith("day_Hours__c")]
        total = sum((Decimal(changed.get(name, split[name] or 0)) for name in days), Decimal(0))
        before = split["pse__Total_Hours__c"]
        fields = {
            **changed,
            "pse__Status__c": "Approved",
            "pse__Total_Hours__c": total,
            "pse__Total_Billable_Amount__c": split["pse__Total_Billable_Amount__c"] * total / before,
            "pse__Total_Cost__c": split["pse__Total_Cost__c"] * total / before,
        }
        fields = {
            name: value.quantize(CENT) if isinstance(value, Decimal) else value
            for name, value in fields.items()
        }
        if switch(root, Salesforce, "split_ids") == "kept":
            mutate(root, "salesforce", SPLIT, split["Id"], "update", fields, at)
            ids.append(split["Id"])
            continue
        ids.append(salesforce_id("timecard_split", _next_number(root, "salesforce")))
        repost(root, "salesforce", SPLIT, split["Id"], ids[-1], at, {**fields, "CreatedDate": moment})
    return ids


def bill_again(root: Path, event: str, at: datetime | str) -> str:
    """Delete a billing event with its items and run it once more; the id of the new event."""
    moment = parse_instant(at) if isinstance(at, str) else at
    header = _content(record(root, "salesforce", EVENT, event))
    items = _records(root, "salesforce", EVENT_ITEM, "pse__Billing_Event__c", event)
    unbill(root, event, at)
    again = salesforce_id("billing_event", _next_number(root, "salesforce"))
    mutate(root, "salesforce", EVENT, again, "insert", {**header, "CreatedDate": moment}, at)
    for item in items:
        own = salesforce_id("billing_event_item", _next_number(root, "salesforce"))
        fields = {**_content(item), "pse__Billing_Event__c": again, "CreatedDate": moment}
        mutate(root, "salesforce", EVENT_ITEM, own, "insert", fields, at)
    return again


def unbill(root: Path, event: str, at: datetime | str) -> None:
    """Delete a billing event with its items."""
    for item in _records(root, "salesforce", EVENT_ITEM, "pse__Billing_Event__c", event):
        delete(root, "salesforce", EVENT_ITEM, item["Id"], at)
        # The link is a field of theirs, so losing it is an edit of theirs.
        for billed, reference in BILLED_BY.items():
            if item[reference] and switch(root, Salesforce, "billing_event_links") != "kept":
                mutate(root, "salesforce", billed, item[reference], "touch", None, at)
    delete(root, "salesforce", EVENT, event, at)


def _content(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in ("Id", "_op")}


def _records(root: Path, vendor: str, obj: str, field: str, value: str) -> list[dict[str, Any]]:
    """Records of an object, not deleted, in which a field has this value, by key."""
    store = Store(root, vendor)
    definition = store.object(obj)
    if definition is None:
        raise MutationError(f"{vendor} has no object {obj}")
    order = ", ".join(quote(part) for part in definition.key)
    found: list[dict[str, Any]] = store.query(
        f"select * exclude (_modified, _user_modified, _created, _since, _op) from {store.state(obj)} "
        f"where cast({quote(field)} as VARCHAR) = $1 and _op <> 'delete' order by {order}",
        [value],
    ).to_pylist()
    return found


def _next_number(root: Path, vendor: str) -> int:
    """A number for a new record: apart by the records made so far, so the same deeds give the same ids."""
    path = root / "stores" / vendor / "overlay.jsonl"
    edits = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    made = [edit for edit in edits if edit and json.loads(edit)["op"] == "insert"]
    return OWN_IDS + 1_000 * len(made)
