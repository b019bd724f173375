"""SuiteQL at its edges: keyset pages, zones, missing rights, lines of changed transactions, tombstones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.landing.conftest import Home
from tests.landing.fakes import Account, answer

NOW, NEXT, LAST = "2026-03-10T12:00:00Z", "2026-03-11T12:00:00Z", "2026-03-12T12:00:00Z"
LINES = ["transaction", "transactionline", "transactionaccountingline"]


def stamp(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def account(private_key: str) -> Account:
    """Two invoices with two lines each, in New York."""
    account = Account(private_key=private_key)
    account.tables = {
        "transaction": [],
        "transactionline": [],
        "transactionaccountingline": [],
        "accountingperiod": [{"id": 1, "closed": "T"}],
        "deletedrecord": [
            {
                "recordid": 999,
                "type": "vendor",
                "scriptid": "",
                "name": "x",
                "deleteddate": stamp("2026-01-01"),
            }
        ],
    }
    for number in (1, 2):
        header(account, number, "2026-03-01 08:00:00")
        for line in (1, 2):
            add_line(account, number, line, "2026-03-01 08:00:00")
    return account


def header(account: Account, number: int, at: str) -> None:
    from pipelines.sources import load_source

    names = load_source("netsuite").manifest.resource("transaction").names
    row: dict[str, Any] = dict.fromkeys(names)
    row.update(
        id=number,
        type="CustInvc",
        tranid=f"INV{number}",
        trandate=stamp("2026-03-01"),
        foreigntotal="100.50",
        posting="T",
        postingperiod=1,
        lastmodifieddate=stamp(at),
        createddate=stamp("2026-02-01 23:30:00"),
    )
    account.tables["transaction"] = [
        *(old for old in account.tables["transaction"] if old["id"] != number),
        row,
    ]


def add_line(account: Account, number: int, line: int, at: str) -> None:
    from pipelines.sources import load_source

    names = load_source("netsuite").manifest.resource("transactionline").names
    row: dict[str, Any] = dict.fromkeys(names)
    row.update(
        uniquekey=number * 10 + line, transaction=number, id=line, mainline="F", foreignamount="-50.25",
        linelastmodifieddate=stamp(at),
    )  # fmt: skip
    account.tables["transactionline"].append(row)
    account.tables["transactionaccountingline"].append(
        {
            "transaction": number, "transactionline": line, "accountingbook": 1, "account": 5,
            "debit": "50.25", "credit": None, "amount": "50.25", "posting": "T", "exchangerate": "1.0842",
        }
    )  # fmt: skip


def test_times_of_the_account_land_in_utc(home: Home, account: Account) -> None:
    result = home.land("netsuite", account.config(), NOW, LINES)
    assert result.status == "OK", result.errors
    row = home.sql(
        "select trandate::varchar, createddate::varchar, lastmodifieddate::varchar, posting,"
        " foreigntotal::varchar from netsuite_main.transaction where id = '1'"
    )
    assert row == [("2026-03-01", "2026-02-02 04:30:00+00", "2026-03-01 13:00:00+00", True, "100.5000")]
    assert home.sql("select distinct exchangerate::varchar from netsuite_main.transactionaccountingline") == [
        ("1.0842000000",)
    ]


def test_wrong_zone_is_noticed_before_anything_is_read(home: Home, account: Account) -> None:
    config = {**account.config(), "time_zone": "Europe/Berlin"}
    result = home.land("netsuite", config, NOW, LINES)
    assert {resource.error.code for resource in result.resources if resource.error} == {"E-SRC-016"}
    assert "-300" in str(result.errors[0])


def test_pages_by_keyset_of_one_and_of_three_columns(home: Home, account: Account) -> None:
    for number in range(3, 8):
        header(account, number, "2026-03-01 08:00:00")
        add_line(account, number, 1, "2026-03-01 08:00:00")
    config = account.config(limits={"page_size": 2})
    assert home.land("netsuite", config, NOW, LINES).status == "OK"
    assert home.sql("select count(*) from netsuite_main.transaction") == [(7,)]
    assert home.sql("select count(*) from netsuite_main.transactionaccountingline") == [(9,)]
    offsets = {str(request.url.params.get("offset")) for request in account.requests if request.url.params}
    assert offsets == {"0"}


def test_a_table_without_right_is_named_and_the_rest_goes_on(home: Home, account: Account) -> None:
    account.hidden = {"transactionaccountingline"}
    result = home.land("netsuite", account.config(), NOW, LINES)
    [failed] = [resource for resource in result.resources if resource.error]
    assert failed.error is not None
    assert (failed.resource, failed.error.code) == ("transactionaccountingline", "E-SRC-010")


def test_a_missing_column_is_named(home: Home, account: Account) -> None:
    for row in account.tables["transaction"]:
        del row["otherrefnum"]
    result = home.land("netsuite", account.config(), NOW, ["transaction"])
    assert result.resources[0].error is not None
    assert result.resources[0].error.code == "E-SRC-011"
    assert "otherrefnum" in str(result.resources[0].error)


def test_a_line_removed_from_a_changed_transaction_is_deleted(home: Home, account: Account) -> None:
    config = account.config(limits={"key_compare_rows": -1})
    home.land("netsuite", config, NOW, LINES)
    account.now = NEXT.replace("Z", "+00:00")
    header(account, 1, "2026-03-10 18:00:00")
    for name in ("transactionline", "transactionaccountingline"):
        account.tables[name] = [
            row
            for row in account.tables[name]
            if row["transaction"] != 1 or row.get("id", row.get("transactionline")) != 2
        ]
    result = home.land("netsuite", config, NEXT, LINES)
    assert [(one.resource, one.rows_deleted) for one in result.resources] == [
        ("transaction", 0),
        ("transactionline", 1),
        ("transactionaccountingline", 1),
    ]
    assert home.sql(
        "select tl_record_id, tl_deletion_basis from netsuite_main.transactionline where tl_is_deleted"
    ) == [("12", "snapshot_absence")]


def test_a_deleted_transaction_takes_its_lines_along(home: Home, account: Account) -> None:
    config = account.config(limits={"key_compare_rows": -1})
    home.land("netsuite", config, NOW, LINES)
    account.now = NEXT.replace("Z", "+00:00")
    for name in LINES:
        account.tables[name] = [
            row for row in account.tables[name] if row.get("transaction", row.get("id")) != 2
        ]
    account.tables["deletedrecord"].append(
        {
            "recordid": 2,
            "type": "CustInvc",
            "scriptid": "",
            "name": "INV2",
            "deleteddate": stamp("2026-03-10 18:00:00"),
        }
    )
    home.land("netsuite", config, NEXT, LINES)
    gone = "select tl_record_id, tl_deletion_basis from netsuite_main.{} where tl_is_deleted order by 1"
    assert home.sql(gone.format("transaction")) == [("2", "tombstone")]
    assert home.sql(gone.format("transactionline")) == [
        ("21", "snapshot_absence"),
        ("22", "snapshot_absence"),
    ]
    assert len(home.sql(gone.format("transactionaccountingline"))) == 2


def test_a_new_custom_column_is_taken_in(home: Home, account: Account) -> None:
    home.land("netsuite", account.config(), NOW, ["transaction"])
    account.now = NEXT.replace("Z", "+00:00")
    header(account, 2, "2026-03-10 18:00:00")
    for row in account.tables["transaction"]:
        row["custbody_new"] = "N"
    home.land("netsuite", account.config(), NEXT, ["transaction"])
    assert home.sql("select column_name, change from landing.schema_change") == [("custbody_new", "ADDED")]
    assert home.sql("select count(*) from netsuite_main.transaction where custbody_new = 'N'") == [(2,)]


def test_concurrency_limit_is_waited_out_and_the_same_page_again_is_not(home: Home, account: Account) -> None:
    account.once("suiteql", lambda: answer({"title": "Too Many Requests"}, 429, **{"Retry-After": "3"}))
    assert home.land("netsuite", account.config(), NOW, ["transaction"]).status == "OK"
    assert account.waits == [3.0]
    page = {"hasMore": True, "items": [{"id": "1", "type": "x", "tranid": "1", "trandate": "2026-03-01"}]}

    def same(request: httpx.Request) -> httpx.Response | None:
        return answer(page) if b"ORDER BY t.id" in request.content else None

    account.faults.append(same)
    account.now = LAST.replace("Z", "+00:00")
    stuck = home.land("netsuite", account.config(), LAST, ["transaction"])
    assert stuck.resources[0].error is not None
    assert stuck.resources[0].error.code == "E-SRC-007"
