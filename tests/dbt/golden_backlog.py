"""What the golden firm holds of backlog beside its waterfall: orders, what stands still, what is billed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.dbt.ledger_support import Firm, instant

D = Decimal
FIRST = "2025-01-02"
CUSTOMER = "netsuite:main:95"


def add_backlog(told: Firm) -> None:
    """Adds the lines 951 to 961 of one customer, and G-FX-01 as line 962."""

    def first(entity: str, key: str, **values: Any) -> None:
        told.add(entity, key, FIRST, backfill=True, **values)

    def sold(number: int, worth: str, signed: date = date(2026, 4, 1), **values: Any) -> None:
        terms = {name: values.pop(name) for name in ("effective_from", "effective_to") if name in values}
        currency = values.pop("currency", "USD")
        first(
            "contract", f"netsuite:main:{number}0", customer_id=CUSTOMER, currency_code=currency,
            billing_method="FIXED_POC", signed_on=signed, created_at=instant(f"{signed}T09:00"),
            legal_entity_id="netsuite:main:3", **({"status": "ACTIVE"} | values),
        )  # fmt: skip
        first(
            "contract_line", f"netsuite:main:{number}", contract_id=f"netsuite:main:{number}0", line_number=1,
            billing_method="FIXED_POC", original_value=D(worth), practice_code="BKV", region_code="NA",
            currency_code=currency, **terms,
        )  # fmt: skip

    def earned(number: int, day: date, amount: str, currency: str = "USD", functional: str = "") -> None:
        first(
            "revenue_entry", f"netsuite:main:bv{number}-{day}", contract_line_id=f"netsuite:main:{number}",
            amount=D(amount), amount_functional=D(functional or amount), currency_code=currency,
            accounting_date=day, entry_type="NORMAL", kind="recognised",
        )  # fmt: skip

    def billed(number: int, day: date, amount: str, currency: str = "USD", rate: str = "1") -> None:
        key = f"netsuite:main:bv{number}i{day}"
        first(
            "invoice", key, doc_type="STANDARD", document_type="invoice", customer_id=CUSTOMER,
            legal_entity_id="netsuite:main:3", invoice_date=day, due_date=day, currency_code=currency,
            exchange_rate=D(rate), total_amount=D(amount), status="open", posted_at=instant(f"{day}T09:00"),
        )  # fmt: skip
        first(
            "invoice_line", f"{key}l", invoice_id=key, line_number=1, source_type="MANUAL",
            contract_line_id=f"netsuite:main:{number}", quantity=D(1), unit_price=D(amount),
            net_amount=D(amount), currency_code=currency,
        )  # fmt: skip

    def order(number: str, amount: str, **values: Any) -> None:
        first(
            "customer_po", f"netsuite:main:{number}", number=number, customer_id=CUSTOMER, amount=D(amount),
            currency_code="USD", **values,
        )  # fmt: skip

    # two lines on one order of 1,000, the first signed takes first; 300 are earned: 500 and the 200 left
    sold(951, "800", date(2026, 3, 1), customer_po_number="PO-A")
    sold(952, "900", date(2026, 3, 2), customer_po_number="PO-A")
    earned(951, date(2026, 4, 20), "300")
    order("PO-A", "1000", valid_to=date(2026, 4, 30))
    # expired the day before; named, but on no file; no order named
    sold(953, "100", customer_po_number="PO-B")
    order("PO-B", "100", valid_to=date(2026, 4, 29))
    sold(954, "100", customer_po_number="PO-C")
    sold(955, "100")
    # nothing for 60 days is not stalled, for 61 it is; a term to come has not begun to wait
    sold(956, "100", date(2026, 3, 1))
    sold(957, "100", date(2026, 2, 28))
    sold(958, "100", date(2026, 1, 5), effective_from=date(2026, 6, 1))
    # its term has ended; on hold until a day to come; its project is closed
    sold(959, "100", effective_to=date(2026, 4, 29))
    sold(960, "100", date(2026, 1, 5), status="ON_HOLD", hold_until=date(2026, 5, 31))
    sold(961, "100")
    first(
        "project", "certinia:main:BV961", contract_line_id="netsuite:main:961", currency_code="USD",
        legal_entity_id="netsuite:main:3", is_template=False, status="CLOSED",
        closed_at=instant("2026-04-15T10:00"),
    )  # fmt: skip
    # worth 100 and all of it earned, 40 of it billed: no backlog, but 60 to bill
    sold(963, "100")
    earned(963, date(2026, 4, 10), "100")
    billed(963, date(2026, 4, 11), "40")
    # G-FX-01: 1,000 euro billed ahead at 1.10, not retranslated while the euro stands at 1.15
    sold(962, "1000", currency="EUR")
    billed(962, date(2026, 4, 1), "1000", "EUR", rate="1.10")
