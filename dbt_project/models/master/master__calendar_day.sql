with

legal_entities as (
    select * from {{ ref('canonical__legal_entity') }}
    where known_to is null and not is_deleted
),

calendar_names as (
    select distinct
        calendar_id,
        calendar_name as name
    from {{ ref('canonical__work_calendar_day') }}
    where known_to is null and not is_deleted
),

configured as (
    select * from {{ source('inputs', 'entity_calendar') }}
),

-- The configured calendar, else the one that bears the entity's code.
calendars_of_entities as (
    select
        legal_entities.legal_entity_id,
        coalesce(calendar_names.calendar_id, legal_entities.calendar_id) as calendar_id
    from legal_entities
    left join configured
        on configured.legal_entity_id in (legal_entities.legal_entity_id, legal_entities.entity_code)
    left join calendar_names on configured.calendar in (calendar_names.name, calendar_names.calendar_id)
),

days as (
    select day
    from {{ day_spine(
        "cast('" ~ var('calendar_from') ~ "' as date)", "cast('" ~ var('calendar_to') ~ "' as date)"
    ) }} as spine
),

calendar_days as (
    select * from {{ ref('canonical__work_calendar_day') }}
    where not is_deleted
),

-- An entity without a calendar works Monday to Friday, under a calendar that says so.
entity_days as (
    select
        coalesce(calendars.calendar_id, 'UNMAPPED:' || calendars.legal_entity_id) as calendar_id,
        calendars.legal_entity_id,
        days.day as calendar_date,
        coalesce(calendar_days.is_working_day, {{ weekday_number('days.day') }} <= 5) as is_working_day
    from calendars_of_entities as calendars
    cross join days
    left join calendar_days
        on
            calendars.calendar_id = calendar_days.calendar_id
            and days.day = calendar_days.calendar_date
)

select
    calendar_id,
    legal_entity_id,
    calendar_date,
    is_working_day,
    cast(
        sum(case when is_working_day then 1 else 0 end)
            over (partition by legal_entity_id order by calendar_date rows unbounded preceding)
        as bigint
    ) as working_day_number,
    -- looking back from the end: a frame that shrinks is counted anew for every row on Spark
    min(case when is_working_day then calendar_date end)
        over (
            partition by legal_entity_id
            order by calendar_date desc
            rows between unbounded preceding and 1 preceding
        ) as next_working_day
from entity_days
