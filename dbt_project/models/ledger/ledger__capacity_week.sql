-- What employees are there for in each of the twelve weeks after the run's own day, and what they are booked
-- for in them, as the run knows it. Of an earlier day it would say what came of its weeks, not what was
-- booked then. A week is seven days, the first begins the day after. They are there as in
-- ledger__utilisation_month: working days between hire and termination, less approved leave.
with as_of_date as (
    select as_of
    from {{ ref('ledger__as_of_date') }}
    where is_run_as_of
),

week as (
    {%- for number in range(1, 13) %}
        select
            as_of,
            {{ number }} as week_number,
            -- the day before its first
            {{ date_add_days('as_of', 7 * number - 7) }} as after_day,
            {{ date_add_days('as_of', 7 * number) }} as last_day
        from as_of_date
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

worker as (
    select
        resource_id,
        legal_entity_id,
        hire_date,
        termination_date,
        fte,
        weekly_hours,
        coalesce(legal_entity_id, 'UNMAPPED:NONE') as member_legal_entity_id,
        coalesce(region_code, 'UNMAPPED:NONE') as region_id,
        coalesce(practice_code, 'UNMAPPED:NONE') as practice_id
    from {{ known_record('resource', ref('canonical__resource')) }} as resource
    where worker_type = 'employee' and is_time_required
),

calendar_day as (
    select
        legal_entity_id,
        calendar_date,
        working_day_number
    from {{ ref('master__calendar_day') }}
),

leave as (
    select
        time_off_id,
        resource_id,
        {{ date_add_days('start_date', -1) }} as after_day,
        end_date,
        hours
    from {{ as_known(ref('canonical__time_off')) }} as time_off
    where
        status = 'approved'
        and (
            coalesce(absence_type, 'NONE') <> 'Training'
            or coalesce({{ run_parameter('training_is_productive') }}, 'true') = 'false'
        )
),

person as (
    select
        source_resource_id,
        resource_id
    from {{ ledger_as_known(ref('ledger__resource_version')) }} as resource_version
    where resource_kind = 'employee'
),

assignment as (
    select
        assignment_id,
        resource_id,
        is_billable
    from {{ as_known(ref('canonical__assignment')) }} as known
),

schedule_day as (
    select
        assignment_id,
        work_date,
        scheduled_hours,
        is_hard
    from {{ as_known(ref('canonical__assignment_schedule_day')) }} as known
),

employed as (
    select
        week.as_of,
        week.week_number,
        worker.resource_id,
        worker.legal_entity_id,
        worker.fte,
        worker.weekly_hours,
        greatest(week.after_day, {{ date_add_days('worker.hire_date', -1) }}) as after_day,
        least(week.last_day, coalesce(worker.termination_date, week.last_day)) as last_day
    from worker
    inner join week
        on
            worker.hire_date <= week.last_day
            and (worker.termination_date is null or worker.termination_date > week.after_day)
),

contracted as (
    select
        employed.as_of,
        employed.week_number,
        employed.resource_id,
        {{ mul_div(
            'employed.weekly_hours',
            '(employed.fte * (last_day.working_day_number - day_before.working_day_number))',
            '5',
            scale=10
        ) }} as hours
    from employed
    left join calendar_day as day_before
        on
            employed.legal_entity_id = day_before.legal_entity_id
            and employed.after_day = day_before.calendar_date
    left join calendar_day as last_day
        on employed.legal_entity_id = last_day.legal_entity_id and employed.last_day = last_day.calendar_date
),

-- a leave's hours fall evenly on its working days
leave_week as (
    select
        leave.time_off_id,
        employed.as_of,
        employed.week_number,
        employed.resource_id,
        employed.legal_entity_id,
        leave.hours,
        leave.after_day as leave_after_day,
        leave.end_date as leave_last_day,
        greatest(employed.after_day, leave.after_day) as after_day,
        least(employed.last_day, leave.end_date) as last_day
    from leave
    inner join employed
        on
            leave.resource_id = employed.resource_id
            and leave.after_day < employed.last_day
            and leave.end_date > employed.after_day
),

absent as (
    select
        leave_week.as_of,
        leave_week.week_number,
        leave_week.resource_id,
        sum({{ mul_div(
            'leave_week.hours',
            '(last_day.working_day_number - day_before.working_day_number)',
            '(leave_last_day.working_day_number - leave_before.working_day_number)',
            scale=10
        ) }}) as hours
    from leave_week
    left join calendar_day as day_before
        on
            leave_week.legal_entity_id = day_before.legal_entity_id
            and leave_week.after_day = day_before.calendar_date
    left join calendar_day as last_day
        on
            leave_week.legal_entity_id = last_day.legal_entity_id
            and leave_week.last_day = last_day.calendar_date
    left join calendar_day as leave_before
        on
            leave_week.legal_entity_id = leave_before.legal_entity_id
            and leave_week.leave_after_day = leave_before.calendar_date
    left join calendar_day as leave_last_day
        on
            leave_week.legal_entity_id = leave_last_day.legal_entity_id
            and leave_week.leave_last_day = leave_last_day.calendar_date
    group by leave_week.as_of, leave_week.week_number, leave_week.resource_id
),

booked as (
    select
        week.as_of,
        week.week_number,
        person.resource_id,
        sum(case
            when schedule_day.is_hard and assignment.is_billable then schedule_day.scheduled_hours else 0
        end) as firm_billable_hours,
        sum(case
            when schedule_day.is_hard and not assignment.is_billable then schedule_day.scheduled_hours else 0
        end) as firm_other_hours,
        sum(case when schedule_day.is_hard then 0 else schedule_day.scheduled_hours end) as tentative_hours
    from schedule_day
    inner join assignment on schedule_day.assignment_id = assignment.assignment_id
    inner join person on assignment.resource_id = person.source_resource_id
    -- whoever has left by then, or has not come, does not do it
    inner join worker
        on
            person.resource_id = worker.resource_id
            and schedule_day.work_date >= worker.hire_date
            and (worker.termination_date is null or schedule_day.work_date <= worker.termination_date)
    inner join week
        on schedule_day.work_date > week.after_day and schedule_day.work_date <= week.last_day
    group by week.as_of, week.week_number, person.resource_id
)

select
    contracted.as_of,
    contracted.week_number,
    {{ as_text('contracted.resource_id') }} as resource_id,
    {{ as_text('worker.member_legal_entity_id') }} as legal_entity_id,
    {{ as_text('worker.region_id') }} as region_id,
    {{ as_text('worker.practice_id') }} as practice_id,
    cast(contracted.hours - coalesce(absent.hours, 0) as decimal(28, 10)) as available_hours,
    cast(coalesce(booked.firm_billable_hours, 0) as decimal(28, 10)) as firm_billable_hours,
    cast(coalesce(booked.firm_other_hours, 0) as decimal(28, 10)) as firm_other_hours,
    cast(coalesce(booked.tentative_hours, 0) as decimal(28, 10)) as tentative_hours
from contracted
inner join worker on contracted.resource_id = worker.resource_id
left join absent
    on
        contracted.as_of = absent.as_of
        and contracted.week_number = absent.week_number
        and contracted.resource_id = absent.resource_id
left join booked
    on
        contracted.as_of = booked.as_of
        and contracted.week_number = booked.week_number
        and contracted.resource_id = booked.resource_id
