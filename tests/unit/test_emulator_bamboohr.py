"""BambooHR as its clients see it: keys, cursor pages, changed feeds, tables, time off, datasets."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sandbox.mutate import mutate
from tests.unit.emulator_support import bamboohr_client, bamboohr_store, credentials, set_profile


@pytest.fixture
def root(tmp_path: Path) -> Path:
    bamboohr_store(tmp_path)
    return tmp_path


@pytest.fixture
def hr(root: Path) -> TestClient:
    return bamboohr_client(root)


def test_the_key_opens_as_user_name_or_bearer(hr: TestClient) -> None:
    assert hr.get("/api/v1/employees").status_code == 200
    assert hr.get("/api/v1/employees", auth=("wrong", "x")).status_code == 401
    key = credentials()["bamboohr"]["api_key"]
    hr.auth = None
    assert hr.get("/api/v1/employees").status_code == 401
    assert hr.get("/api/v1/employees", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_employees_come_in_pages_by_cursor(hr: TestClient) -> None:
    query = {"page[limit]": "5", "fields": "firstName,hireDate,payRate,nonsense"}
    seen, cursor, pages = [], None, 0
    while True:
        body = hr.get(
            "/api/v1/employees", params={**query, **({"page[after]": cursor} if cursor else {})}
        ).json()
        seen += body["data"]
        pages += 1
        cursor = body["meta"]["page"]["nextCursor"]
        assert (body["_links"]["next"] is None) is (cursor is None)
        if cursor is None:
            break
    assert (pages, body["meta"]["total"]) == (3, 12)
    assert [row["employeeId"] for row in seen] == ["1", "2", *map(str, range(4, 14))]
    assert seen[0] == {
        "employeeId": "1",
        "firstName": "First1",
        "hireDate": "2024-02-29",
        "payRate": "61.5",
        "_restrictedFields": [],
    }
    assert hr.get("/api/v1/employees", params={"page[after]": "bm90"}).status_code == 400


def test_filters_and_restricted_fields(root: Path) -> None:
    hr = bamboohr_client(root, restricted={"Employee": ["payRate"]})
    body = hr.get("/api/v1/employees", params={"filter[status]": "active", "fields": "status,payRate"}).json()
    assert {row["status"] for row in body["data"]} == {"Active"}
    assert body["data"][0]["payRate"] is None
    assert body["data"][0]["_restrictedFields"] == ["payRate"]
    assert hr.get("/api/v1/employees", params={"filter[payRate]": "61.5"}).json()["data"] == []
    set_profile(
        root, {"vendor": "bamboohr", "kind": "field_hidden", "object": "Employee", "field": "lastName"}
    )
    row = hr.get("/api/v1/employees", params={"fields": "lastName"}).json()["data"][0]
    assert (row["lastName"], row["_restrictedFields"]) == (None, ["lastName"])


def test_an_empty_value_is_a_switch(root: Path) -> None:
    mutate(root, "bamboohr", "Employee", "1", "update", {"lastName": None})
    query = {"fields": "lastName"}
    assert bamboohr_client(root).get("/api/v1/employees", params=query).json()["data"][0]["lastName"] is None
    blank = bamboohr_client(root, empty_value="blank")
    assert blank.get("/api/v1/employees", params=query).json()["data"][0]["lastName"] == ""


def test_the_changed_feed(hr: TestClient) -> None:
    def feed(since: str, kind: str = "all") -> dict[str, str]:
        body = hr.get("/api/v1/employees/changed", params={"since": since, "type": kind}).json()
        return {key: entry["action"] for key, entry in body["employees"].items()}

    since = "2026-05-10T08:00:00Z"
    assert feed(since) == {"2": "Updated", "3": "Deleted", "13": "Inserted"}
    assert feed(since, "deleted") == {"3": "Deleted"}
    assert feed("2026-05-11T10:00:01+02:00") == {"13": "Inserted"}
    assert len(feed("2025-01-01T00:00:00Z")) == 13
    body = hr.get("/api/v1/employees/changed", params={"since": since}).json()
    assert body["latest"] == "2026-05-12T08:00:00+00:00"
    assert body["employees"]["2"]["lastChanged"] == "2026-05-10T08:00:00+00:00"
    assert hr.get("/api/v1/employees/changed").status_code == 400
    assert hr.get("/api/v1/employees/changed", params={"since": since, "type": "x"}).status_code == 400


def test_a_changed_table_sends_all_rows_of_each_changed_employee(hr: TestClient) -> None:
    path = "/api/v1/employees/changed/tables/jobInfo"
    body = hr.get(path, params={"since": "2026-05-01T00:00:00Z"}).json()
    assert body["table"] == "jobInfo"
    assert [row["id"] for row in body["employees"]["2"]["rows"]] == ["2", "3"]
    assert body["employees"]["2"]["rows"][1] == {
        "id": "3",
        "employeeId": "2",
        "date": "2026-05-01",
        "jobTitle": "Lead",
    }
    # The only row of employee 4 went away without trace: all that is left of it is the employee.
    assert body["employees"]["4"]["rows"] == []
    assert "1" not in body["employees"]
    assert hr.get("/api/v1/employees/changed/tables/none", params={"since": "2026-01-01"}).status_code == 404


def test_rows_of_one_employee_or_of_all(hr: TestClient) -> None:
    one = hr.get("/api/v1/employees/2/tables/jobInfo").json()
    assert [row["id"] for row in one] == ["2", "3"]
    assert [row["id"] for row in hr.get("/api/v1/employees/all/tables/jobInfo").json()] == ["1", "2", "3"]


def test_time_off_overlaps_the_span(root: Path, hr: TestClient) -> None:
    path = "/api/v1/time_off/requests"
    row = hr.get(path, params={"start": "2026-04-03", "end": "2026-04-30"}).json()[0]
    assert row["status"] == {"lastChanged": "2026-03-01", "lastChangedByUserId": None, "status": "approved"}
    assert (row["amount"], row["type"]["name"]) == ({"unit": "hours", "amount": "40"}, "Vacation")
    assert hr.get(path, params={"start": "2026-04-04", "end": "2026-04-30"}).json() == []
    assert hr.get(path, params={"start": "2026-04-04"}).status_code == 400
    flat = bamboohr_client(root, time_off_nested=False)
    row = flat.get(path, params={"start": "2026-04-03", "end": "2026-04-30"}).json()[0]
    assert (row["status"], row["lastChanged"], row["amount"]) == ("approved", "2026-03-01", "40")


def test_datasets_page_filter_and_order(hr: TestClient) -> None:
    path = "/api/v2/datasets/employees/data"
    body = {
        "fields": ["id", "status"],
        "filter": "status eq 'Active' and id ne '1'",
        "pageSize": 4,
        "page": 2,
    }
    reply = hr.post(path, json=body).json()
    assert reply["meta"] == {"page": 2, "pageSize": 4, "totalPages": 2, "totalItems": 5}
    assert reply["data"] == [{"fields": {"id": "13", "status": "Active"}}]
    assert reply["links"]["next"] is None
    assert hr.post(path, json={**body, "page": 1}).json()["links"]["next"].endswith("page=2")
    assert hr.post(path, json={**body, "filter": "nonsense eq 1"}).status_code == 400
    assert hr.post(path, json={**body, "pageSize": 1001}).status_code == 413


def test_old_endpoints_speak_xml_unless_asked(root: Path, hr: TestClient) -> None:
    path, query = "/api/v1/employees/changed", {"since": "2026-05-01T00:00:00Z"}
    reply = hr.get(path, params=query, headers={"Accept": "*/*"})
    assert reply.headers["content-type"].startswith("application/xml")
    assert reply.text.startswith("<?xml")
    assert hr.get("/api/v1/employees", headers={"Accept": "*/*"}).json()["meta"]["total"] == 12
    modern = bamboohr_client(root, old_endpoints_xml=False)
    assert modern.get(path, params=query, headers={"Accept": "*/*"}).json()["employees"]


def test_permission_lost_is_403(root: Path, hr: TestClient) -> None:
    set_profile(root, {"vendor": "bamboohr", "kind": "permission_lost", "object": "jobInfo"})
    assert hr.get("/api/v1/employees/2/tables/jobInfo").status_code == 403
    assert hr.get("/api/v1/employees").status_code == 200
