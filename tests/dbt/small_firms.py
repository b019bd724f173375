"""Small firms drawn at random: contracts of every billing method and whatever happens to them in four months.

What is drawn is told to a `Firm` in three loads, with corrections, deletions and moved days in the later
ones. Days are often the first or last of a month, or 29 February; an entity, a customer, a practice, a
contract or a project is sometimes not said, and one currency has no rate at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.dbt.ledger_support import Firm, calendar, instant

D = Decimal
LOADS = ("2024-02-05T23:30", "2024-03-05T23:30", "2024-04-05T23:30")
AS_OF, KNOWN_AT = "2024-04-15", "2024-04-15T23:30"
US, GB = "netsuite:main:1", "netsuite:main:2"
METHODS = ("TM", "TM_CAPPED", "FIXED_MILESTONE", "FIXED_POC", "RETAINER", "EXPENSE")
# nobody has a rate of the last
CURRENCIES = ("USD", "EUR", "GBP", "USD", "EUR", "CHF")
CONSTANT_DAY = date(2023, 12, 31)
DAYS = tuple(
    date(2024, month, day)
    for month, day in (
        (1, 1), (1, 17), (1, 31), (2, 1), (2, 28), (2, 29), (3, 1), (3, 14), (3, 31), (4, 1), (4, 15),
    )
)  # fmt: skip
AHEAD = tuple(date(2024, 4, 15) + timedelta(days=days) for days in (1, 15, 16, 76, 400))
PEOPLE = ("certinia:main:c1", "certinia:main:c2", "certinia:main:c3", "certinia:main:c4", None)
FATES = ("stands", "stands", "stands", "corrected", "deleted", "restored", "moved")
# entity -> (the amount and the day that a correction changes)
CHANGING = {
    "time_entry": ("billable_amount", "work_date"),
    "expense_line": ("billing_amount", "expense_date"),
    "milestone": ("amount", "accepted_on"),
    "revenue_entry": ("amount", "accounting_date"),
    "contract_amendment": ("delta_value", "signed_on"),
    "payment_application": ("applied_amount", "applied_date"),
    "opening_balance": ("amount", "balance_date"),
    "contract_line": ("original_value", "effective_from"),
    "invoice": ("total_amount", "due_date"),
}


@dataclass
class Draw:
    """Draws the parts of one firm and tells them to it."""

    draw: Callable[[st.SearchStrategy[Any]], Any]
    told: Firm

    def one(self, values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def number(self, least: int, most: int) -> int:
        return int(self.draw(st.integers(least, most)))

    def often(self) -> bool:
        return bool(self.number(0, 3))

    def money(self, most: int = 20_000) -> Decimal:
        """Up to `most`, in cents."""
        return D(self.number(1, most * 100)) / 100

    def tell(self, entity: str, key: str, load: int = 0, **values: Any) -> None:
        """A record with the load that brings it, and what later loads make of it."""
        self.told.add(entity, key, LOADS[load], backfill=load == 0, **values)
        if entity not in CHANGING or load == len(LOADS) - 1:
            return
        fate, (amount, day) = self.one(FATES), CHANGING[entity]
        later = LOADS[self.number(load + 1, len(LOADS) - 1)]
        if fate == "corrected" and values.get(amount) is not None:
            self.told.change(entity, key, later, **{amount: values[amount] + self.money(500)})
        elif fate == "moved" and values.get(day) is not None:
            self.told.change(entity, key, later, **{day: self.one(DAYS)})
        elif fate in ("deleted", "restored"):
            self.told.change(entity, key, LOADS[load + 1], deleted=True)
            if fate == "restored" and load + 2 < len(LOADS):
                self.told.change(entity, key, LOADS[load + 2])

    def when(self) -> tuple[date, int]:
        """A day and the load that brings what happened on it: the first after it, or a later one."""
        day = self.one(DAYS)
        first = next((n for n, load in enumerate(LOADS) if str(day) < load[:10]), len(LOADS) - 1)
        return day, min(first + (not self.often()), len(LOADS) - 1)


@st.composite
def firms(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Firm:
    told = Firm()
    told.parameters = [
        ("constant_currency_date", str(CONSTANT_DAY), date(2021, 1, 1)),
        ("rpo_excludes_one_year_or_less", draw(st.sampled_from(["true", "false"])), date(2021, 1, 1)),
    ]
    by = Draw(draw, told)
    _reference(by)
    _rates(by)
    methods = draw(st.permutations(METHODS))
    for number, method in enumerate(methods, start=1):
        _contract(by, number, method)
    _sound(by, len(METHODS) + 1)
    for number in range(1, len(METHODS) + 1):
        _carried_over(by, number)
    return told


def _sound(by: Draw, number: int) -> None:
    """A project of which everything is known, so that its margin can be led from sold to actual."""
    line, project = f"netsuite:main:{number}01", f"certinia:main:P{number}"
    method, signed, deal = by.one(("TM", "FIXED_POC")), DAYS[0], f"salesforce:main:O{number}"
    place = {"legal_entity_id": US, "currency_code": "USD"}
    by.tell(
        "opportunity", deal, stage="CLOSED_WON", is_closed=True, amount=by.money(), owner_id="u",
        services_amount=by.money(), close_date=signed, created_at=instant(f"{signed}T08:00"),
        practice_code="DATA", region_code="EU", **place,
    )  # fmt: skip
    by.tell(
        "contract", f"netsuite:main:{number}00", customer_id="netsuite:main:7", billing_method=method,
        status="ACTIVE", signed_on=signed, opportunity_id=deal, created_at=instant(f"{signed}T09:00"),
        **place,
    )  # fmt: skip
    by.tell(
        "contract_line", line, contract_id=f"netsuite:main:{number}00", line_number=1, billing_method=method,
        original_value=by.money(), region_code="EU", practice_code="DATA", currency_code="USD",
        effective_from=signed, effective_to=AHEAD[-1],
    )  # fmt: skip
    by.tell(
        "project", project, contract_line_id=line, is_template=False, status="OPEN", opportunity_id=deal,
        customer_id="netsuite:main:7", practice_id="certinia:main:ou1", planned_hours=D(by.number(20, 200)),
        eac_cost=D(900), eac_hours=D(by.number(20, 200)), budget_revenue=by.money(), budget_cost=by.money(),
        eac_updated_on=signed, **place,
    )  # fmt: skip
    for role in ("senior", "junior"):
        by.tell(
            "rate_card_line", f"certinia:main:rc-usd-{role}", role=role, bill_rate=D(by.number(80, 300)),
            cost_rate=D(by.number(30, 90)), rate_unit="hour", currency_code="USD",
            effective_from=date(2023, 1, 1),
        )  # fmt: skip
        by.tell(
            "assignment", f"certinia:main:a{number}{role}", project_id=project, resource_id=PEOPLE[0],
            role=role, bill_rate=D(by.number(80, 300)), currency_code="USD", start_date=DAYS[0],
            created_at=instant("2024-01-01T09:00"),
        )  # fmt: skip
        by.tell(
            "resource_request", f"certinia:main:rr{number}{role}", project_id=project, role=role,
            status="Assigned", requested_hours=D(by.number(10, 100)), requested_bill_rate=D(140),
        )  # fmt: skip
        day, load = by.when()
        by.tell(
            "time_entry", f"certinia:main:s{number}-{role}", load, project_id=project, resource_id=PEOPLE[0],
            assignment_id=f"certinia:main:a{number}{role}", work_date=day, hours=D(by.number(1, 48)) / 4,
            is_billable=by.often(), billable_amount=by.money(3000), currency_code="USD", status="approved",
            submitted_at=instant(f"{day}T17:00"), approved_at=instant(f"{day}T18:00"),
        )  # fmt: skip
    day, load = by.when()
    by.tell(
        "revenue_entry", f"netsuite:main:r{number}-0", load, contract_line_id=line, amount=by.money(9000),
        currency_code="USD", accounting_date=day, entry_type="NORMAL", kind="recognised",
    )  # fmt: skip
    if by.often():
        day, load = by.when()
        by.tell(
            "contract_amendment", f"netsuite:main:am{number}0", load, contract_line_id=line, signed_on=day,
            contract_id=f"netsuite:main:{number}00", delta_value=by.money(4000) - 2000, effective_on=day,
            status="SIGNED", delta_hours=D(by.number(-15, 40)),
        )  # fmt: skip


def _carried_over(by: Draw, number: int) -> None:
    """What a contract line and its customer stood at before: sums without the records they were made of."""
    line = f"netsuite:main:{number}01"
    said = next(row for row in by.told.rows["contract_line"] if row["record"] == line)
    sold = next(row for row in by.told.rows["contract"] if row["record"] == said["contract_id"])
    for kind in ("REVENUE_TO_DATE", "BILLED_TO_DATE", "COST_TO_DATE"):
        if by.often():
            continue
        day, load = by.when()
        by.tell(
            "opening_balance", f"erp:files:{kind}-{number}", load, kind=kind, contract_line_id=line,
            balance_date=by.one((CONSTANT_DAY, day)), amount=by.money(9000), hours=by.one((None, D(40))),
            amount_functional=by.one((None, by.money(9000))), currency_code=said["currency_code"],
        )  # fmt: skip
    if by.often():
        return
    key, (day, load) = f"erp:files:AR-{number}", by.when()
    named = by.one((None, f"netsuite:main:JE{number}"))
    by.tell(
        "opening_balance", key, load, kind="RECEIVABLE", balance_date=by.one((CONSTANT_DAY, day)),
        invoice_id=named, legal_entity_id=sold["legal_entity_id"], customer_id=sold["customer_id"],
        amount=by.money(9000) * by.one((1, 1, -1)), due_date=by.one((*DAYS, None)),
        currency_code=sold["currency_code"],
    )  # fmt: skip
    day, load = by.when()
    by.tell(
        "payment_application", f"netsuite:main:oa{number}", load, invoice_id=named or key, kind="Payment",
        applied_amount=by.money(4000), currency_code=sold["currency_code"], applied_date=day,
    )  # fmt: skip


def _reference(by: Draw) -> None:
    by.tell("legal_entity", US, entity_code="US01", functional_currency="USD")
    by.tell("legal_entity", GB, entity_code="GB01", functional_currency="GBP")
    homes = {US: "certinia:main:cal1", GB: "certinia:main:cal2"}
    calendar(by.told, homes, date(2023, 12, 25), date(2024, 6, 30))
    for number, code in enumerate(("DATA", "RISK"), start=1):
        by.tell("org_unit", f"certinia:main:ou{number}", code=code, unit_type="practice")
    links = by.told.plain.setdefault("master__entity_xref", [])
    for number, (entity, currency) in enumerate(((US, "USD"), (GB, "GBP")), start=1):
        key = f"bamboohr:main:e{number}"
        by.tell("resource", f"certinia:main:c{number}", worker_type="employee")
        by.tell(
            "resource", key, worker_type="employee", legal_entity_id=entity, practice_code="DATA",
            region_code="EU", hire_date=date(2023, 1, 1), fte=D(1), weekly_hours=D(40),
        )  # fmt: skip
        by.tell(
            "cost_rate", f"{key}r", resource_id=key, valid_from=date(2023, 1, 1),
            rate=D(by.number(20_000, 99_999)) / 1000, currency_code=currency,
        )  # fmt: skip
        links.append(
            {"entity_type": "resource", "left_key": f"certinia:main:c{number}", "right_key": key,
             "known_from": instant(LOADS[0])}
        )  # fmt: skip
    by.tell("resource", "certinia:main:c3", worker_type="contractor")
    for role in ("senior", "junior"):
        by.tell(
            "rate_card_line", f"certinia:main:rc-{role}", role=role, bill_rate=D(by.number(80, 300)),
            cost_rate=D(by.number(30, 90)), rate_unit="hour", currency_code=by.one(("USD", "EUR")),
            effective_from=date(2023, 1, 1),
        )  # fmt: skip


def _rates(by: Draw) -> None:
    """Rates of the euro and the pound every five days; in some firms the euro's stop for a month."""
    worth = {"USD": D(1), "EUR": D(0), "GBP": D(0)}
    stops, restated = not by.often(), by.number(0, 22)
    for step in range(23):
        day = date(2023, 12, 27) + timedelta(days=5 * step)
        if not step % 6:
            worth["EUR"], worth["GBP"] = (D(by.number(70, 180)) / 100 for _ in range(2))
        for left, right in itertools.permutations(worth, 2):
            if stops and "EUR" in (left, right) and date(2024, 2, 10) < day < date(2024, 3, 10):
                continue
            key, rate = f"netsuite:main:{left}-{right}-{day}", worth[left] / worth[right]
            values = {
                "from_currency": left, "to_currency": right, "rate_type": "spot", "effective_from": day,
                "rate": rate.quantize(D("1e-10")),
            }  # fmt: skip
            by.tell("exchange_rate", key, **values)
            if step == restated and "USD" in (left, right):
                by.told.change("exchange_rate", key, LOADS[2], rate=(rate * 2).quantize(D("1e-10")))


def _contract(by: Draw, number: int, method: str) -> None:
    line, entity = f"netsuite:main:{number}01", by.one((US, GB, US, GB, None, "netsuite:main:99"))
    currency = by.one(CURRENCIES)
    customer = by.one(("netsuite:main:7", "netsuite:main:8", "netsuite:main:7", None))
    signed, load = by.when()
    status, closed = by.one(
        (("ACTIVE", False), ("ACTIVE", False), ("COMPLETED", True), ("CANCELLED", True), ("ON_HOLD", False))
    )
    deal = f"salesforce:main:O{number}"
    by.tell(
        "opportunity", deal, load, stage="CLOSED_WON", is_closed=True, amount=by.money(), owner_id="u",
        services_amount=by.money(), currency_code=currency, close_date=signed, legal_entity_id=entity,
        created_at=instant(f"{signed}T08:00"), practice_code="DATA", region_code="EU",
    )  # fmt: skip
    by.tell(
        "contract", f"netsuite:main:{number}00", load, customer_id=customer, legal_entity_id=entity,
        currency_code=currency, billing_method=method, status=status,
        signed_on=signed if by.often() else None, closed_on=by.one((*DAYS, None)) if closed else None,
        opportunity_id=by.one((deal, None)), created_at=instant(f"{signed}T09:00"),
        hold_until=by.one((*AHEAD, None)),
    )  # fmt: skip
    if method == "TM" and by.often():
        by.told.change("contract", f"netsuite:main:{number}00", LOADS[2], customer_id="netsuite:main:9")
    for part, kind in enumerate((method, "EXPENSE") if by.often() else (method,), start=1):
        by.tell(
            "contract_line", f"netsuite:main:{number}0{part}", load, contract_id=f"netsuite:main:{number}00",
            line_number=part, billing_method=kind, original_value=by.money(), region_code="EU",
            practice_code=by.one(("DATA", "RISK", None)), currency_code=currency, effective_from=signed,
            ceiling=by.money() if kind == "TM_CAPPED" else None, effective_to=by.one((*AHEAD, None)),
            noncancellable_to=by.one((None, *AHEAD)),
        )  # fmt: skip
    for one in range(by.number(0, 2)):
        day, known = by.when()
        by.tell(
            "contract_amendment", f"netsuite:main:am{number}{one}", known, contract_line_id=line,
            contract_id=f"netsuite:main:{number}00", delta_value=by.money(4000) - 2000, signed_on=day,
            effective_on=day, status=by.one(("SIGNED", "SIGNED", "DRAFT")),
            delta_hours=D(by.number(-40, 40)), delta_ceiling=by.one((None, D(500))),
        )  # fmt: skip
    project = f"certinia:main:P{number}"
    by.tell(
        "project", project, load, contract_line_id=line if by.often() else None, is_template=False,
        expense_line_id=f"netsuite:main:{number}02", legal_entity_id=by.one((entity, entity, None)),
        currency_code=currency, status=by.one(("OPEN", "OPEN", "CLOSED", "ON_HOLD")), opportunity_id=deal,
        customer_id=customer, practice_id=by.one(("certinia:main:ou1", "certinia:main:ou2", None)),
        planned_hours=D(by.number(0, 200)), eac_cost=by.one((None, D(900))), eac_hours=D(by.number(0, 200)),
        budget_revenue=by.money(), budget_cost=by.money(), eac_updated_on=signed,
    )  # fmt: skip
    entries = _work(by, number, project, currency)
    _money(by, number, line, currency, customer, entity, entries)


def _work(by: Draw, number: int, project: str, currency: str) -> list[tuple[str, int, Decimal, Decimal]]:
    """Time, expenses and milestones of a project; (key, load, hours, amount) of the time entries."""
    for role in ("senior", "junior"):
        key = f"certinia:main:a{number}{role}"
        by.tell(
            "assignment", key, project_id=project, resource_id=by.one(PEOPLE), role=by.one((role, None)),
            bill_rate=by.one((None, D(150), D("133.33"))), currency_code=currency, start_date=DAYS[0],
            created_at=instant("2024-01-01T09:00"),
        )  # fmt: skip
        day, hard = by.one(AHEAD), by.often()
        by.tell(
            "assignment_schedule_day", f"{key}|{day}", assignment_id=key, work_date=day,
            scheduled_hours=D(by.number(1, 80)), is_hard=hard,
        )  # fmt: skip
        by.tell(
            "resource_request", f"certinia:main:rr{number}{role}", project_id=project, role=role,
            status="Assigned", requested_hours=D(by.number(0, 100)), requested_bill_rate=D(140),
        )  # fmt: skip
    by.tell(
        "purchase_order_line", f"netsuite:main:po{number}", project_id=project, resource_id=PEOPLE[2],
        unit_price=D(by.number(30, 90)), currency_code=by.one(("EUR", "USD")),
    )  # fmt: skip
    entries = []
    for one in range(by.number(1, 4)):
        day, load = by.when()
        hours, worth = D(by.number(1, 48)) / 4, by.money(3000)
        key, status = f"certinia:main:s{number}-{one}", by.one(("approved", "approved", "submitted"))
        by.tell(
            "time_entry", key, load, project_id=project if by.often() else None, resource_id=by.one(PEOPLE),
            assignment_id=f"certinia:main:a{number}{by.one(('senior', 'junior'))}", work_date=day,
            hours=hours, is_billable=by.often(), billable_amount=by.one((worth, worth, worth, None)),
            currency_code=currency, status=status, submitted_at=instant(f"{day}T17:00"),
            approved_at=instant(f"{day}T18:00") if status == "approved" else None,
        )  # fmt: skip
        entries.append((key, load, hours, worth))
    for one in range(by.number(0, 1)):
        day, load = by.when()
        by.tell(
            "expense_line", f"certinia:main:x{number}-{one}", load, project_id=project, status="approved",
            resource_id=by.one(PEOPLE), expense_date=day, incurred_amount=by.money(800),
            incurred_currency_code=by.one(CURRENCIES), billing_amount=by.money(800),
            billing_currency_code=currency, is_billable=by.often(), approved_at=instant(f"{day}T10:00"),
        )  # fmt: skip
    for one in range(by.number(0, 2)):
        day, load = by.when()
        by.tell(
            "milestone", f"certinia:main:m{number}-{one}", load, project_id=project, amount=by.money(),
            currency_code=currency, accepted_on=by.one((day, None)), target_date=by.one((*AHEAD, day)),
            is_cancelled=not by.often(),
        )  # fmt: skip
    if by.number(0, 1):
        day, load = by.when()
        bill = f"netsuite:main:vb{number}"
        by.tell("vendor_bill", bill, load, bill_date=day, currency_code="EUR", legal_entity_id=US)
        by.tell(
            "vendor_bill_line", f"{bill}-1", load, vendor_bill_id=bill, project_id=project, quantity=D(6),
            resource_id=PEOPLE[2], net_amount=by.money(900), currency_code="EUR",
            period_from=day.replace(day=1), period_to=day,
        )  # fmt: skip
    return entries


def _money(
    by: Draw,
    number: int,
    line: str,
    currency: str,
    customer: str | None,
    entity: str | None,
    entries: list[tuple[str, int, Decimal, Decimal]],
) -> None:
    """Revenue, invoices, credits and cash of a contract line."""
    for one in range(by.number(0, 3)):
        day, load = by.when()
        by.tell(
            "revenue_entry", f"netsuite:main:r{number}-{one}", load, contract_line_id=line,
            amount=by.money(9000) * by.one((1, 1, 1, -1)), currency_code=currency, accounting_date=day,
            entry_type=by.one(("NORMAL", "NORMAL", "CATCH_UP", "REVERSAL")), kind="recognised",
        )  # fmt: skip
    place = {"customer_id": customer, "legal_entity_id": entity, "currency_code": currency}
    for one in range(by.number(0, 3)):
        day, load = by.when()
        key, net = f"netsuite:main:i{number}-{one}", by.money(4000)
        credit = one == 2
        entry = by.one(entries)
        sign = -1 if credit else 1
        by.tell(
            "invoice", key, load, document_type="credit_memo" if credit else "invoice",
            doc_type="CREDIT_NOTE" if credit else "STANDARD", invoice_date=day,
            due_date=by.one((*DAYS, None)),
            contract_id=f"netsuite:main:{number}00", exchange_rate=D(1), net_amount=sign * net,
            total_amount=sign * net * by.one((D(1), D("1.2"))),
            status=by.one(("open", "open", "open", "void")),
            posted_at=instant(f"{day}T12:00") if by.often() else None,
            reason_code=by.one(("CONCESSION", "REBILL", None)) if credit else None, **place,
        )  # fmt: skip
        timed = by.often()
        by.tell(
            "invoice_line", f"{key}-1", load, invoice_id=key, net_amount=sign * net, currency_code=currency,
            contract_line_id=line if by.often() else None, source_type="TIME" if timed else None,
            source_key=entry[0] if timed else None, period_from=by.one((day, None)),
            quantity=sign * entry[2] * by.one((1, D("0.5"), 2)),
        )  # fmt: skip
        if credit:
            by.tell(
                "payment_application", f"{key}-c", load, invoice_id=f"netsuite:main:i{number}-0",
                credit_invoice_id=key, applied_amount=net / 2, currency_code=currency, applied_date=day,
                kind="Credit Memo",
            )  # fmt: skip
        elif by.number(0, 2):
            paid_on, known = by.when()
            paid = net * by.one((D(1), D("0.5"), D("1.5")))
            by.tell(
                "customer_payment", f"{key}-p", known, payment_date=paid_on, amount=paid, exchange_rate=D(1),
                status="deposited", **place,
            )  # fmt: skip
            by.tell(
                "payment_application", f"{key}-a", known, invoice_id=key, customer_payment_id=f"{key}-p",
                applied_amount=paid, currency_code=currency, applied_date=paid_on, kind="Payment",
            )  # fmt: skip
