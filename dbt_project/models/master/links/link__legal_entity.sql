{{ config(materialized='view') }}

with

named as (
    select
        source_system,
        source_instance,
        legal_entity_code,
        known_from
    from {{ ref('canonical__opportunity') }}
    union all
    select
        source_system,
        source_instance,
        legal_entity_code,
        known_from
    from {{ ref('canonical__project') }}
    union all
    select
        source_system,
        source_instance,
        legal_entity_code,
        known_from
    from {{ ref('canonical__resource') }}
),

-- A code counts from the first record that used it.
codes as (
    select
        source_system || ':' || source_instance || ':' || legal_entity_code as legal_entity_code_id,
        legal_entity_code,
        min(known_from) as known_from,
        {{ null_instant() }} as known_to
    from named
    where legal_entity_code is not null
    group by source_system, source_instance, legal_entity_code
),

legal_entities as (
    select * from {{ ref('canonical__legal_entity') }}
    where not is_deleted
),

pairs as (
    select
        codes.legal_entity_code_id as left_key,
        legal_entities.legal_entity_id as right_key,
        'same_code' as match_rule,
        1 as rank,
        {{ together_from('codes', 'legal_entities') }} as holds_from,
        {{ together_to('codes', 'legal_entities') }} as holds_to
    from codes
    inner join legal_entities
        on
            codes.legal_entity_code = legal_entities.entity_code
            and {{ known_at_once('codes', 'legal_entities') }}
),

links as (
    {{ golden_links('pairs') }}
)

select
    left_key,
    right_key,
    match_rule,
    known_from,
    known_to
from links
