"""Worked examples of revenue by progress, under caps and at a loss, as canonical rows of a firm."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.dbt.ledger_support import Firm, instant

D = Decimal
OWN = "netsuite:main:4"
FIRST = "2025-01-02"


def tell_estimates(told: Firm) -> None:
    """The examples' inputs: each a line and a project of a legal entity of their own."""
    told.add("legal_entity", OWN, FIRST, backfill=True, entity_code="EST", functional_currency="USD")
    told.add("resource", "certinia:main:est", FIRST, backfill=True, worker_type="employee")
    # G-POC-01: lifts of 1.5 m delivered and not installed, 0.5 m of 2.5 m other cost
    line(told, 1901, "FIXED_POC", "5000000", [("2026-01-20", "4000000", None)])
    cost(told, 1901, "2026-01-20", "500000")
    cost(told, 1901, "2026-01-21", "1500000", category="Uninstalled material")
    # G-POC-02: 50 hours of 100, then of 200
    line(
        told, 1902, "FIXED_POC", "100000", [("2026-01-20", None, "100"), ("2026-02-20", None, "200")],
        revenue_method="LABOR_HOURS",
    )  # fmt: skip
    hours(told, 1902, "50", "0")
    # G-POC-04 and G-POC-05: a cost and an estimate of what is still to come at each end of a period
    for number, price, costs, ahead in (
        (1904, "164", (39, 66), (81, 51)),
        (1905, "10000000", (2184000, 3510000, 2316600), (5616000, 2106000, 0)),
    ):
        estimates, spent = [], 0
        for month, (spent_now, to_come) in enumerate(zip(costs, ahead, strict=True), start=1):
            spent += spent_now
            estimates.append((f"2026-{month:02}-20", str(spent + to_come), None))
            cost(told, number, f"2026-{month:02}-20", str(spent_now))
        line(told, number, "FIXED_POC", price, estimates)
    # G-POC-07: six tenths done, 80,000 posted before
    line(told, 1907, "FIXED_POC", "200000", [("2026-01-20", "100000", None)])
    cost(told, 1907, "2026-01-20", "60000")
    told.add(
        "revenue_entry", "netsuite:main:r1907", FIRST, backfill=True, contract_line_id="netsuite:main:1907",
        amount=D(80000), amount_functional=D(80000), currency_code="USD", accounting_date=date(2026, 1, 31),
        entry_type="NORMAL", kind="recognised",
    )  # fmt: skip
    # G-LOSS-01: a price of 4,000 for what will cost 4,200
    line(told, 1908, "FIXED_POC", "4000", [("2026-01-20", "4200", None)])
    cost(told, 1908, "2026-01-20", "2100")
    # G-MOD-03: 150,000 more, and the bonus of 200,000 now counted; 120,000 more cost
    line(told, 1909, "FIXED_POC", "1000000", [("2026-01-20", "700000", None), ("2026-02-10", "820000", None)])
    cost(told, 1909, "2026-01-20", "420000")
    told.add(
        "contract_amendment", "netsuite:main:am1909", FIRST, backfill=True, contract_id="netsuite:main:9090",
        contract_line_id="netsuite:main:1909", delta_value=D(350000), signed_on=date(2026, 2, 10),
        effective_on=date(2026, 2, 10), status="SIGNED", treatment="CUMULATIVE",
    )  # fmt: skip
    # G-CAP-01: 300 hours at 200 of 600 hours, under a ceiling of 100,000
    line(told, 1910, "TM_CAPPED", "100000", [("2026-01-20", None, "600")], ceiling=D(100000))
    hours(told, 1910, "300", "60000")


def line(
    told: Firm,
    number: int,
    method: str,
    value: str,
    estimates: list[tuple[str, Any, Any]],
    *,
    signed: date = date(2026, 1, 2),
    **terms: Any,
) -> None:
    """A contract with one line, and its project where there is an estimate: (day, cost, hours)."""
    told.add(
        "contract", f"netsuite:main:{number}0", FIRST, backfill=True, customer_id=f"netsuite:main:{number}",
        currency_code="USD", billing_method=method, signed_on=signed, status="ACTIVE", legal_entity_id=OWN,
        created_at=instant(f"{signed}T09:00"),
    )  # fmt: skip
    told.add(
        "contract_line", f"netsuite:main:{number}", FIRST, backfill=True, line_number=1,
        contract_id=f"netsuite:main:{number}0", billing_method=method, original_value=D(value),
        region_code="NA", currency_code="USD", **({"practice_code": "EST"} | terms),
    )  # fmt: skip
    for place, (day, eac_cost, eac_hours) in enumerate(estimates):
        said: dict[str, Any] = {
            "eac_cost": None if eac_cost is None else D(eac_cost),
            "eac_hours": None if eac_hours is None else D(eac_hours),
            "eac_updated_on": date.fromisoformat(day),
        }
        key = f"certinia:main:E{number}"
        if place == 0:
            told.add(
                "project", key, FIRST, backfill=True, contract_line_id=f"netsuite:main:{number}",
                legal_entity_id=OWN, currency_code="USD", is_template=False, status="OPEN", **said,
            )  # fmt: skip
        else:
            told.change("project", key, f"{day}T20:00", **said)


def cost(told: Firm, number: int, day: str, amount: str, category: str = "Travel") -> None:
    told.add(
        "expense_line", f"certinia:main:x{number}-{day}-{category}", FIRST, backfill=True,
        project_id=f"certinia:main:E{number}", resource_id="certinia:main:est",
        expense_date=date.fromisoformat(day), category=category, incurred_amount=D(amount),
        incurred_currency_code="USD", is_billable=False, status="approved",
        approved_at=instant(f"{day}T18:00"),
    )  # fmt: skip


def hours(told: Firm, number: int, worked: str, worth: str, day: str = "2026-01-20") -> None:
    told.add(
        "time_entry", f"certinia:main:t{number}-{day}", FIRST, backfill=True, is_billable=D(worth) > 0,
        project_id=f"certinia:main:E{number}", resource_id="certinia:main:est",
        work_date=date.fromisoformat(day), hours=D(worked), status="approved", billable_amount=D(worth),
        currency_code="USD", submitted_at=instant(f"{day}T18:00"), approved_at=instant(f"{day}T20:00"),
    )  # fmt: skip
