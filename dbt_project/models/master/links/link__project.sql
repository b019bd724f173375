{{ config(materialized='view') }}

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
    select
        projects.project_id as left_key,
        contract_lines.contract_line_id as right_key,
        'explicit_link' as match_rule,
        1 as rank,
        {{ together_from('projects', 'contract_lines') }} as holds_from,
        {{ together_to('projects', 'contract_lines') }} as holds_to
    from projects
    inner join contract_lines
        on
            projects.contract_line_id = contract_lines.contract_line_id
            and {{ known_at_once('projects', 'contract_lines') }}
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
