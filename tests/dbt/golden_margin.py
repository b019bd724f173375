"""Inputs of the examples on margin and realisation, told to the golden firm under customers of their own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.dbt.ledger_support import Firm, instant

D = Decimal
CH = "netsuite:main:3"  # keeps its books in dollars
FIRST = "2025-01-02"


def add(told: Firm) -> None:
    """Every example's rows."""
    _realisation(told)
    _leakage(told)
    _two_currencies(told)


def first(told: Firm, entity: str, key: str, **values: Any) -> None:
    told.add(entity, key, FIRST, backfill=True, **values)


def project(told: Firm, number: int, practice: str, method: str, value: str = "500000", **terms: Any) -> str:
    """A contract of one line and the project that delivers it; the project's key."""
    first(
        told, "contract", f"netsuite:main:{number}0", customer_id=f"netsuite:main:{number}",
        legal_entity_id=CH, currency_code="USD", billing_method=method, signed_on=date(2026, 1, 5),
        status="ACTIVE", created_at=instant("2026-01-05T09:00"),
    )  # fmt: skip
    first(
        told, "contract_line", f"netsuite:main:{number}", contract_id=f"netsuite:main:{number}0",
        line_number=1, billing_method=method, original_value=D(value), practice_code=practice,
        region_code="NA", currency_code="USD", **terms,
    )  # fmt: skip
    key = f"certinia:main:M{number}"
    first(
        told, "project", key, contract_line_id=f"netsuite:main:{number}", legal_entity_id=CH,
        currency_code="USD", billing_method=method, is_template=False, status="OPEN",
    )  # fmt: skip
    return key


def work(
    told: Firm, project_key: str, name: str, day: date, hours: str, rate: str, role: str, **values: Any
) -> str:
    """Hours of a role on a day, approved, under an assignment of their own; the entry's key."""
    key = f"certinia:main:{name}"
    first(
        told, "assignment", f"{key}-as", project_id=project_key, resource_id="certinia:main:c2", role=role,
        bill_rate=D(rate), currency_code="USD", start_date=day, created_at=instant("2026-01-05T09:00"),
    )  # fmt: skip
    is_billable = values.pop("is_billable", True)
    first(
        told, "time_entry", key, project_id=project_key, assignment_id=f"{key}-as", work_date=day,
        hours=D(hours), bill_rate=D(rate), billable_amount=D(hours) * D(rate) if is_billable else D(0),
        currency_code="USD", is_billable=is_billable, status="approved",
        submitted_at=instant(f"{day}T17:00"), approved_at=instant(f"{day}T18:00"),
        **({"resource_id": "certinia:main:c2"} | values),
    )  # fmt: skip
    return key


def bill(
    told: Firm,
    number: int,
    entry: str,
    hours: str,
    amount: str,
    paid: str = "0",
    currency: str = "USD",
    **values: Any,
) -> None:
    """An entry's hours on an invoice without tax, and what was paid of it."""
    key = f"netsuite:main:{entry.split(':')[-1]}-{values.get('doc_type', 'STANDARD')}"
    day = date(2026, 3, 31)
    place = {"customer_id": f"netsuite:main:{number}", "legal_entity_id": CH, "currency_code": currency}
    first(
        told, "invoice", key, document_type="invoice", invoice_date=day, due_date=date(2026, 5, 31),
        exchange_rate=D(1), total_amount=D(amount), net_amount=D(amount), status="open",
        posted_at=instant(f"{day}T12:00"), **place, **({"doc_type": "STANDARD"} | values),
    )  # fmt: skip
    first(
        told, "invoice_line", f"{key}-1", invoice_id=key, contract_line_id=f"netsuite:main:{number}",
        source_type="TIME", source_key=entry, quantity=D(hours), net_amount=D(amount), currency_code=currency,
        period_from=day,
    )  # fmt: skip
    if D(paid):
        first(
            told, "customer_payment", f"{key}-p", payment_date=date(2026, 4, 20), amount=D(paid),
            exchange_rate=D(1), status="deposited", **place,
        )  # fmt: skip
        first(
            told, "payment_application", f"{key}-a", invoice_id=key, customer_payment_id=f"{key}-p",
            applied_amount=D(paid), kind="Payment", applied_date=date(2026, 4, 20), currency_code=currency,
        )  # fmt: skip


def price(told: Firm, role: str, bill_rate: str, cost_rate: str | None = None, **values: Any) -> None:
    """A line of the price list for whoever asks for the role."""
    first(
        told, "rate_card_line", f"certinia:main:rc-{role}-{values.get('practice_id', '')}", role=role,
        bill_rate=D(bill_rate), cost_rate=None if cost_rate is None else D(cost_rate), rate_unit="hour",
        currency_code="USD", effective_from=date(2026, 1, 1), **values,
    )  # fmt: skip


def _realisation(told: Firm) -> None:
    # G-RLZ-01: 420 hours at a list rate of 100 were billed for 40,000, 152 at 325 for 41,600
    price(told, "RLZ one", "100")
    # a dearer line for another practice is not this one's
    price(told, "RLZ one", "999", practice_id="certinia:main:elsewhere")
    price(told, "RLZ two", "325")
    one = work(told, project(told, 821, "RLZ1", "TM"), "rlz1", date(2026, 3, 10), "420", "100", "RLZ one")
    bill(told, 821, one, "420", "40000", paid="30000")
    two = work(told, project(told, 822, "RLZ2", "TM"), "rlz2", date(2026, 3, 10), "152", "325", "RLZ two")
    bill(told, 822, two, "152", "41600")


def _two_currencies(told: Firm) -> None:
    # priced in dollars and invoiced in euros: nobody can say how much of the work was billed or paid
    price(told, "LKX", "110")
    entry = work(told, project(told, 824, "LKX", "TM"), "lkx", date(2026, 3, 10), "10", "100", "LKX")
    bill(told, 824, entry, "10", "900", paid="900", currency="EUR")


def _leakage(told: Firm) -> None:
    # 35 hours at 200, list 220, under a ceiling of 5,000: 5 not billable; 10 never billed; 10 billed for
    # 1,900, of which 50 are given back and 950 paid; of the last 10 half lies above the ceiling
    price(told, "LKG", "220")
    key = project(told, 823, "LKG", "TM_CAPPED", ceiling=D(5000))
    work(told, key, "lkg1", date(2026, 1, 12), "5", "200", "LKG", is_billable=False)
    work(told, key, "lkg2", date(2026, 1, 15), "10", "200", "LKG")
    billed = work(told, key, "lkg3", date(2026, 1, 20), "10", "200", "LKG")
    bill(told, 823, billed, "10", "1900", paid="950")
    bill(told, 823, billed, "0", "-50", doc_type="CREDIT_NOTE", reason_code="CONCESSION")
    work(told, key, "lkg4", date(2026, 1, 25), "10", "200", "LKG")
