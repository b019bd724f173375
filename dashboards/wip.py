"""Work done and not invoiced, and billing ahead of it, as the pages read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from dashboards import data, numbers
from dashboards.components.cards import Kpi
from dashboards.components.sums import Sum
from dashboards.filters import Filters, is_month_end, months_before
from dashboards.margin import REVENUE
from dashboards.readings import History
from dashboards.roll_forward import Level, RollForward, drilled_level
from dashboards.theme import tokens

WIP = Kpi(
    "wip_operational",
    "Work done, not invoiced",
    is_balance=True,
    kind="money",
    good="down",
    controls=("BIL-001", "ERP-PSA-001", "ERP-PSA-002", "PSA-ERP-001", "PSA-ERP-002"),
)
DAYS = Kpi("wip_days", "WIP days", is_balance=True, kind="days", good="down")
UNBILLED = Kpi("unbilled_receivable", "Unbilled receivables", is_balance=True, kind="money", good="down")
ASSET = Kpi("contract_asset", "Contract assets", is_balance=True, kind="money", good="down")
DEFERRED = Kpi(
    "contract_liability",
    "Deferred revenue",
    is_balance=True,
    kind="money",
    good="none",
    controls=("BIL-003", "BIL-010"),
)
NET = Kpi("net_contract_position", "Net contract position", is_balance=True, kind="money", good="none")
BILLED = Kpi("billed", "Billed", is_balance=False, kind="money", controls=("BIL-003", "BIL-010"))

# bucket -> (what it is called, its colour): the older, the darker
BUCKETS = {
    "0-30": ("Up to 30 days", tokens.SEQUENTIAL[2]),
    "31-60": ("31–60 days", tokens.SEQUENTIAL[3]),
    "61-90": ("61–90 days", tokens.SEQUENTIAL[4]),
    "91-120": ("91–120 days", tokens.DIVERGING[1]),
    ">120": ("Over 120 days", tokens.DIVERGING[0]),
    "UNKNOWN": ("No date", tokens.OTHER),
}
OLD = ("91-120", ">120")
# what a line's position is made of -> what it is called, by the columns of marts.contract_position
SIDES = {
    "unbilled_receivable_rc": UNBILLED.title,
    "contract_asset_rc": ASSET.title,
    "contract_liability_rc": DEFERRED.title,
}

WIP_ROLL_FORWARD = RollForward(
    "wip_rollforward",
    WIP,
    ("performed", "wip_billed", "reopened_by_credit_note", "multiple_billing", "fx_translation"),
    drilled_level(WIP),
)


def ageing(chosen: Filters) -> tuple[data.Row, ...]:
    """Work not invoiced at the date by client and bucket: items and amount; None without a rate."""
    narrow, member = data.narrowing(chosen.scope)
    return data.rows(
        "select customer_id, bucket, sum(items) as items, min(oldest_on) as oldest_on, "
        "case when count(*) = count(amount_rc) then sum(amount_rc) end as amount "
        f"from marts.wip_ageing where as_of = ? {narrow} group by customer_id, bucket "
        "order by customer_id, bucket",
        chosen.as_of,
        *member,
    )


def in_buckets(aged: Sequence[data.Row], *buckets: str) -> Decimal | None:
    """The sum of some buckets; unknown when a part of it is."""
    amounts = [r["amount"] for r in aged if r["bucket"] in buckets]
    return None if None in amounts else sum(map(Decimal, amounts), Decimal(0))


def bucket_sums(chosen: Filters, aged: Sequence[data.Row]) -> list[Sum]:
    """Every bucket with what adds up to it, by project and kind of item."""
    narrow, member = data.narrowing(chosen.scope)
    return [
        Sum(
            name,
            "select oldest_on as happened_on, source_type as kind, customer_id, project_id, "
            "contract_line_id, amount_rc as amount from marts.wip_ageing "
            f"where as_of = ? and bucket = '{bucket}' {narrow}",
            (chosen.as_of, *member),
            in_buckets(aged, bucket),
            data.currency(),
        )
        for bucket, (name, _) in BUCKETS.items()
        if any(r["bucket"] == bucket for r in aged)
    ]


def days_sums(chosen: Filters, history: History) -> list[Sum]:
    """The two sums that days of work are made of."""
    reading = history.at(DAYS.metric_id, "POINT", chosen.as_of)
    held = drilled_level(WIP)(
        f"{WIP.title} at {numbers.day(chosen.as_of)}",
        chosen,
        chosen.as_of,
        reading.numerator if reading else None,
    )
    if reading is None or reading.denominator is None:
        return [held]
    whole = chosen.as_of if is_month_end(chosen.as_of) else months_before(chosen.as_of, 1)
    first = months_before(whole, 11).replace(day=1)
    narrow, member = data.narrowing(chosen.scope)
    earned = Sum(
        f"Revenue from {first:%B %Y} to {whole:%B %Y}",
        "select business_date as happened_on, customer_id, project_id, contract_line_id, "
        "record_id as case_id, amount_rc as amount from marts.metric_drill "
        f"where metric_id = '{REVENUE.metric_id}' and period_month >= ? and period_month <= ? {narrow}",
        (first, whole.replace(day=1), *member),
        reading.denominator,
        data.currency(),
    )
    return [held, earned]


def _positions(column: str) -> Level:
    """The level of a part of the contracts' position from its lines."""

    def level(label: str, chosen: Filters, day: date, expected: Decimal | None) -> Sum:
        narrow, member = data.narrowing(chosen.scope)
        return Sum(
            label,
            f"select customer_id, project_id, contract_line_id, {column} as amount "
            f"from marts.contract_position where as_of = ? and coalesce({column}, 1) <> 0 {narrow}",
            (day, *member),
            expected,
            data.currency(),
        )

    return level


DEFERRED_ROLL_FORWARD = RollForward(
    "contract_liability_rollforward",
    DEFERRED,
    (
        "opening_balance",
        "billed",
        "credited",
        "released",
        "made_unconditional",
        "netting_reclass",
        "fx_translation",
    ),
    _positions("contract_liability_rc"),
)
