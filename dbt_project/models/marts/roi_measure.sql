-- How long things took in two windows, one before and one after: what the return of integration is reckoned
-- from. A case belongs to the window in which it began, and cases that took equally long are counted
-- together, apart from those that still wait, of which only that they take longer is known. Kept apart by
-- what may differ between windows without anybody having become faster: legal entity, size of the deal and
-- billing method, or the kind of event; and by practice, so that a part of the firm is reckoned from its own
-- cases. Deliveries tell neither entity nor practice.
with last_month as (
    select
        {{ date_add_days(month_start(date_add_days(run_as_of(), 1)), -1) }} as whole_month_end,
        cast({{ run_parameter('roi_current_from') }} as date) as own_current_from,
        cast({{ run_parameter('roi_current_to') }} as date) as own_current_to,
        cast({{ run_parameter('roi_baseline_from') }} as date) as own_baseline_from,
        cast({{ run_parameter('roi_baseline_to') }} as date) as own_baseline_to
),

-- unless the firm gives dates: the last three whole months against the three before them
current_to as (
    select
        last_month.*,
        coalesce(last_month.own_current_to, last_month.whole_month_end) as current_to
    from last_month
),

current_from as (
    select
        current_to.*,
        coalesce(
            current_to.own_current_from,
            {{ add_months_start('current_to.current_to', -2) }}
        ) as current_from
    from current_to
),

baseline_to as (
    select
        current_from.*,
        coalesce(
            current_from.own_baseline_to,
            {{ date_add_days('current_from.current_from', -1) }}
        ) as baseline_to
    from current_from
),

time_window as (
    select
        'CURRENT' as time_window,
        current_from as window_from,
        current_to as window_to
    from baseline_to
    union all
    select
        'BASELINE' as time_window,
        coalesce(own_baseline_from, {{ add_months_start('baseline_to', -2) }}) as window_from,
        baseline_to as window_to
    from baseline_to
),

reported as (
    select
        business_event_id,
        min(business_event_type) as business_event_type,
        min(event_time) as reported_at
    from {{ as_known(ref('canonical__integration_event')) }} as known
    where status is not null and not is_test and {{ date_of('event_time') }} <= {{ run_as_of() }}
    group by business_event_id
),

recovery as (
    select
        event_id,
        event_type,
        failed_at,
        state,
        hours
    from {{ ref('event_recovery') }}
),

taken as (
    select
        concat('days_', stage) as measure,
        legal_entity_id,
        practice_id,
        concat(legal_entity_id, '|', size_band, '|', billing_method) as mix,
        started_on,
        state = 'OPEN' as is_open,
        -- money waits on every day of the calendar, work only on working days
        cast({{ days_between('started_on', 'coalesce(finished_on, ' ~ run_as_of() ~ ')') }} as decimal(18, 4))
            as calendar_days,
        cast(coalesce(lag, open_age) as decimal(18, 4)) as took
    from {{ ref('lifecycle__handoff') }}
    where state in ('COMPLETED', 'OPEN')
    union all
    select
        'hours_recovery' as measure,
        'NONE' as legal_entity_id,
        'NONE' as practice_id,
        event_type as mix,
        {{ date_of('failed_at') }} as started_on,
        state = 'OPEN' as is_open,
        cast(null as decimal(18, 4)) as calendar_days,
        hours as took
    from recovery
    where state in ('RECOVERED', 'OPEN')
    union all
    -- how many failures there were of how many deliveries
    select
        case when recovery.event_id is null then 'events_fine' else 'events_failed' end as measure,
        'NONE' as legal_entity_id,
        'NONE' as practice_id,
        reported.business_event_type as mix,
        {{ date_of('reported.reported_at') }} as started_on,
        false as is_open,
        cast(null as decimal(18, 4)) as calendar_days,
        cast(null as decimal(18, 4)) as took
    from reported
    left join recovery on reported.business_event_id = recovery.event_id
)

select
    {{ as_text('time_window.time_window') }} as time_window,
    {{ as_text('taken.measure') }} as measure,
    {{ as_text('taken.mix') }} as mix,
    {{ as_text('taken.legal_entity_id') }} as legal_entity_id,
    {{ as_text('taken.practice_id') }} as practice_id,
    time_window.window_from,
    time_window.window_to,
    cast(taken.took as decimal(18, 4)) as took,
    cast(taken.calendar_days as decimal(18, 4)) as calendar_days,
    taken.is_open,
    cast(count(*) as bigint) as cases
from taken
inner join time_window
    on taken.started_on >= time_window.window_from and taken.started_on <= time_window.window_to
group by
    time_window.time_window, taken.measure, taken.mix, taken.legal_entity_id, taken.practice_id,
    time_window.window_from, time_window.window_to, taken.took, taken.calendar_days, taken.is_open
