"""Worked examples of changed contracts and of prices that depend on something, as rows of the golden firm.

Where an example counts units, a unit is a day of a retainer or an hour of a fixed fee; where it counts years,
a year is 28 days, so that month ends of the firm fall where the example looks.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.dbt.golden_estimates import FIRST, OWN, cost, hours, line
from tests.dbt.ledger_support import Firm, instant

D = Decimal
CHANGED = date(2026, 2, 1)


def add_changes(told: Firm) -> None:
    """Adds the lines 1921 to 1932, each of a customer of its own number."""
    # G-MOD-01: 120 days at 100, 60 of them gone by when 30 more are sold: at 95 as a line of its own, or
    # at 80 and then spread with the rest; what is given back for the first 60 is a line of its own as well
    term = {"effective_from": date(2025, 12, 3), "effective_to": date(2026, 4, 1)}
    line(told, 1921, "RETAINER", "12000", [], **term)
    line(
        told, 1922, "RETAINER", "2850", [], signed=CHANGED, effective_from=date(2026, 4, 2),
        effective_to=date(2026, 5, 1),
    )  # fmt: skip
    line(told, 1923, "RETAINER", "12000", [], **term | {"effective_to": date(2026, 5, 1)})
    _change(told, 1923, "2400", CHANGED, effective_to_before=date(2026, 4, 1), treatment="PROSPECTIVE")
    line(told, 1924, "FIXED_MILESTONE", "-900", [(f"{CHANGED}", None, None)], signed=CHANGED)
    told.add(
        "milestone", "certinia:main:m1924", FIRST, backfill=True, project_id="certinia:main:E1924",
        amount=D(-900), currency_code="USD", accepted_on=CHANGED, is_cancelled=False,
    )  # fmt: skip
    for number in (1921, 1923):
        _earned(told, number, date(2026, 1, 31), "6000")
    _earned(told, 1924, CHANGED, "-900")
    # G-MOD-02: three years at 100,000; after two the third is to cost 80,000 and three more 200,000 together
    line(
        told, 1925, "RETAINER", "300000", [], effective_from=date(2025, 12, 7),
        effective_to=date(2026, 5, 23),
    )  # fmt: skip
    _change(told, 1925, "180000", CHANGED, effective_to_before=date(2026, 2, 28), treatment="PROSPECTIVE")
    _earned(told, 1925, date(2026, 1, 31), "200000")
    # G-VC-01: what ten days cost or bring, and the bonus, each a change on the day it is counted
    for number, days in ((1926, "-100000"), (1927, "100000")):
        line(told, number, "FIXED_POC", "2500000", [("2026-01-20", "2000000", None)])
        cost(told, number, "2026-01-20", "1000000")
        _change(told, number, days, date(2026, 2, 10))
        _change(told, number, "150000", date(2026, 3, 10))
    # G-VC-02: of 1,000 hours at 100 75 are done when 90 is what they will bring, and then 500 more
    line(told, 1928, "FIXED_POC", "100000", [("2026-01-20", None, "1000")], revenue_method="LABOR_HOURS")
    hours(told, 1928, "75", "0")
    hours(told, 1928, "500", "0", "2026-03-20")
    _change(told, 1928, "-10000", date(2026, 2, 10))
    # G-VC-03: 100 hours billed at 150, of which 125 is what will stay
    line(
        told, 1929, "FIXED_POC", "15000", [("2026-01-20", None, "100")], revenue_method="LABOR_HOURS",
        transaction_price=D(12500),
    )  # fmt: skip
    hours(told, 1929, "100", "0")
    _earned(told, 1929, date(2026, 1, 31), "12500")
    told.add(
        "invoice", "netsuite:main:i1929", FIRST, backfill=True, doc_type="STANDARD", document_type="invoice",
        customer_id="netsuite:main:1929", legal_entity_id=OWN, invoice_date=date(2026, 1, 31),
        due_date=date(2026, 5, 31), currency_code="USD", exchange_rate=D(1), total_amount=D(15000),
        net_amount=D(15000), status="open", posted_at=instant("2026-01-31T12:00"),
    )  # fmt: skip
    told.add(
        "invoice_line", "netsuite:main:i1929l", FIRST, backfill=True, invoice_id="netsuite:main:i1929",
        line_number=1, source_type="MANUAL", contract_line_id="netsuite:main:1929", quantity=D(100),
        unit_price=D(150), net_amount=D(15000), currency_code="USD", period_from=date(2026, 1, 31),
    )  # fmt: skip
    # extended twice: 12 days at 100, after six of them seven more and 300, after nine of those 27 and nothing
    line(told, 1930, "RETAINER", "1200", [], effective_from=date(2026, 1, 20), effective_to=date(2026, 3, 5))
    for delta, day, before in (
        ("300", date(2026, 1, 26), date(2026, 1, 31)), ("0", date(2026, 2, 4), date(2026, 2, 6)),
    ):  # fmt: skip
        _change(told, 1930, delta, day, effective_to_before=before, treatment="PROSPECTIVE")
    # 40 days for 1,100, and from the eleventh day after them 60 more for as much: a renewal, and of the other
    # line one price for the whole time
    for number, treatment in ((1931, "PROSPECTIVE"), (1932, "CUMULATIVE")):
        line(
            told, number, "RETAINER", "1100", [], effective_from=date(2025, 12, 23),
            effective_to=date(2026, 4, 11),
        )  # fmt: skip
        _change(
            told, number, "1100", date(2026, 2, 11), effective_to_before=date(2026, 1, 31),
            treatment=treatment,
        )  # fmt: skip


def _change(told: Firm, number: int, delta: str, day: date, **values: Any) -> None:
    told.add(
        "contract_amendment", f"netsuite:main:am{number}-{day}", FIRST, backfill=True, delta_value=D(delta),
        contract_id=f"netsuite:main:{number}0", contract_line_id=f"netsuite:main:{number}", signed_on=day,
        effective_on=day, status="SIGNED", **({"treatment": "CUMULATIVE"} | values),
    )  # fmt: skip


def _earned(told: Firm, number: int, day: date, amount: str) -> None:
    told.add(
        "revenue_entry", f"netsuite:main:r{number}-{day}", FIRST, backfill=True, amount=D(amount),
        amount_functional=D(amount), contract_line_id=f"netsuite:main:{number}", currency_code="USD",
        accounting_date=day, entry_type="NORMAL", kind="recognised",
    )  # fmt: skip
