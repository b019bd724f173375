"""Native ids: formed as the vendors form them, and each used once."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from sandbox.firm.calendar import WorkCalendar, add_months, easter, holidays, month_end
from sandbox.firm.ids import FAULT_OFFSET, PREFIXES, Ids, salesforce_id
from sandbox.firm.state import Firm
from tests.unit.simulator_support import firm_of


@pytest.fixture(scope="module")
def firm() -> Firm:
    return firm_of("tiny", faults="all")


def test_salesforce_ids_carry_their_check_characters() -> None:
    # Worked by hand: 006Tl | 00000 | 0000Z have capitals at places (3), none, (4).
    assert salesforce_id("opportunity", 35) == "006Tl000000000Z" + "IAQ"
    assert len({salesforce_id("proj", n).lower() for n in range(1, 5000)}) == 4999


def test_every_record_has_an_id_of_its_kind(firm: Firm) -> None:
    kinds = {
        "account": [row.account_id for row in firm.accounts],
        "opportunity": [row.opp_id for row in firm.deals],
        "contact": [row.contact_id for row in firm.workers],
        "proj": [row.project_id for row in firm.projects],
        "assignment": [row.assignment_id for row in firm.assignments],
        "schedule": [row.schedule_id for row in firm.assignments],
        "timecard_header": [row.header_id for row in firm.timecards],
        "timecard_split": [split.split_id for row in firm.timecards for split in row.splits],
        "milestone": [row.milestone_id for row in firm.milestones],
        "expense": [row.expense_id for row in firm.expenses],
    }
    for kind, ids in kinds.items():
        assert len(ids) == len(set(ids)), kind
        assert all(len(identity) == 18 and identity.startswith(PREFIXES[kind]) for identity in ids), kind


def test_transactions_and_their_lines_share_no_id(firm: Firm) -> None:
    transactions = [row.so_id for row in firm.contracts]
    transactions += [row.invoice_id for row in firm.invoices]
    transactions += [row.payment_id for row in firm.payments]
    transactions += [row.po_id for row in firm.purchase_orders]
    transactions += [row.bill_id for row in firm.vendor_bills]
    transactions += sorted({row.journal_id for row in firm.revenue})
    assert [identity for identity, count in Counter(transactions).items() if count > 1] == []
    keys = [line.line_key for row in firm.contracts for line in row.lines]
    for invoice in firm.invoices:
        keys += [invoice.main_line_key, invoice.tax_line_key, *(line.line_key for line in invoice.lines)]
    keys += [row.line_key for row in firm.payments]
    for order in firm.purchase_orders:
        keys += [order.line_key, order.main_line_key]
    for bill in firm.vendor_bills:
        keys += [bill.main_line_key, *(line.line_key for line in bill.lines)]
    assert len(keys) == len(set(keys))
    assert all(key.isdigit() for key in keys + transactions)
    numbers = [row.number for row in firm.invoices]
    assert len(numbers) == len(set(numbers))


def test_counters_with_an_offset_never_meet() -> None:
    plain, offset = Ids(), Ids(FAULT_OFFSET)
    assert {plain.line_key() for _ in range(50)}.isdisjoint({offset.line_key() for _ in range(50)})


def test_calendars_know_the_moving_holidays() -> None:
    assert [easter(year) for year in (2024, 2025, 2026)] == [
        date(2024, 3, 31),
        date(2025, 4, 20),
        date(2026, 4, 5),
    ]
    american, british = holidays("US", range(2024, 2027)), holidays("GB", range(2024, 2027))
    assert date(2026, 7, 3) in american
    assert date(2024, 11, 28) in american
    assert date(2025, 4, 21) in british
    assert date(2025, 5, 29) in holidays("DE", range(2025, 2026))
    assert date(2025, 5, 19) in holidays("CA", range(2025, 2026))
    calendar = WorkCalendar(american)
    assert calendar.add(date(2026, 6, 30), 5) == date(2026, 7, 8)
    assert calendar.between(date(2026, 6, 30), date(2026, 7, 8)) == 5
    assert month_end(date(2024, 2, 3)) == date(2024, 2, 29)
    assert add_months(date(2025, 11, 20), 3) == date(2026, 2, 1)
