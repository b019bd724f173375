"""What the cash forecast adds to the golden firm: how late two payers paid, and what stands open."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.dbt.ledger_support import Firm, instant

FIRST = "2025-01-02"
ENTITY = "netsuite:main:2"
AS_OF = date(2026, 4, 30)


def add(told: Firm) -> None:
    """Payers 66 and 67."""
    # five documents paid 2, 4, 10, 30 and 40 days late; one 100 days late is older than a year
    for number, late in enumerate((2, 4, 10, 30, 40)):
        _document(told, f"f{number}", 66, date(2025, 9, 1), paid_on=date(2025, 9, 1) + timedelta(days=late))
    _document(told, "f9", 66, date(2025, 1, 20), paid_on=date(2025, 4, 30))
    _document(told, "fa", 66, date(2026, 5, 10), gross="1000")
    _document(told, "fb", 66, date(2026, 4, 20), gross="2000")
    _document(told, "fc", 66, date(2026, 3, 16), gross="4000")
    _document(told, "fd", 66, date(2026, 4, 1), gross="-300", doc_type="CREDIT_NOTE")
    _document(told, "fe", 66, None, gross="50")
    # four documents paid a day late are too few to speak for the payer
    for number in range(4):
        _document(told, f"g{number}", 67, date(2025, 10, 1), paid_on=date(2025, 10, 2))
    _document(told, "ga", 67, date(2026, 4, 1), gross="700")


def _document(
    told: Firm, key: str, customer: int, due: date | None, *, paid_on: date | None = None, gross: str = "100",
    **values: Any,
) -> None:  # fmt: skip
    dated = (due or AS_OF) - timedelta(days=30)
    dated = max(dated, date(2025, 1, 3))
    place = {"customer_id": f"netsuite:main:{customer}", "legal_entity_id": ENTITY, "currency_code": "USD"}
    told.add(
        "invoice", f"netsuite:main:{key}", FIRST, backfill=True, document_type="invoice", invoice_date=dated,
        due_date=due, exchange_rate=Decimal(1), total_amount=Decimal(gross), status="open",
        posted_at=instant(f"{dated}T09:00"), **place, **({"doc_type": "STANDARD"} | values),
    )  # fmt: skip
    if paid_on is not None:
        told.add(
            "payment_application", f"netsuite:main:a{key}", FIRST, backfill=True,
            invoice_id=f"netsuite:main:{key}", applied_amount=Decimal(gross), applied_date=paid_on,
            kind="Payment", currency_code="USD",
        )  # fmt: skip
