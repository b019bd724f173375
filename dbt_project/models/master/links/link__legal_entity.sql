{{ config(materialized=var('views_as', 'view')) }}

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
    {{ pairs_known_at_once(
        'codes', 'legal_entity_code_id', 'legal_entities', 'legal_entity_id', 'same_code', 1,
        'codes.legal_entity_code = legal_entities.entity_code'
    ) }}
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
