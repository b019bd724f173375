"""Receivables as the pages read them: by client and days late, what moved them, and the rows behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal

from dashboards import data, numbers
from dashboards.components.cards import Kpi
from dashboards.components.sums import Sum
from dashboards.filters import Filters, months_before
from dashboards.readings import History, Reading
from dashboards.roll_forward import RollForward
from dashboards.theme import tokens

OPEN = Kpi("ar_gross", "Receivables", is_balance=True, kind="money", good="down", controls=("BIL-010",))
OVERDUE = Kpi("ar_overdue", "Overdue", is_balance=True, kind="money", good="down", controls=("BIL-010",))
DSO = Kpi("dso_countback", "DSO (count-back)", is_balance=True, kind="days", good="down")
BEST = Kpi("dso_best_possible", "Best possible DSO", is_balance=True, kind="days", good="none")
DELINQUENT = Kpi(
    "average_days_delinquent", "Average days delinquent", is_balance=True, kind="days", good="down"
)
EFFECTIVENESS = Kpi(
    "collection_effectiveness", "Collection effectiveness", is_balance=False, kind="share", only="MONTH"
)
RECEIVED = Kpi("cash_received", "Cash received", is_balance=False, kind="money")
UNAPPLIED = Kpi("unapplied_cash", "Unapplied cash", is_balance=True, kind="money", good="down")

# bucket -> (what it is called, its colour): the later, the darker; what nobody has to pay is grey
BUCKETS = {
    "NOT_DUE": ("Not due", tokens.SEQUENTIAL[3]),
    "1-30": ("1–30 days late", tokens.DIVERGING[4]),
    "31-60": ("31–60 days late", tokens.DIVERGING[3]),
    "61-90": ("61–90 days late", tokens.DIVERGING[2]),
    "91-120": ("91–120 days late", tokens.DIVERGING[1]),
    ">120": ("Over 120 days late", tokens.DIVERGING[0]),
    "NO_DUE_DATE": ("No due date", tokens.LIGHT.categorical[4]),
    "CREDIT": ("Credits not used", tokens.ACTUAL),
    "UNAPPLIED_CASH": ("Cash not applied", tokens.OTHER),
}
LATE = ("1-30", "31-60", "61-90", "91-120", ">120")
LONG = ("61-90", "91-120", ">120")
LATER, IN_TIME = "days_past_due > 0", "days_past_due = 0"


def ageing(chosen: Filters) -> tuple[data.Row, ...]:
    """What stands open at the date by client and bucket: documents and amount; None without a rate."""
    narrow, member = data.narrowing(chosen.scope)
    return data.rows(
        "select customer_id, bucket, sum(documents) as documents, "
        "case when count(*) = count(amount_rc) then sum(amount_rc) end as amount "
        f"from marts.ar_ageing where as_of = ? {narrow} group by customer_id, bucket "
        "order by customer_id, bucket",
        chosen.as_of,
        *member,
    )


def in_buckets(aged: Sequence[data.Row], *buckets: str) -> Decimal | None:
    """The sum of some buckets; unknown when a part of it is."""
    amounts = [r["amount"] for r in aged if r["bucket"] in buckets]
    return None if None in amounts else sum(map(Decimal, amounts), Decimal(0))


def most_overdue(aged: Sequence[data.Row]) -> tuple[str, Decimal] | None:
    """The client with most money overdue."""
    sums: dict[str, Decimal] = {}
    for r in aged:
        if r["bucket"] in LATE and r["amount"] is not None:
            sums[r["customer_id"]] = sums.get(r["customer_id"], Decimal(0)) + Decimal(r["amount"])
    return max(sums.items(), key=lambda one: (one[1], one[0])) if len(sums) > 1 else None


def parts(kpi: Kpi, chosen: Filters, history: History) -> list[Sum]:
    """The sums behind a number of days or a share, as the metric's own row holds them."""
    reading = history.at(kpi.metric_id, kpi.period(chosen), chosen.as_of) or Reading(None, None, None)
    day = chosen.as_of
    if kpi is DSO:
        found = [_documents("Receivables", chosen, day, reading.numerator)]
        if reading.value:
            last_counted = day - timedelta(days=int(reading.value.to_integral_value(ROUND_CEILING)) - 1)
            label = f"Billed in {last_counted:%B %Y}, the last month counted back"
            until = min(months_before(last_counted, 0), day)
            found.append(_billed(label, chosen, last_counted.replace(day=1), until, reading.denominator))
        return found
    if kpi in (BEST, DELINQUENT):
        late = kpi is DELINQUENT
        label = "Overdue receivables" if late else "Receivables that are not overdue"
        return [
            _documents(label, chosen, day, reading.numerator, LATER if late else IN_TIME),
            _billed("Billed in 90 days", chosen, day - timedelta(days=89), day, reading.denominator),
        ]
    opened = months_before(day, 1)
    before = OPEN.value(history.money_at(OPEN.metric_id, "POINT", opened))
    closing = OPEN.read(history, chosen)
    overdue = OVERDUE.read(history, chosen)
    billed = history.money_at("billed_gross", "MONTH", day)
    return [
        _documents(f"Receivables at {numbers.day(opened)}", chosen, opened, before),
        _billed(f"Billed in {day:%B %Y}", chosen, day.replace(day=1), day, billed.value if billed else None),
        _documents(f"Receivables at {numbers.day(day)}", chosen, day, closing),
        _documents("Of them overdue", chosen, day, overdue, LATER),
    ]


def _documents(
    label: str,
    chosen: Filters,
    day: date,
    expected: Decimal | None,
    which: str = "true",
    count: int | None = None,
) -> Sum:
    """Documents that stand open on a day, of those ``which`` (SQL) lets in."""
    narrow, member = data.narrowing(chosen.scope)
    return Sum(
        label,
        "select due_date as due_on, customer_id, invoice_id as case_id, days_past_due as days, "
        f"amount_rc as amount from marts.ar_document where as_of = ? and {which} {narrow}",
        (day, *member),
        expected,
        data.currency(),
        count,
    )


def _billed(label: str, chosen: Filters, first: date, last: date, expected: Decimal | None) -> Sum:
    """Documents dated in some days, with their tax."""
    narrow, member = data.narrowing(chosen.scope)
    return Sum(
        label,
        "select business_date as happened_on, customer_id, record_id as case_id, amount_rc as amount "
        "from marts.metric_drill where metric_id = 'billed_gross' and business_date >= ? "
        f"and business_date <= ? {narrow}",
        (first, last, *member),
        expected,
        data.currency(),
    )


def bucket_sums(chosen: Filters, aged: Sequence[data.Row]) -> list[Sum]:
    """Every bucket with the documents that add up to it."""
    found = []
    for bucket, (name, _) in BUCKETS.items():
        held = [r for r in aged if r["bucket"] == bucket]
        if bucket != "UNAPPLIED_CASH" and held:
            count = sum(int(r["documents"]) for r in held)
            which = f"bucket = '{bucket}'"
            found.append(_documents(name, chosen, chosen.as_of, in_buckets(held, bucket), which, count))
    return found


ROLL_FORWARD = RollForward(
    "ar_rollforward",
    OPEN,
    ("opening_balance", "invoiced", "credited", "collected", "credits_applied", "fx_translation"),
    _documents,
    record="invoice_id as case_id",
)
