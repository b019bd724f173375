"""A hand-written vendor store of a few records, and clients over it, for the emulator tests."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MONEY = pa.decimal128(19, 4)
RATE = pa.decimal128(18, 8)
STAMP = pa.timestamp("us", tz="UTC")
TYPES: dict[str, pa.DataType] = {
    "id": pa.string(),
    "reference": pa.string(),
    "string": pa.string(),
    "textarea": pa.string(),
    "picklist": pa.string(),
    "email": pa.string(),
    "boolean": pa.bool_(),
    "currency": MONEY,
    "double": RATE,
    "percent": pa.decimal128(9, 4),
    "int": pa.int64(),
    "date": pa.date32(),
    "datetime": STAMP,
}
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    """An instant from `2026-03-01` or `2026-03-01T10:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def write_object(
    root: Path,
    vendor: str,
    name: str,
    key: list[str],
    fields: dict[str, str],
    versions: list[dict[str, Any]],
    *,
    modified: bool = True,
    volatile: tuple[str, ...] = (),
    settings: dict[str, Any] | None = None,
) -> None:
    """Write one object's parquet and add it to the vendor's schema.json.

    A version is its fields plus `_at` (text) and, when not an upsert, `_op`.
    """
    folder = root / "stores" / vendor
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "schema.json"
    schema = (
        json.loads(path.read_text()) if path.exists() else {"vendor": vendor, "objects": {}, "settings": {}}
    )
    schema["objects"][name] = {
        "key": key,
        "label": name,
        "fields": {field: {"type": kind} for field, kind in fields.items()},
        "modified": modified,
        "volatile": list(volatile),
    }
    schema["settings"].update(settings or {})
    path.write_text(json.dumps(schema))
    columns: dict[str, pa.Array] = {}
    for field, kind in fields.items():
        columns[field] = pa.array([_value(row.get(field), kind) for row in versions], TYPES[kind])
    columns["_valid_from"] = pa.array([at(row["_at"]) for row in versions], STAMP)
    columns["_seq"] = pa.array(list(range(len(versions))), pa.int64())
    columns["_op"] = pa.array([row.get("_op", "upsert") for row in versions], pa.string())
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind in ("currency", "double", "percent"):
        return Decimal(str(value))
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "datetime":
        return at(value)
    return value


def set_clock(root: Path, now: datetime) -> None:
    """Move the sandbox clock."""
    (root / "clock.json").write_text(json.dumps({"now": now.isoformat()}))


def set_profile(root: Path, *rules: dict[str, Any]) -> None:
    """Replace the fault profile."""
    (root / "profile.json").write_text(json.dumps(list(rules)))


def salesforce_store(root: Path) -> None:
    """Accounts, opportunities (deleted, restored, purged, deleted long ago among them), timecards."""
    set_clock(root, NOW)
    write_object(
        root,
        "salesforce",
        "Account",
        ["Id"],
        {"Id": "id", "Name": "string", "Industry": "picklist", "CurrencyIsoCode": "picklist"},
        [
            {"Id": "001000000000001AAA", "Name": "Acme", "CurrencyIsoCode": "EUR", "_at": "2026-01-01"},
            {
                "Id": "001000000000002AAA",
                "Name": 'O\'Neill "Bros", Ltd',
                "CurrencyIsoCode": "USD",
                "_at": "2026-01-02",
            },
        ],
    )
    opportunity = {
        "Id": "id",
        "AccountId": "reference",
        "Name": "string",
        "Description": "textarea",
        "Amount": "currency",
        "Probability": "percent",
        "CloseDate": "date",
        "IsWon": "boolean",
        "ExpectedRevenue": "currency",
        "CreatedDate": "datetime",
        "CurrencyIsoCode": "picklist",
    }
    base = {"AccountId": "001000000000001AAA", "IsWon": False, "CurrencyIsoCode": "EUR", "Probability": 75}
    rows: list[dict[str, Any]] = []
    for number, amount in enumerate((480000, "1234.56", None, "0.10", 700, 800, 900), start=1):
        rows.append(
            {
                **base,
                "Id": f"00600000000000{number}AAA",
                "Name": f"Deal {number}",
                "Amount": amount,
                "ExpectedRevenue": amount,
                "CloseDate": f"2026-0{number}-15",
                "CreatedDate": f"2026-01-0{number}T09:14:07",
                "_at": f"2026-01-0{number}T09:14:07",
            }
        )
    rows[1].update(AccountId="001000000000002AAA", Description='two\nlines, "quoted"', IsWon=True)
    rows[2].update(AccountId=None)
    # 4: edited in March; 5: deleted ten days ago; 6: deleted long ago; 7: purged; 1: formula only
    rows += [
        {**rows[3], "Amount": "0.20", "_at": "2026-03-01"},
        {**rows[4], "_op": "delete", "_at": "2026-06-20"},
        {**rows[5], "_op": "delete", "_at": "2026-05-01"},
        {**rows[6], "_op": "purge", "_at": "2026-05-01"},
        {**rows[0], "ExpectedRevenue": 1, "_at": "2026-05-05"},
        {**rows[1], "_op": "delete", "_at": "2026-04-01"},
        {**rows[1], "_op": "restore", "_at": "2026-04-02"},
    ]
    write_object(root, "salesforce", "Opportunity", ["Id"], opportunity, rows, volatile=("ExpectedRevenue",))
    write_object(
        root,
        "salesforce",
        "pse__Timecard__c",
        ["Id"],
        {
            "Id": "id",
            "pse__Project__c": "reference",
            "pse__Total_Hours__c": "double",
            "CurrencyIsoCode": "picklist",
        },
        [
            {
                "Id": f"a0T{number:012d}AAA",
                "pse__Project__c": f"a0P{number % 3:012d}AAA",
                "pse__Total_Hours__c": "7.5",
                "CurrencyIsoCode": "EUR",
                "_at": "2026-02-01",
            }
            for number in range(4500)
        ],
    )
    write_object(
        root,
        "salesforce",
        "pse__Proj__c",
        ["Id"],
        {"Id": "id", "Name": "string", "CurrencyIsoCode": "picklist"},
        [
            {
                "Id": f"a0P{number:012d}AAA",
                "Name": f"Project {number}",
                "CurrencyIsoCode": "EUR",
                "_at": "2026-01-01",
            }
            for number in range(3)
        ],
    )


def netsuite_store(root: Path) -> None:
    """Transactions (one deleted, some alike in date), their lines, customers, currencies, periods."""
    set_clock(root, NOW)
    transactions: list[dict[str, Any]] = [
        {
            "id": str(900 + number),
            "type": "CustInvc",
            "recordtype": "invoice",
            "tranid": f"INV-{number}",
            "trandate": f"2026-03-{number % 28 + 1:02d}",
            "entity": "551",
            "currency": "2",
            "exchangerate": "1.0842",
            "foreigntotal": 48000 + number,
            "posting": True,
            "memo": None if number % 2 else 'it\'s\n"quoted"',
            "createddate": "2026-03-01T06:30:00",
            "_at": "2026-03-01T06:30:00",
        }
        for number in range(1, 251)
    ]
    transactions += [
        {**transactions[0], "_op": "delete", "_at": "2026-06-01T02:00:00"},
        {**transactions[1], "foreigntotal": "1.5", "_at": "2026-06-02T03:15:00"},
    ]
    write_object(
        root,
        "netsuite",
        "transaction",
        ["id"],
        {
            "id": "id",
            "type": "picklist",
            "recordtype": "string",
            "tranid": "string",
            "trandate": "date",
            "entity": "reference",
            "currency": "reference",
            "exchangerate": "double",
            "foreigntotal": "currency",
            "posting": "boolean",
            "memo": "string",
            "createddate": "datetime",
        },
        transactions,
    )
    write_object(
        root,
        "netsuite",
        "transactionline",
        ["transaction", "id"],
        {"transaction": "reference", "id": "id", "mainline": "boolean", "netamount": "currency"},
        [
            {
                "transaction": str(900 + number),
                "id": str(line),
                "mainline": line == 0,
                "netamount": -line,
                "_at": "2026-03-01T06:30:00",
            }
            for number in range(2, 251)
            for line in range(2)
        ],
    )
    write_object(
        root,
        "netsuite",
        "customer",
        ["id"],
        {"id": "id", "entityid": "string", "companyname": "string", "email": "email"},
        [{"id": "551", "entityid": "C-551 Acme", "companyname": "Acme", "_at": "2026-01-01"}],
    )
    write_object(
        root,
        "netsuite",
        "currency",
        ["id"],
        {"id": "id", "symbol": "string", "name": "string"},
        [{"id": "2", "symbol": "EUR", "name": "Euro", "_at": "2026-01-01"}],
        modified=False,
    )
