{{ config(database='serving') }}

with

resources as (
    select * from {{ of_record('resource', as_known(ref('canonical__resource'))) }} as judged
),

links as (
    select * from {{ ref('master__entity_xref') }}
    where
        entity_type = 'resource'
        and known_from <= {{ run_known_at() }}
        and (known_to is null or known_to > {{ run_known_at() }})
),

contacts_of_workers as (
    select
        right_key as resource_id,
        min(left_key) as psa_resource_id
    from links
    group by right_key
),

-- The record's workers; another system's contractors as they are; its employees the record does not know are
-- unmapped.
members as (
    select
        workers.resource_id,
        contacts_of_workers.psa_resource_id,
        workers.display_name_key,
        workers.worker_type,
        workers.employee_number,
        workers.role,
        workers.grade,
        workers.legal_entity_id,
        workers.practice_code,
        workers.region_code,
        workers.hire_date,
        workers.termination_date,
        workers.fte,
        workers.weekly_hours,
        workers.is_active
    from resources as workers
    left join contacts_of_workers on workers.resource_id = contacts_of_workers.resource_id
    where workers.is_of_record
    union all
    select
        case
            when contacts.worker_type = 'contractor' then contacts.resource_id
            else 'UNMAPPED:' || contacts.resource_id
        end as resource_id,
        contacts.resource_id as psa_resource_id,
        contacts.display_name_key,
        contacts.worker_type,
        contacts.employee_number,
        contacts.role,
        contacts.grade,
        contacts.legal_entity_id,
        contacts.practice_code,
        contacts.region_code,
        contacts.hire_date,
        contacts.termination_date,
        contacts.fte,
        contacts.weekly_hours,
        contacts.is_active
    from resources as contacts
    left join links on contacts.resource_id = links.left_key
    where not contacts.is_of_record and links.left_key is null
)

select
    resource_id,
    psa_resource_id,
    display_name_key,
    worker_type,
    employee_number,
    role,
    grade,
    coalesce(legal_entity_id, 'UNMAPPED:NONE') as legal_entity_id,
    coalesce(practice_code, 'UNMAPPED:NONE') as practice_id,
    coalesce(region_code, 'UNMAPPED:NONE') as region_id,
    hire_date,
    termination_date,
    fte,
    weekly_hours,
    is_active
from members
