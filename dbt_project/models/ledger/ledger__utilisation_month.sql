-- Hours of employees by month, as the run knew them: what they recorded, by how far it counts, and what it is
-- set against: the weekdays between hire and termination, of those the working days of the entity's calendar,
-- and of those what approved leave leaves over. Training is no leave but productive unless the firm says
-- otherwise (parameter training_is_productive). People who are not expected to record time have no
-- utilisation. A month for which the worker's entity has no calendar has unknown hours, not none: nobody can
-- say on how many days the worker was there.
with worker as (
    select
        resource_id,
        legal_entity_id,
        hire_date,
        fte,
        weekly_hours,
        coalesce(legal_entity_id, 'UNMAPPED:NONE') as member_legal_entity_id,
        coalesce(region_code, 'UNMAPPED:NONE') as region_id,
        coalesce(practice_code, 'UNMAPPED:NONE') as practice_id,
        least(coalesce(termination_date, {{ run_as_of() }}), {{ run_as_of() }}) as last_day
    from {{ known_record('resource', ref('canonical__resource')) }} as resource
    where worker_type = 'employee' and is_time_required
),

no_timesheet as (
    select resource_id
    from {{ known_record('resource', ref('canonical__resource')) }} as resource
    where not is_time_required
),

first_day as (
    select min(month_start) as first_month from {{ ref('ledger__as_of_date') }}
),

calendar_day as (
    select
        legal_entity_id,
        calendar_date,
        is_working_day,
        is_working_day or {{ weekday_number('calendar_date') }} <= 5 as is_week_day
    from {{ ref('master__calendar_day') }}
    where calendar_date <= {{ run_as_of() }}
),

covered_month as (
    select distinct
        legal_entity_id,
        {{ month_start('calendar_date') }} as month_start
    from {{ ref('master__calendar_day') }}
    where calendar_date <= {{ run_as_of() }}
),

answered_month as (
    select distinct month_start from {{ ref('ledger__as_of_date') }}
),

leave as (
    select
        time_off_id,
        resource_id,
        start_date,
        end_date,
        hours,
        coalesce(absence_type, 'NONE') = 'Training'
        and coalesce({{ run_parameter('training_is_productive') }}, 'true') <> 'false' as is_productive
    from {{ as_known(ref('canonical__time_off')) }} as time_off
    where status = 'approved'
),

employed as (
    select
        worker.resource_id,
        {{ month_start('calendar_day.calendar_date') }} as month_start,
        sum(case when calendar_day.is_working_day then 1 else 0 end) as working_days,
        sum(case when calendar_day.is_week_day then 1 else 0 end) as week_days
    from worker
    inner join calendar_day on worker.legal_entity_id = calendar_day.legal_entity_id
    cross join first_day
    where
        calendar_day.calendar_date >= greatest(worker.hire_date, first_day.first_month)
        and calendar_day.calendar_date <= worker.last_day
    group by worker.resource_id, {{ month_start('calendar_day.calendar_date') }}
),

contracted as (
    select
        employed.resource_id,
        employed.month_start,
        {{ mul_div('worker.weekly_hours', '(worker.fte * employed.working_days)', '5', scale=10) }} as hours,
        {{ mul_div('worker.weekly_hours', '(worker.fte * employed.week_days)', '5', scale=10) }}
            as standard_hours
    from employed
    inner join worker on employed.resource_id = worker.resource_id
),

-- a leave's hours fall evenly on its working days, whether or not the worker was still there
leave_length as (
    select
        leave.time_off_id,
        count(*) as days
    from leave
    inner join worker on leave.resource_id = worker.resource_id
    inner join {{ ref('master__calendar_day') }} as any_day
        on
            worker.legal_entity_id = any_day.legal_entity_id
            and leave.start_date <= any_day.calendar_date
            and leave.end_date >= any_day.calendar_date
    where any_day.is_working_day
    group by leave.time_off_id
),

leave_month as (
    select
        leave.time_off_id,
        leave.resource_id,
        {{ month_start('calendar_day.calendar_date') }} as month_start,
        leave.hours,
        leave.is_productive,
        count(*) as days
    from leave
    inner join worker on leave.resource_id = worker.resource_id
    inner join calendar_day
        on
            worker.legal_entity_id = calendar_day.legal_entity_id
            and leave.start_date <= calendar_day.calendar_date
            and leave.end_date >= calendar_day.calendar_date
    cross join first_day
    where
        calendar_day.is_working_day
        and calendar_day.calendar_date >= greatest(worker.hire_date, first_day.first_month)
        and calendar_day.calendar_date <= worker.last_day
    group by
        leave.time_off_id, leave.resource_id, {{ month_start('calendar_day.calendar_date') }}, leave.hours,
        leave.is_productive
),

absent as (
    select
        leave_month.resource_id,
        leave_month.month_start,
        sum(case
            when leave_month.is_productive then 0
            else {{ mul_div('leave_month.hours', 'leave_month.days', 'leave_length.days', scale=10) }}
        end) as hours,
        sum(case
            when leave_month.is_productive
                then {{ mul_div('leave_month.hours', 'leave_month.days', 'leave_length.days', scale=10) }}
            else 0
        end) as training_hours
    from leave_month
    inner join leave_length on leave_month.time_off_id = leave_length.time_off_id
    group by leave_month.resource_id, leave_month.month_start
),

available as (
    select
        worker.resource_id,
        worker.member_legal_entity_id as legal_entity_id,
        worker.region_id,
        worker.practice_id,
        contracted.month_start,
        0 as billable_hours,
        0 as approved_hours,
        0 as recorded_hours,
        coalesce(absent.training_hours, 0) as training_hours,
        contracted.standard_hours,
        contracted.hours as working_hours,
        contracted.hours - coalesce(absent.hours, 0) as available_hours
    from contracted
    inner join worker on contracted.resource_id = worker.resource_id
    left join absent
        on contracted.resource_id = absent.resource_id and contracted.month_start = absent.month_start
),

without_calendar as (
    select
        worker.resource_id,
        worker.member_legal_entity_id as legal_entity_id,
        worker.region_id,
        worker.practice_id,
        answered_month.month_start,
        0 as billable_hours,
        0 as approved_hours,
        0 as recorded_hours,
        cast(null as decimal(28, 10)) as training_hours,
        cast(null as decimal(28, 10)) as standard_hours,
        cast(null as decimal(28, 10)) as working_hours,
        cast(null as decimal(28, 10)) as available_hours
    from worker
    cross join answered_month
    left join covered_month
        on
            worker.legal_entity_id = covered_month.legal_entity_id
            and answered_month.month_start = covered_month.month_start
    where
        covered_month.month_start is null
        and answered_month.month_start >= {{ month_start('worker.hire_date') }}
        and answered_month.month_start <= worker.last_day
),

recorded as (
    select
        time_value.resource_id,
        time_value.resource_legal_entity_id as legal_entity_id,
        time_value.resource_region_id as region_id,
        time_value.resource_practice_id as practice_id,
        {{ month_start('time_value.work_date') }} as month_start,
        sum(case
            when time_value.status = 'approved' and time_value.is_billable then time_value.hours else 0
        end) as billable_hours,
        sum(case when time_value.status = 'approved' then time_value.hours else 0 end) as approved_hours,
        sum(time_value.hours) as recorded_hours,
        0 as training_hours,
        0 as standard_hours,
        0 as working_hours,
        0 as available_hours
    from {{ ledger_as_known(ref('ledger__time_value')) }} as time_value
    left join no_timesheet on time_value.resource_id = no_timesheet.resource_id
    where
        time_value.status in ('approved', 'submitted')
        and time_value.resource_kind = 'employee'
        and time_value.work_date <= {{ run_as_of() }}
        and no_timesheet.resource_id is null
    group by
        time_value.resource_id, time_value.resource_legal_entity_id, time_value.resource_region_id,
        time_value.resource_practice_id, {{ month_start('time_value.work_date') }}
),

either as (
    {%- for part in ['available', 'without_calendar', 'recorded'] %}
        select
            resource_id,
            legal_entity_id,
            region_id,
            practice_id,
            month_start,
            billable_hours,
            approved_hours,
            recorded_hours,
            training_hours,
            standard_hours,
            working_hours,
            available_hours
        from {{ part }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    {{ as_text('resource_id') }} as resource_id,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('region_id') }} as region_id,
    {{ as_text('practice_id') }} as practice_id,
    month_start,
    cast(sum(billable_hours) as decimal(28, 10)) as billable_hours,
    cast(sum(approved_hours) + {{ known_sum('training_hours') }} as decimal(28, 10)) as productive_hours,
    cast(sum(recorded_hours) as decimal(28, 10)) as recorded_hours,
    cast({{ known_sum('standard_hours') }} as decimal(28, 10)) as standard_hours,
    cast({{ known_sum('working_hours') }} as decimal(28, 10)) as working_hours,
    cast({{ known_sum('available_hours') }} as decimal(28, 10)) as available_hours
from either
group by resource_id, legal_entity_id, region_id, practice_id, month_start
