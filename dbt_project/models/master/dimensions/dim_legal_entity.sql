{{ config(database='serving') }}

with

legal_entities as (
    select * from {{ known_record('legal_entity', ref('canonical__legal_entity')) }} as known
)

select
    legal_entity_id,
    entity_code,
    name,
    country_code,
    functional_currency,
    is_active
from legal_entities
