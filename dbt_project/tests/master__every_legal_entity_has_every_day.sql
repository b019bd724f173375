-- The wrong number this would let through: a deadline that never comes. Working days between two dates
-- are the difference of two running numbers; a day without a row makes the difference null and the
-- exception stays away.
select
    legal_entities.legal_entity_id,
    count(days.calendar_date) as days,
    min(days.calendar_date) as first_day,
    max(days.calendar_date) as last_day
from {{ ref('canonical__legal_entity') }} as legal_entities
left join {{ ref('master__calendar_day') }} as days
    on legal_entities.legal_entity_id = days.legal_entity_id
where legal_entities.known_to is null and not legal_entities.is_deleted
group by legal_entities.legal_entity_id
having
    count(days.calendar_date) <> {{ days_between(
        "cast('" ~ var('calendar_from') ~ "' as date)", "cast('" ~ var('calendar_to') ~ "' as date)"
    ) }} + 1
