"""Backlog as the pages read it: its parts, its lines by client and by how long nothing was earned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from dashboards import data, numbers
from dashboards.clients import Parts, first_of
from dashboards.components.cards import Kpi
from dashboards.components.sums import Sum
from dashboards.filters import Filters, is_month_end, months_before
from dashboards.readings import History, first_month
from dashboards.theme import tokens

_DEALS = ("CRM-ERP-001", "CRM-ERP-003", "CRM-ERP-004")
BACKLOG = Kpi("total_backlog", "Backlog", is_balance=True, kind="money", controls=_DEALS)
SCHEDULED = Kpi("scheduled_backlog", "Scheduled", is_balance=True, kind="money")
SOFT = Kpi("soft_backlog", "Tentatively scheduled", is_balance=True, kind="money", good="none")
UNSCHEDULED = Kpi("unscheduled_backlog", "Not scheduled", is_balance=True, kind="money", good="down")
FUNDED = Kpi("funded_backlog", "Covered by an order", is_balance=True, kind="money")
STALLED = Kpi("stalled_backlog", "Stands still", is_balance=True, kind="money", good="down")
UNBILLED = Kpi("unbilled_backlog", "Not billed yet", is_balance=True, kind="money", good="none")
COVER = Kpi("backlog_cover", "Months of cover", is_balance=True, kind="months")
BURN = Kpi("backlog_burn", "Used up", is_balance=False, kind="share", good="none")
SIGNED = Kpi("gross_bookings", "Signed", is_balance=False, kind="money", controls=_DEALS)
TAKEN_BACK = Kpi("debookings", "Cancelled or cut", is_balance=False, kind="money", good="down")
DELIVERED = Kpi(
    "recognised_revenue", "Delivered", is_balance=False, kind="money", controls=("BIL-003", "BIL-010")
)

# part of a line -> (what it is called, its colour)
PARTS = {
    "scheduled_rc": ("Scheduled", tokens.SEQUENTIAL[5]),
    "soft_scheduled_rc": ("Tentatively", tokens.SEQUENTIAL[3]),
    "unscheduled_rc": ("Not scheduled", tokens.OTHER),
}
IDLE = {
    "0-30": "Earned within 30 days",
    "31-60": "31–60 days ago",
    "61-90": "61–90 days ago",
    "91-180": "91–180 days ago",
    ">180": "Over 180 days ago",
    "UNKNOWN": "Never, and no signature date",
}
STALE = ("91-180", ">180")
AGES = {
    "0-90": "Up to 90 days ago",
    "91-180": "91–180 days ago",
    "181-365": "181–365 days ago",
    ">365": "Over a year ago",
    "UNKNOWN": "No signature date",
}
_AGE = (
    "case when signed_on is null then 'UNKNOWN' when as_of - signed_on <= 90 then '0-90' "
    "when as_of - signed_on <= 180 then '91-180' when as_of - signed_on <= 365 then '181-365' "
    "else '>365' end"
)


def by_client(chosen: Filters) -> tuple[data.Row, ...]:
    """Backlog and its parts per client, the largest first; a part is None when one of its rows is unknown."""
    narrow, member = data.narrowing(chosen.scope)
    wanted = ", ".join(
        f"case when count(*) = count({c}) then sum({c}) end as {c}" for c in ("amount_rc", *PARTS)
    )
    return data.rows(
        f"select customer_id, count(*) as lines, {wanted} from marts.backlog_line "
        f"where as_of = ? {narrow} group by customer_id order by sum(amount_rc) desc nulls last, customer_id",
        chosen.as_of,
        *member,
    )


def shown_clients(clients: Sequence[data.Row]) -> list[tuple[str, Parts]]:
    """The clients with most backlog and their parts; the rest of them as one, named ``""``."""
    return first_of([(str(r["customer_id"]), {part: Decimal(r[part]) for part in PARTS}) for r in clients])


def idle(chosen: Filters) -> tuple[data.Row, ...]:
    """Backlog by how long its lines have earned nothing: lines and amount; None without a rate."""
    narrow, member = data.narrowing(chosen.scope)
    return data.rows(
        "select idle_bucket, count(*) as lines, "
        "case when count(*) = count(amount_rc) then sum(amount_rc) end as amount "
        f"from marts.backlog_line where as_of = ? {narrow} group by idle_bucket",
        chosen.as_of,
        *member,
    )


def stale(found: Sequence[data.Row]) -> Decimal | None:
    """What has earned nothing for more than 90 days; None when a part of it is unknown."""
    amounts = [r["amount"] for r in found if r["idle_bucket"] in STALE]
    return None if None in amounts else sum(map(Decimal, amounts), Decimal(0))


def _lines(label: str, chosen: Filters, day: date, expected: Decimal | None, column: str, which: str) -> Sum:
    """Contract lines at a day, of those ``which`` (SQL) lets in, by one of their amounts."""
    narrow, member = data.narrowing(chosen.scope)
    return Sum(
        label,
        f"select customer_id, project_id, contract_line_id, days_idle as days, {column} as amount "
        f"from marts.backlog_line where as_of = ? and coalesce({column}, 1) <> 0 and {which} {narrow}",
        (day, *member),
        expected,
        data.currency(),
    )


def cover_sums(chosen: Filters, history: History) -> list[Sum]:
    """The two sums that months of cover are made of."""
    reading = history.at(COVER.metric_id, "POINT", chosen.as_of)
    whole = chosen.as_of if is_month_end(chosen.as_of) else months_before(chosen.as_of, 1)
    first = months_before(whole, 2).replace(day=1)
    narrow, member = data.narrowing(chosen.scope)
    backlog = _lines(
        f"Backlog at {numbers.day(chosen.as_of)}",
        chosen,
        chosen.as_of,
        reading.numerator if reading else None,
        "amount_rc",
        "true",
    )
    if reading is None or reading.denominator is None:
        return [backlog]
    revenue = Sum(
        f"Revenue from {first:%B} to {whole:%B %Y}",
        "select business_date as happened_on, customer_id, project_id, contract_line_id, "
        "record_id as case_id, amount_rc as amount from marts.metric_drill "
        "where metric_id = 'recognised_revenue' "
        f"and period_month >= ? and period_month <= ? {narrow}",
        (first, whole.replace(day=1), *member),
        reading.denominator,
        data.currency(),
    )
    return [backlog, revenue]


def burn_sums(chosen: Filters, history: History) -> list[Sum]:
    """The two sums that the share of the opening backlog is made of."""
    reading = history.at(BURN.metric_id, BURN.period(chosen), chosen.as_of)
    if reading is None:
        return []
    first = first_month(chosen.as_of, BURN.period(chosen))
    opening = first - timedelta(days=1)
    narrow, member = data.narrowing(chosen.scope)
    revenue = Sum(
        f"Revenue from {first:%B %Y} to {numbers.day(chosen.as_of)}",
        "select business_date as happened_on, customer_id, project_id, contract_line_id, "
        "record_id as case_id, amount_rc as amount from marts.metric_drill "
        "where metric_id = 'recognised_revenue' "
        f"and period_month >= ? and period_month <= ? {narrow}",
        (first, chosen.as_of.replace(day=1), *member),
        reading.numerator,
        data.currency(),
    )
    label = f"Backlog at {numbers.day(opening)}"
    return [revenue, _lines(label, chosen, opening, reading.denominator, "amount_rc", "true")]


def ages(chosen: Filters) -> tuple[data.Row, ...]:
    """Backlog by how long ago its lines were signed: lines and amount; None without a rate."""
    narrow, member = data.narrowing(chosen.scope)
    return data.rows(
        f"select {_AGE} as age_bucket, count(*) as lines, "
        "case when count(*) = count(amount_rc) then sum(amount_rc) end as amount "
        f"from marts.backlog_line where as_of = ? {narrow} group by age_bucket",
        chosen.as_of,
        *member,
    )


def age_sums(chosen: Filters, found: Sequence[data.Row]) -> list[Sum]:
    """Every bar of backlog by age with its lines."""
    held = {str(r["age_bucket"]): r["amount"] for r in found}
    return [
        _lines(
            name,
            chosen,
            chosen.as_of,
            None if held[bucket] is None else Decimal(held[bucket]),
            "amount_rc",
            f"{_AGE} = '{bucket}'",
        )
        for bucket, name in AGES.items()
        if bucket in held
    ]


def client_sums(chosen: Filters, clients: Sequence[data.Row]) -> list[Sum]:
    """Each part of the backlog with the lines that add up to it."""
    found = []
    for part, (name, _) in PARTS.items():
        amounts = [r[part] for r in clients]
        total = None if None in amounts else sum(map(Decimal, amounts), Decimal(0))
        found.append(_lines(name, chosen, chosen.as_of, total, part, "true"))
    return found


def idle_sums(chosen: Filters, found: Sequence[data.Row]) -> list[Sum]:
    """Every bar of idle backlog with its lines."""
    held = {str(r["idle_bucket"]): r for r in found}
    return [
        _lines(
            name,
            chosen,
            chosen.as_of,
            None if held[bucket]["amount"] is None else Decimal(held[bucket]["amount"]),
            "amount_rc",
            f"idle_bucket = '{bucket}'",
        )
        for bucket, name in IDLE.items()
        if bucket in held
    ]
