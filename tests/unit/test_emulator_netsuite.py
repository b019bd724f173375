"""NetSuite as its clients see it: signed assertions, SuiteQL, pages and their traps, switches."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from sandbox.emulators.netsuite import QUERY_PATH
from sandbox.emulators.suiteql import SuiteQLError, strftime_format
from sandbox.mutate import delete, mutate
from tests.unit.emulator_support import (
    NetSuiteClient,
    at,
    credentials,
    netsuite_store,
    set_clock,
    set_profile,
    write_object,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    netsuite_store(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> NetSuiteClient:
    """An account that tests only read."""
    shared = tmp_path_factory.mktemp("account")
    netsuite_store(shared)
    return NetSuiteClient(shared)


# --- tokens and the request itself


def test_the_assertion_is_checked(account: NetSuiteClient) -> None:
    now = int(time.time())
    good = account.token(account.assertion()).json()
    assert (good["token_type"], good["expires_in"]) == ("bearer", "3600")
    refused = [
        account.token("nonsense"),
        account.token(account.assertion(algorithm="RS256")),
        account.token(account.assertion(kid="another")),
        account.token(account.assertion(iss="another")),
        account.token(account.assertion(aud="https://elsewhere.example/token")),
        account.token(account.assertion(exp=now + 3700)),
        account.token(account.assertion(iat=1_700_000_000, exp=1_700_000_100)),
        account.token(account.assertion(scope=["restlets"])),
    ]
    assert [reply.json()["error"] for reply in refused] == [
        "invalid_grant",
        "invalid_grant",
        "invalid_client",
        "invalid_client",
        "invalid_grant",
        "invalid_grant",
        "invalid_grant",
        "invalid_scope",
    ]
    # Stamped with the sandbox clock's time instead of the machine's.
    clock = int(at("2026-06-30T12:00:00").timestamp())
    assert account.token(account.assertion(iat=clock, exp=clock + 600)).status_code == 200


def test_a_token_dies(root: Path) -> None:
    client = NetSuiteClient(root, token_seconds=0)
    reply = client.query("SELECT id FROM currency")
    assert (reply.status_code, reply.json()["o:errorDetails"][0]["o:errorCode"]) == (401, "INVALID_LOGIN")


def test_headers_and_paging_parameters_are_enforced(account: NetSuiteClient) -> None:
    body = {"q": "SELECT id FROM currency"}
    refused = account.http.post(QUERY_PATH, json=body, headers={"Prefer": "respond-async"})
    assert (refused.status_code, "Prefer" in refused.text) == (400, True)
    for limit, offset in ((1001, 0), (0, 0), (10, 5), (10, -10)):
        assert account.query(body["q"], limit, offset).status_code == 400
    assert account.http.get(QUERY_PATH).status_code == 405
    limits = account.http.get("/services/rest/system/v1/governanceLimits").json()
    assert limits["accountConcurrencyLimit"] == 15


@pytest.mark.parametrize("status", [429, 503])
def test_concurrency_beyond_the_limit_is_refused(root: Path, status: int) -> None:
    set_profile(root, {"vendor": "netsuite", "kind": "slow", "path": QUERY_PATH, "seconds": 0.6})
    client = NetSuiteClient(root, concurrency_limit=1, concurrency_status=status)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(client.query("SELECT id FROM currency").status_code))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, status]


# --- values


def test_an_item_is_strings_in_lower_case_without_nulls(account: NetSuiteClient) -> None:
    sql = (
        "SELECT t.ID, t.type, t.tranid, t.trandate, t.exchangerate, t.foreigntotal, t.posting, t.memo, "
        "t.lastmodifieddate, TO_CHAR(t.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS stamp, "
        "TO_CHAR(t.trandate, 'YYYY-MM-DD') AS Day, COALESCE(t.memo, 'none') AS note "
        "FROM transaction t WHERE t.id IN (902, 903) ORDER BY t.id"
    )
    first, second = account.items(sql)
    assert first == {
        "id": "902",
        "type": "CustInvc",
        "tranid": "INV-2",
        "trandate": "03/03/2026",
        "exchangerate": "1.0842",
        "foreigntotal": "1.5",
        "posting": "T",
        "memo": 'it\'s\n"quoted"',
        "lastmodifieddate": "06/01/2026",
        "stamp": "2026-06-01 20:15:00",
        "day": "2026-03-03",
        "note": 'it\'s\n"quoted"',
    }
    assert "memo" not in second
    assert second["note"] == "none"
    # The half hour before six, UTC, in winter time on the west coast.
    assert second["stamp"] == "2026-02-28 22:30:00"
    assert account.query(sql).json()["items"][0]["links"] == []


def test_an_item_of_nothing_but_nulls_is_still_json(account: NetSuiteClient) -> None:
    reply = account.query("SELECT MAX(t.id) AS newest FROM customer t WHERE t.companyname = 'nobody'")
    assert reply.json()["items"] == [{"links": []}]


def test_unverified_forms_are_switches(root: Path) -> None:
    client = NetSuiteClient(
        root, account_timezone="UTC", date_format="DD/MM/YYYY", stringly=False, omit_nulls=False
    )
    sql = "SELECT id, trandate, foreigntotal, memo, lastmodifieddate FROM transaction WHERE id = 903"
    assert client.items(sql) == [
        {
            "id": 903,
            "trandate": "04/03/2026",
            "foreigntotal": 48003,
            "memo": None,
            "lastmodifieddate": "01/03/2026",
        }
    ]


@pytest.mark.parametrize(
    ("way", "invoice", "credit"), [("negative", "-1", "1"), ("positive", "1", "-1"), ("unsigned", "1", "1")]
)
def test_the_sign_of_sales_lines_is_a_switch(root: Path, way: str, invoice: str, credit: str) -> None:
    for number, kind, amount in (("7001", "CustInvc", -1), ("7002", "CustCred", 1), ("7003", "VendBill", 1)):
        at_once = {"at": "2026-06-01T00:00:00Z"}
        mutate(root, "netsuite", "transaction", number, "insert", {"type": kind}, **at_once)
        for line, value in (("0", -amount), ("1", amount)):
            key = {"transaction": number, "id": line}
            fields = {"mainline": line == "0", "netamount": value}
            mutate(root, "netsuite", "transactionline", key, "insert", fields, **at_once)
    client = NetSuiteClient(root, sales_amounts=way)
    sql = "SELECT transaction, netamount FROM transactionline WHERE transaction >= 7001 AND mainline = '{}'"
    lines = client.items(sql.format("F") + " ORDER BY transaction")
    assert [row["netamount"] for row in lines] == [invoice, credit, "1"]
    # The header's line is the receivable and keeps its sign.
    mains = client.items(sql.format("T") + " ORDER BY transaction")
    assert [row["netamount"] for row in mains] == ["1", "-1", "-1"]
    total = client.items("SELECT SUM(netamount) AS s FROM transactionline WHERE transaction = 7001")
    assert total == [{"s": str(1 + int(invoice))}]


def test_stamps_may_have_the_precision_of_a_day(root: Path) -> None:
    sql = (
        "SELECT TO_CHAR(t.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS stamp FROM transaction t "
        "WHERE t.id = 902 AND t.lastmodifieddate >= TO_TIMESTAMP('2026-06-01','YYYY-MM-DD')"
    )
    assert NetSuiteClient(root).items(sql) == [{"stamp": "2026-06-01 20:15:00"}]
    coarse = NetSuiteClient(root, stamp_precision="day")
    assert coarse.items(sql) == [{"stamp": "2026-06-01 00:00:00"}]


def test_the_clock_is_shown_in_the_accounts_zone(root: Path) -> None:
    sql = "SELECT TO_CHAR(SYSDATE, 'YYYY-MM-DD HH24:MI:SS') AS now FROM dual"
    assert NetSuiteClient(root).items(sql) == [{"now": "2026-06-30 05:00:00"}]
    assert NetSuiteClient(root, account_timezone="Europe/Berlin").items(sql) == [
        {"now": "2026-06-30 14:00:00"}
    ]


def test_a_line_has_its_own_stamp(account: NetSuiteClient) -> None:
    row = account.items("SELECT * FROM transactionline WHERE transaction = 902 AND mainline = 'T'")[0]
    assert row == {
        "transaction": "902",
        "id": "0",
        "mainline": "T",
        "netamount": "0",
        "linelastmodifieddate": "02/28/2026",
    }
    assert "lastmodifieddate" not in account.items("SELECT * FROM currency")[0]


# --- SuiteQL


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT COUNT(*) AS n, SUM(foreigntotal) AS s FROM transaction", {"n": "249", "s": "11935373.5"}),
        (
            "SELECT BUILTIN.DF(t.entity) AS e, BUILTIN.DF(t.currency) AS c, BUILTIN.DF(t.type) AS k "
            "FROM transaction t WHERE t.id = 902",
            {"e": "C-551 Acme", "c": "Euro", "k": "Invoice"},
        ),
        (
            "SELECT COUNT(*) n FROM transaction WHERE lastmodifieddate >= "
            "TO_TIMESTAMP('2026-06-01 20:15:00', 'YYYY-MM-DD HH24:MI:SS')",
            {"n": "1"},
        ),
        (
            "SELECT COUNT(*) n FROM transaction WHERE lastmodifieddate > "
            "TO_TIMESTAMP('2026-06-01 20:15:00', 'YYYY-MM-DD HH24:MI:SS')",
            {"n": "0"},
        ),
        (
            "SELECT COUNT(*) n FROM transaction WHERE trandate = TO_DATE('2026-03-05', 'YYYY-MM-DD')",
            {"n": "9"},
        ),
        (
            "SELECT t.tranid, COUNT(*) AS n FROM transaction t "
            "INNER JOIN transactionline l ON l.transaction = t.id "
            "WHERE t.id = 910 GROUP BY t.tranid",
            {"tranid": "INV-10", "n": "2"},
        ),
        (
            "SELECT t.id FROM transaction t LEFT JOIN customer c ON c.id = t.entity "
            "WHERE c.companyname = 'Acme' AND t.id < 903",
            {"id": "902"},
        ),
        (
            "SELECT id FROM transaction t WHERE EXISTS "
            "(SELECT 1 FROM transactionline l WHERE l.transaction = t.id "
            "AND l.netamount = -1) AND ROWNUM <= 1 ORDER BY id",
            {"id": "902"},
        ),
        ("SELECT id FROM transaction ORDER BY id DESC FETCH FIRST 1 ROWS ONLY", {"id": "1150"}),
        ("SELECT x.n FROM (SELECT COUNT(*) AS n FROM customer) x", {"n": "1"}),
        (
            "SELECT TO_CHAR(foreigntotal, 'FM999999990.00') a, TO_CHAR(foreigntotal) b, NVL(memo, '-') c "
            "FROM transaction WHERE id = 903",
            {"a": "48003.00", "b": "48003", "c": "-"},
        ),
        (
            "SELECT CASE WHEN posting = 'T' THEN 1 ELSE 0 END p, "
            "TO_CHAR(TRUNC(trandate, 'MM'), 'YYYY-MM-DD') m "
            "FROM transaction WHERE id = 903",
            {"p": "1", "m": "2026-03-01"},
        ),
        ("SELECT COUNT(*) FROM currency", {"expr1": "1"}),
    ],
)
def test_queries(account: NetSuiteClient, sql: str, expected: dict[str, str]) -> None:
    assert account.items(sql) == [expected]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT foo FROM transaction", "Field 'foo' for record 'transaction' was not found."),
        ("SELECT t.foo FROM transaction t", "Field 'foo' for record 'transaction' was not found."),
        ("SELECT t.id FROM transaction t WHERE t.foo = 1", "Field 'foo'"),
        (
            "SELECT t.id FROM transaction t JOIN customer c ON c.foo = t.entity",
            "Field 'foo' for record 'customer'",
        ),
        ("SELECT x.id FROM transaction t", "Invalid alias 'x'"),
        ("SELECT id FROM foo", "Record 'foo' was not found."),
        ("SELECT id FROM transaction t WHERE id IN (SELECT id FROM foo)", "Record 'foo' was not found."),
        ("SELECT id FROM transaction LIMIT 5", "Invalid or unsupported search"),
        ("SELEC id FROM transaction", "Invalid or unsupported search"),
        ("DELETE FROM transaction", "Invalid or unsupported search"),
        ("SELECT md5(tranid) FROM transaction", "Invalid or unsupported function"),
        ("SELECT read_text('/etc/hostname') FROM transaction", "Invalid or unsupported function"),
        ("SELECT TO_CHAR(trandate, 'YYYY-WW') FROM transaction", "format 'YYYY-WW'"),
        ("SELECT tranid + trandate FROM transaction", "Invalid or unsupported search"),
    ],
)
def test_refused_queries(account: NetSuiteClient, sql: str, words: str) -> None:
    assert words in account.refusal(sql)


def test_a_missing_permission_reads_like_a_missing_record(root: Path) -> None:
    client = NetSuiteClient(root)
    set_profile(root, {"vendor": "netsuite", "kind": "permission_lost", "object": "customer"})
    assert "Record 'customer' was not found." in client.refusal("SELECT id FROM customer")
    set_profile(root, {"kind": "field_hidden", "object": "customer", "field": "email"})
    assert "Field 'email' for record 'customer'" in client.refusal("SELECT email FROM customer")
    set_profile(root)
    assert len(client.items("SELECT id, email FROM customer")) == 1


def test_formats_are_translated() -> None:
    assert strftime_format('YYYY-MM-DD"T"HH24:MI:SS.FF3') == "%Y-%m-%dT%H:%M:%S.%g"
    assert strftime_format("DD-MON-YY HH12:MI AM") == "%d-%b-%y %I:%M %p"
    with pytest.raises(SuiteQLError):
        strftime_format("J")


# --- pages


def test_pages_by_keyset_are_whole(account: NetSuiteClient) -> None:
    last, seen = 0, []
    while True:
        page = account.items(f"SELECT id FROM transaction t WHERE t.id > {last} ORDER BY t.id", 100)
        if not page:
            break
        seen += [int(item["id"]) for item in page]
        last = seen[-1]
    assert seen == list(range(902, 1151))


def test_pages_by_offset_with_a_unique_order_are_whole(account: NetSuiteClient) -> None:
    sql, seen, offset, more = "SELECT id FROM transaction ORDER BY trandate DESC, id", [], 0, True
    while more:
        body = account.query(sql, 100, offset).json()
        assert (body["offset"], body["count"], body["totalResults"]) == (offset, len(body["items"]), 249)
        following = [link["href"] for link in body["links"] if link["rel"] == "next"]
        more = body["hasMore"]
        assert bool(following) is more
        if more:
            assert following[0].endswith(f"?limit=100&offset={offset + 100}")
        seen += [item["id"] for item in body["items"]]
        offset += 100
    assert len(seen) == len(set(seen)) == 249


@pytest.mark.parametrize("order", ["", " ORDER BY trandate", " ORDER BY entity"])
def test_pages_of_an_ambiguous_order_lose_and_repeat_rows(root: Path, order: str) -> None:
    def walk(client: NetSuiteClient) -> list[str]:
        pages = [
            client.items(f"SELECT id FROM transaction{order}", 50, offset) for offset in range(0, 250, 50)
        ]
        return [item["id"] for page in pages for item in page]

    found = walk(NetSuiteClient(root))
    assert len(found) == 249
    assert len(set(found)) < 249
    assert len(set(walk(NetSuiteClient(root, unstable_order=False)))) == 249


def test_the_row_cap(root: Path) -> None:
    sql = "SELECT id FROM transaction ORDER BY id"
    client = NetSuiteClient(root, row_cap=100)
    first, second = (client.query(sql, 50, offset).json() for offset in (0, 50))
    assert (first["hasMore"], second["hasMore"], second["totalResults"]) == (True, False, 249)
    assert client.query(sql, 50, 100).json()["items"] == []
    strict = NetSuiteClient(root, row_cap=100, row_cap_mode="error")
    assert strict.query(sql, 50, 50).json()["hasMore"] is True
    assert strict.query(sql, 50, 100).status_code == 400


# --- deletions and edits


def test_deletions_are_told_in_a_table_of_their_own(root: Path) -> None:
    client = NetSuiteClient(root)
    assert client.items("SELECT id FROM transaction WHERE id = 901") == []
    sql = (
        "SELECT recordid, type, iscustomrecord, TO_CHAR(deleteddate, 'YYYY-MM-DD HH24:MI:SS') AS at "
        "FROM deletedrecord ORDER BY deleteddate"
    )
    first = {"recordid": "901", "type": "invoice", "iscustomrecord": "F", "at": "2026-05-31 19:00:00"}
    assert client.items(sql) == [first]
    delete(root, "netsuite", "transaction", "905", "2026-06-10T00:00:00Z")
    # Its two lines went with it, and are not listed.
    assert [item["recordid"] for item in client.items(sql)] == ["901", "905"]
    assert client.items("SELECT id FROM transactionline WHERE transaction = 905") == []
    set_clock(root, at("2026-05-31"))
    assert client.items(sql) == []
    assert len(client.items("SELECT id FROM transaction WHERE id = 901")) == 1
    set_clock(root, at("2026-06-30"))
    tables = NetSuiteClient(root, deleted_type="table")
    assert {item["type"] for item in tables.items("SELECT type FROM deletedrecord")} == {"transaction"}


def test_a_line_can_go_without_its_header_moving(root: Path) -> None:
    client = NetSuiteClient(root)
    stamp = "SELECT TO_CHAR(lastmodifieddate, 'YYYY-MM-DD') AS d FROM transaction WHERE id = 910"
    before = client.items(stamp)
    key = {"transaction": "910", "id": "1"}
    mutate(root, "netsuite", "transactionline", key, "delete", None, "2026-06-10T00:00:00Z")
    assert len(client.items("SELECT id FROM transactionline WHERE transaction = 910")) == 1
    assert client.items(stamp) == before


def test_ids_that_are_not_numbers_stay_text(tmp_path: Path) -> None:
    set_clock(tmp_path, at("2026-06-30"))
    rows = [{"id": key, "_at": "2026-01-01"} for key in ("9", "10", "x1", "007")]
    write_object(tmp_path, "netsuite", "term", ["id"], {"id": "id"}, rows, modified=False)
    client = NetSuiteClient(tmp_path)
    assert [item["id"] for item in client.items("SELECT id FROM term ORDER BY id")] == [
        "007",
        "10",
        "9",
        "x1",
    ]


def test_no_secret_reaches_the_log(root: Path) -> None:
    client = NetSuiteClient(root)
    client.query("SELECT id FROM currency")
    text = (root / "requests.jsonl").read_text() + client.http.get("/_sandbox/log").text
    assert "SELECT id FROM currency" in text
    token = client.http.headers["Authorization"].removeprefix("Bearer ")
    for secret in (token, credentials()["netsuite"]["client_id"], "client_assertion"):
        assert secret not in text
