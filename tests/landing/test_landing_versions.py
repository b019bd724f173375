"""What lands and what does not: versions, windows, deletions, restores."""

from __future__ import annotations

import pytest

from tests.landing.conftest import Home
from tests.landing.fakes import Org

ONLY = ["opportunity_line_item"]
TABLE = "salesforce_main.opportunity_line_item"
FIELDS = {
    "OpportunityId": "006A",
    "Quantity": 1.0,
    "UnitPrice": 10.5,
    "TotalPrice": 10.5,
    "CurrencyIsoCode": "EUR",
}


def item(org: Org, key: str, at: str, **fields: object) -> None:
    org.put("OpportunityLineItem", key, at, **{**FIELDS, **fields})


@pytest.fixture
def org() -> Org:
    org = Org()
    item(org, "a", "2026-03-01T08:00:00.000+0000")
    item(org, "b", "2026-03-02T08:00:00.000+0000", TotalPrice=99.99)
    return org


def test_first_load_knows_each_row_since_the_source_did(home: Home, org: Org) -> None:
    result = home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    assert result.status == "OK", result.errors
    assert result.load_id == "20260310T120000Z"
    rows = home.sql(
        f"select tl_record_id, total_price, tl_known_at::varchar, tl_is_backfill, tl_is_deleted, tl_load_id"
        f" from {TABLE} order by 1"
    )
    assert [(row[0], str(row[1]), row[2], row[3], row[4], row[5]) for row in rows] == [
        ("a", "10.5000", "2026-03-01 08:00:00+00", True, False, "20260310T120000Z"),
        ("b", "99.9900", "2026-03-02 08:00:00+00", True, False, "20260310T120000Z"),
    ]
    run = home.sql(
        "select status, rows_extracted, rows_landed, source_count, source_amount::varchar, is_backfill,"
        " cursor_from, cursor_to::varchar, dataset from landing.extract_run"
    )
    assert run == [
        ("OK", 2, 2, 2, "110.4900", True, None, "2026-03-02 08:00:00+00", TABLE),
    ]


def test_every_declared_table_exists_after_a_run_of_one(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    found = {
        row[0]
        for row in home.sql("select table_name from duckdb_tables() where schema_name = 'salesforce_main'")
    }
    assert {resource.name for resource in org.manifest.resources} <= found
    records = {
        row[0] for row in home.sql("select table_name from duckdb_tables() where schema_name = 'landing'")
    }
    assert {"extract_run", "reject", "reject_event", "schema_change"} <= records


def test_unchanged_second_load_lands_nothing(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    again = home.land("salesforce", org.config(), "2026-03-11T12:00:00Z", ONLY)
    assert again.rows_landed == 0
    assert home.sql(f"select count(*) from {TABLE}") == [(2,)]
    assert again.resources[0].rows_unchanged == 1


def test_a_touch_without_a_change_lands_nothing(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    org.put("OpportunityLineItem", "a", "2026-03-10T18:00:00.000+0000")
    again = home.land("salesforce", org.config(), "2026-03-11T12:00:00Z", ONLY)
    assert (again.rows_landed, again.resources[0].rows_extracted) == (0, 2)


def test_from_a_to_b_to_a_is_three_versions(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    item(org, "a", "2026-03-10T18:00:00.000+0000", TotalPrice=20)
    home.land("salesforce", org.config(), "2026-03-11T12:00:00Z", ONLY)
    item(org, "a", "2026-03-11T18:00:00.000+0000")
    home.land("salesforce", org.config(), "2026-03-12T12:00:00Z", ONLY)
    rows = home.sql(
        f"select total_price::varchar, tl_known_at::varchar, tl_payload_hash from {TABLE}"
        " where tl_record_id = 'a' order by tl_loaded_at"
    )
    assert [row[:2] for row in rows] == [
        ("10.5000", "2026-03-01 08:00:00+00"),
        ("20.0000", "2026-03-11 12:00:00+00"),
        ("10.5000", "2026-03-12 12:00:00+00"),
    ]
    assert rows[0][2] == rows[2][2] != rows[1][2]


def test_window_ends_before_the_run_and_overlaps_the_last_one(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    item(org, "late", "2026-03-02T07:55:00.000+0000")
    item(org, "fresh", "2026-03-11T11:55:00.000+0000")
    home.land("salesforce", org.config(), "2026-03-11T12:00:00Z", ONLY)
    assert home.sql(f"select tl_record_id from {TABLE} order by 1") == [("a",), ("b",), ("late",)]
    home.land("salesforce", org.config(), "2026-03-11T13:00:00Z", ONLY)
    assert home.sql(f"select count(*) from {TABLE} where tl_record_id = 'fresh'") == [(1,)]


def test_row_far_behind_the_cursor_is_fetched_by_the_key_compare(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    item(org, "lost", "2026-01-01T00:00:00.000+0000")
    home.land("salesforce", org.config(), "2026-03-11T12:00:00Z", ONLY)
    assert home.sql(f"select tl_known_at::varchar from {TABLE} where tl_record_id = 'lost'") == [
        ("2026-03-11 12:00:00+00",)
    ]


@pytest.mark.parametrize("change", ["purged", "lost"])
def test_a_count_that_differs_brings_the_key_compare_forward(home: Home, org: Org, change: str) -> None:
    """Between two compares a purge without trace, or a row behind the cursor, shows in the count alone."""
    config = org.config(limits={"key_compare_rows": -1})
    home.land("salesforce", config, "2026-03-10T12:00:00Z", ONLY)
    if change == "purged":
        org.purge("OpportunityLineItem", "a")
        org.feed.clear()
    else:
        item(org, "lost", "2026-01-01T00:00:00.000+0000")
    home.land("salesforce", config, "2026-03-11T12:00:00Z", ONLY)
    found = home.sql(
        f"select tl_record_id, tl_deletion_basis from {TABLE} where tl_loaded_at > '2026-03-11' order by 1"
    )
    assert found == [("a", "snapshot_absence") if change == "purged" else ("lost", None)]
    assert home.sql("select keys_at_source, keys_absent, keys_missed from landing.key_compare") == (
        [(1, 1, 0)] if change == "purged" else [(3, 0, 1)]
    )
    home.land("salesforce", config, "2026-03-12T12:00:00Z", ONLY)
    assert home.sql("select count(*) from landing.key_compare") == [(1,)], "counts agree: nothing to compare"


@pytest.mark.parametrize("basis", ["flag", "tombstone", "snapshot_absence"])
def test_deletion_by_each_mechanism_then_restore(home: Home, org: Org, basis: str) -> None:
    limits = {"key_compare_rows": 10_000 if basis == "snapshot_absence" else -1}
    org.source = "certinia"
    names = ["timecard_split"]
    split = {
        "pse__Timecard_Header__c": "h",
        "pse__Project__c": "p",
        "pse__Resource__c": "r",
        "pse__Start_Date__c": "2026-03-02",
        "pse__End_Date__c": "2026-03-08",
        "pse__Total_Hours__c": 8,
        "pse__Total_Billable_Amount__c": 800,
        "pse__Billable__c": True,
        "pse__Status__c": "Approved",
        "CurrencyIsoCode": "USD",
    }
    org.put("pse__Timecard__c", "x", "2026-03-01T08:00:00.000+0000", **split)
    org.put("pse__Timecard__c", "y", "2026-03-01T08:00:00.000+0000", **split)
    home.land("certinia", org.config(limits=limits), "2026-03-10T12:00:00Z", names)
    gone = dict(org.records["pse__Timecard__c"]["x"])
    if basis == "flag":
        org.delete("pse__Timecard__c", "x", "2026-03-10T18:00:00.000+0000")
        org.feed.clear()
    else:
        org.purge("pse__Timecard__c", "x")
    if basis == "tombstone":
        org.feed["pse__Timecard__c"] = [("x", "2026-03-10T18:00:00.000+0000")]
    result = home.land("certinia", org.config(limits=limits), "2026-03-11T12:00:00Z", names)
    assert result.resources[0].rows_deleted == 1
    found = home.sql(
        "select tl_is_deleted, tl_deletion_basis, pse__total_billable_amount__c::varchar"
        " from certinia_main.timecard_split where tl_record_id = 'x' order by tl_loaded_at"
    )
    assert found == [(False, None, "800.0000"), (True, basis, "800.0000")]
    quiet = home.land("certinia", org.config(limits=limits), "2026-03-11T14:00:00Z", names)
    assert quiet.rows_landed == 0
    org.put("pse__Timecard__c", "x", "2026-03-11T18:00:00.000+0000", **split, CreatedDate=gone["CreatedDate"])
    org.feed.clear()
    home.land("certinia", org.config(limits=limits), "2026-03-12T12:00:00Z", names)
    versions = home.sql(
        "select tl_is_deleted, tl_payload_hash from certinia_main.timecard_split"
        " where tl_record_id = 'x' order by tl_loaded_at"
    )
    assert [row[0] for row in versions] == [False, True, False]
    assert versions[0][1] == versions[2][1]


def test_deleted_and_restored_in_one_window_stays_live(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ["opportunity"])
    org.put(
        "Opportunity",
        "o",
        "2026-03-10T13:00:00.000+0000",
        AccountId="x",
        Name="n",
        StageName="s",
        Services_Amount__c=1,
        CloseDate="2026-03-01",
        IsClosed=False,
        IsWon=False,
        CurrencyIsoCode="EUR",
    )
    home.land("salesforce", org.config(), "2026-03-11T12:00:00Z", ["opportunity"])
    org.feed["Opportunity"] = [("o", "2026-03-11T13:00:00.000+0000")]
    org.put("Opportunity", "o", "2026-03-11T14:00:00.000+0000")
    home.land("salesforce", org.config(), "2026-03-12T12:00:00Z", ["opportunity"])
    assert home.sql("select tl_is_deleted from salesforce_main.opportunity") == [(False,)]


def test_same_clock_time_gets_a_numbered_load_id(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    item(org, "a", "2026-03-10T11:00:00.000+0000", TotalPrice=1)
    second = home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    item(org, "a", "2026-03-10T11:10:00.000+0000", TotalPrice=2)
    third = home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    assert (second.load_id, third.load_id) == ("20260310T120000Z-2", "20260310T120000Z-3")
    fourth = home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    assert fourth.rows_landed == 0


def test_rest_and_bulk_give_the_same_versions(home: Home, org: Org) -> None:
    item(org, "c", "2026-03-03T08:00:00.000+0000", Description='two\nlines, "quoted"', TotalPrice=1234567.8)
    home.land("salesforce", org.config(mode="rest"), "2026-03-10T12:00:00Z", ONLY)
    org.records["OpportunityLineItem"]["b"]["_at"] = "2026-03-10T13:00:00.000+0000"
    org.records["OpportunityLineItem"]["c"]["_at"] = "2026-03-10T13:00:00.000+0000"
    bulk = home.land("salesforce", org.config(mode="bulk"), "2026-03-11T12:00:00Z", ONLY)
    assert (bulk.resources[0].rows_extracted, bulk.rows_landed) == (3, 0) or bulk.rows_landed == 0
    assert org.jobs


def test_no_variant_column_and_exact_types(home: Home, org: Org) -> None:
    item(org, "bad", "2026-03-03T08:00:00.000+0000", TotalPrice="n/a")
    home.land("salesforce", org.config(), "2026-03-10T12:00:00Z", ONLY)
    columns = dict(
        home.sql(
            "select column_name, data_type from duckdb_columns()"
            " where schema_name = 'salesforce_main' and table_name = 'opportunity_line_item'"
        )
    )
    assert not [name for name in columns if "__v_" in name]
    assert columns["total_price"] == "DECIMAL(19,4)"
    assert columns["quantity"] == "DECIMAL(18,8)"
    assert columns["service_date"] == "DATE"
    assert columns["system_modstamp"] == "TIMESTAMP WITH TIME ZONE"
    assert columns["is_deleted"] == "BOOLEAN"
    assert columns["tl_known_at"] == "TIMESTAMP WITH TIME ZONE"
