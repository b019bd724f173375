"""What the golden firm holds of lines and customers whose history begins with what was carried over.

The books begin with 2026; what was earned, billed, spent and owed before is told as one sum each.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.dbt import golden_estimates as estimates
from tests.dbt.ledger_support import Firm, instant

D = Decimal
FIRST = "2025-01-02"
OWN = estimates.OWN
DAY = date(2025, 12, 31)
SIGNED = date(2025, 6, 2)


def add(told: Firm) -> None:
    """Lines 1971 to 1974 and the receivables of customers 1997 to 1999."""
    # worth 100,000: 60,000 earned, 70,000 billed and 36,000 of 60,000 spent by the end of 2025; January
    # earns 10,000 and costs 6,000
    estimates.line(told, 1971, "FIXED_POC", "100000", [("2025-06-20", "60000", None)], signed=SIGNED)
    _carried(told, "REVENUE_TO_DATE", "60000", 1971)
    _carried(told, "BILLED_TO_DATE", "70000", 1971)
    _carried(told, "COST_TO_DATE", "36000", 1971, hours=D(400))
    _earned(told, 1971, date(2026, 1, 31), "10000")
    estimates.cost(told, 1971, "2026-01-20", "6000")
    # 600 euro billed ahead, that the books carry at 650: they stay that
    estimates.line(told, 1972, "RETAINER", "1000", [], signed=SIGNED)
    for entity, key in (("contract", "netsuite:main:19720"), ("contract_line", "netsuite:main:1972")):
        next(row for row in told.rows[entity] if row["record"] == key)["currency_code"] = "EUR"
    _carried(told, "BILLED_TO_DATE", "600", 1972, currency_code="EUR", amount_functional=D(650))
    # 80 of 100 earned before, 15 in January, and then it is complete: 5 were never earned
    estimates.line(told, 1973, "FIXED_POC", "100", [], signed=SIGNED)
    sold = next(row for row in told.rows["contract"] if row["record"] == "netsuite:main:19730")
    sold |= {"status": "COMPLETED", "closed_on": date(2026, 1, 31)}
    _carried(told, "REVENUE_TO_DATE", "80", 1973)
    _earned(told, 1973, date(2026, 1, 31), "15")
    # 500 earned of 800 by time, nobody says at what cost; told as 500 first and corrected to 550 in February
    estimates.line(told, 1974, "TM", "800", [], signed=SIGNED)
    _carried(told, "REVENUE_TO_DATE", "500", 1974)
    told.change("opening_balance", "erp:files:REVENUE_TO_DATE-1974", "2026-02-10", amount=D(550))
    # 12,000 owed, due in January, of which 5,000 come in February; 300 of which nobody knows since when; a
    # credit of 40 that was left; and a document that came over itself, which counts once
    _owed(told, "OB1", 1997, "12000", date(2026, 1, 31), invoice_id="netsuite:main:JE1")
    told.add(
        "customer_payment", "netsuite:main:pOB1", FIRST, backfill=True, customer_id="netsuite:main:1997",
        legal_entity_id=OWN, payment_date=date(2026, 2, 10), amount=D(5000), currency_code="USD",
        exchange_rate=D(1), status="deposited",
    )  # fmt: skip
    told.add(
        "payment_application", "netsuite:main:aOB1", FIRST, backfill=True, invoice_id="netsuite:main:JE1",
        customer_payment_id="netsuite:main:pOB1", applied_amount=D(5000), kind="Payment",
        applied_date=date(2026, 2, 10), currency_code="USD",
    )  # fmt: skip
    # told under one name and then under another
    _owed(told, "OB2", 1998, "300", None)
    _owed(told, "OB5", 1999, "500", date(2026, 1, 31), invoice_id="netsuite:main:JE5")
    told.change("opening_balance", "erp:files:OB5", "2026-02-11", deleted=True)
    _owed(told, "OB6", 1999, "510", date(2026, 1, 31), invoice_id="netsuite:main:JE5")
    told.rows["opening_balance"][-1] |= {"known": instant("2026-02-11"), "backfill": False}
    told.add(
        "payment_application", "netsuite:main:aJE5", FIRST, backfill=True, invoice_id="netsuite:main:JE5",
        applied_amount=D(200), kind="Payment", applied_date=date(2026, 2, 10), currency_code="USD",
    )  # fmt: skip
    _owed(told, "OB3", 1998, "-40", None)
    _owed(told, "OB4", 1997, "70", date(2026, 1, 31), invoice_id="netsuite:main:OB4")
    told.add(
        "invoice", "netsuite:main:OB4", FIRST, backfill=True, doc_type="STANDARD", document_type="invoice",
        customer_id="netsuite:main:1997", legal_entity_id=OWN, invoice_date=date(2025, 12, 1),
        due_date=date(2026, 1, 31), currency_code="USD", exchange_rate=D(1), total_amount=D(70),
        status="open", posted_at=instant("2025-12-01T09:00"),
    )  # fmt: skip


def _carried(told: Firm, kind: str, amount: str, line: int, **values: Any) -> None:
    told.add(
        "opening_balance", f"erp:files:{kind}-{line}", FIRST, backfill=True, kind=kind, balance_date=DAY,
        contract_line_id=f"netsuite:main:{line}", amount=D(amount), **({"currency_code": "USD"} | values),
    )  # fmt: skip


def _owed(
    told: Firm, name: str, customer: int, amount: str, due: date | None, invoice_id: str | None = None
) -> None:
    told.add(
        "opening_balance", f"erp:files:{name}", FIRST, backfill=True, kind="RECEIVABLE",
        balance_date=DAY, legal_entity_id=OWN, customer_id=f"netsuite:main:{customer}", due_date=due,
        amount=D(amount), currency_code="USD", invoice_id=invoice_id,
    )  # fmt: skip


def _earned(told: Firm, line: int, day: date, amount: str) -> None:
    told.add(
        "revenue_entry", f"netsuite:main:ob{line}-{day}", FIRST, backfill=True, kind="recognised",
        contract_line_id=f"netsuite:main:{line}", amount=D(amount), amount_functional=D(amount),
        currency_code="USD", accounting_date=day, entry_type="NORMAL",
    )  # fmt: skip
