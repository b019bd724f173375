"""The warehouse beside what systems say themselves: what ties, what was entered later, what says nothing.

Every figure is added up by hand in the test's own words.
"""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.reconciliation.firm import GB, US, Firm, Row
from tests.reconciliation.published import publish
from throughline.home import Home
from throughline.recon import workbook
from throughline.recon.published import Filter, read_report

KNOWN = "2026-01-01 00:00:00+00"
PRINTED = "2026-07-08 21:30:00+00"
ONE, TWO = "netsuite:main:K1", "netsuite:main:K2"
SHOWN = ("statement", "level", "legal_entity", "what", "amount_tc", "other_tc", "difference_tc", "result")
RECEIVABLES, BANK = "netsuite:main:110", "netsuite:main:101"


@pytest.fixture
def books(firm: Firm) -> Firm:
    """A firm that answers for May, June and 8 July."""
    for day, now in (("2026-05-31", False), ("2026-06-30", False), ("2026-07-08", True)):
        firm.add("ledger__as_of_date", as_of=day, month_start=f"{day[:7]}-01", is_run_as_of=now)
    firm.add("gl_account", gl_account_id=RECEIVABLES, account_type="AcctRec")
    firm.add("gl_account", gl_account_id=BANK, account_type="Bank")
    return firm


def place(**values: Any) -> Row:
    """What every feeder's row has."""
    dollars: Row = {"currency_code": "USD", "functional_currency": "USD"}
    return {"legal_entity_id": US, "customer_id": ONE, "known_from": KNOWN, **dollars, **values}


def invoice(
    firm: Firm, number: str, day: str, amount: str, posted: str = "2026-07-01 09:00:00+00",
    rate: str | None = "1", **where: Any,
) -> str:  # fmt: skip
    """A posted document, with its one line; its id."""
    key = f"netsuite:main:I{number}"
    firm.add("invoice", invoice_id=key, exchange_rate=rate, posted_at=posted)
    row = place(invoice_id=key, invoice_date=day, posted_at=posted, is_posted=True, amount_tc=amount, **where)
    firm.add("ledger__receivable_value", **row)
    firm.add("ledger__billing_value", invoice_line_id=f"{key}L", **row)
    return key


def payment(
    firm: Firm, number: str, day: str, amount: str, *applied: tuple[str, str], rate: str = "1", **where: Any
) -> str:
    """Cash, and what of it settles which document; its id."""
    key = f"netsuite:main:P{number}"
    firm.add("customer_payment", customer_payment_id=key, exchange_rate=rate,
             source_created_at=f"{day} 12:00:00+00")  # fmt: skip
    firm.add("ledger__receipt_value", customer_payment_id=key, payment_date=day, is_received=True,
             **place(amount_tc=amount, **where))  # fmt: skip
    for settled, part in applied:
        firm.add("ledger__cash_value", cash_id=f"{key}{settled}|INVOICE", movement_type="collected",
                 invoice_id=settled, customer_payment_id=key, business_date=day, is_posted=True,
                 **place(amount_tc=f"-{part}", **where))  # fmt: skip
    return key


def printed(firm: Firm, report: str, day: str, amount: str, **values: Any) -> None:
    """A line of a report that was printed on 8 July."""
    number = len(firm.tables.get("canonical__native_report_line", []))
    told: Row = {"customer_id": ONE, "legal_entity_id": US, "currency_code": "USD", "printed_at": PRINTED}
    firm.add("native_report_line", native_report_line_id=str(number), report=report, as_of=day, amount=amount,
             **(told | values))  # fmt: skip


def posting(
    firm: Firm, document: str, day: str, amount: str, account: str = RECEIVABLES, **values: Any
) -> None:
    """A debit (or, negative, a credit) in the ledger."""
    number = len(firm.tables.get("canonical__gl_journal_line", []))
    value = Decimal(amount)
    debit, credit = max(value, Decimal(0)), max(-value, Decimal(0))
    told: Row = {"legal_entity_id": US, "currency_code": "USD", "gl_account_id": account}
    firm.add("gl_journal_line", gl_journal_line_id=str(number), source_document_id=document, posting_date=day,
             debit_amount=debit, credit_amount=credit, **({"is_backfill": True} | told | values))  # fmt: skip


def lines(firm: Firm, statement: str, day: str) -> dict[tuple[str, str], Row]:
    """The statement's lines of a day by entity and currency."""
    return {
        (row["legal_entity_id"], row["currency_code"]): row
        for row in firm.rows_of("tie_out")
        if row["statement_id"] == statement and str(row["as_of"]) == day
    }


def line(firm: Firm, statement: str, day: str) -> tuple[Any, ...]:
    """Ours, theirs, difference, entered later, not explained and status of the only line of a day."""
    (row,) = lines(firm, statement, day).values()
    names = ("amount", "other_amount", "difference", "entered_later", "unexplained", "status")
    return tuple(row[name] for name in names)


def items(firm: Firm, statement: str, day: str) -> dict[str, Decimal]:
    """What differs by how much, after `line` or `lines`."""
    return {
        row["member_id"]: row["difference"]
        for row in firm.rows_of("tie_out_item")
        if row["statement_id"] == statement and str(row["as_of"]) == day
    }


def test_open_documents_less_cash_tie_to_the_printed_ageing(books: Firm) -> None:
    first = invoice(books, "1", "2026-05-20", "100", posted="2026-06-01 09:00:00+00")
    invoice(books, "2", "2026-06-20", "60")
    payment(books, "1", "2026-06-25", "40", (first, "40"))
    printed(books, "AR_AGEING", "2026-05-31", "100", printed_at="2026-06-08 21:30:00+00")
    # by days overdue, as an ageing is
    printed(books, "AR_AGEING", "2026-06-30", "60", bucket="1-30")
    printed(books, "AR_AGEING", "2026-06-30", "60", bucket="Current")
    assert line(books, "AR_AGEING", "2026-05-31") == (100, 100, 0, 0, 0, "TIES")
    assert line(books, "AR_AGEING", "2026-06-30") == (120, 120, 0, 0, 0, "TIES")
    assert items(books, "AR_AGEING", "2026-06-30") == {}


def test_what_was_entered_after_the_print_explains_a_difference(books: Firm) -> None:
    invoice(books, "1", "2026-06-20", "60")
    invoice(books, "2", "2026-06-28", "35", posted="2026-07-08 22:00:00+00")
    printed(books, "AR_AGEING", "2026-06-30", "60")
    assert line(books, "AR_AGEING", "2026-06-30") == (95, 60, 35, 35, 0, "ENTERED_LATER")
    assert items(books, "AR_AGEING", "2026-06-30") == {ONE: 35}


def test_cash_entered_after_the_print_explains_one_too(books: Firm) -> None:
    first = invoice(books, "1", "2026-06-20", "60")
    payment(books, "1", "2026-06-30", "20", (first, "20"))
    printed(books, "AR_AGEING", "2026-06-30", "60", printed_at="2026-06-30 08:00:00+00")
    # the invoice itself was posted on 1 July, after that print as well
    assert line(books, "AR_AGEING", "2026-06-30") == (40, 60, -20, 40, -60, "DIFFERS")
    books.tables["canonical__invoice"][0]["posted_at"] = "2026-06-21 08:00:00+00"
    books.tables["ledger__receivable_value"][0]["posted_at"] = "2026-06-21 08:00:00+00"
    assert line(books, "AR_AGEING", "2026-06-30") == (40, 60, -20, -20, 0, "ENTERED_LATER")


def test_what_neither_explains_is_told_by_customer(books: Firm) -> None:
    invoice(books, "1", "2026-06-20", "60")
    invoice(books, "2", "2026-06-20", "80", customer_id=TWO)
    printed(books, "AR_AGEING", "2026-06-30", "60")
    printed(books, "AR_AGEING", "2026-06-30", "55", customer_id=TWO)
    assert line(books, "AR_AGEING", "2026-06-30") == (140, 115, 25, 0, 25, "DIFFERS")
    assert items(books, "AR_AGEING", "2026-06-30") == {TWO: 25}


def test_differences_of_two_customers_do_not_hide_each_other(books: Firm) -> None:
    invoice(books, "1", "2026-06-20", "60")
    invoice(books, "2", "2026-06-20", "80", customer_id=TWO)
    printed(books, "AR_AGEING", "2026-06-30", "80")
    printed(books, "AR_AGEING", "2026-06-30", "60", customer_id=TWO)
    line(books, "AR_AGEING", "2026-06-30")
    assert items(books, "AR_AGEING", "2026-06-30") == {ONE: -20, TWO: 20}


def test_an_entity_without_a_report_is_not_green_and_nothing_in_a_report_is_nothing(books: Firm) -> None:
    invoice(books, "1", "2026-06-20", "60")
    invoice(books, "2", "2026-06-20", "70", currency_code="EUR")
    invoice(books, "3", "2026-06-20", "80", legal_entity_id=GB, currency_code="GBP")
    printed(books, "AR_AGEING", "2026-06-30", "60")
    found = lines(books, "AR_AGEING", "2026-06-30")
    assert {key: row["status"] for key, row in found.items()} == {
        (US, "USD"): "TIES",
        (US, "EUR"): "DIFFERS",
        (GB, "GBP"): "NO_REPORT",
    }
    assert found[US, "EUR"]["other_amount"] == 0
    assert found[GB, "GBP"]["other_amount"] is None
    assert found[GB, "GBP"]["difference"] is None


def test_a_month_nobody_printed_is_not_green(books: Firm) -> None:
    invoice(books, "1", "2026-04-20", "60")
    printed(books, "AR_AGEING", "2026-04-30", "60")
    assert line(books, "AR_AGEING", "2026-04-30")[-1] == "TIES"
    assert line(books, "AR_AGEING", "2026-05-31") == (60, None, None, None, None, "NO_REPORT")
    assert lines(books, "AR_AGEING", "2026-06-30") == {}, "eight days after June its reports may still come"
    assert lines(books, "AR_AGEING", "2026-07-08") == {}, "a month that is not over has no report"


def test_billings_are_those_of_their_month(books: Firm) -> None:
    invoice(books, "1", "2026-05-31", "100")
    invoice(books, "2", "2026-06-01", "60")
    invoice(books, "3", "2026-06-30", "-10")
    printed(books, "BILLINGS", "2026-06-30", "50")
    assert line(books, "BILLINGS", "2026-06-30") == (50, 50, 0, 0, 0, "TIES")


def test_revenue_is_that_of_its_month(books: Firm) -> None:
    for number, day, amount, kind in (("1", "2026-05-31", "7", True), ("2", "2026-06-30", "500", True),
                                      ("3", "2026-06-30", "90", False)):  # fmt: skip
        books.add("revenue_entry", revenue_entry_id=number, posted_at="2026-07-02 09:00:00+00")
        books.add("ledger__revenue_value", revenue_entry_id=number, accounting_date=day, is_recognised=kind,
                  **place(amount_tc=amount))  # fmt: skip
    printed(books, "REVENUE", "2026-06-30", "500")
    assert line(books, "REVENUE", "2026-06-30") == (500, 500, 0, 0, 0, "TIES")


def test_a_trial_balance_is_held_against_postings_account_by_account(books: Firm) -> None:
    posting(books, "P1", "2026-06-10", "-40")
    posting(books, "P1", "2026-06-10", "40", BANK)
    posting(books, "P0", "2026-05-10", "15", BANK)
    for account, amount in ((RECEIVABLES, "-40"), (BANK, "50")):
        printed(books, "TRIAL_BALANCE", "2026-06-30", amount, gl_account_id=account, customer_id=None)
    found = {
        row["gl_account_id"]: (row["amount"], row["difference"], row["status"])
        for row in books.rows_of("tie_out")
        if row["statement_id"] == "TRIAL_BALANCE" and str(row["as_of"]) == "2026-06-30"
    }
    assert found == {RECEIVABLES: (-40, 0, "TIES"), BANK: (55, 5, "DIFFERS")}


EURO = {"currency_code": "EUR"}


def test_documents_tie_to_the_ledger_at_the_rates_they_were_booked_at(books: Firm) -> None:
    # 1,000 euro booked at 1.10; 450 euro come in at 1.20, 400 of them for the invoice, 50 for nothing yet
    first = invoice(books, "1", "2026-06-10", "1000", rate="1.10", **EURO)
    posting(books, first, "2026-06-10", "1100")
    cash = payment(books, "1", "2026-06-20", "450", (first, "400"), rate="1.20", **EURO)
    # 400 leave at the invoice's rate, 440; 50 stand at their own, 60; the rest of the 540 is exchange gain
    posting(books, cash, "2026-06-20", "-500")
    assert line(books, "AR_CONTROL", "2026-06-30") == (600, 600, 0, 0, 0, "TIES")
    assert items(books, "AR_CONTROL", "2026-06-30") == {}


def test_a_journal_on_the_control_account_is_told_by_document(books: Firm) -> None:
    first = invoice(books, "1", "2026-06-10", "1000")
    posting(books, first, "2026-06-10", "1000")
    posting(books, "netsuite:main:J9", "2026-06-30", "75")
    # elsewhere it is nobody's concern here
    posting(books, "netsuite:main:J9", "2026-06-30", "-75", BANK)
    assert line(books, "AR_CONTROL", "2026-06-30") == (1000, 1075, -75, 0, -75, "DIFFERS")
    assert items(books, "AR_CONTROL", "2026-06-30") == {"netsuite:main:J9": -75}


def test_a_rounding_of_the_books_ties_and_a_dollar_more_does_not(books: Firm) -> None:
    first = invoice(books, "1", "2026-06-10", "1000")
    posting(books, first, "2026-06-10", "999.00")
    assert line(books, "AR_CONTROL", "2026-06-30")[-1] == "TIES"
    posting(books, first, "2026-06-10", "-0.01")
    assert line(books, "AR_CONTROL", "2026-06-30")[-1] == "DIFFERS"


def test_what_books_round_to_the_cent_is_no_difference(books: Firm) -> None:
    # 100.01 euro at 1.234567 are 123.46904567; 30.03 and 20.02 of them leave at that rate, 61.790078...
    first = invoice(books, "1", "2026-06-10", "100.01", rate="1.234567", **EURO)
    posting(books, first, "2026-06-10", "123.47")
    cash = payment(books, "1", "2026-06-20", "50.05", (first, "30.03"), (first, "20.02"), **EURO)
    posting(books, cash, "2026-06-20", "-61.79")
    assert line(books, "AR_CONTROL", "2026-06-30") == (Decimal("61.68"), Decimal("61.68"), 0, 0, 0, "TIES")
    assert items(books, "AR_CONTROL", "2026-06-30") == {}


def test_when_a_journal_was_landed_says_nothing_of_when_it_was_entered(books: Firm) -> None:
    posting(books, "netsuite:main:J9", "2026-06-10", "40", known_from="2026-07-08 23:00:00+00",
            is_backfill=False)  # fmt: skip
    printed(books, "TRIAL_BALANCE", "2026-06-30", "40", gl_account_id=RECEIVABLES, customer_id=None)
    assert line(books, "TRIAL_BALANCE", "2026-06-30") == (40, 40, 0, 0, 0, "TIES")


def test_books_that_were_not_landed_and_rates_nobody_has_are_not_green(books: Firm) -> None:
    invoice(books, "1", "2026-06-10", "1000")
    assert line(books, "AR_CONTROL", "2026-06-30") == (1000, None, None, None, None, "NO_REPORT")
    second = invoice(books, "2", "2026-06-10", "10", rate=None, **EURO)
    posting(books, second, "2026-06-10", "1011")
    assert line(books, "AR_CONTROL", "2026-06-30")[0] is None
    assert line(books, "AR_CONTROL", "2026-06-30")[-1] == "UNKNOWN"


def test_the_workbook_holds_the_newest_statements_with_what_they_differ_by(
    books: Firm, tmp_path: Path
) -> None:
    invoice(books, "1", "2026-05-20", "999", posted="2026-05-20 09:00:00+00")
    invoice(books, "2", "2026-06-20", "80", customer_id=TWO)
    printed(books, "AR_AGEING", "2026-05-31", "999")
    printed(books, "AR_AGEING", "2026-06-30", "999")
    printed(books, "AR_AGEING", "2026-06-30", "55", customer_id=TWO)
    publish(books, Home(tmp_path), "r1", {TWO: "Borealis"})

    def sheet(*entities: str) -> list[tuple[Any, ...]]:
        report = read_report(Home(tmp_path), Filter(entities=entities))
        book = openpyxl.load_workbook(io.BytesIO(workbook.build(report, "b.xlsx", "t")), data_only=True)
        head, *rows = book["06_TieOuts"].iter_rows(values_only=True)
        names = (
            "statement",
            "level",
            "legal_entity",
            "what",
            "amount_tc",
            "other_tc",
            "difference_tc",
            "result",
        )
        return [tuple(row[head.index(name)] for name in names) for row in rows if row[0]]

    ageing = ("AR_AGEING", "LINE", "US01", None, 1079, 1054, 25, "DIFFERS")
    assert sheet() == [
        ageing,
        ("AR_AGEING", "ITEM", "US01", "Borealis", 80, 55, 25, None),
        # nobody landed the books
        ("AR_CONTROL", "LINE", "US01", None, 1079, None, None, "NO_REPORT"),
    ]
    assert sheet("US01")[0] == ageing
    assert sheet("GB01") == []
