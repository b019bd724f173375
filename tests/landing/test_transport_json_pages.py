"""JSON pages at their edges: cursors, restricted fields, tables replaced per employee, leave, datasets."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from pipelines.sources import load_source
from pipelines.transports.base import Found, Window
from tests.landing.conftest import Home
from tests.landing.fakes import Company, Vendor, answer

NOW, NEXT = "2026-03-10T12:00:00Z", "2026-03-11T12:00:00Z"


@pytest.fixture
def company() -> Company:
    company = Company()
    for number in range(1, 8):
        company.put(str(number), "2026-03-01T08:00:00+00:00", firstName="A", customFte="1.0", status="Active")
    company.tables["customCostRate"] = [
        {
            "id": f"{number}0{part}", "employeeId": str(number), "customEffectiveDate": f"202{part}-01-01",
            "customEndDate": "0000-00-00", "customLoadedRate": "95.5", "customCurrency": "USD",
        }
        for number in (1, 2)
        for part in (4, 5)
    ]  # fmt: skip
    company.leave = [
        {
            "id": "77", "employeeId": "1", "start": "2026-03-02", "end": "2026-03-03",
            "created": "2026-02-01",
            "type": {"id": "78", "name": "Vacation"}, "amount": {"unit": "hours", "amount": "16"},
            "status": {"lastChanged": "2026-02-02", "status": "approved"},
        }
    ]  # fmt: skip
    return company


def test_all_styles_land(home: Home, company: Company) -> None:
    result = home.land("bamboohr", company.config(limits={"page_size": 3}), NOW)
    assert result.status == "OK", result.errors
    assert home.sql("select count(*), min(last_changed)::varchar from bamboohr_main.employee") == [
        (7, "2026-03-01 08:00:00+00")
    ]
    assert home.sql("select type, status, amount::varchar, unit from bamboohr_main.time_off") == [
        ("Vacation", "approved", "16.00", "hours")
    ]
    rates = "select distinct custom_loaded_rate::varchar, custom_end_date from bamboohr_main.cost_rate"
    assert home.sql(rates) == [("95.50000000", None)]
    assert {request.headers["accept"] for request in company.requests} == {"application/json"}


def test_rows_of_a_changed_employee_replace_the_landed_ones(home: Home, company: Company) -> None:
    config = company.config(limits={"key_compare_rows": -1})
    home.land("bamboohr", config, NOW)
    company.tables["customCostRate"] = [row for row in company.tables["customCostRate"] if row["id"] != "104"]
    company.put("1", "2026-03-11T08:00:00+00:00")
    home.land("bamboohr", config, NEXT)
    gone = home.sql("select tl_record_id, tl_deletion_basis from bamboohr_main.cost_rate where tl_is_deleted")
    assert gone == [("104", "snapshot_absence")]


def test_a_deleted_employee_is_told_by_the_feed_and_takes_the_tables_along(
    home: Home, company: Company
) -> None:
    home.land("bamboohr", company.config(), NOW)
    company.delete("2", "2026-03-11T08:00:00+00:00")
    company.tables["customCostRate"] = [
        row for row in company.tables["customCostRate"] if row["employeeId"] != "2"
    ]
    home.land("bamboohr", company.config(), NEXT)
    gone = "select tl_record_id, tl_deletion_basis from bamboohr_main.{} where tl_is_deleted order by 1"
    assert home.sql(gone.format("employee")) == [("2", "tombstone")]
    assert [row[0] for row in home.sql(gone.format("cost_rate"))] == ["204", "205"]


def test_a_restricted_value_is_no_empty_value(home: Home, company: Company) -> None:
    home.land("bamboohr", company.config(), NOW)
    company.put("3", "2026-03-11T08:00:00+00:00", firstName=None, _restrictedFields=["firstName"])
    result = home.land("bamboohr", company.config(), NEXT, ["employee"])
    assert (result.resources[0].rows_landed, result.resources[0].rows_rejected) == (0, 1)
    assert home.sql("select record_id, column_name, reason_code from landing.reject") == [
        ("3", "first_name", "RESTRICTED")
    ]


def test_a_column_hidden_from_all_fails_the_resource(home: Home, company: Company) -> None:
    home.land("bamboohr", company.config(), NOW)
    for row in company.employees.values():
        row.update(customLegalEntity=None, _restrictedFields=["customLegalEntity"])
    result = home.land("bamboohr", company.config(), NEXT, ["employee"])
    assert result.resources[0].error is not None
    assert result.resources[0].error.code == "E-SRC-011"


def test_repeated_cursor_fails_the_resource(home: Home, company: Company) -> None:
    def repeat(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/employees"):
            return None
        rows = [{**row, "_restrictedFields": []} for row in list(company.employees.values())[:3]]
        return answer({"data": rows, "meta": {"total": 7, "page": {"nextCursor": "again"}}})

    company.faults.append(repeat)
    result = home.land("bamboohr", company.config(), NOW, ["employee"])
    assert result.resources[0].error is not None
    assert result.resources[0].error.code == "E-SRC-007"


def test_half_a_list_is_no_mass_deletion(home: Home, company: Company) -> None:
    home.land("bamboohr", company.config(), NOW, ["employee"])
    for key in list("1234567")[:6]:
        del company.employees[key]
    result = home.land("bamboohr", company.config(), NEXT, ["employee"])
    assert result.resources[0].error is not None
    assert result.resources[0].error.code == "E-SRC-022"
    assert home.sql("select count(*) from bamboohr_main.employee where tl_is_deleted") == [(0,)]
    accepted = company.config(limits={"absent_share": 1})
    assert home.land("bamboohr", accepted, NEXT, ["employee"]).resources[0].rows_deleted == 6


def test_datasets_by_numbered_pages_halved_when_too_large() -> None:
    rows = [{"fields": {"id": str(number), "employeeNumber": f"E{number}"}} for number in range(7)]
    sizes = []

    class Datasets(Vendor):
        def reply(self, request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content)
            sizes.append(body["pageSize"])
            if body["pageSize"] > 4:
                return answer({"error": "too large"}, 413)
            start = (body["page"] - 1) * body["pageSize"]
            part = rows[start : start + body["pageSize"]]
            return answer(
                {"data": part, "meta": {"page": body["page"], "totalPages": -(-7 // body["pageSize"])}}
            )

    source = load_source("bamboohr")
    reader = source.reader({**Datasets().config(), "api_key": "a-key-of-a-test"})
    employee = source.manifest.resource("employee")
    resource = replace(
        employee,
        object="people",
        page_size=8,
        fields=tuple(item for item in employee.fields if item.name in {"id", "employeeNumber"}),
        cursor=None,
        options={"style": "dataset"},
    )
    window = Window(None, datetime(2026, 3, 10, tzinfo=UTC))
    tables = list(reader.rows(resource, window, Found()))
    assert [table.num_rows for table in tables] == [4, 3]
    assert sizes == [8, 4, 4]
