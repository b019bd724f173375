{{ config(materialized='view') }}

with

deals as (
    select * from {{ ref('canonical__opportunity') }}
    where not is_deleted
),

contracts as (
    select * from {{ ref('canonical__contract') }}
    where not is_deleted
),

pairs as (
    select
        deals.opportunity_id as left_key,
        contracts.contract_id as right_key,
        'explicit_link' as match_rule,
        1 as rank,
        {{ together_from('deals', 'contracts') }} as holds_from,
        {{ together_to('deals', 'contracts') }} as holds_to
    from deals
    inner join contracts
        on
            deals.opportunity_id = contracts.opportunity_id
            and {{ known_at_once('deals', 'contracts') }}
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
