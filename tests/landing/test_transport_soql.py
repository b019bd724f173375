"""SOQL at its edges: pages, jobs, sessions, allowance, window halving."""

from __future__ import annotations

import httpx
import jwt
import pytest

from tests.landing.conftest import Home
from tests.landing.fakes import Org, answer
from tests.landing.test_landing_versions import ONLY, TABLE, item

NOW = "2026-03-10T12:00:00Z"


def filled(count: int, page: int = 2000) -> Org:
    org = Org(page=page)
    for number in range(count):
        item(org, f"k{number:05d}", f"2026-03-01T08:{number // 60 % 60:02d}:{number % 60:02d}.000+0000")
    return org


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6])
def test_page_size_and_one_more(home: Home, count: int) -> None:
    result = home.land("salesforce", filled(count, page=3).config(), NOW, ONLY)
    assert result.resources[0].status == "OK"
    assert home.sql(f"select count(*) from {TABLE}") == [(count,)]


def test_repeated_locator_fails_the_resource(home: Home) -> None:
    org = filled(9, page=3)

    def same_link(request: httpx.Request) -> httpx.Response | None:
        if "/query/01g" not in str(request.url):
            return None
        return answer({"totalSize": 9, "done": False, "records": [], "nextRecordsUrl": request.url.path})

    org.faults.append(same_link)
    result = home.land("salesforce", org.config(), NOW, ONLY)
    assert result.resources[0].error is not None
    assert result.resources[0].error.code == "E-SRC-007"
    assert home.sql(f"select count(*) from {TABLE}") == [(0,)]
    assert home.sql("select status, error_code from landing.extract_run") == [("FAILED", "E-SRC-007")]


def test_row_on_two_pages_lands_once(home: Home) -> None:
    org = filled(6, page=3)
    rows = list(org.records["OpportunityLineItem"].values())

    def shifted(request: httpx.Request) -> httpx.Response | None:
        if "/query/01g" not in str(request.url):
            return None
        part = [{**row, "SystemModstamp": row["_at"], "IsDeleted": False} for row in rows[2:6]]
        return answer({"totalSize": 6, "done": True, "records": part})

    org.faults.append(shifted)
    home.land("salesforce", org.config(), NOW, ONLY)
    assert home.sql(f"select count(*), count(distinct tl_record_id) from {TABLE}") == [(6, 6)]


def test_session_expired_mid_run_is_renewed(home: Home) -> None:
    org = filled(6, page=3)
    expired = answer([{"errorCode": "INVALID_SESSION_ID"}], 401)
    org.once("/query/01g", lambda: expired)
    assert home.land("salesforce", org.config(), NOW, ONLY).status == "OK"
    assert len([r for r in org.requests if r.url.path.endswith("/oauth2/token")]) == 2


def test_login_refused_stops_all_resources_without_asking_further(home: Home) -> None:
    org = Org()
    org.once("/oauth2/token", lambda: answer({"error": "invalid_client"}, 400), times=99)
    result = home.land("salesforce", org.config(), NOW)
    assert {resource.error.code for resource in result.resources if resource.error} == {"E-SRC-003"}
    assert len(org.requests) == 1
    assert home.sql("select count(*), count(distinct error_code) from landing.extract_run") == [(5, 1)]


def test_bulk_job_by_locator_until_null(home: Home) -> None:
    org = filled(7, page=3)
    home.land("salesforce", org.config(mode="bulk"), NOW, ONLY)
    assert home.sql(f"select count(*) from {TABLE}") == [(7,)]
    locators = [r.url.params.get("locator") for r in org.requests if r.url.path.endswith("/results")]
    assert locators == [None, "3", "6"]


def test_large_results_take_the_bulk_interface_by_themselves(home: Home) -> None:
    org = filled(7)
    home.land("salesforce", org.config(limits={"bulk_above": 5}), NOW, ONLY)
    assert home.sql(f"select count(*) from {TABLE}") == [(7,)]
    assert len(org.jobs) == 1


def test_failed_and_aborted_jobs_are_started_again(home: Home) -> None:
    org = filled(3)
    org.job_states = ["Failed", "Aborted"]
    assert home.land("salesforce", org.config(mode="bulk"), NOW, ONLY).status == "OK"
    assert len(org.jobs) == 3
    org.job_states = ["Failed"] * 9
    failed = home.land("salesforce", org.config(mode="bulk"), "2026-03-11T12:00:00Z", ONLY)
    assert failed.resources[0].error is not None
    assert failed.resources[0].error.code == "E-SRC-013"


def test_csv_with_fewer_rows_than_announced_is_asked_for_again(home: Home) -> None:
    org = filled(3)

    def cut() -> httpx.Response:
        headers = {"Sforce-NumberOfRecords": "3", "Sforce-Locator": "null", "content-type": "text/csv"}
        return httpx.Response(200, content=b"Id,OpportunityId\nk00000,006A\n", headers=headers)

    org.once("/results", cut)
    assert home.land("salesforce", org.config(mode="bulk"), NOW, ONLY).status == "OK"
    assert home.sql(f"select count(*) from {TABLE}") == [(3,)]


def test_bad_value_in_a_bulk_file_is_rejected_and_its_neighbours_land(home: Home) -> None:
    org = filled(3)
    item(org, "bad", "2026-03-01T09:00:00.000+0000", TotalPrice="12,50")
    result = home.land("salesforce", org.config(mode="bulk"), NOW, ONLY)
    assert (result.resources[0].rows_landed, result.resources[0].rows_rejected) == (3, 1)


def test_query_timeout_halves_the_window(home: Home) -> None:
    org = filled(6)
    timeout = answer(
        [{"errorCode": "QUERY_TIMEOUT", "message": "Your query request was running for too long."}], 400
    )
    org.once("queryAll?q=SELECT+Id", lambda: timeout, times=2)
    assert home.land("salesforce", org.config(), NOW, ONLY).status == "OK"
    assert home.sql(f"select count(*) from {TABLE}") == [(6,)]
    asked = [str(r.url) for r in org.requests if "queryAll?q=SELECT+Id" in str(r.url)]
    assert len(asked) >= 4


def test_allowance_spent_stops_and_keeps_what_is_a_window(home: Home) -> None:
    org = filled(9, page=3)
    config = org.config(limits={"quota_share": "0.5"})

    def spend(request: httpx.Request) -> None:
        if len([r for r in org.requests if "/query/01g" in str(r.url)]) == 1:
            org.usage = "api-usage=2600/5000"

    org.faults.append(lambda request: spend(request))
    result = home.land("salesforce", config, NOW)
    by_name = {resource.resource: resource for resource in result.resources}
    item_result = by_name["opportunity_line_item"]
    assert item_result.error is not None
    assert (item_result.status, item_result.error.code, item_result.rows_landed) == (
        "PARTIAL",
        "E-SRC-006",
        6,
    )
    assert by_name["user"].status == "FAILED"
    org.faults.clear()
    org.usage = "api-usage=10/5000"
    again = home.land("salesforce", config, "2026-03-11T12:00:00Z", ONLY)
    assert (again.status, again.resources[0].rows_landed) == ("OK", 3)
    assert home.sql(f"select count(*) from {TABLE} where tl_is_backfill") == [(9,)]


def test_request_limit_exceeded_is_an_allowance_not_an_outage(home: Home) -> None:
    org = filled(3)
    spent = answer([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}], 403)
    org.once("/describe", lambda: spent, times=99)
    result = home.land("salesforce", org.config(), NOW)
    assert {resource.error.code for resource in result.resources if resource.error} == {"E-SRC-006"}
    assert org.waits == []


def test_jwt_login_signs_for_the_host(home: Home, private_key: str) -> None:
    org = filled(1)
    config = org.config(private_key=private_key, username="integration@firm.example")
    assert home.land("salesforce", config, NOW, ONLY).status == "OK"
    form = httpx.QueryParams(org.requests[0].content.decode())
    claims = jwt.decode(form["assertion"], options={"verify_signature": False})
    assert claims["aud"] == "https://vendor.test"
    assert claims["sub"] == "integration@firm.example"
    assert jwt.get_unverified_header(form["assertion"])["alg"] == "RS256"


def test_single_currency_org_gets_the_configured_currency(home: Home) -> None:
    org = filled(2)
    org.describe_changes["OpportunityLineItem"] = {"CurrencyIsoCode": None}
    failed = home.land("salesforce", org.config(), NOW, ONLY)
    assert failed.resources[0].error is not None
    assert failed.resources[0].error.code == "E-SRC-011"
    home.land("salesforce", org.config(currency="GBP"), "2026-03-11T12:00:00Z", ONLY)
    assert home.sql(f"select distinct currency_iso_code from {TABLE}") == [("GBP",)]
    assert "CurrencyIsoCode" not in "".join(str(r.url) for r in org.requests)
