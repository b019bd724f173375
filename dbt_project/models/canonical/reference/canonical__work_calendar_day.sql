with

mapped as (
    {{ port_rows('work_calendar_day') }}
),

days as (
    select
        mapped.*,
        mapped.calendar_id || '|' || {{ as_text('mapped.calendar_date') }} as calendar_day_id
    from mapped
),

versioned as (
    {{ versions('days', 'calendar_day_id') }}
)

select
    calendar_id,
    calendar_name,
    calendar_date,
    standard_hours,
    is_holiday,
    holiday_name,
    is_working_day,
    {{ envelope() }}
from versioned
