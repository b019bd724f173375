with

calendars as (
    select * from {{ newest(ref('stg_certinia__work_calendar'), 'id') }}
),

holidays as (
    select
        tl_instance,
        pse__work_calendar__c as calendar,
        pse__date__c as holiday,
        min(name) as holiday_name
    from {{ newest(ref('stg_certinia__holiday'), 'id') }} as told
    where not tl_is_deleted
    group by tl_instance, pse__work_calendar__c, pse__date__c
),

days as (
    select day
    from {{ day_spine(
        "cast('" ~ var('calendar_from') ~ "' as date)", "cast('" ~ var('calendar_to') ~ "' as date)"
    ) }} as spine
),

-- The calendar as it is now, day by day: a pattern has no history of its own.
calendar_days as (
    select
        calendars.*,
        days.day,
        holidays.holiday_name,
        holidays.holiday is not null as is_holiday,
        holidays.holiday is null and {{ weekday_number('days.day') }} <= 5 as is_working_day
    from calendars
    cross join days
    left join holidays
        on
            calendars.tl_instance = holidays.tl_instance
            and calendars.id = holidays.calendar
            and days.day = holidays.holiday
)

select
    {{ own_key('certinia', 'id') }} as calendar_id,
    name as calendar_name,
    day as calendar_date,
    case when is_working_day then {{ as_hours('8') }} else {{ as_hours('0') }} end as standard_hours,
    is_holiday,
    holiday_name,
    is_working_day,
    'certinia' as source_system,
    {{ landed() }}
from calendar_days
