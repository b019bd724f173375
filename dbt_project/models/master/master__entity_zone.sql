with

legal_entities as (
    select * from {{ as_known(ref('canonical__legal_entity')) }} as known
),

-- an entity is named by its key or by its code
configured as (
    select * from {{ source('inputs', 'entity_calendar') }}
)

select
    legal_entities.legal_entity_id,
    coalesce(min(configured.time_zone), 'UTC') as time_zone
from legal_entities
left join configured
    on configured.legal_entity_id in (legal_entities.legal_entity_id, legal_entities.entity_code)
group by legal_entities.legal_entity_id
