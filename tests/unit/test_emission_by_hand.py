"""One contract, one time card, one invoice with its payments and credit, followed by hand through time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox.emission import write_stores
from sandbox.emission.context import day_amounts
from sandbox.firm.state import (
    Account,
    Amendment,
    Assignment,
    BillingItem,
    Contract,
    ContractLine,
    CustomerEntity,
    Deal,
    Entity,
    Firm,
    Invoice,
    InvoiceLine,
    OrgCode,
    Payment,
    Project,
    RevenueEntry,
    Split,
    Timecard,
    Worker,
)

ZERO, ONE = Decimal(0), Decimal(1)
RATE = Decimal("1.1")


def at(month: int, day: int, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hand")
    write_stores(a_firm(), folder)
    return folder / "stores"


def see(stores: Path, vendor: str, name: str, when: datetime, **key: str) -> list[dict[str, Any]]:
    """The newest version at `when` of each record whose fields equal `key`."""
    path = stores / vendor / f"{name}.parquet"
    identity = {
        "transaction": "id",
        "transactionline": "uniquekey",
        "transactionaccountingline": "transaction, transactionline",
        "nexttransactionlinelink": "previousdoc, nextdoc",
    }.get(name, "Id" if vendor == "salesforce" else "id")
    rows = (
        duckdb.sql(
            f"select * from read_parquet('{path}') where _valid_from <= $at "
            f"qualify row_number() over (partition by {identity} order by _valid_from desc, _seq desc) = 1 "
            f"order by {identity}",
            params={"at": when},
        )
        .to_arrow_table()
        .to_pylist()
    )
    return [row for row in rows if all(row[field] == value for field, value in key.items())]


def a_firm() -> Firm:
    """A euro contract of a pound entity: 1,000.00 of time in May, invoiced, credited in part, paid in two."""
    entity = Entity("GB01", "Hand Ltd", "GB", "EU", "GBP", "5", "a04cal", {}, Decimal("0.20"))
    worker = Worker(
        1,
        "Ada",
        "Keller",
        "EMPLOYEE",
        "GB01",
        "EU",
        "DATA",
        "CONSULT",
        "Manager",
        "Manager",
        date(2025, 1, 1),
        None,
        ONE,
        Decimal("37.5"),
        True,
        "E1",
        "101",
        "003ada",
        at(1, 2),
        at(1, 2),
        None,
        None,
    )
    account = Account(
        1,
        "001acc",
        "Acme",
        "GB",
        "EU",
        "EUR",
        "GB1",
        "Retail",
        at(1, 5),
        "500",
        at(1, 6),
        True,
        "Acme",
        True,
        "GB01",
        [CustomerEntity("700", "GB01", [(at(1, 6), "PENDING"), (at(1, 9), "ACTIVE")])],
    )
    deal = Deal(
        1,
        "006deal",
        "Acme data",
        account,
        "GB01",
        "EUR",
        "New Business",
        "TM",
        Decimal("5000"),
        ZERO,
        Decimal("2000"),
        30,
        date(2026, 4, 1),
        date(2026, 9, 30),
        date(2026, 4, 6),
        date(2026, 3, 1),
        True,
        "DATA",
        "EU",
        "CONSULT",
        at(2, 2),
        [(at(2, 2), "Qualification"), (at(4, 1), "Closed Won")],
        at(4, 1),
    )
    line = ContractLine(
        "9001",
        1,
        "TM",
        Decimal("5000"),
        None,
        "DATA",
        "EU",
        "CONSULT",
        date(2026, 4, 1),
        date(2026, 9, 30),
        "81",
        "82",
    )
    contract = Contract(
        "3001",
        "SO-1",
        deal,
        account,
        "GB01",
        "EUR",
        RATE,
        at(4, 2),
        date(2026, 4, 1),
        date(2026, 4, 1),
        date(2026, 9, 30),
        30,
        "TM",
        [(at(4, 2), "ACTIVE"), (at(7, 3), "COMPLETED")],
        date(2026, 7, 3),
        [line],
        "PO-7",
    )
    project = Project(
        "a10prj",
        "PRJ-1",
        "Acme data",
        deal,
        account,
        line,
        None,
        at(4, 3, 15),
        "GB01",
        "EUR",
        "DATA",
        "EU",
        "CONSULT",
        "DATA",
        "TM",
        None,
        True,
        False,
        "Client",
        [(at(4, 3), "Planned"), (at(4, 6), "In Progress")],
        at(4, 3),
        date(2026, 4, 6),
        date(2026, 9, 30),
        Decimal(50),
        Decimal("5000"),
        Decimal("2500"),
    )
    pattern = (*(Decimal("2.5"),) * 4, ZERO, ZERO, ZERO)
    assignment = Assignment(
        "a13asg",
        "a12sch",
        "a14req",
        project,
        worker,
        "Manager",
        Decimal(100),
        True,
        date(2026, 5, 4),
        date(2026, 5, 10),
        pattern,
        "HARD",
        at(4, 7),
    )
    split = Split(
        "a16spl", date(2026, 5, 4), date(2026, 5, 10), pattern, Decimal("1000.00"), Decimal("500.00")
    )
    card = Timecard(
        "a15hdr",
        assignment,
        date(2026, 5, 4),
        [split],
        at(5, 8, 9),
        at(5, 8, 16),
        at(5, 11, 10),
        None,
        worker,
    )
    items = [
        BillingItem(
            f"60{day}",
            "TIME",
            f"a16spl-{day}",
            line,
            contract,
            date(2026, 5, 3 + day),
            Decimal("2.5"),
            Decimal(100),
            Decimal(250),
            "EUR",
            at(5, 12, 2),
            [(at(5, 12, 2), at(5, 11, 10))],
            [(at(5, 12, 2), "OPEN"), (at(6, 3, 14), "INVOICED")],
        )
        for day in (1, 2, 3, 4)
    ]
    invoice = Invoice(
        "4001",
        "INV-1",
        "STANDARD",
        account,
        contract,
        "GB01",
        "EUR",
        RATE,
        date(2026, 5, 31),
        date(2026, 6, 30),
        at(6, 2, 9),
        at(6, 3, 14),
        [
            InvoiceLine(
                f"91{day}",
                day,
                "TIME",
                f"a16spl-{day}",
                line,
                Decimal("2.5"),
                Decimal(100),
                Decimal("250"),
                date(2026, 5, 1),
                date(2026, 5, 31),
            )
            for day in (1, 2, 3, 4)
        ],
        Decimal(1000),
        Decimal(200),
        Decimal(1200),
        "9100",
        "9199",
        date(2026, 5, 1),
        date(2026, 5, 31),
    )
    credit = Invoice(
        "4002",
        "CRN-1",
        "CREDIT_NOTE",
        account,
        contract,
        "GB01",
        "EUR",
        RATE,
        date(2026, 6, 15),
        date(2026, 6, 15),
        at(6, 15, 11),
        at(6, 15, 11),
        [
            InvoiceLine(
                "9201",
                1,
                "TIME",
                "a16spl-1",
                line,
                ZERO,
                ZERO,
                Decimal("-100.55"),
                date(2026, 5, 1),
                date(2026, 5, 31),
            )
        ],
        Decimal("-100.55"),
        Decimal("-20.11"),
        Decimal("-120.66"),
        "9200",
        "9299",
        date(2026, 5, 1),
        date(2026, 5, 31),
        invoice,
        "CONCESSION",
    )
    payments = [
        Payment(
            "5001",
            "PAY-1",
            account,
            "GB01",
            "EUR",
            Decimal("1.2"),
            date(2026, 6, 20),
            Decimal("500"),
            at(6, 20, 10),
            "9301",
            [(invoice, Decimal("500"))],
        ),
        Payment(
            "5002",
            "PAY-2",
            account,
            "GB01",
            "EUR",
            RATE,
            date(2026, 7, 1),
            Decimal("579.34"),
            at(7, 1, 10),
            "9302",
            [(invoice, Decimal("579.34"))],
        ),
    ]
    revenue = RevenueEntry(
        "8801",
        line,
        contract,
        Decimal(1000),
        Decimal(1100),
        date(2026, 5, 31),
        date(2026, 5, 1),
        date(2026, 5, 31),
        "NORMAL",
        at(6, 3, 12),
        "6001",
    )
    amendment = Amendment(
        "7001",
        "CO-1",
        contract,
        line,
        None,
        Decimal("750"),
        None,
        ZERO,
        date(2026, 6, 10),
        date(2026, 6, 15),
        "PROSPECTIVE",
        [(at(6, 4), "DRAFT"), (at(6, 10), "SIGNED")],
    )
    return Firm(
        seed=1,
        scale="tiny",
        faults=(),
        start=date(2026, 1, 1),
        end=at(7, 8, 23, 30),
        reporting_currency="USD",
        entities={"GB01": entity},
        org=[OrgCode("region", "EU", "Europe", "a01eu"), OrgCode("practice", "DATA", "Data", "a02data")],
        rate_cards=[],
        fx={},
        missing_rates=[],
        workers=[worker],
        vendors=[],
        accounts=[account],
        deals=[deal],
        contracts=[contract],
        amendments=[amendment],
        projects=[project],
        assignments=[assignment],
        timecards=[card],
        milestones=[],
        expenses=[],
        billing_items=items,
        invoices=[invoice, credit],
        payments=payments,
        revenue=[revenue],
        purchase_orders=[],
        vendor_bills=[],
        fault_marks=[],
        look_alikes=[],
    )


def test_contract_before_during_and_after(stores: Path) -> None:
    assert see(stores, "netsuite", "transaction", at(4, 1), id="3001") == []
    (open_,) = see(stores, "netsuite", "transaction", at(6, 8), id="3001")
    assert (open_["type"], open_["status"], open_["custbody_tl_status"], open_["closedate"]) == (
        "SalesOrd",
        "B",
        "ACTIVE",
        None,
    )
    assert (open_["foreigntotal"], open_["entity"], open_["subsidiary"]) == (Decimal(5000), "500", "5")
    (done,) = see(stores, "netsuite", "transaction", at(7, 8), id="3001")
    assert (done["status"], done["custbody_tl_status"], done["closedate"]) == (
        "H",
        "COMPLETED",
        date(2026, 7, 3),
    )
    (line,) = see(stores, "netsuite", "transactionline", at(6, 8), uniquekey="9001")
    assert (line["foreignamount"], line["custcol_tl_original_value"], line["isclosed"]) == (
        Decimal(-5000),
        Decimal(5000),
        False,
    )
    (line,) = see(stores, "netsuite", "transactionline", at(7, 8), uniquekey="9001")
    assert line["isclosed"] is True
    (order,) = see(stores, "netsuite", "customrecord_tl_customer_po", at(6, 8))
    assert (order["name"], order["id"]) == ("PO-7", open_["custbody_tl_customer_po"])


def test_amendment_is_signed_only_once_it_is(stores: Path) -> None:
    (draft,) = see(stores, "netsuite", "customrecord_tl_amendment", at(6, 8))
    assert (draft["custrecord_tl_amd_status"], draft["custrecord_tl_amd_signed_on"]) == ("DRAFT", None)
    (signed,) = see(stores, "netsuite", "customrecord_tl_amendment", at(6, 12))
    assert (signed["custrecord_tl_amd_status"], signed["custrecord_tl_amd_signed_on"]) == (
        "SIGNED",
        date(2026, 6, 10),
    )
    plans = [see(stores, "netsuite", "revenueplan", when)[0] for when in (at(5, 8), at(6, 8), at(7, 8))]
    assert [(plan["amount"], plan["totalrecognized"]) for plan in plans] == [
        (Decimal(5000), ZERO),
        (Decimal(5000), Decimal(1000)),
        (Decimal(5750), Decimal(1000)),
    ]


def test_time_card_is_saved_submitted_approved_then_flagged(stores: Path) -> None:
    states = []
    for when in (at(5, 8, 10), at(5, 8, 23, 30), at(5, 12), at(6, 3, 23, 30), at(6, 4, 5)):
        (header,) = see(stores, "salesforce", "pse__Timecard_Header__c", when, Id="a15hdr")
        (split,) = see(stores, "salesforce", "pse__Timecard__c", when, Id="a16spl")
        assert header["pse__Status__c"] == split["pse__Status__c"]
        states.append((split["pse__Status__c"], split["pse__Billed__c"], split["pse__Invoice_Number__c"]))
    assert states == [
        ("Saved", False, None),
        ("Submitted", False, None),
        ("Approved", False, None),
        ("Approved", False, None),
        ("Approved", True, "INV-1"),
    ]
    (split,) = see(stores, "salesforce", "pse__Timecard__c", at(7, 8), Id="a16spl")
    assert split["pse__Billed__c"] is True, "a concession leaves the time billed"
    assert (split["pse__Monday_Hours__c"], split["pse__Friday_Hours__c"]) == (Decimal("2.5"), ZERO)


def test_invoice_is_draft_open_part_paid_then_paid(stores: Path) -> None:
    seen = []
    for when in (at(6, 2, 23, 30), at(6, 8), at(6, 16), at(6, 21), at(7, 8)):
        (header,) = see(stores, "netsuite", "transaction", when, id="4001")
        seen.append((header["status"], header["posting"], header["foreignamountunpaid"]))
    assert seen == [
        ("D", False, Decimal("1200")),
        ("A", True, Decimal("1200")),
        ("A", True, Decimal("1079.34")),
        ("A", True, Decimal("579.34")),
        ("B", True, ZERO),
    ]
    (draft,) = see(stores, "netsuite", "transaction", at(6, 2, 23, 30), id="4001")
    assert (draft["custbody_tl_posted_at"], draft["postingperiod"]) == (None, None)
    (posted,) = see(stores, "netsuite", "transaction", at(6, 8), id="4001")
    assert posted["custbody_tl_posted_at"] == at(6, 3, 14)
    (period,) = see(stores, "netsuite", "accountingperiod", at(6, 8), id=posted["postingperiod"])
    assert (period["startdate"], period["closed"]) == (date(2026, 5, 1), False)
    (period,) = see(stores, "netsuite", "accountingperiod", at(6, 11), id=posted["postingperiod"])
    assert period["closed"] is True


def test_invoice_lines_carry_the_vendors_signs(stores: Path) -> None:
    lines = see(stores, "netsuite", "transactionline", at(7, 8), transaction="4001")
    assert [(line["quantity"], line["foreignamount"]) for line in lines if line["custcol_tl_source_id"]] == [
        (Decimal("-2.5"), Decimal(-250))
    ] * 4
    assert [line["foreignamount"] for line in lines if line["taxline"]] == [Decimal(-200)]
    assert [line["foreignamount"] for line in lines if line["mainline"]] == [Decimal(1200)]
    credit = see(stores, "netsuite", "transactionline", at(7, 8), transaction="4002")
    assert [line["foreignamount"] for line in credit if line["custcol_tl_source_id"]] == [Decimal("100.55")]
    (header,) = see(stores, "netsuite", "transaction", at(7, 8), id="4002")
    assert (header["type"], header["foreigntotal"], header["status"]) == ("CustCred", Decimal("-120.66"), "B")
    assert (header["custbody_tl_applies_to"], header["custbody_tl_reason_code"]) == ("4001", "CONCESSION")


def test_ledger_of_the_invoice_the_credit_and_the_payment(stores: Path) -> None:
    assert see(stores, "netsuite", "transactionaccountingline", at(6, 2, 23, 30), transaction="4001") == []

    def ledger(transaction: str) -> list[tuple[str, Decimal]]:
        rows = see(stores, "netsuite", "transactionaccountingline", at(7, 8), transaction=transaction)
        return [(row["account"], row["amount"]) for row in rows]

    # 1,200 gross at 1.1; every line 250 x 1.1; tax 200 x 1.1
    assert ledger("4001") == [
        ("110", Decimal("1320.00")),
        *[("115", Decimal("-275.00"))] * 4,
        ("220", Decimal("-220.00")),
    ]
    # net 100.55 x 1.1 = 110.605 -> 110.61; gross 120.66 x 1.1 = 132.726 -> 132.73; tax is the difference
    assert ledger("4002") == [
        ("110", Decimal("-132.73")),
        ("115", Decimal("110.61")),
        ("220", Decimal("22.12")),
    ]
    # 500 in at 1.2 against 500 receivable at 1.1: 50 of gain
    assert ledger("5001") == [
        ("101", Decimal("600.00")),
        ("110", Decimal("-550.00")),
        ("790", Decimal("-50.00")),
    ]
    assert ledger("5002") == [("101", Decimal("637.27")), ("110", Decimal("-637.27"))]
    assert ledger("6001") == [("115", Decimal("1100")), ("400", Decimal("-1100"))]


def test_applications_appear_when_they_are_known(stores: Path) -> None:
    def links(when: datetime) -> list[tuple[str, str, Decimal]]:
        rows = see(stores, "netsuite", "nexttransactionlinelink", when)
        return [(row["nextdoc"], row["linktype"], row["foreignamount"]) for row in rows]

    assert links(at(6, 8)) == []
    assert links(at(6, 16)) == [("4002", "CreditApplication", Decimal("120.66"))]
    assert links(at(7, 8)) == [
        ("4002", "CreditApplication", Decimal("120.66")),
        ("5001", "Payment", Decimal("500")),
        ("5002", "Payment", Decimal("579.34")),
    ]


def test_project_is_linked_later_than_it_is_created(stores: Path) -> None:
    links = []
    for when in (at(4, 3, 13), at(4, 3, 16)):
        (project,) = see(stores, "salesforce", "pse__Proj__c", when)
        links.append(project["ERP_Contract_Line__c"])
    assert links == [None, "9001"]
    (project,) = see(stores, "salesforce", "pse__Proj__c", at(7, 8))
    assert (project["pse__Invoiced__c"], project["pse__Revenue__c"]) == (Decimal(1000), Decimal(1000))
    assert (project["pse__Billing_Type__c"], project["Activated_At__c"]) == ("Time and Materials", at(4, 6))


def test_customer_is_as_far_as_its_entity(stores: Path) -> None:
    states = []
    for when in (at(1, 7), at(1, 10)):
        (customer,) = see(stores, "netsuite", "customer", when)
        (relation,) = see(stores, "netsuite", "customersubsidiaryrelationship", when)
        states.append((customer["custentity_tl_status"], relation["custrecord_tl_status"]))
    assert states == [("PENDING", "PENDING"), ("ACTIVE", "ACTIVE")]
    (account,) = see(stores, "salesforce", "Account", at(1, 5, 13))
    assert account["ERP_Customer_Id__c"] is None
    (account,) = see(stores, "salesforce", "Account", at(1, 7))
    assert account["ERP_Customer_Id__c"] == "500"


def test_days_of_a_split_share_its_amount_to_the_last_ten_thousandth() -> None:
    split = Split(
        "s", date(2026, 5, 4), date(2026, 5, 10), (ONE, ONE, ZERO, ONE, ZERO, ZERO, ZERO), Decimal(100), ZERO
    )
    assert day_amounts(split) == {1: Decimal("33.3333"), 2: Decimal("33.3333"), 4: Decimal("33.3334")}
