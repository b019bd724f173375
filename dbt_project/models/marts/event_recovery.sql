-- Business events whose delivery failed at least once, and how long until it went through: from the first
-- failure to the first report after it that the target has applied the event. What a later event made good,
-- or somebody allowed to be dropped, is withdrawn; the others still wait, and are never left out.
with report as (
    select
        business_event_id,
        business_event_type,
        integration_event_id,
        event_time,
        status,
        attempts,
        error_class,
        target,
        entity_type,
        entity_key,
        approval_id
    from {{ as_known(ref('canonical__integration_event')) }} as known
    where status is not null and not is_test and {{ date_of('event_time') }} <= {{ run_as_of() }}
),

failed as (
    select
        business_event_id,
        min(event_time) as failed_at
    from report
    where status in ('RETRYING', 'DEAD_LETTERED')
    group by business_event_id
),

applied as (
    select
        report.business_event_id,
        min(report.event_time) as applied_at
    from report
    inner join failed on report.business_event_id = failed.business_event_id
    where report.status = 'APPLIED' and report.event_time > failed.failed_at
    group by report.business_event_id
),

ranked as (
    select
        report.*,
        row_number() over (
            partition by report.business_event_id
            order by report.event_time desc, report.attempts desc, report.integration_event_id desc
        ) as newest_first
    from report
),

timed as (
    select
        ranked.business_event_id,
        ranked.business_event_type,
        ranked.error_class,
        ranked.target,
        ranked.entity_type,
        ranked.entity_key,
        failed.failed_at,
        applied.applied_at,
        case
            when applied.applied_at is not null then 'RECOVERED'
            when ranked.status = 'SUPERSEDED' then 'WITHDRAWN'
            when ranked.status = 'DISCARDED' and ranked.approval_id is not null then 'WITHDRAWN'
            else 'OPEN'
        end as state
    from ranked
    inner join failed on ranked.business_event_id = failed.business_event_id
    left join applied on ranked.business_event_id = applied.business_event_id
    where ranked.newest_first = 1
)

select
    business_event_id as event_id,
    {{ as_text('business_event_type') }} as event_type,
    {{ as_text('error_class') }} as error_class,
    {{ as_text('target') }} as target,
    {{ as_text('entity_type') }} as entity_type,
    entity_key,
    {{ as_text('state') }} as state,
    failed_at,
    applied_at,
    -- to the last whole ten-thousandth of an hour, so that both engines write the same; an open one goes on
    cast(
        cast(
            floor(({{ instant_number(
                "case when state = 'OPEN' then " ~ run_known_at() ~ " else applied_at end"
            ) }} - {{ instant_number('failed_at') }}) / 360000) as decimal(18, 0)
        ) * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)
    ) as hours
from timed
