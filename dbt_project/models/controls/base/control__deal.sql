-- One row per opportunity as known: when it was won, and whether a contract and a project stand for it. A
-- renewal or change order stands on the contract it amends, by its amendment and by nothing else; another
-- child deal stands on its parent's contract and project. block_reason is the first guard of the handoff that
-- says no, of those that CRM and ERP can answer.
with

run as {{ control_run_row() }},

opportunities as (
    select known.*
    from {{ as_known(ref('canonical__opportunity')) }} as known
),

stage_events as (
    select known.*
    from {{ as_known(ref('canonical__opportunity_stage_event')) }} as known
),

contracts as (
    select known.*
    from {{ as_known(ref('canonical__contract')) }} as known
),

contract_lines as (
    select known.*
    from {{ as_known(ref('canonical__contract_line')) }} as known
),

amendments as (
    select known.*
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
),

projects as (
    select known.*
    from {{ as_known(ref('canonical__project')) }} as known
    where not known.is_template
),

customer_xref as {{ known_xref('customer') }},

zones as {{ import_zones() }},

customers as (
    select known.*
    from {{ known_record('customer', ref('canonical__customer')) }} as known
),

customer_entities as (
    select
        known.customer_id,
        known.legal_entity_id,
        max(case when known.status in ('ACTIVE', 'VALIDATED') then 1 else 0 end) as is_released
    from {{ as_known(ref('canonical__customer_entity')) }} as known
    group by known.customer_id, known.legal_entity_id
),

find_first_win as (
    select
        stage_events.opportunity_id,
        min(stage_events.changed_at) as won_at
    from stage_events
    where stage_events.stage = 'CLOSED_WON'
    group by stage_events.opportunity_id
),

find_live_contract as (
    select
        contracts.opportunity_id,
        min(contracts.contract_id) as contract_id
    from contracts
    where
        contracts.opportunity_id is not null
        and contracts.status in ('ACTIVE', 'ON_HOLD', 'COMPLETED')
    group by contracts.opportunity_id
),

find_amendment as (
    select
        amendments.opportunity_id,
        min(amendments.contract_amendment_id) as contract_amendment_id
    from amendments
    where
        amendments.opportunity_id is not null
        and amendments.status <> 'REJECTED'
    group by amendments.opportunity_id
),

list_project_links as (
    select
        projects.opportunity_id,
        projects.project_id
    from projects
    where
        projects.opportunity_id is not null
        and projects.status in ('PLANNED', 'OPEN', 'ON_HOLD', 'CLOSED')
    union all
    select
        contracts.opportunity_id,
        projects.project_id
    from projects
    inner join contract_lines
        on projects.contract_line_id = contract_lines.contract_line_id
    inner join contracts
        on contract_lines.contract_id = contracts.contract_id
    where
        contracts.opportunity_id is not null
        and contracts.status in ('ACTIVE', 'ON_HOLD', 'COMPLETED')
        and projects.status in ('PLANNED', 'OPEN', 'ON_HOLD', 'CLOSED')
),

find_project as (
    select
        list_project_links.opportunity_id,
        min(list_project_links.project_id) as project_id
    from list_project_links
    group by list_project_links.opportunity_id
)

select
    opportunities.opportunity_id,
    opportunities.name as opportunity_name,
    opportunities.customer_id as account_id,
    coalesce(customer_xref.right_key, 'UNMAPPED:' || coalesce(opportunities.customer_id, 'NONE'))
        as customer_id,
    opportunities.legal_entity_code,
    opportunities.legal_entity_id,
    opportunities.currency_code,
    opportunities.services_amount,
    opportunities.first_30_days_revenue,
    opportunities.is_won,
    opportunities.is_closed,
    opportunities.is_contract_required,
    opportunities.probability,
    opportunities.close_date,
    case
        when opportunities.is_won
            then coalesce({{ entity_date('find_first_win.won_at') }}, opportunities.close_date)
    end as won_on,
    opportunities.planned_start,
    opportunities.billing_method,
    opportunities.payment_terms_days,
    opportunities.term_start,
    opportunities.term_end,
    opportunities.parent_opportunity_id,
    opportunities.opportunity_type,
    {{ rides_on_parent('opportunities') }} as is_part_of_parent,
    find_live_contract.contract_id,
    find_amendment.contract_amendment_id,
    parent_contract.contract_id as parent_contract_id,
    find_project.project_id,
    coalesce(
        find_live_contract.contract_id is not null
        or find_amendment.contract_amendment_id is not null
        or parent_contract.contract_id is not null,
        false
    ) as has_contract,
    coalesce(
        find_project.project_id is not null
        or find_amendment.contract_amendment_id is not null
        or parent_project.project_id is not null,
        false
    ) as has_project,
    case
        when opportunities.legal_entity_id is null then 'G1 legal entity not mapped'
        when
            customers.customer_id is null
            or coalesce(customers.status, 'NONE') not in ('ACTIVE', 'VALIDATED')
            or coalesce(customer_entities.is_released, 0) = 0
            then 'G2 customer not released in the ERP for this entity'
        when coalesce(trim(customers.tax_profile), '') = '' then 'G3 tax profile incomplete'
        when coalesce(customers.credit_status, 'NONE') not in ('PASSED', 'NOT_REQUIRED')
            then 'G4 credit check not passed'
        when
            opportunities.currency_code is null
            or opportunities.payment_terms_days is null
            or coalesce(opportunities.billing_method, 'UNMAPPED:') like 'UNMAPPED:%'
            then 'G6 currency, payment terms or billing method not mapped'
    end as block_reason
from opportunities
cross join run
left join customer_xref
    on opportunities.customer_id = customer_xref.left_key
left join zones
    on opportunities.legal_entity_id = zones.legal_entity_id
left join find_first_win
    on opportunities.opportunity_id = find_first_win.opportunity_id
left join find_live_contract
    on opportunities.opportunity_id = find_live_contract.opportunity_id
left join find_amendment
    on opportunities.opportunity_id = find_amendment.opportunity_id
left join find_live_contract as parent_contract
    on
        case when {{ rides_on_parent('opportunities') }} then opportunities.parent_opportunity_id end
        = parent_contract.opportunity_id
left join find_project as parent_project
    on
        case when {{ rides_on_parent('opportunities') }} then opportunities.parent_opportunity_id end
        = parent_project.opportunity_id
left join customers
    on customer_xref.right_key = customers.customer_id
left join customer_entities
    on
        customers.customer_id = customer_entities.customer_id
        and opportunities.legal_entity_id = customer_entities.legal_entity_id
left join find_project
    on opportunities.opportunity_id = find_project.opportunity_id
