"""Salesforce as its clients see it: OAuth, describe, SOQL, batches, deletions, Bulk 2.0, switches."""

from __future__ import annotations

import csv
import io
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import jwt
import pytest

from sandbox.mutate import mutate
from tests.unit.emulator_support import (
    SalesforceClient,
    at,
    credentials,
    salesforce_store,
    set_clock,
    write_object,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    salesforce_store(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> SalesforceClient:
    """An org that tests only read."""
    shared = tmp_path_factory.mktemp("org")
    salesforce_store(shared)
    return SalesforceClient(shared)


@pytest.fixture
def own(root: Path) -> SalesforceClient:
    """An org of the test's own, over `root`."""
    return SalesforceClient(root)


def code(reply: Any) -> str:
    body = reply.json()
    assert isinstance(body, list)
    assert set(body[0]) == {"message", "errorCode"}
    return str(body[0]["errorCode"])


# --- OAuth and versions


def test_client_credentials_by_basic_and_refusals(org: SalesforceClient) -> None:
    secret = credentials()["salesforce"]
    form = {"grant_type": "client_credentials"}
    good = org.http.post(
        "/services/oauth2/token", data=form, auth=(secret["client_id"], secret["client_secret"])
    )
    assert good.json()["token_type"] == "Bearer"
    assert "expires_in" not in good.json()
    bad = org.http.post("/services/oauth2/token", data=form, auth=(secret["client_id"], "wrong"))
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_client")
    bad = org.http.post("/services/oauth2/token", data=form, auth=("other", secret["client_secret"]))
    assert bad.json()["error"] == "invalid_client_id"
    bad = org.http.post("/services/oauth2/token", data={"grant_type": "password"})
    assert bad.json()["error"] == "unsupported_grant_type"


def bearer_grant(org: SalesforceClient, key: str | None = None, **claims: Any) -> Any:
    own = credentials()["salesforce"]
    body = {
        "iss": own["client_id"],
        "sub": own["username"],
        "aud": "http://testserver",
        "exp": int(time.time()) + 170,
    }
    text = key or Path(own["private_key"]).read_text()
    assertion = jwt.encode({**body, **claims}, text, algorithm="RS256")
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return org.http.post("/services/oauth2/token", data={"grant_type": grant, "assertion": assertion})


def test_jwt_bearer_checks_signature_audience_user_and_life(org: SalesforceClient) -> None:
    assert bearer_grant(org).status_code == 200
    stranger = Path(credentials()["netsuite"]["private_key"]).read_text()
    refused = [
        bearer_grant(org, stranger),
        bearer_grant(org, aud="https://login.salesforce.com"),
        bearer_grant(org, sub="somebody@else.example"),
        bearer_grant(org, iss="another"),
        # Two instants count, the machine's and the sandbox clock's: this is past both.
        bearer_grant(org, exp=int(at("2026-01-01").timestamp())),
        bearer_grant(org, exp=int(time.time()) + 3600),
    ]
    assert [reply.json()["error"] for reply in refused] == ["invalid_grant"] * len(refused)


def test_a_generic_audience_passes_where_the_org_allows_it(root: Path) -> None:
    org = SalesforceClient(root, strict_audience=False)
    assert bearer_grant(org, aud="https://login.salesforce.com").status_code == 200


def test_dead_sessions_retired_and_old_versions(own: SalesforceClient) -> None:
    path = "/services/data/{}/query?q=SELECT Id FROM Account"
    assert own.http.get(path.format("v30.0")).status_code == 410
    assert "Warning" in own.http.get(path.format("v40.0")).headers
    assert "Warning" not in own.http.get(path.format("v41.0")).headers
    assert own.http.get(path.format("v99.0")).status_code == 404
    own.http.headers["Authorization"] = "Bearer dead"
    reply = own.http.get(path.format("v67.0"))
    assert (reply.status_code, code(reply)) == (401, "INVALID_SESSION_ID")


# --- describe


def test_describe_has_stored_and_derived_fields(org: SalesforceClient) -> None:
    body = org.http.get(f"{org.data}/sobjects/opportunity/describe").json()
    fields = {field["name"]: field for field in body["fields"]}
    assert body["name"] == "Opportunity"
    assert {"SystemModstamp", "LastModifiedDate", "IsDeleted", "CreatedDate"} <= set(fields)
    assert (fields["Amount"]["type"], fields["SystemModstamp"]["type"]) == ("currency", "datetime")
    assert (fields["AccountId"]["referenceTo"], fields["AccountId"]["relationshipName"]) == (
        ["Account"],
        "Account",
    )
    assert fields["ExpectedRevenue"]["calculated"] is True
    reply = org.http.get(f"{org.data}/sobjects/Nothing/describe")
    assert (reply.status_code, code(reply)) == (404, "NOT_FOUND")
    assert len(org.http.get(f"{org.data}/sobjects").json()["sobjects"]) == 4


def test_an_object_without_stamps_shows_none(tmp_path: Path) -> None:
    set_clock(tmp_path, at("2026-06-30"))
    row = {"Id": "017000000000001AAA", "CreatedDate": "2026-01-01", "_at": "2026-01-01"}
    fields = {"Id": "id", "CreatedDate": "datetime"}
    write_object(tmp_path, "salesforce", "OpportunityFieldHistory", ["Id"], fields, [row], modified=False)
    org = SalesforceClient(tmp_path)
    body = org.http.get(f"{org.data}/sobjects/OpportunityFieldHistory/describe").json()
    assert [field["name"] for field in body["fields"]] == ["Id", "CreatedDate", "IsDeleted"]
    assert code(org.query("SELECT SystemModstamp FROM OpportunityFieldHistory")) == "INVALID_FIELD"


# --- records


def test_a_record_is_written_as_the_vendor_writes_it(org: SalesforceClient) -> None:
    soql = (
        "SELECT id, Account.Name, Description, Amount, Probability, CloseDate, IsWon, CreatedDate, "
        "SystemModstamp FROM Opportunity WHERE Id IN ('006000000000002AAA', '006000000000003AAA') ORDER BY Id"
    )
    reply = org.query(soql)
    assert '"Amount":1234.56,' in reply.text
    assert '"Probability":75.0,' in reply.text
    first, second = reply.json()["records"]
    assert list(first) == [
        "attributes",
        "Id",
        "Account",
        "Description",
        "Amount",
        "Probability",
        "CloseDate",
        "IsWon",
        "CreatedDate",
        "SystemModstamp",
    ]
    url = "/services/data/v67.0/sobjects/Opportunity/006000000000002AAA"
    assert first["attributes"] == {"type": "Opportunity", "url": url}
    assert (first["Account"]["Name"], first["Description"]) == (
        'O\'Neill "Bros", Ltd',
        'two\nlines, "quoted"',
    )
    assert (first["CloseDate"], first["CreatedDate"]) == ("2026-02-15", "2026-01-02T09:14:07.000+0000")
    assert first["SystemModstamp"] == "2026-04-02T00:00:00.000+0000"
    assert (second["Account"], second["Amount"], second["IsWon"]) == (None, None, False)


def test_amounts_are_exact_text(root: Path) -> None:
    mutate(
        root, "salesforce", "Opportunity", "006000000000001AAA", "update", {"Amount": "123456789012345.6789"}
    )
    reply = SalesforceClient(root).query("SELECT Amount FROM Opportunity WHERE Id = '006000000000001AAA'")
    assert '"Amount":123456789012345.6789}' in reply.text


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", "1234"),
        ("WHERE Amount > 0.2", "12"),
        ("WHERE Amount >= 0.2 AND Amount < 2000", "24"),
        ("WHERE Amount != 480000", "234"),
        ("WHERE NOT Amount = 480000", "234"),
        ("WHERE NOT (Amount > 1 OR IsWon = true)", "34"),
        ("WHERE Amount = null", "3"),
        ("WHERE Amount <> NULL", "124"),
        ("WHERE AccountId NOT IN ('001000000000001AAA')", "23"),
        ("WHERE AccountId IN ('001000000000001AAA', null)", "134"),
        ("WHERE AccountId = '001000000000002'", "2"),
        ("WHERE Name = 'dEAL 1'", "1"),
        ("WHERE Name LIKE 'deal _'", "1234"),
        ("WHERE Name LIKE '%\\\\_1'", ""),
        ("WHERE Name IN ('Deal 1', 'Deal \\u2')", "1"),
        ("WHERE Account.Name LIKE 'O\\'Nei%'", "2"),
        ("WHERE CloseDate <= 2026-02-15", "12"),
        ("WHERE CreatedDate > 2026-01-03T09:14:07Z", "4"),
        ("WHERE CreatedDate >= 2026-01-03T10:14:07+01:00", "34"),
        ("WHERE SystemModstamp >= 2026-03-01T00:00:00.000Z", "24"),
        ("WHERE SystemModstamp > 2026-02-01T00:00:00Z AND SystemModstamp < 2026-03-02T00:00:00Z", "4"),
        ("WHERE SystemModstamp = LAST_N_DAYS:95", "2"),
        ("WHERE CloseDate < THIS_MONTH", "1234"),
        ("WHERE (Amount = null OR IsWon = true) AND Name LIKE 'Deal%'", "23"),
    ],
)
def test_conditions(org: SalesforceClient, where: str, expected: str) -> None:
    assert "".join(org.ids(where)) == expected


@pytest.mark.parametrize(
    ("soql", "expected"),
    [
        ("SELECT Nothing FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id, ID FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Nothing = 1", "INVALID_FIELD"),
        ("SELECT Nobody.Name FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Account.Nothing FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CreatedDate > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CloseDate > 2026-01-01T00:00:00Z", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Name = 4", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Amount = '4'", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE IsWon = true AND Amount = 1 OR Amount = 2", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity LIMIT many", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity; DROP TABLE x", "MALFORMED_QUERY"),
        ("SELECT * FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id, COUNT(Id) FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT COUNT(), Id FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT SUM(Name) FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id, (SELECT Id FROM Lines) FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Account.Owner.Name FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ],
)
def test_refused_queries(org: SalesforceClient, soql: str, expected: str) -> None:
    reply = org.query(soql)
    assert (reply.status_code, code(reply)) == (400, expected)


def test_counts_and_aggregates(org: SalesforceClient) -> None:
    body = org.query("SELECT COUNT() FROM Opportunity WHERE IsWon = false").json()
    assert body == {"totalSize": 3, "done": True, "records": []}
    picked = "COUNT(Id), COUNT(Amount) n, SUM(Amount) total, MIN(CloseDate) first, MAX(Name)"
    soql = f"SELECT {picked} FROM Opportunity"
    reply = org.query(soql)
    assert '"total":481234.76,' in reply.text
    row = reply.json()["records"][0]
    assert row.pop("attributes") == {"type": "AggregateResult"}
    assert row == {"expr0": 4, "n": 3, "total": 481234.76, "first": "2026-01-15", "expr1": "Deal 4"}
    soql = "SELECT IsWon, COUNT(Id) n FROM Opportunity GROUP BY IsWon ORDER BY COUNT(Id) DESC"
    assert org.records(soql) == [{"IsWon": False, "n": 3}, {"IsWon": True, "n": 1}]


def test_order_limit_and_offset(org: SalesforceClient) -> None:
    rows = org.records("SELECT Name FROM Opportunity ORDER BY Amount LIMIT 2")
    assert [row["Name"] for row in rows] == ["Deal 3", "Deal 4"]
    rows = org.records("SELECT Name FROM Opportunity ORDER BY Amount DESC NULLS LAST, Id LIMIT 2 OFFSET 1")
    assert [row["Name"] for row in rows] == ["Deal 2", "Deal 4"]


# --- batches


def test_batches_follow_a_query_locator(org: SalesforceClient) -> None:
    reply = org.query("SELECT Id FROM pse__Timecard__c ORDER BY Id", path="queryAll").json()
    assert (reply["totalSize"], len(reply["records"]), reply["done"]) == (4500, 2000, False)
    assert reply["nextRecordsUrl"].startswith("/services/data/v67.0/query/01g")
    second = org.http.get(reply["nextRecordsUrl"]).json()
    third = org.http.get(second["nextRecordsUrl"]).json()
    assert (len(third["records"]), third["done"], "nextRecordsUrl" in third) == (500, True, False)
    ids = [row["Id"] for part in (reply, second, third) for row in part["records"]]
    assert len(set(ids)) == 4500
    assert ids == sorted(ids)
    bad = org.http.get(f"{org.data}/query/01gNothing-2000")
    assert (bad.status_code, code(bad)) == (400, "INVALID_QUERY_LOCATOR")


def test_a_result_is_of_the_moment_it_was_asked_for(root: Path, own: SalesforceClient) -> None:
    first = own.query("SELECT Id FROM pse__Timecard__c ORDER BY Id").json()
    mutate(root, "salesforce", "pse__Timecard__c", "a0T000000004499AAA", "purge")
    rest = own.http.get(first["nextRecordsUrl"]).json()
    rest = own.http.get(rest["nextRecordsUrl"]).json()
    assert len(rest["records"]) == 500
    assert len(own.records("SELECT Id FROM pse__Timecard__c")) == 4499


def test_the_batch_size_is_a_wish(root: Path, org: SalesforceClient) -> None:
    soql = "SELECT Id FROM pse__Timecard__c"
    sizes = [
        len(org.query(soql, **{"Sforce-Query-Options": f"batchSize={size}"}).json()["records"])
        for size in (500, 1, 9000)
    ]
    assert sizes == [500, 200, 2000]
    deaf = SalesforceClient(root, honour_batch_size=False)
    assert len(deaf.query(soql, **{"Sforce-Query-Options": "batchSize=500"}).json()["records"]) == 2000


def test_parents_by_a_custom_relationship(org: SalesforceClient) -> None:
    row = org.records("SELECT Id, pse__Project__r.Name FROM pse__Timecard__c ORDER BY Id LIMIT 1")[0]
    assert row["pse__Project__r"]["Name"] == "Project 0"
    assert row["pse__Project__r"]["attributes"]["type"] == "pse__Proj__c"


# --- deletions


def test_deleted_rows_live_fifteen_days_in_query_all(root: Path, own: SalesforceClient) -> None:
    assert own.ids("") == ["1", "2", "3", "4"]
    assert own.ids("", path="queryAll") == ["1", "2", "3", "4", "5"]
    row = own.records(
        "SELECT IsDeleted, SystemModstamp FROM Opportunity WHERE IsDeleted = true", path="queryAll"
    )[0]
    assert row == {"IsDeleted": True, "SystemModstamp": "2026-06-20T00:00:00.000+0000"}
    set_clock(root, at("2026-07-05T00:00:00"))
    assert own.ids("", path="queryAll") == ["1", "2", "3", "4"]


def test_the_deleted_feed(org: SalesforceClient) -> None:
    path = f"{org.data}/sobjects/Opportunity/deleted/"
    span = {"start": "2026-06-16T00:00:00+00:00", "end": "2026-06-30T00:00:00+00:00"}
    body = org.http.get(path, params=span).json()
    assert body["deletedRecords"] == [
        {"id": "006000000000005AAA", "deletedDate": "2026-06-20T00:00:00.000+0000"}
    ]
    assert body["latestDateCovered"] == "2026-06-30T00:00:00.000+0000"
    later = {**span, "start": "2026-06-21T00:00:00Z"}
    assert org.http.get(path, params=later).json()["deletedRecords"] == []
    early = org.http.get(path, params={**span, "start": "2026-06-01T00:00:00Z"})
    assert (early.status_code, code(early)) == (400, "INVALID_REPLICATION_DATE")
    assert org.http.get(path, params={"start": "x", "end": "y"}).status_code == 400


# --- switches and quota


def test_a_single_currency_org_has_no_currency_field(root: Path) -> None:
    org = SalesforceClient(root, multi_currency=False)
    reply = org.query("SELECT CurrencyIsoCode FROM Opportunity")
    assert (reply.status_code, code(reply)) == (400, "INVALID_FIELD")
    body = org.http.get(f"{org.data}/sobjects/Opportunity/describe").json()
    assert "CurrencyIsoCode" not in {field["name"] for field in body["fields"]}
    rich = SalesforceClient(root)
    assert rich.records("SELECT CurrencyIsoCode FROM Opportunity LIMIT 1") == [{"CurrencyIsoCode": "EUR"}]


def test_datetime_suffixes_and_system_edits_are_switches(root: Path) -> None:
    key = "006000000000001AAA"
    mutate(root, "salesforce", "Opportunity", key, "touch", None, "2026-06-01T00:00:00Z")
    soql = f"SELECT LastModifiedDate, SystemModstamp FROM Opportunity WHERE Id = '{key}'"
    plain = SalesforceClient(root).records(soql)[0]
    assert plain["LastModifiedDate"] == "2026-01-01T09:14:07.000+0000"
    assert plain["SystemModstamp"] == "2026-06-01T00:00:00.000+0000"
    other = SalesforceClient(root, rest_datetime_suffix="Z", system_edit_moves_modified=True).records(soql)[0]
    assert other["LastModifiedDate"] == "2026-06-01T00:00:00.000Z"


def test_a_session_has_a_life_and_a_dead_one_a_body(root: Path) -> None:
    assert SalesforceClient(root).query("SELECT Id FROM Account").status_code == 200
    reply = SalesforceClient(root, session_seconds=0).query("SELECT Id FROM Account")
    assert (reply.status_code, code(reply)) == (401, "INVALID_SESSION_ID")
    other = SalesforceClient(root, session_seconds=0, dead_session="object").query("SELECT Id FROM Account")
    assert (other.status_code, other.json()["errorCode"]) == (401, "INVALID_SESSION_ID")


def test_a_formula_moves_the_stamp_only_where_the_org_does_so(root: Path) -> None:
    soql = "SELECT ExpectedRevenue, SystemModstamp FROM Opportunity WHERE Id = '006000000000001AAA'"
    row = SalesforceClient(root).records(soql)[0]
    assert row == {"ExpectedRevenue": 1.0, "SystemModstamp": "2026-01-01T09:14:07.000+0000"}
    other = SalesforceClient(root, formulas_move_stamp=True).records(soql)[0]
    assert other == {"ExpectedRevenue": 1.0, "SystemModstamp": "2026-05-05T00:00:00.000+0000"}


def test_a_deleted_feed_may_lag(root: Path) -> None:
    span = {"start": "2026-06-16T00:00:00Z", "end": "2026-06-30T00:00:00Z"}
    late = SalesforceClient(root, deleted_feed_behind=11 * 86_400)
    body = late.http.get(f"{late.data}/sobjects/Opportunity/deleted/", params=span).json()
    assert (body["deletedRecords"], body["latestDateCovered"]) == ([], "2026-06-19T12:00:00.000+0000")


def test_settings_follow_their_file(root: Path, own: SalesforceClient) -> None:
    (root / "settings.json").write_text('{"salesforce": {"multi_currency": false}}')
    assert own.query("SELECT CurrencyIsoCode FROM Opportunity").status_code == 400
    (root / "settings.json").unlink()
    assert own.query("SELECT CurrencyIsoCode FROM Opportunity").status_code == 200


def test_quota_is_counted_shown_and_enforced(root: Path) -> None:
    org = SalesforceClient(root, daily_api_limit=3)
    assert org.query("SELECT Id FROM Account").headers["Sforce-Limit-Info"] == "api-usage=1/3"
    assert org.query("SELECT Nothing FROM Account").headers["Sforce-Limit-Info"] == "api-usage=2/3"
    limits = org.http.get(f"{org.data}/limits").json()
    assert limits["DailyApiRequests"] == {"Max": 3, "Remaining": 0}
    reply = org.query("SELECT Id FROM Account")
    assert (reply.status_code, code(reply)) == (403, "REQUEST_LIMIT_EXCEEDED")
    set_clock(root, at("2026-07-01T00:00:00"))
    assert org.query("SELECT Id FROM Account").status_code == 200


def test_a_query_that_does_not_fit_an_address(org: SalesforceClient) -> None:
    long = "SELECT Id FROM Account WHERE Id IN ('" + "','".join(["001000000000001AAA"] * 900) + "')"
    assert org.query(long).status_code == 414


# --- Bulk API 2.0

ALL_FIELDS = (
    "SELECT Id, Account.Name, Description, Amount, CloseDate, IsWon, IsDeleted, SystemModstamp "
    "FROM Opportunity ORDER BY Id"
)


def create(org: SalesforceClient, query: str = ALL_FIELDS, **more: str) -> Any:
    body = {"operation": "queryAll", "query": query, **more}
    return org.http.post(f"{org.data}/jobs/query", json=body)


def finish(org: SalesforceClient, job: dict[str, Any]) -> list[str]:
    states = [job["state"]]
    while states[-1] in ("UploadComplete", "InProgress"):
        states.append(org.http.get(f"{org.data}/jobs/query/{job['id']}").json()["state"])
    return states


def test_a_bulk_job_goes_through_its_states_to_csv(org: SalesforceClient) -> None:
    job = create(org).json()
    early = org.http.get(f"{org.data}/jobs/query/{job['id']}/results")
    assert (early.status_code, code(early)) == (400, "INVALIDJOBSTATE")
    assert finish(org, job) == ["UploadComplete", "InProgress", "JobComplete"]
    assert org.http.get(f"{org.data}/jobs/query/{job['id']}").json()["numberRecordsProcessed"] == 5
    reply = org.http.get(f"{org.data}/jobs/query/{job['id']}/results")
    assert (reply.headers["Sforce-NumberOfRecords"], reply.headers["Sforce-Locator"]) == ("5", "null")
    lines = reply.text.split("\n")
    assert lines[0] == "Id,Account.Name,Description,Amount,CloseDate,IsWon,IsDeleted,SystemModstamp"
    assert lines[1] == "006000000000001AAA,Acme,,480000.0,2026-01-15,false,false,2026-01-01T09:14:07.000Z"
    assert '"O\'Neill ""Bros"", Ltd","two\nlines, ""quoted""",1234.56' in reply.text
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert len(rows) == 5
    assert (rows[1]["Account.Name"], rows[2]["Amount"], rows[4]["IsDeleted"]) == (
        'O\'Neill "Bros", Ltd',
        "",
        "true",
    )
    assert Decimal(rows[3]["Amount"]) == Decimal("0.2")


def test_bulk_pages_end_with_the_word_null(org: SalesforceClient) -> None:
    job = create(org, "SELECT Id FROM pse__Timecard__c").json()
    finish(org, job)
    path, locator, ids, pages = f"{org.data}/jobs/query/{job['id']}/results", "", [], 0
    while locator != "null":
        reply = org.http.get(path, params={"maxRecords": 2000, **({"locator": locator} if locator else {})})
        lines = reply.text.split("\n")
        assert lines[0] == "Id"
        ids += lines[1:-1]
        assert len(lines) - 2 == int(reply.headers["Sforce-NumberOfRecords"])
        locator, pages = reply.headers["Sforce-Locator"], pages + 1
    assert (len(set(ids)), pages) == (4500, 3)
    bad = org.http.get(path, params={"locator": "bm90LW1pbmU6NQ"})
    assert code(bad) == "INVALID_QUERY_LOCATOR"


def test_csv_forms_are_switches(root: Path) -> None:
    org = SalesforceClient(root, csv_quoting="all", csv_datetime_suffix="+0000")
    job = create(org, columnDelimiter="SEMICOLON", lineEnding="CRLF").json()
    finish(org, job)
    text = org.http.get(f"{org.data}/jobs/query/{job['id']}/results").text
    assert text.startswith('"Id";"Account.Name";')
    assert '"Acme";"";"480000.0";"2026-01-15";"false"' in text
    assert text.split("\r\n")[1].endswith('"2026-01-01T09:14:07.000+0000"')


def test_what_a_job_tells_and_takes_is_a_switch(root: Path) -> None:
    org = SalesforceClient(root, job_details=False, csv_booleans=["1", "0"], bulk_aggregates=True)
    job = create(org).json()
    finish(org, job)
    shown = org.http.get(f"{org.data}/jobs/query/{job['id']}").json()
    assert shown["state"] == "JobComplete"
    assert not {"numberRecordsProcessed", "retries", "totalProcessingTime"} & set(shown)
    text = org.http.get(f"{org.data}/jobs/query/{job['id']}/results").text
    assert {row["IsDeleted"] for row in csv.DictReader(io.StringIO(text))} == {"0", "1"}
    job = create(org, "SELECT COUNT(Id) n FROM Opportunity").json()
    finish(org, job)
    assert org.http.get(f"{org.data}/jobs/query/{job['id']}/results").text.split("\n")[:2] == ["n", "5"]


def test_bulk_refusals_abort_and_delete(own: SalesforceClient) -> None:
    assert code(create(own, "SELECT Nothing FROM Opportunity")) == "INVALID_FIELD"
    assert code(create(own, "SELECT COUNT(Id) FROM Opportunity")) == "API_ERROR"
    assert code(create(own, operation="insert")) == "INVALIDJOB"
    job = create(own).json()
    path = f"{own.data}/jobs/query/{job['id']}"
    assert own.http.delete(path).status_code == 400
    assert own.http.patch(path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert own.http.patch(path, json={"state": "Aborted"}).status_code == 400
    assert own.http.get(f"{path}/results").status_code == 400
    assert own.http.delete(path).status_code == 204
    assert own.http.get(path).status_code == 404
    assert own.http.get(f"{own.data}/limits").json()["DailyBulkV2QueryJobs"]["Remaining"] == 9999
