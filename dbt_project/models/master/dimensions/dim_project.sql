{{ config(database='serving') }}

with

projects as (
    select * from {{ known_record('project', ref('canonical__project')) }} as known
    where not is_template
),

contract_lines as (
    select * from {{ as_known(ref('canonical__contract_line')) }} as known
),

contracts as (
    select * from {{ known_record('contract', ref('canonical__contract')) }} as known
),

units as (
    select * from {{ as_known(ref('canonical__org_unit')) }} as known
),

links as (
    select * from {{ ref('master__entity_xref') }}
    where
        entity_type = 'customer'
        and known_from <= {{ run_known_at() }}
        and (known_to is null or known_to > {{ run_known_at() }})
)

-- A project linked to a contract line belongs where the line does; any other where the PSA puts it.
select
    projects.project_id,
    projects.project_number,
    projects.name,
    coalesce(
        contracts.customer_id,
        links.right_key,
        'UNMAPPED:' || projects.customer_id,
        'NONE'
    ) as customer_id,
    projects.opportunity_id,
    coalesce(contract_lines.contract_line_id, 'NONE') as contract_line_id,
    contract_lines.contract_id,
    coalesce(
        contracts.legal_entity_id,
        projects.legal_entity_id,
        'UNMAPPED:' || coalesce(projects.legal_entity_code, 'NONE')
    ) as legal_entity_id,
    coalesce(
        contract_lines.practice_code,
        practices.code,
        {{ coded('service_lines') }},
        'UNMAPPED:' || coalesce(projects.service_line_code, 'NONE')
    ) as practice_id,
    coalesce(contract_lines.region_code, regions.code, 'UNMAPPED:NONE') as region_id,
    coalesce(contract_lines.group_code, groups.code) as group_id,
    projects.billing_method,
    projects.is_billable,
    projects.status,
    projects.currency_code,
    projects.start_date,
    projects.end_date,
    projects.project_manager_id
from projects
left join contract_lines on projects.contract_line_id = contract_lines.contract_line_id
left join contracts on contract_lines.contract_id = contracts.contract_id
left join units as practices on projects.practice_id = practices.org_unit_id
left join units as regions on projects.region_id = regions.org_unit_id
left join units as groups on projects.group_id = groups.org_unit_id
left join links on projects.customer_id = links.left_key
{{ code_join('service_lines', 'service_line', 'certinia', 'projects.service_line_code') }}
