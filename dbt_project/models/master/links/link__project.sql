{{ config(materialized=var('views_as', 'view')) }}

with

projects as (
    select * from {{ ref('canonical__project') }}
    where not is_deleted
),

contract_lines as (
    select * from {{ ref('canonical__contract_line') }}
    where not is_deleted
),

pairs as (
    {{ pairs_known_at_once(
        'projects', 'project_id', 'contract_lines', 'contract_line_id', 'explicit_link', 1,
        'projects.contract_line_id = contract_lines.contract_line_id'
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
