"""The fault profile: every kind strikes as said, as often as said, and only there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.emulators.faults import KINDS, ProfileError, parse_rule
from sandbox.mutate import drift
from tests.unit.emulator_support import (
    NetSuiteClient,
    SalesforceClient,
    bamboohr_client,
    bamboohr_store,
    netsuite_store,
    salesforce_store,
    set_profile,
)

CARDS = "SELECT Id FROM pse__Timecard__c ORDER BY Id"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    salesforce_store(tmp_path)
    netsuite_store(tmp_path)
    bamboohr_store(tmp_path)
    return tmp_path


def statuses(org: SalesforceClient, soql: str, count: int) -> list[int]:
    return [org.query(soql).status_code for _ in range(count)]


def test_a_rule_counts_and_names_its_target(root: Path) -> None:
    org = SalesforceClient(root)
    set_profile(root, {"vendor": "salesforce", "object": "Account", "kind": "503", "times": 2, "after": 1})
    assert statuses(org, "SELECT Id FROM Opportunity", 3) == [200, 200, 200]
    assert statuses(org, "SELECT Id FROM Account", 5) == [200, 503, 503, 200, 200]
    set_profile(root, {"vendor": "netsuite", "kind": "503"})
    assert statuses(org, "SELECT Id FROM Account", 1) == [200]
    set_profile(root, {"path": "/services/data/*/query*", "kind": "503", "times": 1})
    assert org.http.get(f"{org.data}/limits").status_code == 200
    assert statuses(org, "SELECT Id FROM Account", 2) == [503, 200]
    set_profile(root, {"kind": "503", "times": 1})
    assert statuses(org, "SELECT Id FROM Account", 2) == [503, 200]
    assert org.http.post("/_sandbox/reset").json() == {"reset": "salesforce"}
    assert statuses(org, "SELECT Id FROM Account", 2) == [503, 200]
    faults = [entry["fault"] for entry in org.http.get("/_sandbox/log").json()]
    assert faults == ["503", None]


def test_throttling_says_when_to_come_back(root: Path) -> None:
    org, hr = SalesforceClient(root), bamboohr_client(root)
    set_profile(root, {"kind": "429_seconds", "seconds": 7}, {"vendor": "bamboohr", "kind": "429_date"})
    reply = org.query("SELECT Id FROM Account")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "7")
    set_profile(root, {"vendor": "bamboohr", "kind": "429_date", "params": {"seconds": 30}})
    reply = hr.get("/api/v1/employees")
    until = parsedate_to_datetime(reply.headers["Retry-After"])
    assert reply.status_code == 429
    assert 20 < (until - datetime.now(UTC)).total_seconds() < 31


def test_an_expired_session_needs_a_new_token(root: Path) -> None:
    org = SalesforceClient(root)
    set_profile(root, {"vendor": "salesforce", "kind": "session_expired", "object": "Account", "times": 1})
    assert statuses(org, "SELECT Id FROM Account", 2) == [401, 401]
    org.login()
    assert statuses(org, "SELECT Id FROM Account", 1) == [200]
    erp = NetSuiteClient(root)
    set_profile(root, {"vendor": "netsuite", "kind": "session_expired", "object": "currency", "times": 1})
    assert [erp.query("SELECT id FROM currency").status_code for _ in range(2)] == [401, 401]
    erp.login()
    assert erp.query("SELECT id FROM currency").status_code == 200


@pytest.mark.parametrize(
    ("rule", "status", "text"),
    [
        ({"kind": "request_limit"}, 403, "REQUEST_LIMIT_EXCEEDED"),
        ({"kind": "query_timeout"}, 400, "QUERY_TIMEOUT"),
        ({"kind": "unexpected_error"}, 500, "UNKNOWN_EXCEPTION"),
        ({"kind": "html_200"}, 200, "<!DOCTYPE html>"),
    ],
)
def test_answers_instead_of_the_data(root: Path, rule: dict[str, Any], status: int, text: str) -> None:
    org = SalesforceClient(root)
    set_profile(root, {"vendor": "salesforce", "object": "Account", "times": 1, **rule})
    reply = org.query("SELECT Id FROM Account")
    assert reply.status_code == status
    assert text in reply.text
    assert len(org.records("SELECT Id FROM Account")) == 2


def test_a_netsuite_error_has_its_form(root: Path) -> None:
    erp = NetSuiteClient(root)
    set_profile(root, {"vendor": "netsuite", "kind": "unexpected_error", "object": "currency"})
    reply = erp.query("SELECT id FROM currency")
    assert (reply.status_code, reply.json()["o:errorDetails"][0]["o:errorCode"]) == (500, "UNEXPECTED_ERROR")


def test_a_timeout_of_large_results_only(root: Path) -> None:
    org = SalesforceClient(root)
    set_profile(root, {"kind": "query_timeout", "over_rows": 3000, "times": 1})
    assert org.query(f"{CARDS} LIMIT 3000").status_code == 200
    assert org.query(CARDS).json()[0]["errorCode"] == "QUERY_TIMEOUT"
    assert org.query(CARDS).status_code == 200


def test_truncated_json(root: Path) -> None:
    org = SalesforceClient(root)
    set_profile(root, {"kind": "truncated_json", "object": "Account", "times": 1})
    reply = org.query("SELECT Id FROM Account")
    assert reply.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        reply.json()
    assert org.query("SELECT Id FROM Account").json()["totalSize"] == 2


def test_a_repeated_cursor_leads_in_a_circle(root: Path) -> None:
    set_profile(root, {"kind": "repeat_cursor", "after": 1})
    org = SalesforceClient(root)
    first = org.query(CARDS).json()
    second = org.http.get(first["nextRecordsUrl"]).json()
    assert second["nextRecordsUrl"] == first["nextRecordsUrl"]
    hr = bamboohr_client(root)
    query = {"page[limit]": "5"}
    cursor = hr.get("/api/v1/employees", params=query).json()["meta"]["page"]["nextCursor"]
    again = hr.get("/api/v1/employees", params={**query, "page[after]": cursor}).json()
    assert again["meta"]["page"]["nextCursor"] == cursor
    erp = NetSuiteClient(root)
    sql = "SELECT id FROM transaction ORDER BY id"
    first = erp.query(sql, 100).json()
    second = erp.query(sql, 100, 100).json()
    assert (second["items"], second["hasMore"]) == (first["items"], True)


def test_a_shift_loses_a_row_and_duplicates_repeat_one(root: Path) -> None:
    org, erp = SalesforceClient(root), NetSuiteClient(root)
    set_profile(root, {"kind": "page_shift", "times": 1})
    assert len(org.records(CARDS)) == 4499
    set_profile(root, {"kind": "duplicate_rows", "after": 1, "times": 1})
    ids = [row["Id"] for row in org.records(CARDS)]
    assert (len(ids), len(set(ids))) == (4501, 4500)
    set_profile(root, {"kind": "duplicate_rows", "vendor": "netsuite", "times": 1})
    ids = [item["id"] for item in erp.items("SELECT id FROM transaction ORDER BY id", 100)]
    assert (len(ids), len(set(ids))) == (101, 100)


def test_an_empty_page_in_the_middle(root: Path) -> None:
    set_profile(root, {"kind": "empty_page", "after": 1, "times": 1})
    org = SalesforceClient(root)
    first = org.query(CARDS).json()
    second = org.http.get(first["nextRecordsUrl"]).json()
    assert (second["records"], second["done"]) == ([], False)
    assert second["nextRecordsUrl"] != first["nextRecordsUrl"]
    third = org.http.get(second["nextRecordsUrl"]).json()
    # the page that was empty took no rows away
    assert third["records"][0]["Id"] == "a0T000000002000AAA"
    assert len(org.http.get(third["nextRecordsUrl"]).json()["records"]) == 500
    set_profile(root, {"kind": "empty_page", "times": 1})
    hr = bamboohr_client(root)
    query = {"page[limit]": "5"}
    body = hr.get("/api/v1/employees", params=query).json()
    assert body["data"] == []
    body = hr.get("/api/v1/employees", params={**query, "page[after]": body["meta"]["page"]["nextCursor"]})
    assert body.json()["data"][0]["employeeId"] == "1"
    set_profile(root, {"kind": "empty_page", "times": 1})
    job = org.http.post(f"{org.data}/jobs/query", json={"operation": "query", "query": CARDS}).json()
    for _ in range(2):
        org.http.get(f"{org.data}/jobs/query/{job['id']}")
    path, locator, ids = f"{org.data}/jobs/query/{job['id']}/results", "", set()
    while locator != "null":
        reply = org.http.get(path, params={"maxRecords": 2000, **({"locator": locator} if locator else {})})
        ids |= set(reply.text.split("\n")[1:-1])
        locator = reply.headers["Sforce-Locator"]
    assert len(ids) == 4500


def test_a_column_that_is_new(root: Path) -> None:
    org, erp, hr = SalesforceClient(root), NetSuiteClient(root), bamboohr_client(root)
    drift(root, {"kind": "schema_add", "object": "Account", "field": "Rating__c", "value": "hot"})
    body = org.http.get(f"{org.data}/sobjects/Account/describe").json()
    assert {field["name"]: field["type"] for field in body["fields"]}["Rating__c"] == "string"
    assert org.records("SELECT Rating__c FROM Account LIMIT 1") == [{"Rating__c": "hot"}]
    drift(root, {"kind": "schema_add", "object": "currency", "field": "custrecord_new", "value": "it's"})
    assert erp.items("SELECT t.* FROM currency t ORDER BY t.id DESC")[0]["custrecord_new"] == "it's"
    drift(root, {"kind": "schema_add", "object": "jobInfo", "field": "customNew"})
    assert {row["customNew"] for row in hr.get("/api/v1/employees/2/tables/jobInfo").json()} == {"new"}


def test_disorder(root: Path) -> None:
    set_profile(root, {"kind": "unordered"})
    ids = [row["Id"] for row in SalesforceClient(root).records(CARDS)]
    assert ids != sorted(ids)
    assert len(set(ids)) == 4500
    found = [item["id"] for item in NetSuiteClient(root).items("SELECT id FROM transaction ORDER BY id")]
    assert found != sorted(found, key=int)


def test_a_failed_job(root: Path) -> None:
    org = SalesforceClient(root)
    set_profile(root, {"kind": "job_failed", "object": "Account", "times": 1})
    states = []
    for _ in range(2):
        body = {"operation": "query", "query": "SELECT Id FROM Account"}
        job = org.http.post(f"{org.data}/jobs/query", json=body).json()
        for _ in range(2):
            job = org.http.get(f"{org.data}/jobs/query/{job['id']}").json()
        states.append((job["state"], "errorMessage" in job))
    assert states == [("Failed", True), ("JobComplete", False)]


def test_a_truncated_extract_while_the_counts_tell_the_truth(root: Path) -> None:
    org, erp, hr = SalesforceClient(root), NetSuiteClient(root), bamboohr_client(root)
    set_profile(root, {"kind": "truncate_extract", "share": 0.2})
    assert len(org.records(CARDS)) == 3600
    assert org.query("SELECT COUNT() FROM pse__Timecard__c").json()["totalSize"] == 4500
    assert org.records("SELECT SUM(pse__Total_Hours__c) s FROM pse__Timecard__c")[0]["s"] == 33750.0
    job = org.http.post(f"{org.data}/jobs/query", json={"operation": "query", "query": CARDS}).json()
    for _ in range(2):
        job = org.http.get(f"{org.data}/jobs/query/{job['id']}").json()
    assert job["numberRecordsProcessed"] == 3600
    last, seen = 0, []
    while page := erp.items(f"SELECT id FROM transaction WHERE id > {last} ORDER BY id", 50):
        seen += page
        last = int(page[-1]["id"])
    assert len(seen) == 199
    assert erp.items("SELECT COUNT(*) AS n FROM transaction") == [{"n": "249"}]
    assert len(erp.items("SELECT transaction FROM transactionline")) < 498
    assert hr.get("/api/v1/employees", params={"page[limit]": "100"}).json()["meta"]["total"] == 9


def test_permission_lost_and_hidden_fields(root: Path) -> None:
    org = SalesforceClient(root)
    set_profile(root, {"kind": "permission_lost", "object": "Account"})
    assert org.query("SELECT Id FROM Account").json()[0]["errorCode"] == "INVALID_TYPE"
    assert org.http.get(f"{org.data}/sobjects/Account/describe").status_code == 404
    assert org.query("SELECT Account.Name FROM Opportunity").json()[0]["errorCode"] == "INVALID_FIELD"
    set_profile(root, {"kind": "field_hidden", "object": "Opportunity", "field": "Amount"})
    assert org.query("SELECT Amount FROM Opportunity").json()[0]["errorCode"] == "INVALID_FIELD"
    body = org.http.get(f"{org.data}/sobjects/Opportunity/describe").json()
    assert "Amount" not in {field["name"] for field in body["fields"]}


def test_schema_drift(root: Path) -> None:
    org = SalesforceClient(root)
    drift(root, {"kind": "schema_rename", "object": "Opportunity", "field": "Name", "new": "Title__c"})
    text = "text with comma decimal"
    drift(root, {"kind": "schema_retype", "object": "Opportunity", "params": {"field": "Amount", "to": text}})
    assert org.query("SELECT Name FROM Opportunity").json()[0]["errorCode"] == "INVALID_FIELD"
    rows = org.records("SELECT title__c, Amount FROM Opportunity WHERE Id = '006000000000002AAA'")
    assert rows == [{"Title__c": "Deal 2", "Amount": "1234,5600"}]
    body = org.http.get(f"{org.data}/sobjects/Opportunity/describe").json()
    types = {field["name"]: field["type"] for field in body["fields"]}
    assert (types["Amount"], "Name" in types) == ("string", False)
    assert org.query("SELECT SUM(Amount) FROM Opportunity").json()[0]["errorCode"] == "MALFORMED_QUERY"
    drift(
        root,
        {
            "vendor": "netsuite",
            "kind": "schema_retype",
            "object": "transaction",
            "field": "foreigntotal",
            "to": text,
        },
    )
    erp = NetSuiteClient(root)
    assert erp.items("SELECT foreigntotal FROM transaction WHERE id = 902") == [{"foreigntotal": "1,5000"}]
    with pytest.raises(ProfileError, match="unknown fault kind"):
        drift(root, {"kind": "schema_explode"})


def test_every_kind_named_by_the_profile_is_known() -> None:
    for kind in KINDS:
        assert parse_rule({"kind": kind}).kind == kind
    with pytest.raises(ProfileError):
        parse_rule({"vendor": "salesforce"})
