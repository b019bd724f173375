"""Delay as the page of handoff lag reads it: by month, by reason, and what failed on the way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from dashboards import data, names
from dashboards.components.case_list import gravest
from dashboards.components.sums import Sum
from dashboards.filters import Filters

RECOVERY = "failed_transaction_recovery_hours"
# where a case waits that stands at no stage's table
ELSEWHERE = "Approval, or billed in part"
NO_REASON = "No control has anything against it"


def cohorts(scope: data.Scope, stage: str) -> tuple[data.Row, ...]:
    """A stage's cases by month, of the firm, an entity or a practice."""
    narrow, member = data.narrowing(scope)
    return data.rows(
        "select cohort_month, completed, open_count, negative, median_lag, p90_lag, breached, judged, "
        "breach_rate, amount_rc, open_amount_rc, currency_days from marts.handoff_cohort "
        f"where stage = ? and grain = ? {narrow} order by cohort_month",
        stage,
        scope.grain,
        *member,
    )


def waiting_listed() -> bool:
    """Whether the run's waiting cases tell their month; runs published before do not."""
    return data.holds_column("handoff_waiting", "cohort_month")


def cohort_sums(scope: data.Scope, stage: str, found: Sequence[data.Row]) -> list[Sum]:
    """Of each month what waits, case by case; of the whole firm also all of its cases, by entity."""
    narrow, member = data.narrowing(scope)
    waiting = [
        Sum(
            f"{_month(r['cohort_month'])}: waiting",
            "select customer_id, case_id, started_on as happened_on, due_on, open_age as days, "
            f"amount_rc as amount from marts.handoff_waiting where stage = ? and cohort_month = ? {narrow}",
            (stage, r["cohort_month"], *member),
            r["open_amount_rc"],
            data.currency(),
            int(r["open_count"]),
        )
        for r in found
        if r["open_count"]
    ]
    if scope.grain != "FIRM":
        return waiting
    return [
        *waiting,
        *(
            Sum(
                f"{_month(r['cohort_month'])}: all cases, by entity",
                "select legal_entity_id, completed + open_count as amount from marts.handoff_cohort "
                "where grain = 'LEGAL_ENTITY' and stage = ? and cohort_month = ?",
                (stage, r["cohort_month"]),
                Decimal(r["completed"] + r["open_count"]),
                "cases",
            )
            for r in found
        ),
    ]


_LATE = (
    gravest("risk_object")
    + """,
stage as (
    select lower(case_type) as case_type, case_id, arg_min(stage, (due_on, stage)) as stage
    from marts.handoff_waiting where is_breached group by 1, 2
),
late as (
    select coalesce(stage.stage, 'elsewhere') as stage, coalesce(told.control_name, '') as reason,
        d.movement_type, d.business_date, d.customer_id, d.project_id, d.record_id, d.base, d.amount_rc
    from marts.metric_drill d
    left join told on told.risk_object = concat(d.movement_type, ':', d.record_id)
    left join stage on stage.case_type = d.movement_type and stage.case_id = d.record_id
    where d.metric_id = '{metric}' {narrow}
)
"""
)


def by_reason(scope: data.Scope) -> tuple[data.Row, ...]:
    """What is late on the run's day by stage and by the gravest case a control has against it."""
    narrow, member = data.narrowing(scope, "d.")
    return data.rows(
        _LATE.format(metric=data.LATE, narrow=narrow) + "select stage, reason, count(*) as cases, "
        "case when count(*) = count(base) then sum(base) end as amount, "
        "case when count(*) = count(amount_rc) then sum(amount_rc) end as currency_days "
        "from late group by stage, reason order by currency_days desc nulls first, stage, reason",
        *member,
    )


def reason_sums(chosen: Filters, found: Sequence[data.Row]) -> list[Sum]:
    """Every stage and reason with the cases whose amount times days adds up to it."""
    narrow, member = data.narrowing(chosen.scope, "d.")
    listed = _LATE.format(metric=data.LATE, narrow=narrow) + (
        "select movement_type as kind, business_date as due_on, customer_id, project_id, "
        "record_id as case_id, amount_rc as amount from late where stage = ? and reason = ?"
    )
    return [
        Sum(
            said(r),
            listed,
            (*member, r["stage"], r["reason"]),
            r["currency_days"],
            f"{data.currency()}-days",
            int(r["cases"]),
        )
        for r in found
    ]


def said(row: data.Row) -> str:
    """Stage and reason in words."""
    return f"{stage_name(row['stage'])}: {row['reason'] or NO_REASON}"


def stage_name(stage: str) -> str:
    """A stage as readers know it."""
    return names.STAGES.get(stage, ELSEWHERE)


def recovered() -> tuple[data.Row, ...]:
    """Deliveries that failed, by kind of event: how many are mended, how fast, and what is still open."""
    return data.rows(
        "select event_type, count(*) as failed, count(*) filter (where state = 'RECOVERED') as mended, "
        "cast(median(hours) filter (where state = 'RECOVERED') as decimal(18, 4)) as middle, "
        "count(*) filter (where state = 'OPEN') as waiting, "
        "max(hours) filter (where state = 'OPEN') as longest, "
        "count(*) filter (where state = 'WITHDRAWN') as withdrawn "
        "from marts.event_recovery group by event_type order by failed desc, event_type"
    )


def recovery_sums(middle: Decimal | None, mended: int) -> list[Sum]:
    """The hours of each delivery that was mended; and of those still open the hours so far."""
    listed = (
        "select cast(failed_at as date) as happened_on, event_type as kind, entity_key as case_id, "
        "hours as amount from marts.event_recovery where state = ?"
    )
    return [Sum("Mended: median hours", listed, ("RECOVERED",), middle, "hours", mended, middle=True)]


EVENTS = (
    "select event_id, event_type, error_class, target, entity_type, entity_key, state, failed_at, "
    "applied_at, hours from marts.event_recovery order by failed_at, event_id"
)


def _month(day: date) -> str:
    return f"{day:%B %Y}"
