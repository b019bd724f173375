{{ config(materialized='view') }}

with

contacts as (
    select * from {{ ref('canonical__resource') }}
    where source_system = 'certinia' and not is_deleted
),

workers as (
    select * from {{ ref('canonical__resource') }}
    where source_system = 'bamboohr' and not is_deleted
),

pairs as (
    select
        contacts.resource_id as left_key,
        workers.resource_id as right_key,
        'employee_number' as match_rule,
        1 as rank,
        {{ together_from('contacts', 'workers') }} as holds_from,
        {{ together_to('contacts', 'workers') }} as holds_to
    from contacts
    inner join workers
        on
            contacts.employee_number = workers.employee_number
            and {{ known_at_once('contacts', 'workers') }}
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
