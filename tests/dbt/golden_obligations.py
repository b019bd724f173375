"""What the golden firm holds of remaining performance obligations: two published examples, and each rule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.dbt.ledger_support import Firm, instant

D = Decimal
FIRST = "2025-01-02"
# G-RPO-02, in thousands: the first, second and third twelve months, and what lies beyond
BANDS = {
    date(2026, 6, 1): "109824",
    date(2027, 6, 1): "31351",
    date(2028, 6, 1): "14519",
    date(2029, 6, 1): "6509",
}


def months(first: date, count: int) -> list[date]:
    """The first days of so many months."""
    return [
        date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1)
        for n in range(count)
    ]


def add_obligations(told: Firm) -> None:
    """Adds the lines 971 to 982; G-RPO-01's A, B and C are the first three, G-RPO-02 is the fourth."""

    def first(entity: str, key: str, **values: Any) -> None:
        told.add(entity, key, FIRST, backfill=True, **values)

    def sold(number: int, method: str, worth: str, currency: str = "USD", **terms: Any) -> None:
        first(
            "contract", f"netsuite:main:{number}0", customer_id="netsuite:main:97", currency_code=currency,
            billing_method=method, signed_on=date(2025, 11, 1), created_at=instant("2025-11-01T09:00"),
            legal_entity_id="netsuite:main:3", status="ACTIVE",
        )  # fmt: skip
        first(
            "contract_line", f"netsuite:main:{number}", contract_id=f"netsuite:main:{number}0", line_number=1,
            billing_method=method, original_value=D(worth), practice_code="RPO", region_code="NA",
            currency_code=currency, **terms,
        )  # fmt: skip

    def monthly(number: int, amount: str) -> None:
        """24 months from November 2025: six are earned, 18 are to come."""
        for at, month in enumerate(months(date(2025, 11, 1), 24)):
            first(
                "revenue_entry", f"netsuite:main:rpo{number}-{month}",
                contract_line_id=f"netsuite:main:{number}", amount=D(amount), amount_functional=D(amount),
                currency_code="USD", service_from=month, entry_type="NORMAL",
                **({"kind": "recognised", "accounting_date": month} if at < 6 else {"kind": "planned"}),
            )  # fmt: skip

    def instalments(number: int, parts: dict[date, str], currency: str = "USD") -> None:
        first(
            "project", f"certinia:main:RP{number}", contract_line_id=f"netsuite:main:{number}",
            legal_entity_id="netsuite:main:3", currency_code=currency, is_template=False, status="OPEN",
        )  # fmt: skip
        for target, amount in parts.items():
            first(
                "milestone", f"certinia:main:rpo{number}{target}", project_id=f"certinia:main:RP{number}",
                amount=D(amount), currency_code=currency, target_date=target, is_cancelled=False,
            )  # fmt: skip

    two_years = {"effective_from": date(2025, 11, 1), "effective_to": date(2027, 10, 31)}
    sold(971, "TM", "5000", **two_years)
    sold(972, "RETAINER", "9600", **two_years)
    monthly(972, "400")
    sold(973, "RETAINER", "3150", **two_years)
    monthly(973, "131.25")
    sold(974, "FIXED_MILESTONE", str(sum(D(part) for part in BANDS.values()) * 1000))
    instalments(974, {target: f"{part}000" for target, part in BANDS.items()})
    # 100 a day from 1 May to 31 August; the customer is bound until 15 June. Another without an end.
    sold(975, "FIXED_POC", "12300", effective_to=date(2026, 8, 31), noncancellable_to=date(2026, 6, 15))
    sold(976, "FIXED_POC", "100", noncancellable_to=date(2026, 6, 15))
    # a year, and a year and a day
    sold(977, "FIXED_POC", "100", effective_from=date(2026, 1, 1), effective_to=date(2026, 12, 31))
    sold(978, "FIXED_POC", "100", effective_from=date(2026, 1, 1), effective_to=date(2027, 1, 1))
    # 100 a day for a year from 1 May, of sixteen months; bound for six of them, which is a short term
    sold(
        979, "FIXED_POC", "36500", effective_from=date(2026, 1, 1), effective_to=date(2027, 4, 30),
        noncancellable_to=date(2026, 6, 30),
    )  # fmt: skip
    # seven months of a price that none of them divides, in euro; a cap is a price
    sold(980, "FIXED_POC", "100.01", "EUR", effective_to=date(2026, 11, 15))
    sold(981, "TM_CAPPED", "100", effective_to=date(2026, 5, 31))
    # an instalment in a currency without a rate: nobody knows when, but that it is to come
    sold(982, "FIXED_MILESTONE", "100")
    instalments(982, {date(2026, 6, 1): "50"}, "JPY")
