with

mapped as (
    {{ port_rows('legal_entity', computed=['calendar_id']) }}
),

versioned as (
    {{ versions('mapped', 'legal_entity_id') }}
),

calendars as (
    select
        {{ own_key('certinia', 'told.id', 'told.tl_instance') }} as calendar_id,
        told.name
    from {{ newest(ref('stg_certinia__work_calendar'), 'name') }} as told
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
    calendars.calendar_id,
    {{ envelope('versioned') }}
from versioned
left join calendars on versioned.entity_code = calendars.name
