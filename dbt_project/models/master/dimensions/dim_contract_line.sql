{{ config(database='serving') }}

with

contract_lines as (
    select * from {{ as_known(ref('canonical__contract_line')) }} as known
),

contracts as (
    select * from {{ known_record('contract', ref('canonical__contract')) }} as known
),

projects as (
    select * from {{ known_record('project', ref('canonical__project')) }} as known
    where not is_template
),

-- A line's project is the smallest key of those that name it.
projects_of_lines as (
    select
        linked.contract_line_id,
        min(linked.project_id) as project_id
    from (
        select
            contract_line_id,
            project_id
        from projects
        where contract_line_id is not null
        union all
        select
            expense_line_id as contract_line_id,
            project_id
        from projects
        where expense_line_id is not null
    ) as linked
    group by linked.contract_line_id
)

select
    contract_lines.contract_line_id,
    contract_lines.contract_id,
    contracts.contract_number,
    contract_lines.line_number,
    contracts.opportunity_id,
    contracts.customer_id,
    contracts.legal_entity_id,
    contract_lines.billing_method,
    coalesce(contract_lines.practice_code, 'UNMAPPED:NONE') as practice_id,
    coalesce(contract_lines.region_code, 'UNMAPPED:NONE') as region_id,
    contract_lines.group_code as group_id,
    projects_of_lines.project_id,
    contract_lines.currency_code,
    contract_lines.original_value,
    contract_lines.ceiling,
    contracts.status,
    contracts.signed_on,
    contract_lines.effective_from,
    contract_lines.effective_to,
    contracts.closed_on
from contract_lines
left join contracts on contract_lines.contract_id = contracts.contract_id
left join projects_of_lines on contract_lines.contract_line_id = projects_of_lines.contract_line_id
