-- When each exception is to be mended: the working days its severity has by its control's SLA, counted on
-- its legal entity's calendar from the day it became one. What belongs to no entity, or to one without a
-- calendar, counts the days on which any entity works.
with

run as {{ control_run_row() }},

exceptions as (
    select
        found.exception_id,
        found.outcome,
        found.legal_entity_id,
        found.becomes_exception_on,
        cast(
            split_part(control.sla, '/', cast(substr(found.severity, 2, 1) as integer)) as integer
        ) as sla_days
    from {{ ref('exception') }} as found
    left join {{ ref('recon__control') }} as control
        on found.control_id = control.control_id
),

entity_days as {{ import_calendar() }},

join_days as (
    select
        entity_days.calendar_date,
        max(case when entity_days.is_working_day then 1 else 0 end) as works
    from entity_days
    group by entity_days.calendar_date
),

known_entities as (
    select distinct entity_days.legal_entity_id
    from entity_days
),

calendar as (
    select
        entity_days.legal_entity_id,
        entity_days.calendar_date,
        entity_days.is_working_day,
        entity_days.working_day_number
    from entity_days
    union all
    select
        'NONE' as legal_entity_id,
        join_days.calendar_date,
        join_days.works = 1 as is_working_day,
        sum(join_days.works)
            over (order by join_days.calendar_date rows unbounded preceding) as working_day_number
    from join_days
),

place_exceptions as (
    select
        exceptions.exception_id,
        exceptions.outcome,
        exceptions.becomes_exception_on,
        exceptions.sla_days,
        coalesce(known_entities.legal_entity_id, 'NONE') as calendar_entity_id
    from exceptions
    left join known_entities
        on exceptions.legal_entity_id = known_entities.legal_entity_id
)

select
    place_exceptions.exception_id,
    place_exceptions.sla_days,
    place_exceptions.calendar_entity_id,
    due.calendar_date as due_on,
    coalesce(place_exceptions.outcome = 'EXCEPTION' and due.calendar_date < run.as_of, false) as is_overdue
from place_exceptions
cross join run
{{ join_working_day(
    'due', 'place_exceptions.calendar_entity_id', 'place_exceptions.becomes_exception_on',
    'place_exceptions.sla_days'
) }}
