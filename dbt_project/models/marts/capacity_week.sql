-- Hours that people are there for in each of the twelve weeks after the run's own day, and what they are
-- booked for, by entity, region and practice. The first four, eight and twelve weeks are what
-- forward_utilisation_4w, 8w and 12w are made of.
with capacity as (
    select
        as_of,
        week_number,
        resource_id,
        legal_entity_id,
        region_id,
        practice_id,
        available_hours,
        firm_billable_hours,
        firm_other_hours,
        tentative_hours
    from {{ ref('ledger__capacity_week') }}
)

select
    as_of,
    week_number,
    {{ date_add_days('as_of', '7 * week_number - 6') }} as first_day,
    legal_entity_id,
    region_id,
    practice_id,
    cast(count(distinct resource_id) as bigint) as people,
    cast({{ known_sum('available_hours') }} as decimal(28, 10)) as available_hours,
    cast(sum(firm_billable_hours) as decimal(28, 10)) as firm_billable_hours,
    cast(sum(firm_other_hours) as decimal(28, 10)) as firm_other_hours,
    cast(sum(tentative_hours) as decimal(28, 10)) as tentative_hours
from capacity
group by as_of, week_number, legal_entity_id, region_id, practice_id
