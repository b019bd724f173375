"""DocuSign as its clients see it: the grant, userinfo, lists of envelopes with counters of text, limits."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from sandbox.mutate import mutate
from tests.unit.emulator_support import DocusignClient, docusign_store, set_profile


@pytest.fixture
def root(tmp_path: Path) -> Path:
    docusign_store(tmp_path)
    return tmp_path


@pytest.fixture
def account(root: Path) -> DocusignClient:
    return DocusignClient(root)


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "another"}, "invalid_grant"),
        ({"sub": "another"}, "invalid_grant"),
        ({"aud": "https://testserver"}, "invalid_grant"),
        ({"scope": "signature"}, "consent_required"),
        ({"exp": 1}, "invalid_grant"),
    ],
)
def test_only_a_good_assertion_brings_a_token(
    account: DocusignClient, claims: dict[str, object], error: str
) -> None:
    reply = account.token(account.assertion(**claims))
    assert (reply.status_code, reply.json()["error"]) == (400, error)
    assert account.token("no.jwt.atall").status_code == 400
    assert account.token(account.assertion(), grant="password").json()["error"] == "unsupported_grant_type"


def test_userinfo_names_the_account_and_where_its_api_answers(account: DocusignClient, root: Path) -> None:
    [own] = account.http.get("/oauth/userinfo").json()["accounts"]
    assert (own["account_id"], own["is_default"]) == (account.own["account_id"], True)
    assert own["base_uri"] == "http://testserver"
    elsewhere = DocusignClient(root, base_uri="https://eu.docusign.example")
    assert elsewhere.http.get("/oauth/userinfo").json()["accounts"][0]["base_uri"].startswith("https://eu.")
    account.http.headers["Authorization"] = "Bearer wrong"
    assert account.http.get("/oauth/userinfo").status_code == 401
    assert account.list().status_code == 401


def test_another_account_is_none_of_the_users(account: DocusignClient) -> None:
    reply = account.http.get("/restapi/v2.1/accounts/other/envelopes", params={"from_date": "2026-01-01"})
    assert reply.json()["errorCode"] == "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"


def test_counters_are_text_and_pages_go_on_by_next_uri(account: DocusignClient) -> None:
    body = account.list(count="2").json()
    # e2 lies in the bin, e3 is purged
    assert (body["resultSetSize"], body["startPosition"], body["endPosition"]) == ("2", "0", "1")
    assert (body["totalSetSize"], body["lastQueriedDateTime"]) == ("5", "2026-06-30T12:00:00.0000000Z")
    assert body["nextUri"].startswith(f"/accounts/{account.own['account_id']}/envelopes?")
    seen = [row["envelopeId"] for row in body["envelopes"]]
    while "nextUri" in body:
        body = account.list(**dict(parse_qsl(urlsplit(body["nextUri"]).query))).json()
        seen += [row["envelopeId"] for row in body["envelopes"]]
    assert seen == ["e1", "e4", "e5", "e6", "e7"]
    assert (body["startPosition"], body["endPosition"]) == ("4", "4")


@pytest.mark.parametrize(
    ("form", "start"),
    [("envelopes", "/envelopes?"), ("absolute", "http://testserver/restapi/v2.1/accounts/")],
)
def test_next_uri_is_written_in_several_ways(root: Path, form: str, start: str) -> None:
    assert DocusignClient(root, next_uri=form).list(count="1").json()["nextUri"].startswith(start)


def test_a_window_goes_by_the_change_of_status_unless_told_otherwise(
    account: DocusignClient, root: Path
) -> None:
    assert account.ids(from_date="2026-04-01T10:00:00Z") == ["e1"]
    # the number entered on 3 April moved nothing but the last edit
    assert account.ids(from_date="2026-04-02T00:00:00Z") == []
    moving = DocusignClient(root, edits_change_status=True)
    assert moving.ids(from_date="2026-04-02T00:00:00Z") == ["e1"]
    created = {"from_to_status": "created", "from_date": "2026-03-04T00:00:00Z"}
    assert account.ids(**created, to_date="2026-03-06T00:00:00Z") == ["e4", "e5"]
    assert account.list(from_to_status="purged").status_code == 400
    assert account.http.get(account.path).json()["errorCode"] == "INVALID_REQUEST_PARAMETER"
    assert account.ids(envelope_ids="e5,e1") == ["e1", "e5"]
    assert account.ids(status="created") == ["e7"]
    assert account.list(status="lost").status_code == 400


def test_stamps_have_seven_digits_and_custom_fields_come_when_asked_for(account: DocusignClient) -> None:
    [plain] = account.list(envelope_ids="e1").json()["envelopes"]
    assert "customFields" not in plain
    assert "recipients" not in plain
    [full] = account.list(envelope_ids="e1", include="custom_fields,recipients").json()["envelopes"]
    assert full["statusChangedDateTime"] == "2026-04-01T10:00:00.0000000Z"
    assert full["lastModifiedDateTime"] == "2026-04-03T12:00:00.0000000Z"
    told = {one["name"]: one["value"] for one in full["customFields"]["textCustomFields"]}
    assert told == {
        "doc_type": "SOW",
        "contract_number": "SO-1",
        "document_value": "1000.5",
        "retroactive": "false",
    }
    assert full["recipients"]["signers"][0]["email"] == "ada@customer.example"
    assert "signerName" not in full


def test_empty_fields_and_empty_lists_are_shown_or_left_out(account: DocusignClient, root: Path) -> None:
    def number(client: DocusignClient) -> list[str]:
        [row] = client.list(envelope_ids="e4", include="custom_fields").json()["envelopes"]
        return [one["value"] for one in row["customFields"]["textCustomFields"] if "number" in one["name"]]

    sparing = DocusignClient(root, empty_fields="omitted", empty_list="omitted")
    assert (number(account), number(sparing)) == ([""], [])
    future = {"from_date": "2027-01-01T00:00:00Z"}
    assert account.list(**future).json()["envelopes"] == []
    assert "envelopes" not in sparing.list(**future).json()
    assert sparing.list(**future).json()["totalSetSize"] == "0"


def test_the_bin_is_listed_where_the_account_does_so(account: DocusignClient, root: Path) -> None:
    assert "e2" not in account.ids()
    client = DocusignClient(root, bin_listed=True)
    [row] = [row for row in client.list().json()["envelopes"] if row["envelopeId"] == "e2"]
    assert row["deletedDateTime"] == "2026-05-02T10:00:00.0000000Z"
    assert "e3" not in client.ids()


def test_limits_are_told_and_kept(root: Path) -> None:
    client = DocusignClient(root, burst_limit=3)
    reply = client.list()
    assert (reply.headers["X-RateLimit-Limit"], reply.headers["X-RateLimit-Remaining"]) == ("3000", "2999")
    assert reply.headers["X-BurstLimit-Remaining"] == "2"
    assert int(reply.headers["X-RateLimit-Reset"]) % 3600 == 0
    assert [client.list().status_code for _ in range(3)] == [200, 200, 429]
    assert client.list().json()["errorCode"] == "BURST_APIINVOCATION_LIMIT_EXCEEDED"
    hourly = DocusignClient(root, hourly_limit=1, limit_status=400)
    assert [hourly.list().status_code for _ in range(2)] == [200, 400]
    assert hourly.list().json()["errorCode"] == "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"


def test_one_envelope_may_not_be_polled(account: DocusignClient) -> None:
    found = [account.http.get(f"{account.path}/e1") for _ in range(5)]
    assert [reply.status_code for reply in found] == [200, 200, 200, 200, 429]
    assert found[-1].json()["errorCode"] == "Hourly_Envelope_Polling_Limit_Exceeded"
    assert account.http.get(f"{account.path}/none").status_code == 404


def test_faults_strike_lists_and_not_userinfo(account: DocusignClient, root: Path) -> None:
    set_profile(root, {"vendor": "docusign", "kind": "429_seconds", "seconds": 7, "times": 1})
    assert account.http.get("/oauth/userinfo").status_code == 200
    assert account.list().headers["Retry-After"] == "7"
    set_profile(root, {"vendor": "docusign", "kind": "truncate_extract", "share": 0.5})
    body = account.list().json()
    assert (body["resultSetSize"], body["totalSetSize"]) == ("2", "5")
    set_profile(root, {"vendor": "docusign", "kind": "permission_lost", "object": "envelopes"})
    assert account.list().status_code == 403


def test_an_edit_of_a_user_is_seen(account: DocusignClient, root: Path) -> None:
    mutate(root, "docusign", "envelopes", "e4", "update", {"status": "voided"}, "2026-06-01T08:00:00Z")
    assert account.ids(from_date="2026-06-01T00:00:00Z") == ["e4"]
