with

links as (
    select
        'customer' as entity_type,
        left_key,
        right_key,
        match_rule,
        known_from,
        known_to
    from {{ ref('link__customer') }}
    union all
    select
        'resource' as entity_type,
        left_key,
        right_key,
        match_rule,
        known_from,
        known_to
    from {{ ref('link__resource') }}
    union all
    select
        'project' as entity_type,
        left_key,
        right_key,
        match_rule,
        known_from,
        known_to
    from {{ ref('link__project') }}
    union all
    select
        'contract' as entity_type,
        left_key,
        right_key,
        match_rule,
        known_from,
        known_to
    from {{ ref('link__contract') }}
    union all
    select
        'legal_entity' as entity_type,
        left_key,
        right_key,
        match_rule,
        known_from,
        known_to
    from {{ ref('link__legal_entity') }}
)

select
    entity_type,
    left_key,
    right_key,
    match_rule,
    cast(
        case match_rule
            when 'explicit_link' then 1
            when 'employee_number' then 1
            when 'same_code' then 1
            when 'tax_id' then 0.98
            when 'exact_name' then 0.9
        end as decimal(5, 4)
    ) as match_confidence,
    cast('1900-01-01' as date) as valid_from,
    {{ null_date() }} as valid_to,
    case when match_rule = 'explicit_link' then 'source_link' else 'rule' end as decided_by,
    known_from,
    known_to
from links
