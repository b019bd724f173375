with

mapped as (
    {{ port_rows('legal_entity') }}
),

versioned as (
    {{ versions('mapped', 'legal_entity_id') }}
),

-- a calendar of the entity's name is the entity's, where the system of record names none
calendars as (
    select
        calendar_name,
        min(calendar_id) as calendar_id
    from {{ ref('canonical__work_calendar_day') }}
    where known_to is null and not is_deleted
    group by calendar_name
)

select
    versioned.legal_entity_id,
    {{ hash_key('versioned.legal_entity_id') }} as legal_entity_key,
    versioned.entity_code,
    versioned.name,
    versioned.country_code,
    versioned.functional_currency,
    versioned.is_elimination,
    versioned.is_active,
    coalesce(versioned.calendar_id, calendars.calendar_id) as calendar_id,
    {{ envelope('versioned') }}
from versioned
left join calendars on versioned.entity_code = calendars.calendar_name
