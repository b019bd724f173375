"""A read is whole or it is refused: what is missing from it would pass for deleted.

The readers are asked directly, without landing, over the small vendors of fakes.py.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from pipelines.manifest import Resource
from pipelines.sources import load_source
from pipelines.transports.base import Found, Reader, Window
from pipelines.transports.http import Http, RefusedError
from pipelines.transports.suiteql import SuiteqlReader
from tests.landing.conftest import Home
from tests.landing.fakes import Account, Company, Org, Vendor, answer
from tests.landing.test_landing_versions import ONLY, item
from throughline.errors import ThroughlineError

END = datetime(2026, 3, 10, 12, tzinfo=UTC)
WINDOW = Window(None, END)


def opened(source: str, vendor: Vendor, resource: str, **config: Any) -> tuple[Reader, Resource]:
    """A reader that talks to the fake, and one of its resources in pages of three."""
    found = load_source(source)
    return found.reader(vendor.config(**config)), found.manifest.resource(resource)


def count(reader: Reader, resource: Resource, window: Window = WINDOW) -> int:
    return sum(table.num_rows for table in reader.rows(resource, window, Found()))


def code(reader: Reader, resource: Resource) -> str:
    with pytest.raises(ThroughlineError) as caught:
        count(reader, resource)
    return caught.value.code


# --- SOQL


def org(rows: int = 7) -> Org:
    org = Org(page=3)
    for number in range(rows):
        item(org, f"k{number}", f"2026-03-01T08:00:{number:02d}.000+0000")
    return org


def without_a_row(org: Org, part: str) -> None:
    """The next answer to an address with `part` leaves its first row out, as a moved page does."""
    done: list[int] = []

    def fault(request: httpx.Request) -> httpx.Response | None:
        if part not in str(request.url) or done:
            return None
        done.append(1)
        body = json.loads(org.reply(request).content)
        return answer({**body, "records": body["records"][1:]}, **{"Sforce-Limit-Info": org.usage})

    org.faults.append(fault)


def test_a_page_that_moved_between_two_requests_is_noticed() -> None:
    vendor = org()
    reader, resource = opened("salesforce", vendor, *ONLY)
    assert count(reader, resource) == 7
    without_a_row(vendor, "/query/01g")
    assert code(reader, resource) == "E-SRC-023"


def test_a_key_that_a_moved_page_left_out_is_not_taken_for_deleted() -> None:
    vendor = org()
    reader, resource = opened("salesforce", vendor, *ONLY)
    without_a_row(vendor, "/query/01g")
    with pytest.raises(ThroughlineError) as caught:
        list(reader.keys(resource, WINDOW) or [])
    assert caught.value.code == "E-SRC-023"
    assert "6 rows came, the vendor announced 7" in caught.value.what


def test_a_row_on_two_pages_does_not_stand_in_for_a_missing_one() -> None:
    vendor = org()

    def twice(request: httpx.Request) -> httpx.Response | None:
        if "/query/01g" not in str(request.url):
            return None
        body = json.loads(vendor.reply(request).content)
        return answer({**body, "records": [body["records"][-1]] * len(body["records"])})

    vendor.faults.append(twice)
    reader, resource = opened("salesforce", vendor, *ONLY)
    assert code(reader, resource) == "E-SRC-023"


@pytest.mark.parametrize(("told", "good"), [("7", True), ("8", False), (None, True)])
def test_a_bulk_job_gives_the_rows_it_says_it_holds(told: str | None, good: bool) -> None:
    # the number is not verified of the vendor: a job without it is read all the same
    vendor = org()

    def poll(request: httpx.Request) -> httpx.Response | None:
        if "/jobs/query/" not in str(request.url) or request.method != "GET":
            return None
        if request.url.path.endswith("/results"):
            return None
        more = {} if told is None else {"numberRecordsProcessed": int(told)}
        return answer({"id": "7500", "state": "JobComplete", **more})

    vendor.faults.append(poll)
    reader, resource = opened("salesforce", vendor, *ONLY, mode="bulk")
    if good:
        assert count(reader, resource) == 7
    else:
        assert code(reader, resource) == "E-SRC-023"


def test_a_query_too_long_for_an_address_goes_as_a_job() -> None:
    vendor = org()
    reader, resource = opened("salesforce", vendor, *ONLY)
    wide = Found(extra=tuple(f"A_Field_With_A_Rather_Long_Name_{number:04d}__c" for number in range(500)))
    assert sum(table.num_rows for table in reader.rows(resource, WINDOW, wide)) == 7
    assert vendor.jobs
    few = Found(extra=wide.extra[:350])
    keys = [f"k{number}" for number in range(7)] + [f"0065g00000{number:08d}" for number in range(200)]
    assert sum(table.num_rows for table in reader.rows_by_key(resource, keys, few)) == 7
    assert max(len(str(request.url)) for request in vendor.requests) < 16_384


@pytest.mark.parametrize(("behind", "whole"), [(5, True), (30, False)])
def test_a_feed_that_does_not_reach_the_end_of_the_window_is_no_whole_feed(behind: int, whole: bool) -> None:
    vendor = org()
    covered = (END - timedelta(minutes=behind)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    vendor.faults.append(
        lambda request: (
            answer({"deletedRecords": [], "latestDateCovered": covered})
            if "/deleted/" in str(request.url)
            else None
        )
    )
    reader, resource = opened("salesforce", vendor, "opportunity")
    assert reader.tombstones(resource, Window(END - timedelta(days=1), END))[1] is whole


def test_an_allowance_that_ends_among_unordered_rows_lands_none_of_them(home: Home) -> None:
    vendor = org(9)

    def disorder(request: httpx.Request) -> httpx.Response | None:
        if "queryAll?q=SELECT+Id" in str(request.url):
            body = json.loads(vendor.reply(request).content)
            spent = {"Sforce-Limit-Info": "api-usage=2600/5000"}
            return answer({**body, "records": body["records"][::-1]}, **spent)
        return None

    vendor.faults.append(disorder)
    config = vendor.config(limits={"quota_share": "0.5"})
    result = home.land("salesforce", config, "2026-03-10T12:00:00Z", ONLY).resources[0]
    assert (result.status, result.rows_landed, result.cursor_to) == ("FAILED", 0, None)


# --- SuiteQL


@pytest.fixture
def account(private_key: str) -> Account:
    account = Account(private_key=private_key)
    account.tables = {"currency": [_currency(number) for number in range(1, 8)], "deletedrecord": []}
    return account


def _currency(number: int) -> dict[str, Any]:
    return {
        "id": number, "symbol": f"C{number}", "name": "n", "currencyprecision": 2, "isbasecurrency": "F",
        "isinactive": "F",
    }  # fmt: skip


def paged(account: Account, size: int = 3) -> tuple[SuiteqlReader, Resource]:
    reader, resource = opened("netsuite", account, "currency")
    assert isinstance(reader, SuiteqlReader)
    return reader, replace(resource, page_size=size)


def test_a_page_out_of_order_ends_a_read_by_key(account: Account) -> None:
    reader, resource = paged(account)
    assert count(reader, resource) == 7

    def disorder(request: httpx.Request) -> httpx.Response | None:
        if b"ORDER BY t.id" not in request.content:
            return None
        rows = [{"links": [], **{k: str(v) for k, v in _currency(n).items()}} for n in (2, 7, 4)]
        return answer({"count": 3, "hasMore": True, "offset": 0, "items": rows})

    account.faults.append(disorder)
    with pytest.raises(ThroughlineError) as caught:
        count(reader, resource)
    assert (caught.value.code, "in the order asked for" in caught.value.what) == ("E-SRC-007", True)


def test_keys_that_are_texts_keep_the_order_of_their_database(account: Account) -> None:
    account.tables["currency"] = [{**_currency(1), "id": key} for key in ("10", "9", "b-2", "007", "100")]
    reader, resource = paged(account, size=2)
    assert count(reader, resource) == 5


def test_an_empty_page_that_says_there_is_more_is_asked_for_again(account: Account) -> None:
    empty = answer({"count": 0, "hasMore": True, "offset": 0, "items": []})
    reader, resource = paged(account)
    account.once("suiteql", lambda: empty, skip=1)
    assert count(reader, resource) == 7
    account.once("suiteql", lambda: empty, times=99)
    assert code(reader, resource) == "E-SRC-008"


def test_a_column_is_found_though_the_newest_record_has_no_value_in_it(account: Account) -> None:
    for row in account.tables["currency"]:
        row["custrecord_new"] = "x" if row["id"] == 3 else None
    reader, resource = paged(account)
    assert reader.discover(resource).extra == ("custrecord_new",)


@pytest.mark.parametrize("mode", ["cut", "refused"])
def test_more_deletions_than_one_query_serves_are_all_read(account: Account, mode: str) -> None:
    start = datetime(2026, 1, 1)  # noqa: DTZ001 - the account prints local times
    account.tables["deletedrecord"] = [
        {
            "recordid": number, "type": "vendor", "scriptid": "", "name": "x",
            "deleteddate": start + timedelta(seconds=number // 3),
        }
        for number in range(5000)
    ]  # fmt: skip

    def cap(request: httpx.Request) -> httpx.Response | None:
        if b"FROM deletedrecord" not in request.content:
            return None
        offset = int(parse_qs(request.url.query.decode())["offset"][0])
        if mode == "refused" and offset >= 2000:
            return answer({"o:errorDetails": [{"detail": "offset must be below 2000."}]}, 400)
        body = json.loads(account.reply(request).content)
        more = body["hasMore"]
        if mode == "cut" and offset + 1000 >= 2000:
            more = False
        return answer(
            {**body, "hasMore": more, "totalResults": offset + len(body["items"]) + body["hasMore"]}
        )

    account.faults.append(cap)
    found = load_source("netsuite")
    reader = found.reader(account.config())
    assert isinstance(reader, SuiteqlReader)
    reader.row_cap = 2000
    table, whole = reader.tombstones(found.manifest.resource("vendor"), Window(None, END))
    assert (whole, len(set(table.column("record_id").to_pylist()))) == (True, 5000)


# --- JSON pages


def company() -> Company:
    company = Company()
    for number in range(1, 8):
        company.put(str(number), "2026-03-01T08:00:00+00:00")
    return company


def test_a_list_holds_as_many_as_it_announces() -> None:
    vendor = company()
    reader, resource = opened("bamboohr", vendor, "employee")
    resource = replace(resource, page_size=3)
    assert count(reader, resource) == 7
    totals = iter([7, 6, 6])

    def shifted(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/api/v1/employees":
            return None
        body = json.loads(vendor.reply(request).content)
        if "page[after]" in request.url.params:
            body["data"] = body["data"][1:]
        body["meta"]["total"] = next(totals, 7)
        return answer(body)

    vendor.faults.append(shifted)
    # two rows are lost, one of them announced as gone while the list was read
    assert code(reader, resource) == "E-SRC-023"
    vendor.faults.clear()
    vendor.employees.popitem()
    assert count(reader, resource) == 6


def test_a_column_gone_from_a_single_record_fails_the_resource() -> None:
    vendor = company()
    reader, resource = opened("bamboohr", vendor, "cost_rate")
    row = {
        "id": "9", "employeeId": "1", "customEffectiveDate": "2026-01-01", "customEndDate": None,
        "customLoadedRate": "95.5", "customCurrency": "USD",
    }  # fmt: skip
    vendor.tables["customCostRate"] = [row]
    assert count(reader, resource) == 1
    del row["customEndDate"]
    assert code(reader, resource) == "E-SRC-011"


# --- what an error may repeat


def test_a_refusal_that_repeats_a_secret_is_cleaned_whole() -> None:
    secret = "the-secret-of-this-test"
    body = {"o:errorDetails": [{"detail": f"assertion {secret} is wrong"}]}
    http = Http(
        source="test",
        base_url="https://vendor.test",
        transport=httpx.MockTransport(lambda _request: answer(body, 400)),
        secrets={secret},
    )
    with pytest.raises(RefusedError) as caught:
        http.request("GET", "/x")
    assert secret not in json.dumps(caught.value.body) + caught.value.text
    assert caught.value.body["o:errorDetails"][0]["detail"] == "assertion *** is wrong"
