"""Bad rows wait beside the tables; changed columns fail their resource and say so."""

from __future__ import annotations

import logging

import pytest

from pipelines import rejects
from tests.landing.conftest import Home
from tests.landing.fakes import SECRET, TOKEN, Org
from tests.landing.test_landing_versions import ONLY, TABLE, item
from throughline.errors import ThroughlineError

NOW, NEXT, LAST = "2026-03-10T12:00:00Z", "2026-03-11T12:00:00Z", "2026-03-12T12:00:00Z"


@pytest.fixture
def org() -> Org:
    org = Org()
    for number in range(12):
        item(org, f"k{number:02d}", f"2026-03-01T08:00:{number:02d}.000+0000")
    return org


@pytest.mark.parametrize(
    ("fields", "column", "code"),
    [
        ({"TotalPrice": "n/a"}, "total_price", "NOT_A_NUMBER"),
        ({"TotalPrice": "1.234,56"}, "total_price", "NOT_A_NUMBER"),
        ({"TotalPrice": "1.00001"}, "total_price", "TOO_PRECISE"),
        ({"TotalPrice": "9" * 19}, "total_price", "OUT_OF_RANGE"),
        ({"TotalPrice": None}, "total_price", "REQUIRED_MISSING"),
        ({"ServiceDate": "2026-02-30"}, "service_date", "NOT_A_DATE"),
        ({"ServiceDate": "03/01/2026"}, "service_date", "NOT_A_DATE"),
        ({"CreatedDate": "yesterday"}, "created_date", "NOT_A_TIME"),
        ({"OpportunityId": ""}, "opportunity_id", "REQUIRED_MISSING"),
    ],
)
def test_a_bad_row_is_set_aside_and_the_load_goes_on(
    home: Home, org: Org, fields: dict[str, object], column: str, code: str
) -> None:
    item(org, "bad", "2026-03-02T08:00:00.000+0000", **fields)
    result = home.land("salesforce", org.config(), NOW, ONLY)
    assert (result.status, result.rows_landed, result.resources[0].rows_rejected) == ("OK", 12, 1)
    assert home.sql("select record_id, column_name, reason_code, load_id from landing.reject") == [
        ("bad", column, code, "20260310T120000Z")
    ]
    assert home.sql(f"select count(*) from {TABLE} where tl_record_id = 'bad'") == [(0,)]
    again = home.land("salesforce", org.config(), NEXT, ONLY)
    assert again.rows_landed == 0
    assert home.sql("select count(*) from landing.reject") == [(1,)]


def test_amounts_at_the_edges_land_exactly(home: Home, org: Org) -> None:
    amounts = {"zero": 0, "minus": "-0.0001", "large": "123456789012345.6789", "power": "1.5E3"}
    for key, amount in amounts.items():
        item(org, key, "2026-03-02T08:00:00.000+0000", TotalPrice=amount, Description="ÄÖ 漢字 " * 400)
    home.land("salesforce", org.config(), NOW, ONLY)
    names = ", ".join(f"'{key}'" for key in amounts)
    found = dict(
        home.sql(f"select tl_record_id, total_price::varchar from {TABLE} where tl_record_id in ({names})")
    )
    assert found == {
        "zero": "0.0000",
        "minus": "-0.0001",
        "large": "123456789012345.6789",
        "power": "1500.0000",
    }


def test_replay_lands_once_and_twice_changes_nothing(home: Home, org: Org) -> None:
    item(org, "bad", "2026-03-02T08:00:00.000+0000", TotalPrice="n/a")
    home.land("salesforce", org.config(), NOW, ONLY)
    home.at(NEXT)
    [waiting] = rejects.list_rejects(home.path)
    key = str(waiting["reject_id"])
    assert len(key) == 32
    refused = rejects.replay(home.path)
    assert refused.refused.keys() == {key}
    assert rejects.show_reject(home.path, key[:8])["state"] == "OPEN"
    done = rejects.replay(home.path, [key], corrections={key: {"TotalPrice": "12.50"}})
    assert (done.replayed, done.rows_landed) == ([key], 1)
    landed = home.sql(
        f"select total_price::varchar, tl_known_at::varchar from {TABLE} where tl_record_id = 'bad'"
    )
    assert landed == [("12.5000", "2026-03-11 12:00:00+00")]
    twice = rejects.replay(home.path, [key], corrections={key: {"TotalPrice": "99"}})
    assert (twice.replayed, twice.rows_landed) == ([], 0)
    assert home.sql(f"select count(*) from {TABLE} where tl_record_id = 'bad'") == [(1,)]
    assert home.sql("select action, count(*) from landing.reject_event group by 1") == [("REPLAYED", 1)]
    assert rejects.list_rejects(home.path) == []


def test_a_record_that_the_source_corrected_is_resolved(home: Home, org: Org) -> None:
    item(org, "bad", "2026-03-02T08:00:00.000+0000", TotalPrice="n/a")
    home.land("salesforce", org.config(), NOW, ONLY)
    item(org, "bad", "2026-03-10T13:00:00.000+0000", TotalPrice=7)
    home.land("salesforce", org.config(), NEXT, ONLY)
    assert [row["state"] for row in rejects.list_rejects(home.path, state=None)] == ["RESOLVED"]
    [row] = rejects.list_rejects(home.path, state=None)
    done = rejects.replay(home.path, [row["reject_id"]], corrections={row["reject_id"]: {"TotalPrice": "1"}})
    assert done.rows_landed == 0


def test_a_refused_change_keeps_the_last_good_version_live(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), NOW, ONLY)
    item(org, "k00", "2026-03-10T13:00:00.000+0000", TotalPrice="?")
    home.land("salesforce", org.config(), NEXT, ONLY)
    assert home.sql(f"select tl_is_deleted from {TABLE} where tl_record_id = 'k00'") == [(False,)]


def test_unknown_reject_is_told(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), NOW, ONLY)
    with pytest.raises(ThroughlineError) as caught:
        rejects.show_reject(home.path, "feedbeef")
    assert caught.value.code == "E-SRC-020"


def test_a_new_column_is_taken_in_and_reported(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), NOW, ONLY)
    assert home.sql("select count(*) from landing.schema_change") == [(0,)]
    org.describe_changes["OpportunityLineItem"] = {"Region_Code__c": "picklist"}
    item(org, "k00", "2026-03-10T13:00:00.000+0000", Region_Code__c="EU")
    result = home.land("salesforce", org.config(), NEXT, ONLY)
    assert result.status == "OK"
    changes = "select column_name, change, found_type from landing.schema_change"
    assert home.sql(changes) == [("region_code__c", "ADDED", "picklist")]
    assert home.sql(f"select region_code__c from {TABLE} where region_code__c is not null") == [("EU",)]
    quiet = home.land("salesforce", org.config(), LAST, ONLY)
    assert quiet.rows_landed == 0
    assert len(home.sql(changes)) == 1


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [({"TotalPrice": None}, "E-SRC-011", "REMOVED"), ({"TotalPrice": "string"}, "E-SRC-012", "RETYPED")],
)
def test_a_removed_or_retyped_column_fails_its_resource_only(
    home: Home, org: Org, change: dict[str, str | None], code: str, word: str
) -> None:
    home.land("salesforce", org.config(), NOW)
    org.describe_changes["OpportunityLineItem"] = change
    org.put("User", "u", "2026-03-10T13:00:00.000+0000", Name="N", IsActive=True)
    result = home.land("salesforce", org.config(), NEXT)
    assert result.status == "PARTIAL"
    failed = [resource for resource in result.resources if resource.error]
    assert [(resource.resource, resource.error.code) for resource in failed if resource.error] == [
        ("opportunity_line_item", code)
    ]
    assert "TotalPrice" in str(failed[0].error)
    assert home.sql("select column_name, change from landing.schema_change") == [("total_price", word)]
    assert home.sql("select count(*) from salesforce_main.user") == [(1,)]


def test_values_that_all_changed_their_form_fail_the_resource_instead_of_filling_the_rejects(
    home: Home, org: Org
) -> None:
    home.land("salesforce", org.config(), NOW, ONLY)
    for key in list(org.records["OpportunityLineItem"]):
        item(org, key, "2026-03-10T13:00:00.000+0000", TotalPrice="10,50")
    result = home.land("salesforce", org.config(), NEXT, ONLY)
    assert result.resources[0].error is not None
    assert result.resources[0].error.code == "E-SRC-012"
    assert home.sql("select count(*) from landing.reject") == [(0,)]
    assert home.sql("select column_name, change from landing.schema_change") == [("total_price", "RETYPED")]


def test_a_failed_resource_starts_again_where_it_stood(home: Home, org: Org) -> None:
    home.land("salesforce", org.config(), NOW, ONLY)
    org.describe_changes["OpportunityLineItem"] = {"TotalPrice": None}
    item(org, "k00", "2026-03-10T13:00:00.000+0000", TotalPrice=3)
    home.land("salesforce", org.config(), NEXT, ONLY)
    org.describe_changes.clear()
    result = home.land("salesforce", org.config(), LAST, ONLY)
    assert result.rows_landed == 1
    assert result.resources[0].cursor_from is not None
    assert result.resources[0].cursor_from.isoformat() == "2026-03-01T07:50:11+00:00"


def test_no_secret_in_any_log_error_or_file(home: Home, org: Org, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    org.once("/describe", lambda: (_ for _ in ()).throw(RuntimeError(f"leak {SECRET} {TOKEN}")), times=1)
    item(org, "bad", "2026-03-02T08:00:00.000+0000", TotalPrice="n/a")
    result = home.land("salesforce", org.config(), NOW)
    assert result.status == "PARTIAL"
    said = "\n".join(str(problem) + repr(problem) for problem in result.errors)
    files = [path for path in home.path.rglob("*") if path.is_file()]
    assert files
    for secret in (SECRET, TOKEN):
        assert secret not in said
        assert not [path for path in files if secret.encode() in path.read_bytes()]
        assert secret not in "\n".join(record.getMessage() for record in caplog.records)
        assert secret not in caplog.text
