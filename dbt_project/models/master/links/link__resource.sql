{{ config(materialized=var('views_as', 'view')) }}

with

contacts as (
    select * from {{ of_record('resource', ref('canonical__resource')) }} as judged
    where not is_of_record and not is_deleted
),

workers as (
    select * from {{ of_record('resource', ref('canonical__resource')) }} as judged
    where is_of_record and not is_deleted
),

pairs as (
    {{ pairs_known_at_once(
        'contacts', 'resource_id', 'workers', 'resource_id', 'employee_number', 1,
        'contacts.employee_number = workers.employee_number'
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
