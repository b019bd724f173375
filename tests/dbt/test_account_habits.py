"""What vendors' accounts do in two ways gives one canonical result: landed through the emulators, both ways.

Each test does the same thing in a copy of the same firm under every setting of one switch, lands it over the
emulators' own interfaces and runs the models' compiled SQL over what landed. Expected values come from the
simulated firm, never from the SQL.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from starlette.testclient import TestClient

from pipelines.landing import run_source
from sandbox import habits
from sandbox.emission import SETTINGS, write_stores
from sandbox.emission.context import WEEKDAYS, Event, build_context, emission_id
from sandbox.emulators.netsuite import NetSuite
from sandbox.emulators.salesforce import Salesforce
from sandbox.firm.simulator import simulate
from sandbox.firm.state import Firm, Invoice, Timecard
from sandbox.mutate import delete, mutate, record
from tests.dbt.raw_fixture import Project, Raw
from tests.unit.emulator_support import credentials

# The firm's last day: from here on nothing happens but what a test does.
START = datetime.fromisoformat("2026-07-08T23:30:00+00:00")
D = Decimal
PORTS = {
    "invoice": "billing",
    "invoice_line": "billing",
    "customer_payment": "billing",
    "gl_journal_line": "billing",
    "billing_item": "billing",
    "billing_line": "billing",
    "time_entry": "delivery",
}
# What differs between accounts by nature: how the landing came by a row, and the ids of what was made anew.
ENVELOPE = {
    "source_record_id", "source_created_at", "source_updated_at", "deleted_at", "deletion_basis", "load_id",
    "payload_hash", "is_backfill", "known_from", "known_to", "version_number",
}  # fmt: skip
VENDORS = {"netsuite": NetSuite, "certinia": Salesforce}
ITEM = "customrecord_tl_billing_item"
DOCUMENTS = ("currency", "transaction", "transactionline")
LEDGER = ("subsidiary", *DOCUMENTS, "transactionaccountingline")
CARDS = ("timecard_header", "timecard_split")
BILLING = (*CARDS, "billing_event", "billing_event_item")


@dataclass
class Office:
    """A copy of the firm's stores whose vendor stands at one setting, with the home it is landed into."""

    root: Path
    home: Path
    compiled: Project
    monkeypatch: pytest.MonkeyPatch
    now: datetime = START
    servers: dict[str, Any] = field(default_factory=dict)

    def set(self, vendor: str, **switches: str) -> None:
        (self.root / "settings.json").write_text(json.dumps({vendor: switches}))

    def land(self, source: str, *resources: str) -> None:
        """A day later, land resources of a source."""
        self.now += timedelta(days=1)
        (self.root / "clock.json").write_text(json.dumps({"now": self.now.isoformat()}))
        vendor = VENDORS[source]
        if source not in self.servers:
            self.servers[source] = TestClient(vendor(self.root, credentials()).app())
        config = {
            "base_url": "http://testserver",
            "http_transport": self.servers[source]._transport,
            "time_zone": SETTINGS["netsuite"]["account_timezone"],
            **credentials()[vendor.vendor],
        }
        self.home.mkdir(exist_ok=True)
        with self.monkeypatch.context() as patch:
            patch.setenv("THROUGHLINE_NOW", self.now.isoformat())
            found = run_source(source, "main", self.home, config, "habits", resources)
        assert found.status == "OK", found.errors

    @property
    def before_landing(self) -> datetime:
        """An hour before the next landing: when a test's people act."""
        return self.now + timedelta(hours=23)

    def port(self, name: str, where: str = "not is_deleted") -> list[dict[str, Any]]:
        """A canonical table's rows as known now, without what differs by nature, in a fixed order."""
        folder = self.home / "models"
        folder.mkdir(exist_ok=True)
        build = folder / "build.duckdb"
        shutil.copyfile(self.compiled.build, build)
        models = self.compiled.folder / "target/compiled/throughline/models"
        with duckdb.connect(str(build)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"attach '{self.home / 'raw.duckdb'}' as raw (read_only)")
            for source, table in (("netsuite", "sales_sign"), ("certinia", "split_root")):
                if not self._landed(connection, source):
                    continue
                text = (models / "mapping" / source / f"{source}__{table}.sql").read_text()
                connection.execute(f"create or replace table mapping.{source}__{table} as {text}")
            text = (models / "canonical" / PORTS[name] / f"canonical__{name}.sql").read_text()
            rows = connection.execute(
                f"select * from ({text}) as port where known_to is null and {where}"
            ).to_arrow_table()
        kept = [column for column in rows.column_names if column not in ENVELOPE]
        return sorted(rows.select(kept).to_pylist(), key=repr)

    @staticmethod
    def _landed(connection: duckdb.DuckDBPyConnection, source: str) -> bool:
        asked = "select count(*) from duckdb_tables() where database_name = 'raw' and schema_name = ?"
        return bool(connection.execute(asked, [f"{source}_main"]).fetchall()[0][0])

    def raw(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "raw.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()


Opener = Callable[..., Office]


@pytest.fixture(scope="module")
def firm() -> Firm:
    return simulate(11, "tiny", ())


@pytest.fixture(scope="module")
def stores(firm: Firm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("firm")
    write_stores(firm, root)
    return root


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The views and codes the ports stand on, over an empty landing, and the ports' SQL."""
    folder = tmp_path_factory.mktemp("compiled")
    Raw(folder / "raw.duckdb").close()
    project = Project(folder, folder / "raw.duckdb")
    project.prepare(as_of="2026-07-08", known_at="2026-07-08T23:30:00")
    ports = [f"+canonical__{name}" for name in PORTS]
    untested = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    project.dbt("build", "--select", *ports, *untested)
    return project


@pytest.fixture(scope="module")
def landed(stores: Path, compiled: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Per source, a home with the firm as it stands, landed once for all tests that begin with it."""
    homes = {}
    for source, resources in (("netsuite", LEDGER), ("certinia", BILLING)):
        folder = tmp_path_factory.mktemp(source)
        shutil.copytree(stores, folder / "sandbox")
        with pytest.MonkeyPatch.context() as patch:
            Office(folder / "sandbox", folder / "home", compiled, patch).land(source, *resources)
        homes[source] = folder / "home"
    return homes


@pytest.fixture
def office(
    stores: Path, compiled: Project, landed: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Opener:
    """Opens a copy of the firm's stores by name, with what of a source is landed already."""

    def opened(name: str, source: str | None = None) -> Office:
        folder = tmp_path / name
        shutil.copytree(stores, folder / "sandbox")
        one = Office(folder / "sandbox", folder / "home", compiled, monkeypatch)
        if source:
            shutil.copytree(landed[source], folder / "home")
            one.now += timedelta(days=1)
        return one

    return opened


def netsuite(native: str) -> str:
    return f"netsuite:main:{native}"


def certinia(native: str) -> str:
    return f"certinia:main:{native}"


# --- NetSuite: the sign of sales lines


@pytest.mark.parametrize(
    ("amounts", "quantities"),
    [("negative", "unsigned"), ("positive", "negative"), ("unsigned", "positive")],
)
def test_sales_lines_have_one_sign_however_an_account_prints_them(
    office: Opener, firm: Firm, amounts: str, quantities: str
) -> None:
    one = office("one")
    one.set("netsuite", sales_amounts=amounts, sales_quantities=quantities)
    one.land("netsuite", *DOCUMENTS)
    printed = dict(
        one.raw(
            "select d.type, sum(l.foreignamount) > 0 from netsuite_main.transactionline as l"
            " join netsuite_main.transaction as d on l.transaction = d.id"
            " where not l.mainline and d.type in ('CustInvc', 'CustCred') group by 1"
        )
    )
    assert printed == {"CustInvc": amounts != "negative", "CustCred": amounts != "positive"}
    expected = {
        netsuite(line.line_key): (
            line.net,
            abs(line.quantity) * (-1 if invoice.doc_type == "CREDIT_NOTE" else 1),
        )
        for invoice in firm.invoices
        for line in invoice.lines
    }
    found = {row["invoice_line_id"]: (row["net_amount"], row["quantity"]) for row in one.port("invoice_line")}
    assert found == expected
    totals = {row["invoice_id"]: (row["total_amount"], row["tax_amount"]) for row in one.port("invoice")}
    assert totals == {netsuite(item.invoice_id): (item.gross, item.tax) for item in firm.invoices}


# --- NetSuite: how a void shows


def unpaid(firm: Firm) -> Invoice:
    paid = {invoice.invoice_id for payment in firm.payments for invoice, _ in payment.applications}
    credited = {item.applies_to.invoice_id for item in firm.invoices if item.applies_to}
    return next(
        item
        for item in firm.invoices
        if item.doc_type != "CREDIT_NOTE" and item.invoice_id not in paid | credited
    )


def test_a_void_is_a_void_by_flag_or_by_reversing_entry(office: Opener, firm: Firm) -> None:
    invoice, payment = unpaid(firm), firm.payments[-1]
    sold, entries, ledgers, before = {}, {}, {}, {}
    for way in ("flag", "reversal"):
        one = office(way, "netsuite")
        one.set("netsuite", voids=way)
        before[way] = (one.port("invoice"), balances(one))
        when = one.before_landing
        entries[way] = [
            habits.void(one.root, native, when) for native in (invoice.invoice_id, payment.payment_id)
        ]
        one.land("netsuite", *LEDGER)
        sold[way] = (one.port("invoice"), one.port("invoice_line"), one.port("customer_payment"))
        ledgers[way] = (balances(one), postings(one, netsuite(invoice.invoice_id)))
    assert entries["flag"] == [None, None]
    assert all(entries["reversal"])
    assert before["flag"] == before["reversal"]
    # The commercial side is the same to the column.
    assert sold["flag"] == sold["reversal"]
    invoices, _, payments = sold["flag"]
    void = {row["invoice_id"] for row in invoices if row["status"] == "void"}
    assert void == {netsuite(invoice.invoice_id)}
    assert {row["customer_payment_id"] for row in payments if row["status"] == "void"} == {
        netsuite(payment.payment_id)
    }
    # The ledger comes to the same balance per account, by other postings.
    assert ledgers["flag"][0] == ledgers["reversal"][0]
    assert ledgers["flag"][0] != before["flag"][1]
    assert not ledgers["flag"][1]
    assert ledgers["reversal"][1]


def test_a_reversing_entry_taken_back_makes_the_document_stand_again(office: Opener, firm: Firm) -> None:
    one, invoice = office("one", "netsuite"), unpaid(firm)
    one.set("netsuite", voids="reversal")
    as_it_was = one.port("invoice")
    entry = habits.void(one.root, invoice.invoice_id, one.before_landing)
    assert entry
    one.land("netsuite", "transaction")
    assert one.port("invoice") != as_it_was
    delete(one.root, "netsuite", "transaction", entry, one.before_landing)
    one.land("netsuite", "transaction")
    assert one.port("invoice") == as_it_was


def balances(one: Office) -> dict[str, Decimal]:
    """Debit less credit per account."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in one.port("gl_journal_line"):
        found[row["gl_account_id"]] += row["debit_amount"] - row["credit_amount"]
    return dict(found)


def postings(one: Office, document: str) -> list[dict[str, Any]]:
    return [row for row in one.port("gl_journal_line") if row["source_document_id"] == document]


# --- Certinia: the link from what was billed to its billing event


def test_a_billing_event_run_again_or_deleted_bills_the_same_whatever_the_links_say(
    office: Opener, firm: Firm
) -> None:
    context = build_context(firm)
    # Events that alone bill their splits: nothing else keeps a link standing.
    billed = Counter(key for event in context.events for key in event.items)
    rerun, dropped = [
        event
        for event in context.events
        if all(item.category == "Timecard" and billed[key] == 1 for key, item in event.items.items())
    ][-2:]
    results, links = {}, {}
    for way in ("hidden", "nulled", "kept"):
        # A field that may be seen from the start is landed from the start.
        one = office(way, "certinia" if way == "hidden" else None)
        one.set("salesforce", billing_event_links=way)
        if way != "hidden":
            one.land("certinia", *BILLING)
        habits.bill_again(one.root, emission_id("billing_event", rerun.number), one.before_landing)
        habits.unbill(one.root, emission_id("billing_event", dropped.number), one.before_landing)
        one.land("certinia", *BILLING)
        results[way] = (one.port("billing_line"), one.port("time_entry"))
        links[way] = [linked(one, event) for event in (dropped, rerun)]
    # What people see of the links differs in every way; what comes of it in none.
    assert links["hidden"] == [None, None]
    assert links["nulled"][0] == set()
    assert links["nulled"][1]
    assert links["kept"][0]
    assert links["kept"][1]
    assert links["kept"][1] != links["nulled"][1]
    assert results["hidden"] == results["nulled"] == results["kept"]
    expected = [event for event in context.events if event is not dropped]
    lines, _ = results["hidden"]
    assert len(lines) == sum(len(event.items) for event in expected)
    assert sum(row["amount"] for row in lines) == sum(event.amount for event in expected)
    # The event that was run again has a new id and bills the same splits.
    again = [row for row in lines if row["timecard_split_id"] in keys(rerun)]
    assert {row["timecard_split_id"] for row in again} == keys(rerun)
    assert emission_id("billing_event", rerun.number) not in {row["billing_event_id"] for row in again}
    assert not keys(dropped) & {row["timecard_split_id"] for row in lines}


def keys(event: Event) -> set[str]:
    return {certinia(item.object_id) for item in event.items.values()}


def linked(one: Office, event: Event) -> set[str] | None:
    """The items that the splits of an event name, after the newest load; None when they show no link."""
    shown = "select count(*) from duckdb_columns() where column_name = 'pse__billing_event_item__c'"
    if one.raw(shown) == [(0,)]:
        return None
    splits = ", ".join(f"'{item.object_id}'" for item in event.items.values())
    rows = one.raw(
        "select arg_max(coalesce(pse__billing_event_item__c, ''), tl_loaded_at)"
        f" from certinia_main.timecard_split where id in ({splits}) group by tl_record_id"
    )
    return {row[0] for row in rows if row[0]}


# --- Certinia: what approving a card again does to its splits


def test_a_card_approved_again_is_the_same_days_whatever_becomes_of_its_splits(
    office: Opener, firm: Firm
) -> None:
    card = two_month_card(firm)
    days: dict[str, list[Any]] = {}
    items: dict[str, list[Any]] = {}
    for way in ("kept", "renewed"):
        one = office(way, "certinia")
        one.set("salesforce", split_ids=way)
        days[way] = [one.port("time_entry")]
        items[way] = []
        for hours in ("3.25", "6.50"):
            monday = {f"pse__{WEEKDAYS[first_day(card)]}_Hours__c": D(hours)}
            ids = habits.approve_again(one.root, card.header_id, monday, one.before_landing)
            assert (set(ids) == {split.split_id for split in card.splits}) == (way == "kept")
            one.land("certinia", *CARDS)
            # The ERP is told of the day under the id that its split has by now.
            number = f"{990_000_000 + len(items[way])}"
            told = record(one.root, "netsuite", ITEM, firm.billing_items[0].item_id)
            fields = {name: value for name, value in told.items() if name not in ("id", "_op")}
            fields |= {
                "custrecord_tl_bi_source_type": "TIME",
                "custrecord_tl_bi_source_id": f"{ids[0]}-{first_day(card) + 1}",
            }
            mutate(one.root, "netsuite", ITEM, number, "insert", fields, one.before_landing)
            one.land("netsuite", "billing_item")
            days[way].append(one.port("time_entry"))
            items[way].append(one.port("billing_item"))
    assert days["kept"] == days["renewed"]
    assert items["kept"] == items["renewed"]
    # The card's days by the simulator, and the one that was changed.
    expected = {
        (certinia(card.header_id), certinia(f"{split.split_id}-{place + 1}")): worked
        for split in card.splits
        for place, worked in enumerate(split.hours)
        if worked
    }
    changed = (certinia(card.header_id), certinia(f"{card.splits[0].split_id}-{first_day(card) + 1}"))
    for found, hours in zip(days["renewed"], (expected[changed], D("3.25"), D("6.50")), strict=True):
        mine = [row for row in found if row["timesheet_id"] == certinia(card.header_id)]
        assert {(row["timesheet_id"], row["time_entry_id"]): row["hours"] for row in mine} == {
            **expected,
            changed: hours,
        }
    every = sum(1 for one in firm.timecards for split in one.splits for hours in split.hours if hours)
    assert [len(found) for found in days["renewed"]] == [every] * 3
    own = {netsuite("990000000"), netsuite("990000001")}
    assert {row["source_key"] for row in items["renewed"][-1] if row["billing_item_id"] in own} == {
        changed[1]
    }


def two_month_card(firm: Firm) -> Timecard:
    """An approved card over the end of a month: two splits, each with an amount."""
    return next(
        card
        for card in firm.timecards
        if len(card.splits) == 2 and card.approved_at and all(split.billable_amount for split in card.splits)
    )


def first_day(card: Timecard) -> int:
    return next(place for place, hours in enumerate(card.splits[0].hours) if hours)
