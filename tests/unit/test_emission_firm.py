"""The stores of a whole tiny firm against its state, the field map and the rules every store keeps."""

from __future__ import annotations

import filecmp
import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.emission import write_stores
from sandbox.firm.simulator import simulate
from sandbox.firm.state import Firm

FIELD_MAP = Path(__file__).resolve().parents[2] / "docs" / "engineer" / "field-map.md"
KINDS = {
    "text": pa.string(),
    "id": pa.string(),
    "money": pa.decimal128(19, 4),
    "rate": pa.decimal128(18, 8),
    "fx": pa.decimal128(18, 10),
    "hours": pa.decimal128(9, 2),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "ts": pa.timestamp("us", tz="UTC"),
}
DERIVED = {"SystemModstamp", "IsDeleted", "lastmodifieddate", "linelastmodifieddate", "lastChanged"}
STORES = {
    "Salesforce": "salesforce",
    "Certinia PSA": "salesforce",
    "BambooHR": "bamboohr",
    "NetSuite": "netsuite",
    "DocuSign": "docusign",
}
# The object's own name where the map's first cell shows the vendor's table in other words.
END = datetime(2026, 7, 8, 23, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def firm() -> Firm:
    return simulate(11, "tiny", ["all"])


@pytest.fixture(scope="module")
def stores(firm: Firm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sandbox")
    write_stores(firm, folder)
    return folder / "stores"


def current(stores: Path, vendor: str, name: str, at: datetime = END) -> list[dict[str, object]]:
    """The records as they stand at `at`: the newest version per key, deleted ones left out."""
    key = json.loads((stores / vendor / "schema.json").read_text())["objects"][name]["key"]
    path = stores / vendor / f"{name}.parquet"
    found = (
        duckdb.sql(
            f"select * from read_parquet('{path}') where _valid_from <= $at "
            f"qualify row_number() over (partition by {', '.join(key)} order by _valid_from desc, _seq desc)"
            " = 1",
            params={"at": at},
        )
        .to_arrow_table()
        .to_pylist()
    )
    return [row for row in found if row["_op"] not in ("delete", "purge")]


def declared_fields(cell: str) -> list[tuple[str, str | None]]:
    """(field, kind or None) of a cell of the field map; words in brackets are remarks, not fields."""
    plain = re.sub(r"\{(?!Monday)[^{}]*\}|\([^()]*\)", "", cell)
    fields: list[tuple[str, str | None]] = []
    for piece in plain.split(","):
        words = piece.split()
        if not words:
            continue
        name = words[0].rstrip("!")
        kind = next((word for word in words[1:] if word in KINDS), None)
        if "{Monday..Sunday}" in name:
            for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"):
                fields.append((name.replace("{Monday..Sunday}", day), kind))
        else:
            fields.append((name, kind))
    return fields


def field_map() -> list[tuple[str, str, list[tuple[str, str | None]]]]:
    """(store, object, fields) of every row of the field map."""
    rows = []
    store = None
    for line in FIELD_MAP.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            store = next((STORES[name] for name in STORES if line.startswith(f"## {name}")), None)
        elif store and line.startswith("| ") and "→" in line.split("|")[1]:
            cells = line.split("|")
            for name in re.findall(r"([A-Za-z_]+)(?: \([^)]*\))? →", cells[1]):
                if "`" not in cells[1]:
                    continue  # the table's head
                fields = declared_fields(cells[3])
                rows.append((store, name, fields))
    return rows


def test_field_map_is_read() -> None:
    rows = field_map()
    assert {store for store, _, _ in rows} == {"salesforce", "bamboohr", "netsuite", "docusign"}
    assert len(rows) == 49
    assert ("CurrencyIsoCode", "text") in next(fields for _, name, fields in rows if name == "Opportunity")


@pytest.mark.parametrize(("store", "name", "fields"), field_map(), ids=lambda value: str(value)[:40])
def test_every_field_of_the_map_is_stored_with_its_type(
    stores: Path, store: str, name: str, fields: list[tuple[str, str | None]]
) -> None:
    schema = pq.read_schema(stores / store / f"{name}.parquet")
    declared = json.loads((stores / store / "schema.json").read_text())["objects"][name]["fields"]
    for field, kind in fields:
        if field in DERIVED:
            assert field not in schema.names
            continue
        assert field in schema.names, f"{name}.{field} is in the map and not in the store"
        assert field in declared
        if kind is not None:
            assert schema.field(field).type == KINDS[kind], f"{name}.{field}"
    extra = set(schema.names) - {field for field, _ in fields} - {"_valid_from", "_seq", "_op"}
    assert not extra, f"{name} stores what the map does not name: {sorted(extra)}"


def test_same_firm_same_bytes(firm: Firm, stores: Path, tmp_path: Path) -> None:
    write_stores(simulate(11, "tiny", ["all"]), tmp_path)
    files = sorted(path.relative_to(stores) for path in stores.rglob("*") if path.is_file())
    assert len(files) == 55
    for path in files:
        assert filecmp.cmp(stores / path, tmp_path / "stores" / path, shallow=False), path


def test_versions_are_ordered_and_none_repeats_its_predecessor(stores: Path) -> None:
    for path in sorted(stores.rglob("*.parquet")):
        schema = json.loads((path.parent / "schema.json").read_text())["objects"][path.stem]
        rows = pq.read_table(path).to_pylist()
        before: dict[str, object] | None = None
        for row in rows:
            key = tuple(row[part] for part in schema["key"])
            if before is not None and key == tuple(before[part] for part in schema["key"]):
                assert row["_valid_from"] > before["_valid_from"], (path.stem, key)
                assert row["_seq"] == before["_seq"] + 1
                same = all(row[field] == before[field] for field in schema["fields"])
                assert not (same and row["_op"] == "upsert"), (path.stem, key)
            else:
                assert before is None or key > tuple(before[part] for part in schema["key"])
                assert row["_seq"] == 0
                assert row["_op"] == "upsert"
            before = row


def test_nothing_changes_in_the_quiet_hour_or_below_a_second(stores: Path) -> None:
    for path in sorted(stores.rglob("*.parquet")):
        for moment in pq.read_table(path, columns=["_valid_from"])["_valid_from"].to_pylist():
            assert (moment.hour, moment.minute) < (22, 30), (path.stem, moment)
            assert moment.microsecond == 0


def test_ledger_balances_per_transaction_at_every_close(stores: Path) -> None:
    for month in range(2, 8):
        sums: dict[object, Decimal] = defaultdict(Decimal)
        at = datetime(2026, month, 8, 23, 30, tzinfo=UTC)
        for row in current(stores, "netsuite", "transactionaccountingline", at):
            debit, credit = row["debit"] or Decimal(0), row["credit"] or Decimal(0)
            assert row["amount"] == debit - credit
            sums[row["transaction"]] += row["amount"]  # type: ignore[operator]
        assert len(sums) >= month  # more with every close
        assert {key: total for key, total in sums.items() if total} == {}


def test_totals_equal_the_state(firm: Firm, stores: Path) -> None:
    posted = [item for item in firm.invoices if item.posted_at <= END]
    headers = [
        row for row in current(stores, "netsuite", "transaction") if row["type"] in ("CustInvc", "CustCred")
    ]
    assert sum(row["foreigntotal"] for row in headers) == sum(item.gross for item in posted)  # type: ignore[misc]
    ids = {item.invoice_id for item in posted}
    lines = [
        row
        for row in current(stores, "netsuite", "transactionline")
        if row["transaction"] in ids and not row["mainline"] and not row["taxline"]
    ]
    assert -sum(row["foreignamount"] for row in lines) == sum(item.net for item in posted)  # type: ignore[misc]
    splits = current(stores, "salesforce", "pse__Timecard__c")
    real = [split for card in firm.timecards for split in card.splits]
    assert len(splits) == len(real)
    hours = sum(row["pse__Total_Hours__c"] for row in splits)  # type: ignore[misc]
    assert hours == sum(sum(split.hours) for split in real)
    items = current(stores, "netsuite", "customrecord_tl_billing_item")
    assert sum(row["custrecord_tl_bi_amount"] for row in items) == sum(  # type: ignore[misc]
        item.amount for item in firm.billing_items
    )
    revenue = [row for row in current(stores, "netsuite", "revenueplanplannedrevenue") if row["dateexecuted"]]
    assert sum(row["amount"] for row in revenue) == sum(entry.amount for entry in firm.revenue)  # type: ignore[misc]
    plans = current(stores, "netsuite", "revenueplan")
    assert sum(row["totalrecognized"] for row in plans) == sum(  # type: ignore[misc]
        entry.amount for entry in firm.revenue
    )


def test_invoice_lines_and_tax_make_the_main_line(stores: Path) -> None:
    sums: dict[object, Decimal] = defaultdict(Decimal)
    kinds = {row["id"]: row["type"] for row in current(stores, "netsuite", "transaction")}
    for row in current(stores, "netsuite", "transactionline"):
        if kinds[row["transaction"]] in ("CustInvc", "CustCred", "VendBill", "Journal"):
            sums[row["transaction"]] += row["foreignamount"]  # type: ignore[operator]
    assert sums
    assert {key: total for key, total in sums.items() if total} == {}


def test_records_refer_to_records(stores: Path) -> None:
    """Every reference within NetSuite finds its record, at the end as at a close."""
    pairs = [
        ("transactionline", "transaction", "transaction", "id"),
        ("transactionline", "custcol_tl_contract_line", "transactionline", "uniquekey"),
        ("transactionline", "custcol_tl_po_line", "transactionline", "uniquekey"),
        ("transaction", "custbody_tl_contract", "transaction", "id"),
        ("transaction", "custbody_tl_applies_to", "transaction", "id"),
        ("transaction", "postingperiod", "accountingperiod", "id"),
        ("transaction", "subsidiary", "subsidiary", "id"),
        ("transaction", "currency", "currency", "id"),
        ("transactionaccountingline", "account", "account", "id"),
        ("transactionaccountingline", "transaction", "transaction", "id"),
        ("nexttransactionlinelink", "previousdoc", "transaction", "id"),
        ("nexttransactionlinelink", "nextdoc", "transaction", "id"),
        ("revenueplan", "createdfrom", "revenueelement", "id"),
        ("revenueplanplannedrevenue", "revenueplan", "revenueplan", "id"),
        ("revenueplanplannedrevenue", "custrecord_tl_journal", "transaction", "id"),
        ("customrecord_tl_billing_item", "custrecord_tl_bi_line", "transactionline", "uniquekey"),
        ("customrecord_tl_amendment", "custrecord_tl_amd_line", "transactionline", "uniquekey"),
        ("customersubsidiaryrelationship", "entity", "customer", "id"),
        ("customrecord_tl_customer_share", "custrecord_tl_cs_customer", "customer", "id"),
    ]
    for at in (END, datetime(2026, 4, 8, 23, 30, tzinfo=UTC)):
        for child, field, parent, key in pairs:
            there = {row[key] for row in current(stores, "netsuite", parent, at)}
            asked = {row[field] for row in current(stores, "netsuite", child, at)} - {None}
            assert asked <= there, (child, field, sorted(map(str, asked - there))[:3])


def test_psa_flags_follow_the_erp(firm: Firm, stores: Path) -> None:
    """A split is marked billed exactly when an item of it stands on a posted invoice not credited."""
    standing: dict[str, int] = defaultdict(int)
    for invoice in firm.invoices:
        if invoice.posted_at.date() >= END.date():
            continue
        for line in invoice.lines:
            if line.source_type == "TIME" and line.quantity and line.source_id:
                standing[line.source_id.rsplit("-", 1)[0]] += -1 if invoice.doc_type == "CREDIT_NOTE" else 1
    flagged = {
        row["Id"] for row in current(stores, "salesforce", "pse__Timecard__c") if row["pse__Billed__c"]
    }
    assert flagged
    assert flagged == {split for split, count in standing.items() if count > 0}


def test_drafts_are_deleted_and_restored(stores: Path) -> None:
    def operations(vendor: str, name: str) -> list[str]:
        return [
            op
            for op in pq.read_table(stores / vendor / f"{name}.parquet")["_op"].to_pylist()
            if op != "upsert"
        ]

    assert operations("salesforce", "pse__Timecard_Header__c") == ["delete"]
    assert operations("salesforce", "pse__Timecard__c") == ["delete"]
    assert sorted(operations("salesforce", "pse__Expense__c")) == ["delete", "delete", "restore"]
    assert operations("bamboohr", "TimeOffRequest") == ["delete"]
    assert operations("netsuite", "transaction") == ["delete"]
    assert operations("netsuite", "transactionline") == ["delete", "delete"]


def test_project_totals_of_the_psa_move_without_the_stamp(stores: Path) -> None:
    volatile = json.loads((stores / "salesforce" / "schema.json").read_text())["objects"]["pse__Proj__c"][
        "volatile"
    ]
    assert volatile == ["pse__Bookings__c", "pse__Billed__c", "pse__Invoiced__c", "pse__Revenue__c"]
    events = current(stores, "salesforce", "pse__Billing_Event__c")
    released: dict[object, Decimal] = defaultdict(Decimal)
    for event in events:
        if event["pse__Invoiced__c"]:
            released[event["pse__Project__c"]] += event["pse__Summary_Amount__c"]  # type: ignore[operator]
    projects = current(stores, "salesforce", "pse__Proj__c")
    assert {row["Id"]: row["pse__Invoiced__c"] for row in projects if row["pse__Invoiced__c"]} == {
        key: value for key, value in released.items() if value
    }
