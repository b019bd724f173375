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
    _bridges(told)


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


def _staffed(told: Firm, number: int, sold: str, plan: list[tuple[str, str, str, str]], **terms: Any) -> str:
    """What a project was sold for and planned with, (role, hours, bill rate, cost rate) each; its key."""
    currency = terms.pop("currency_code", "USD")
    key = f"certinia:main:M{number}"
    first(
        told, "opportunity", f"salesforce:main:M{number}", stage="CLOSED_WON", amount=D(sold),
        services_amount=D(sold), currency_code=currency, close_date=date(2026, 1, 5), is_closed=True,
        legal_entity_id=CH, created_at=instant("2026-01-02T09:00"),
    )  # fmt: skip
    next(row for row in told.rows["project"] if row["record"] == key).update(
        opportunity_id=f"salesforce:main:M{number}", currency_code=currency,
        planned_hours=sum(D(hours) for _, hours, _, _ in plan), **({"status": "CLOSED"} | terms),
    )  # fmt: skip
    for role, hours, bill_rate, cost_rate in plan:
        first(
            told, "rate_card_line", f"certinia:main:rc-{role}", role=role, bill_rate=D(bill_rate),
            cost_rate=D(cost_rate), rate_unit="hour", currency_code=currency,
            effective_from=date(2026, 1, 1),
        )  # fmt: skip
        for part, status in (("", "Assigned"), ("-t", "Tentative")):
            first(
                told, "resource_request", f"certinia:main:rr-{number}-{role}{part}", project_id=key,
                role=role, status=status, requested_hours=D(hours), requested_bill_rate=D(bill_rate),
            )  # fmt: skip
    return key


def _costing(told: Firm, name: str, rate: str, currency: str = "USD") -> str:
    """Somebody whose hour costs ``rate``; the key the PSA knows them by."""
    first(
        told, "resource", f"bamboohr:main:{name}", worker_type="employee", legal_entity_id=CH,
        practice_code="BRG", region_code="NA", hire_date=date(2026, 1, 1), fte=D(1), weekly_hours=D(40),
        is_time_required=False,
    )  # fmt: skip
    first(told, "resource", f"certinia:main:{name}", worker_type="employee")
    told.plain["master__entity_xref"].append(
        {"entity_type": "resource", "left_key": f"certinia:main:{name}",
         "right_key": f"bamboohr:main:{name}", "known_from": instant(FIRST)}
    )  # fmt: skip
    first(
        told, "cost_rate", f"bamboohr:main:{name}-r", resource_id=f"bamboohr:main:{name}", rate=D(rate),
        currency_code=currency, valid_from=date(2026, 1, 1),
    )  # fmt: skip
    return f"certinia:main:{name}"


def _earned(
    told: Firm, number: int, amount: str, currency: str = "USD", day: date = date(2026, 3, 31), fx: str = "1"
) -> None:
    first(
        told, "revenue_entry", f"netsuite:main:rM{number}", contract_line_id=f"netsuite:main:{number}",
        amount=D(amount), amount_functional=D(amount) * D(fx), currency_code=currency, accounting_date=day,
        entry_type="NORMAL", kind="recognised",
    )  # fmt: skip


# G-BRG-01: role -> planned hours, bill and cost rate; hours, bill and cost rate, billable hours
TEAM = {
    "P": ("100", "300", "120", "150", "290", "125", "140"),
    "S": ("300", "200", "80", "350", "200", "85", "340"),
    "J": ("600", "120", "50", "520", "115", "50", "500"),
}
DAY = date(2026, 3, 10)


def _bridges(told: Firm) -> None:
    people = {role: _costing(told, f"brg{role}", said[5]) for role, said in TEAM.items()}
    plan = [(f"BRG {role}", *said[:3]) for role, said in TEAM.items()]
    # G-BRG-01: 3,000 of discount on the first role's invoice, 2,000 given back on the second's
    by_hour = _staffed_line(told, 831, "TM", "162000", plan)
    # G-BRG-02: the same team for a fee
    for_a_fee = _staffed_line(told, 832, "FIXED_MILESTONE", "162000", plan)
    for role, (_, _, _, hours, rate, _, billable) in TEAM.items():
        who = people[role]
        name = f"brg{role}"
        entry = work(told, by_hour, name, DAY, billable, rate, f"BRG {role}", resource_id=who)
        idle = str(D(hours) - D(billable))
        work(told, by_hour, f"{name}n", DAY, idle, rate, f"BRG {role}", resource_id=who, is_billable=False)
        work(told, for_a_fee, f"{name}f", DAY, hours, rate, f"BRG {role}", resource_id=who)
        amount = D(billable) * D(rate) - (3000 if role == "P" else 0)
        bill(told, 831, entry, billable, str(amount))
        if role == "S":
            bill(told, 831, entry, "0", "-2000", doc_type="CREDIT_NOTE", reason_code="CONCESSION")
    _earned(told, 831, "161100")
    _earned(told, 832, "162000")
    # G-MIX-01: an hour of the one leaves 9, of the other 12
    ten = _costing(told, "mix", "10")
    mixed = _staffed_line(
        told, 833, "TM", "199000", [("MIX A", "7000", "19", "10"), ("MIX B", "3000", "22", "10")]
    )
    work(told, mixed, "mixA", DAY, "8000", "19", "MIX A", resource_id=ten)
    work(told, mixed, "mixB", DAY, "7000", "22", "MIX B", resource_id=ten)
    _earned(told, 833, "306000")
    # G-LAB-01: hours worked, hours that were planned for it at 14, what they cost
    for number, hours, planned, cost in (
        (834, "338", "313", "4732"), (835, "371", "322", "6604"), (836, "381", "312", "7544"),
    ):  # fmt: skip
        rate = (D(cost) / D(hours)).quantize(D("1e-8"))
        who = _costing(told, f"lab{number}", str(rate))
        key = _staffed_line(told, number, "FIXED_MILESTONE", "9000", [(f"LAB {number}", planned, "0", "14")])
        work(told, key, f"lab{number}", DAY, hours, "0", f"LAB {number}", resource_id=who)
        _earned(told, number, "9000")
    _half_done(told)
    # nobody knows what these hours cost
    key = _staffed_line(told, 838, "TM", "1000", [("BRG U", "10", "100", "50")])
    work(told, key, "brgu", DAY, "10", "100", "BRG U")
    _earned(told, 838, "1000")


def _staffed_line(told: Firm, number: int, method: str, sold: str, plan: list[Any], **terms: Any) -> str:
    project(told, number, "BRG", method, sold)
    return _staffed(told, number, sold, plan, **terms)


def _half_done(told: Firm) -> None:
    # 60 of 120 hours, 20 of them by a change order that the estimate does not know yet; a euro is 1.08 on the
    # constant-currency day and 1.12 on the work's
    april = date(2026, 4, 10)
    who = _costing(told, "brgx", "52", "EUR")
    key = _staffed_line(
        told, 837, "TM", "12000", [("BRG X", "100", "120", "50")], currency_code="EUR", status="OPEN",
        eac_cost=D(5000), eac_hours=D(100), eac_updated_on=date(2026, 1, 10), budget_revenue=D(14400),
        budget_cost=D(5500),
    )  # fmt: skip
    for entity, key_of in (("contract", "netsuite:main:8370"), ("contract_line", "netsuite:main:837")):
        next(row for row in told.rows[entity] if row["record"] == key_of)["currency_code"] = "EUR"
    first(
        told, "contract_amendment", "netsuite:main:am837", contract_id="netsuite:main:8370",
        contract_line_id="netsuite:main:837", delta_value=D(2400), delta_hours=D(20),
        signed_on=date(2026, 2, 2), effective_on=date(2026, 2, 2), status="SIGNED",
    )  # fmt: skip
    work(told, key, "brgx", april, "60", "115", "BRG X", resource_id=who)
    for entity in ("assignment", "time_entry"):
        next(row for row in told.rows[entity] if row["record"].startswith("certinia:main:brgx"))[
            "currency_code"
        ] = "EUR"
    _earned(told, 837, "6900", "EUR", april, "1.12")
