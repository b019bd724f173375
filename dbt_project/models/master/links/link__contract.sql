{{ config(materialized=var('views_as', 'view')) }}

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
    {{ pairs_known_at_once(
        'deals', 'opportunity_id', 'contracts', 'contract_id', 'explicit_link', 1,
        'deals.opportunity_id = contracts.opportunity_id'
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
