"""A hand-written vendor store of a few records, and clients over it, for the emulator tests."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pyarrow as pa
import pyarrow.parquet as pq
from starlette.testclient import TestClient

from sandbox.emulators.bamboohr import BambooHR
from sandbox.emulators.credentials import ensure
from sandbox.emulators.docusign import DocuSign
from sandbox.emulators.netsuite import QUERY_PATH, TOKEN_PATH, NetSuite
from sandbox.emulators.salesforce import Salesforce

MONEY = pa.decimal128(19, 4)
RATE = pa.decimal128(18, 8)
STAMP = pa.timestamp("us", tz="UTC")
TYPES: dict[str, pa.DataType] = {
    "id": pa.string(),
    "reference": pa.string(),
    "string": pa.string(),
    "textarea": pa.string(),
    "picklist": pa.string(),
    "email": pa.string(),
    "boolean": pa.bool_(),
    "currency": MONEY,
    "double": RATE,
    "percent": pa.decimal128(9, 4),
    "int": pa.int64(),
    "date": pa.date32(),
    "datetime": STAMP,
}
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    """An instant from `2026-03-01` or `2026-03-01T10:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def write_object(
    root: Path,
    vendor: str,
    name: str,
    key: list[str],
    fields: dict[str, str],
    versions: list[dict[str, Any]],
    *,
    modified: bool = True,
    volatile: tuple[str, ...] = (),
    settings: dict[str, Any] | None = None,
) -> None:
    """Write one object's parquet and add it to the vendor's schema.json.

    A version is its fields plus `_at` (text) and, when not an upsert, `_op`.
    """
    folder = root / "stores" / vendor
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "schema.json"
    schema = (
        json.loads(path.read_text()) if path.exists() else {"vendor": vendor, "objects": {}, "settings": {}}
    )
    schema["objects"][name] = {
        "key": key,
        "label": name,
        "fields": {field: {"type": kind} for field, kind in fields.items()},
        "modified": modified,
        "volatile": list(volatile),
    }
    schema["settings"].update(settings or {})
    path.write_text(json.dumps(schema))
    columns: dict[str, pa.Array] = {}
    for field, kind in fields.items():
        columns[field] = pa.array([_value(row.get(field), kind) for row in versions], TYPES[kind])
    columns["_valid_from"] = pa.array([at(row["_at"]) for row in versions], STAMP)
    columns["_seq"] = pa.array(list(range(len(versions))), pa.int64())
    columns["_op"] = pa.array([row.get("_op", "upsert") for row in versions], pa.string())
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind in ("currency", "double", "percent"):
        return Decimal(str(value))
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "datetime":
        return at(value)
    return value


def set_clock(root: Path, now: datetime) -> None:
    """Move the sandbox clock."""
    (root / "clock.json").write_text(json.dumps({"now": now.isoformat()}))


def set_profile(root: Path, *rules: dict[str, Any]) -> None:
    """Replace the fault profile."""
    (root / "profile.json").write_text(json.dumps(list(rules)))


def _write_salesforce(root: Path) -> None:
    """Accounts, opportunities (deleted, restored, purged, deleted long ago among them), timecards."""
    set_clock(root, NOW)
    write_object(
        root,
        "salesforce",
        "Account",
        ["Id"],
        {"Id": "id", "Name": "string", "Industry": "picklist", "CurrencyIsoCode": "picklist"},
        [
            {"Id": "001000000000001AAA", "Name": "Acme", "CurrencyIsoCode": "EUR", "_at": "2026-01-01"},
            {
                "Id": "001000000000002AAA",
                "Name": 'O\'Neill "Bros", Ltd',
                "CurrencyIsoCode": "USD",
                "_at": "2026-01-02",
            },
        ],
    )
    opportunity = {
        "Id": "id",
        "AccountId": "reference",
        "Name": "string",
        "Description": "textarea",
        "Amount": "currency",
        "Probability": "percent",
        "CloseDate": "date",
        "IsWon": "boolean",
        "ExpectedRevenue": "currency",
        "CreatedDate": "datetime",
        "CurrencyIsoCode": "picklist",
    }
    base = {"AccountId": "001000000000001AAA", "IsWon": False, "CurrencyIsoCode": "EUR", "Probability": 75}
    rows: list[dict[str, Any]] = []
    for number, amount in enumerate((480000, "1234.56", None, "0.10", 700, 800, 900), start=1):
        rows.append(
            {
                **base,
                "Id": f"00600000000000{number}AAA",
                "Name": f"Deal {number}",
                "Amount": amount,
                "ExpectedRevenue": amount,
                "CloseDate": f"2026-0{number}-15",
                "CreatedDate": f"2026-01-0{number}T09:14:07",
                "_at": f"2026-01-0{number}T09:14:07",
            }
        )
    rows[1].update(AccountId="001000000000002AAA", Description='two\nlines, "quoted"', IsWon=True)
    rows[2].update(AccountId=None)
    # 4: edited in March; 5: deleted ten days ago; 6: deleted long ago; 7: purged; 1: formula only
    rows += [
        {**rows[3], "Amount": "0.20", "_at": "2026-03-01"},
        {**rows[4], "_op": "delete", "_at": "2026-06-20"},
        {**rows[5], "_op": "delete", "_at": "2026-05-01"},
        {**rows[6], "_op": "purge", "_at": "2026-05-01"},
        {**rows[0], "ExpectedRevenue": 1, "_at": "2026-05-05"},
        {**rows[1], "_op": "delete", "_at": "2026-04-01"},
        {**rows[1], "_op": "restore", "_at": "2026-04-02"},
    ]
    write_object(root, "salesforce", "Opportunity", ["Id"], opportunity, rows, volatile=("ExpectedRevenue",))
    write_object(
        root,
        "salesforce",
        "pse__Timecard__c",
        ["Id"],
        {
            "Id": "id",
            "pse__Project__c": "reference",
            "pse__Total_Hours__c": "double",
            "CurrencyIsoCode": "picklist",
        },
        [
            {
                "Id": f"a0T{number:012d}AAA",
                "pse__Project__c": f"a0P{number % 3:012d}AAA",
                "pse__Total_Hours__c": "7.5",
                "CurrencyIsoCode": "EUR",
                "_at": "2026-02-01",
            }
            for number in range(4500)
        ],
    )
    write_object(
        root,
        "salesforce",
        "pse__Proj__c",
        ["Id"],
        {"Id": "id", "Name": "string", "CurrencyIsoCode": "picklist"},
        [
            {
                "Id": f"a0P{number:012d}AAA",
                "Name": f"Project {number}",
                "CurrencyIsoCode": "EUR",
                "_at": "2026-01-01",
            }
            for number in range(3)
        ],
    )


def _write_netsuite(root: Path) -> None:
    """Transactions (one deleted, some alike in date), their lines, customers, currencies, periods."""
    set_clock(root, NOW)
    transactions: list[dict[str, Any]] = [
        {
            "id": str(900 + number),
            "type": "CustInvc",
            "recordtype": "invoice",
            "tranid": f"INV-{number}",
            "trandate": f"2026-03-{number % 28 + 1:02d}",
            "entity": "551",
            "currency": "2",
            "exchangerate": "1.0842",
            "foreigntotal": 48000 + number,
            "posting": True,
            "memo": None if number % 2 else 'it\'s\n"quoted"',
            "createddate": "2026-03-01T06:30:00",
            "_at": "2026-03-01T06:30:00",
        }
        for number in range(1, 251)
    ]
    transactions += [
        {**transactions[0], "_op": "delete", "_at": "2026-06-01T02:00:00"},
        {**transactions[1], "foreigntotal": "1.5", "_at": "2026-06-02T03:15:00"},
    ]
    write_object(
        root,
        "netsuite",
        "transaction",
        ["id"],
        {
            "id": "id",
            "type": "picklist",
            "recordtype": "string",
            "tranid": "string",
            "trandate": "date",
            "entity": "reference",
            "currency": "reference",
            "exchangerate": "double",
            "foreigntotal": "currency",
            "posting": "boolean",
            "memo": "string",
            "createddate": "datetime",
        },
        transactions,
    )
    write_object(
        root,
        "netsuite",
        "transactionline",
        ["transaction", "id"],
        {"transaction": "reference", "id": "id", "mainline": "boolean", "netamount": "currency"},
        [
            {
                "transaction": str(900 + number),
                "id": str(line),
                "mainline": line == 0,
                "netamount": -line,
                "_at": "2026-03-01T06:30:00",
            }
            for number in range(2, 251)
            for line in range(2)
        ],
    )
    write_object(
        root,
        "netsuite",
        "customer",
        ["id"],
        {"id": "id", "entityid": "string", "companyname": "string", "email": "email"},
        [{"id": "551", "entityid": "C-551 Acme", "companyname": "Acme", "_at": "2026-01-01"}],
    )
    write_object(
        root,
        "netsuite",
        "currency",
        ["id"],
        {"id": "id", "symbol": "string", "name": "string"},
        [{"id": "2", "symbol": "EUR", "name": "Euro", "_at": "2026-01-01"}],
        modified=False,
    )


def _write_bamboohr(root: Path) -> None:
    """Employees (one deleted), their job rows, time off, a holiday."""
    set_clock(root, NOW)
    people: list[dict[str, Any]] = [
        {
            "id": str(number),
            "firstName": f"First{number}",
            "lastName": None if number == 3 else "Nguyen",
            "jobTitle": "Engineer",
            "status": "Active" if number % 2 else "Inactive",
            "hireDate": "2024-02-29",
            "payRate": "61.5",
            "_at": "2026-01-01",
        }
        for number in range(1, 13)
    ]
    people += [
        {**people[1], "jobTitle": "Lead", "_at": "2026-05-10T08:00:00"},
        {**people[2], "_op": "delete", "_at": "2026-05-11T08:00:00"},
        {**people[0], "id": "13", "_at": "2026-05-12T08:00:00"},
    ]
    write_object(
        root,
        "bamboohr",
        "Employee",
        ["id"],
        {
            "id": "id",
            "firstName": "string",
            "lastName": "string",
            "jobTitle": "string",
            "status": "picklist",
            "hireDate": "date",
            "payRate": "double",
        },
        people,
    )
    write_object(
        root,
        "bamboohr",
        "jobInfo",
        ["id"],
        {"id": "id", "employeeId": "reference", "date": "date", "jobTitle": "string"},
        [
            {"id": "1", "employeeId": "1", "date": "2024-01-01", "jobTitle": "Engineer", "_at": "2026-01-01"},
            {"id": "2", "employeeId": "2", "date": "2024-01-01", "jobTitle": "Engineer", "_at": "2026-01-01"},
            {"id": "3", "employeeId": "2", "date": "2026-05-01", "jobTitle": "Lead", "_at": "2026-05-10"},
            {"id": "4", "employeeId": "4", "date": "2026-05-01", "jobTitle": "Gone", "_at": "2026-01-01"},
            {"id": "4", "employeeId": "4", "_op": "purge", "_at": "2026-05-20"},
        ],
    )
    write_object(
        root,
        "bamboohr",
        "TimeOffRequest",
        ["id"],
        {
            "id": "id",
            "employeeId": "reference",
            "start": "date",
            "end": "date",
            "type": "picklist",
            "status": "picklist",
            "amount": "double",
            "unit": "string",
        },
        [
            {
                "id": "70",
                "employeeId": "1",
                "start": "2026-03-30",
                "end": "2026-04-03",
                "type": "Vacation",
                "status": "approved",
                "amount": "40",
                "unit": "hours",
                "_at": "2026-03-02T03:00:00",
            }
        ],
    )


def _write_docusign(root: Path) -> None:
    set_clock(root, NOW)
    papers: list[dict[str, Any]] = []
    for number in range(1, 8):
        paper = {
            "envelopeId": f"e{number}",
            "status": "created",
            "emailSubject": f"Statement of work {number}",
            "signerName": "Ada Sample",
            "signerEmail": "ada@customer.example",
            "createdDateTime": f"2026-03-0{number}T08:00:00",
            "doc_type": "SOW",
            "contract_number": None,
            "document_value": "1000.5",
            "retroactive": False,
            "_at": f"2026-03-0{number}T08:00:00",
        }
        sent = {**paper, "status": "sent", "_at": f"2026-03-1{number}T09:30:15"}
        papers += [paper, sent] if number != 7 else [paper]
    signed = {**papers[1], "status": "completed", "completedDateTime": "2026-04-01T10:00:00"}
    papers += [
        {**signed, "_at": "2026-04-01T10:00:00"},
        # the contract's number is entered later: no change of status
        {**signed, "contract_number": "SO-1", "_at": "2026-04-03T12:00:00"},
        {**papers[3], "_op": "delete", "_at": "2026-05-02T10:00:00"},
        {"envelopeId": "e3", "_op": "purge", "_at": "2026-05-03T10:00:00"},
    ]
    write_object(
        root,
        "docusign",
        "envelopes",
        ["envelopeId"],
        {
            "envelopeId": "id",
            "status": "picklist",
            "emailSubject": "string",
            "signerName": "string",
            "signerEmail": "email",
            "createdDateTime": "datetime",
            "completedDateTime": "datetime",
            "doc_type": "picklist",
            "contract_number": "string",
            "document_value": "currency",
            "retroactive": "boolean",
        },
        papers,
    )


@cache
def _template(vendor: str) -> Path:
    """A vendor's store, written once for all tests of a process."""
    root = Path(tempfile.mkdtemp(prefix=f"emulator-{vendor}-"))
    writers = {
        "salesforce": _write_salesforce,
        "netsuite": _write_netsuite,
        "bamboohr": _write_bamboohr,
        "docusign": _write_docusign,
    }
    writers[vendor](root)
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


def salesforce_store(root: Path) -> None:
    """Put the Salesforce store and the clock into `root`."""
    shutil.copytree(_template("salesforce"), root, dirs_exist_ok=True)


def netsuite_store(root: Path) -> None:
    """Put the NetSuite store and the clock into `root`."""
    shutil.copytree(_template("netsuite"), root, dirs_exist_ok=True)


def bamboohr_store(root: Path) -> None:
    """Put the BambooHR store and the clock into `root`."""
    shutil.copytree(_template("bamboohr"), root, dirs_exist_ok=True)


def docusign_store(root: Path) -> None:
    """Put the DocuSign store and the clock into `root`."""
    shutil.copytree(_template("docusign"), root, dirs_exist_ok=True)


@cache
def credentials() -> dict[str, Any]:
    """One set of keys and secrets for all tests of a process; small keys, since making them takes time."""
    root = Path(tempfile.mkdtemp(prefix="emulator-keys-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return ensure(root, 2048)


class SalesforceClient:
    """A logged-in client of a Salesforce emulator over `root`."""

    data = "/services/data/v67.0"

    def __init__(self, root: Path, **settings: Any) -> None:
        self.emulator = Salesforce(root, credentials(), settings)
        self.http = TestClient(self.emulator.app())
        self.login()

    def login(self) -> None:
        """Get a session by client credentials."""
        own = credentials()["salesforce"]
        form = {"grant_type": "client_credentials", "client_id": own["client_id"]}
        reply = self.http.post("/services/oauth2/token", data={**form, "client_secret": own["client_secret"]})
        self.http.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"

    def query(self, soql: str, *, path: str = "query", **headers: str) -> Any:
        """The raw reply to a query."""
        return self.http.get(f"{self.data}/{path}", params={"q": soql}, headers=headers)

    def records(self, soql: str, *, path: str = "query") -> list[dict[str, Any]]:
        """All records of a query without their attributes, following the locators; the query must succeed."""
        reply = self.query(soql, path=path)
        assert reply.status_code == 200, reply.text
        body = reply.json()
        found = list(body["records"])
        while not body["done"]:
            body = self.http.get(body["nextRecordsUrl"]).json()
            found += body["records"]
        return [{key: value for key, value in row.items() if key != "attributes"} for row in found]

    def ids(self, where: str, *, path: str = "query") -> list[str]:
        """Last digits of the opportunities that a condition finds, by id."""
        rows = self.records(f"SELECT Id FROM Opportunity {where} ORDER BY Id", path=path)
        return [row["Id"][14] for row in rows]


class NetSuiteClient:
    """A client of a NetSuite emulator over `root`, holding a token."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.emulator = NetSuite(root, credentials(), settings)
        self.http = TestClient(self.emulator.app())
        self.http.headers["Prefer"] = "transient"
        self.login()

    def assertion(self, *, algorithm: str = "PS256", kid: str | None = None, **claims: Any) -> str:
        """A signed assertion; `claims` replaces what it says."""
        own = credentials()["netsuite"]
        now = int(time.time())
        body = {
            "iss": own["client_id"],
            "scope": ["rest_webservices"],
            "aud": f"http://testserver{TOKEN_PATH}",
            "iat": now,
            "exp": now + 3000,
            **claims,
        }
        key = Path(own["private_key"]).read_text()
        return jwt.encode(body, key, algorithm=algorithm, headers={"kid": kid or own["certificate_id"]})

    def token(self, assertion: str) -> Any:
        """The raw reply of the token endpoint."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        return self.http.post(TOKEN_PATH, data=form)

    def login(self) -> None:
        """Get a token."""
        self.http.headers["Authorization"] = f"Bearer {self.token(self.assertion()).json()['access_token']}"

    def query(self, sql: str, limit: int = 1000, offset: int = 0) -> Any:
        """The raw reply to a query."""
        return self.http.post(f"{QUERY_PATH}?limit={limit}&offset={offset}", json={"q": sql})

    def items(self, sql: str, limit: int = 1000, offset: int = 0) -> list[dict[str, Any]]:
        """Items of one page without their links; the query must succeed."""
        reply = self.query(sql, limit, offset)
        assert reply.status_code == 200, reply.text
        return [
            {key: value for key, value in item.items() if key != "links"} for item in reply.json()["items"]
        ]

    def refusal(self, sql: str) -> str:
        """The detail of a refused query."""
        reply = self.query(sql)
        assert reply.status_code == 400, reply.text
        return str(reply.json()["o:errorDetails"][0]["detail"])


def bamboohr_client(root: Path, **settings: Any) -> TestClient:
    """A client of a BambooHR emulator over `root`, with its key."""
    client = TestClient(BambooHR(root, credentials(), settings).app())
    client.auth = (credentials()["bamboohr"]["api_key"], "x")
    client.headers["Accept"] = "application/json"
    return client


class DocusignClient:
    """A logged-in client of a DocuSign emulator over `root`."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.emulator = DocuSign(root, credentials(), settings)
        self.http = TestClient(self.emulator.app())
        self.own = credentials()["docusign"]
        self.path = f"/restapi/v2.1/accounts/{self.own['account_id']}/envelopes"
        self.login()

    def assertion(self, **claims: Any) -> str:
        """A signed assertion; claims given replace the good ones."""
        said = {
            "iss": self.own["client_id"],
            "sub": self.own["user_id"],
            "aud": "testserver",
            "scope": "signature impersonation",
            "exp": int(datetime.now(UTC).timestamp()) + 600,
            **claims,
        }
        return jwt.encode(said, Path(self.own["private_key"]).read_text(), algorithm="RS256")

    def token(self, assertion: str, grant: str = "urn:ietf:params:oauth:grant-type:jwt-bearer") -> Any:
        """The raw reply of the account server."""
        return self.http.post("/oauth/token", data={"grant_type": grant, "assertion": assertion})

    def login(self) -> None:
        """Get a token."""
        token = self.token(self.assertion()).json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def list(self, **query: str) -> Any:
        """The raw reply to a list; from_date is given unless ids are."""
        asked = query if "envelope_ids" in query else {"from_date": "2026-01-01T00:00:00Z", **query}
        return self.http.get(self.path, params=asked)

    def ids(self, **query: str) -> list[str]:
        """Ids of one page, which must come."""
        reply = self.list(**query)
        assert reply.status_code == 200, reply.text
        return [row["envelopeId"] for row in reply.json().get("envelopes", [])]
