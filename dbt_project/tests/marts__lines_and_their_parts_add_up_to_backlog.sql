-- The wrong number this would let through: a line of 1,000 that is scheduled with 1,200, so that its parts
-- say 1,200; a page whose lines add up to another backlog than its card; a bridge to the remaining
-- performance obligations that is a cent off.
with line as (
    select
        as_of,
        sum(amount_tc) as amount_tc,
        {{ known_sum('scheduled_rc') }} as scheduled_rc,
        {{ known_sum('amount_rc') }} as amount_rc
    from {{ ref('backlog_line') }}
    group by as_of
),

metric as (
    select
        as_of,
        max(case when metric_id = 'total_backlog' then value end) as amount_rc,
        max(case when metric_id = 'scheduled_backlog' then value end) as scheduled_rc
    from {{ ref('metric_value') }}
    where grain = 'FIRM' and currency_view = 'RC' and metric_id in ('total_backlog', 'scheduled_backlog')
    group by as_of
),

part as (
    select
        as_of,
        contract_line_id,
        amount_tc,
        scheduled_tc + soft_scheduled_tc + unscheduled_tc as parts_tc,
        least(scheduled_tc, soft_scheduled_tc, unscheduled_tc) as smallest_tc
    from {{ ref('ledger__backlog_position') }}
),

left_of_line as (
    select
        contract_line_id,
        amount_tc,
        amount_rc
    from {{ ref('backlog_line') }}
    where as_of = {{ run_as_of() }}
),

obligation as (
    select
        contract_line_id,
        {{ known_sum('amount_tc') }} as amount_tc,
        {{ known_sum('amount_rc') }} as amount_rc,
        min(amount_tc) as smallest_tc
    from {{ ref('remaining_performance_obligation') }}
    group by contract_line_id
)

select
    line.as_of,
    'lines and metric differ' as problem,
    line.amount_rc as found,
    metric.amount_rc as expected
from line
left join metric on line.as_of = metric.as_of
where
    coalesce(line.amount_rc <> metric.amount_rc, line.amount_rc is not null or metric.amount_rc is not null)
    or line.scheduled_rc <> coalesce(metric.scheduled_rc, 0)
union all
select
    as_of,
    contract_line_id as problem,
    parts_tc as found,
    amount_tc as expected
from part
where parts_tc <> amount_tc or smallest_tc < 0
union all
select
    {{ run_as_of() }} as as_of,
    left_of_line.contract_line_id as problem,
    obligation.amount_rc as found,
    left_of_line.amount_rc as expected
from left_of_line
left join obligation on left_of_line.contract_line_id = obligation.contract_line_id
where
    obligation.contract_line_id is null
    or obligation.amount_tc <> left_of_line.amount_tc
    or obligation.amount_rc <> left_of_line.amount_rc
    or obligation.smallest_tc < 0
