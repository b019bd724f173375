with

calendars as (
    select * from {{ ref('stg_certinia__work_calendar') }}
),

calendar_versions as (
    {{ versions('calendars', 'id') }}
),

holidays as (
    select
        pse__work_calendar__c as calendar,
        pse__date__c as holiday,
        min(name) as holiday_name
    from {{ newest(ref('stg_certinia__holiday'), 'id') }} as told
    where not tl_is_deleted
    group by pse__work_calendar__c, pse__date__c
),

days as (
    select day
    from {{ day_spine(
        "cast('" ~ var('calendar_from') ~ "' as date)", "cast('" ~ var('calendar_to') ~ "' as date)"
    ) }} as spine
),

calendar_days as (
    select
        calendars.*,
        days.day,
        holidays.holiday_name,
        holidays.holiday is not null as is_holiday,
        holidays.holiday is null and {{ weekday_number('days.day') }} <= 5 as is_working_day
    from calendar_versions as calendars
    cross join days
    left join holidays on calendars.id = holidays.calendar and days.day = holidays.holiday
    where calendars.known_to is null
)

select
    {{ own_key('certinia', 'id') }} as calendar_id,
    day as calendar_date,
    case when is_working_day then {{ as_hours('8') }} else {{ as_hours('0') }} end as standard_hours,
    is_holiday,
    holiday_name,
    is_working_day,
    'certinia' as source_system,
    tl_instance as source_instance,
    tl_record_id as source_record_id,
    tl_source_created_at as source_created_at,
    tl_source_updated_at as source_updated_at,
    tl_is_deleted as is_deleted,
    case when tl_is_deleted then known_from end as deleted_at,
    case when tl_is_deleted then tl_deletion_basis end as deletion_basis,
    tl_load_id as load_id,
    tl_payload_hash as payload_hash,
    tl_is_backfill as is_backfill,
    known_from,
    known_to,
    version_number
from calendar_days
