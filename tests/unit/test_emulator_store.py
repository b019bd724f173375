"""Records through time: what the store shows at the clock's now, and after edits."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest

from sandbox.emulators.store import Store, StoreError, local_time
from sandbox.mutate import MutationError, delete, late_edit, mutate, record, repost, restate_rate, restore
from tests.unit.emulator_support import at, netsuite_store, salesforce_store, set_clock, write_object

ONE, FOUR, FIVE = "006000000000001AAA", "006000000000004AAA", "006000000000005AAA"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    salesforce_store(tmp_path)
    return tmp_path


def state(store: Store, key: str) -> dict[str, Any] | None:
    store.refresh()
    rows = store.query(f'select * from {store.state("Opportunity")} where "Id" = $1', [key]).to_pylist()
    return rows[0] if rows else None


def found(store: Store, key: str) -> dict[str, Any]:
    row = state(store, key)
    assert row is not None
    return row


def naive(text: str) -> datetime:
    return at(text).replace(tzinfo=None)


def test_the_state_is_each_keys_latest_version_at_the_clock(root: Path) -> None:
    store = Store(root, "salesforce")
    assert found(store, FOUR)["Amount"] == Decimal("0.2000")
    set_clock(root, at("2026-02-28"))
    assert found(store, FOUR)["Amount"] == Decimal("0.1000")
    set_clock(root, at("2026-01-01"))
    assert state(store, FOUR) is None


def test_deletion_keeps_the_row_and_purge_does_not(root: Path) -> None:
    store = Store(root, "salesforce")
    assert found(store, FIVE)["_op"] == "delete"
    assert state(store, "006000000000007AAA") is None


def test_a_change_of_volatile_fields_alone_leaves_the_stamp(root: Path) -> None:
    row = found(Store(root, "salesforce"), ONE)
    assert row["ExpectedRevenue"] == Decimal("1.0000")
    assert row["_modified"] == naive("2026-01-01T09:14:07")


@pytest.mark.parametrize("change", [{}, {"Amount": 2}, {"Amount": 2, "Derived": 3}])
def test_any_other_version_moves_the_stamp(tmp_path: Path, change: dict[str, int]) -> None:
    set_clock(tmp_path, at("2026-06-30"))
    row = {"Id": "1", "Amount": 1, "Derived": 2}
    fields = {"Id": "id", "Amount": "currency", "Derived": "currency"}
    versions = [{**row, "_at": "2026-01-01"}, {**row, **change, "_at": "2026-02-01"}]
    write_object(tmp_path, "salesforce", "Opportunity", ["Id"], fields, versions, volatile=("Derived",))
    assert found(Store(tmp_path, "salesforce"), "1")["_modified"] == naive("2026-02-01")


def test_same_instant_the_higher_sequence_wins(tmp_path: Path) -> None:
    set_clock(tmp_path, at("2026-06-30"))
    versions = [{"Id": "1", "Amount": amount, "_at": "2026-01-01"} for amount in (1, 2)]
    write_object(tmp_path, "salesforce", "Opportunity", ["Id"], {"Id": "id", "Amount": "currency"}, versions)
    assert found(Store(tmp_path, "salesforce"), "1")["Amount"] == 2


def test_edits_are_seen_without_a_restart_and_in_order(root: Path) -> None:
    store = Store(root, "salesforce")
    before = found(store, FOUR)
    late_edit(root, "salesforce", "Opportunity", FOUR, "Amount", Decimal("12.34"), "2026-06-29T10:00:00Z")
    after = found(store, FOUR)
    assert after["Amount"] == Decimal("12.3400")
    assert after["_modified"] == naive("2026-06-29T10:00:00")
    assert after["Name"] == before["Name"]
    mutate(root, "salesforce", "Opportunity", FOUR, "update", {"Amount": "7"}, "2026-06-29T11:00:00Z")
    assert found(store, FOUR)["Amount"] == 7
    set_clock(root, at("2026-06-29T10:30:00"))
    assert found(store, FOUR)["Amount"] == Decimal("12.3400")
    assert found(store, ONE)["Amount"] == 480000


def test_a_back_dated_edit_starts_from_what_was_there_then(root: Path) -> None:
    store = Store(root, "salesforce")
    mutate(root, "salesforce", "Opportunity", FOUR, "update", {"Name": "Earlier"}, "2026-02-01T00:00:00Z")
    set_clock(root, at("2026-02-15"))
    row = found(store, FOUR)
    assert (row["Name"], row["Amount"]) == ("Earlier", Decimal("0.1000"))


def test_touch_silent_delete_restore_insert_purge(root: Path) -> None:
    store = Store(root, "salesforce")
    mutate(root, "salesforce", "Opportunity", ONE, "touch", None, "2026-06-01T00:00:00Z")
    row = found(store, ONE)
    assert (row["_modified"], row["_user_modified"]) == (naive("2026-06-01"), naive("2026-01-01T09:14:07"))
    mutate(root, "salesforce", "Opportunity", ONE, "silent", {"Amount": "5"}, "2026-06-02T00:00:00Z")
    row = found(store, ONE)
    assert (row["Amount"], row["_modified"]) == (5, naive("2026-06-01"))
    delete(root, "salesforce", "Opportunity", ONE, "2026-06-03T00:00:00Z")
    assert found(store, ONE)["_op"] == "delete"
    restore(root, "salesforce", "Opportunity", ONE, "2026-06-04T00:00:00Z")
    assert (found(store, ONE)["_op"], found(store, ONE)["Amount"]) == ("restore", 5)
    fields = {"Name": "New", "CreatedDate": "2026-06-05T01:02:03Z", "IsWon": True, "CloseDate": "2026-09-30"}
    mutate(root, "salesforce", "Opportunity", "006000000000009AAA", "insert", fields, "2026-06-05T00:00:00Z")
    row = found(store, "006000000000009AAA")
    assert (row["CreatedDate"], row["IsWon"], row["Amount"]) == (naive("2026-06-05T01:02:03"), True, None)
    mutate(root, "salesforce", "Opportunity", ONE, "purge", None, "2026-06-06T00:00:00Z")
    assert state(store, ONE) is None


@pytest.mark.parametrize(
    "zone", ["America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "UTC", "Australia/Lord_Howe"]
)
def test_local_time_agrees_with_the_zone_database(zone: str) -> None:
    moments = [
        naive("1999-12-31T23:59:59") + timedelta(hours=31 * step, minutes=step % 60) for step in range(3_000)
    ]
    table = pa.table({"moment": pa.array(moments, pa.timestamp("us"))})
    con = duckdb.connect()
    con.register("instants", table)
    found = con.execute(f"select {local_time('moment', zone)} from instants").fetchall()
    place = ZoneInfo(zone)
    expected = [moment.replace(tzinfo=UTC).astimezone(place).replace(tzinfo=None) for moment in moments]
    assert [row[0] for row in found] == expected


def test_repost_moves_the_content_to_a_new_id(root: Path) -> None:
    key, again = "a0T000000000001AAA", "a0T000000009999AAA"
    changed = {"pse__Total_Hours__c": "6"}
    repost(root, "salesforce", "pse__Timecard__c", key, again, "2026-06-10T00:00:00Z", changed)
    before = record(root, "salesforce", "pse__Timecard__c", key)
    after = record(root, "salesforce", "pse__Timecard__c", again)
    assert before["_op"] == "delete"
    assert (after["pse__Project__c"], after["pse__Total_Hours__c"]) == (before["pse__Project__c"], 6)


def test_a_transaction_takes_its_lines_with_it_and_rates_restate(tmp_path: Path) -> None:
    netsuite_store(tmp_path)
    done = delete(tmp_path, "netsuite", "transaction", "905", "2026-06-10T00:00:00Z")
    assert [edit["object"] for edit in done] == ["transaction", "transactionline", "transactionline"]
    edit = restate_rate(tmp_path, "netsuite", "currency", "2", "symbol", "EUX", "2026-06-10T00:00:00Z")
    assert edit["op"] == "silent"


def test_wrong_edits_are_refused(root: Path) -> None:
    for call in (
        lambda: mutate(root, "salesforce", "Nothing", "1", "update"),
        lambda: mutate(root, "salesforce", "Opportunity", ONE, "update", {"Amout": "1"}),
        lambda: mutate(root, "salesforce", "Opportunity", ONE, "change"),
        lambda: mutate(root, "salesforce", "Opportunity", {"Key": ONE}, "update"),
        lambda: mutate(root, "salesforce", "Opportunity", ONE, "update", {"Id": "2"}),
        lambda: mutate(root, "salesforce", "Opportunity", ONE, "update", {"Amount": 0.1}),
        lambda: mutate(root, "workday", "Worker", "1", "update"),
    ):
        with pytest.raises(MutationError):
            call()
    assert not (root / "stores" / "salesforce" / "overlay.jsonl").exists()


def test_a_taken_back_edit_is_gone(root: Path) -> None:
    store = Store(root, "salesforce")
    mutate(root, "salesforce", "Opportunity", FOUR, "update", {"Amount": "9"}, "2026-06-29T10:00:00Z")
    assert found(store, FOUR)["Amount"] == 9
    (root / "stores" / "salesforce" / "overlay.jsonl").unlink()
    assert found(store, FOUR)["Amount"] == Decimal("0.2000")


def test_a_store_that_contradicts_itself_says_so(root: Path) -> None:
    path = root / "stores" / "salesforce" / "schema.json"
    schema = json.loads(path.read_text())
    schema["objects"]["Account"]["key"] = ["Number"]
    path.write_text(json.dumps(schema))
    with pytest.raises(StoreError, match="Number of Account"):
        Store(root, "salesforce")
    with pytest.raises(StoreError, match=r"schema\.json"):
        Store(root, "nothing")
