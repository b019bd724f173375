-- One row per opportunity as known: when it was won, and whether a contract and a project stand for it. A
-- renewal or change order delivered as an amendment, and a child deal whose parent holds the contract, stand
-- on somebody else's contract and project.
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

find_first_win as (
    select
        stage_events.opportunity_id,
        min(cast(stage_events.changed_at as date)) as won_on
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
        when opportunities.is_won then coalesce(find_first_win.won_on, opportunities.close_date)
    end as won_on,
    opportunities.planned_start,
    opportunities.billing_method,
    opportunities.payment_terms_days,
    opportunities.term_start,
    opportunities.term_end,
    opportunities.parent_opportunity_id,
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
        or parent_contract.contract_id is not null,
        false
    ) as has_project
from opportunities
cross join run
left join customer_xref
    on opportunities.customer_id = customer_xref.left_key
left join find_first_win
    on opportunities.opportunity_id = find_first_win.opportunity_id
left join find_live_contract
    on opportunities.opportunity_id = find_live_contract.opportunity_id
left join find_amendment
    on opportunities.opportunity_id = find_amendment.opportunity_id
left join find_live_contract as parent_contract
    on opportunities.parent_opportunity_id = parent_contract.opportunity_id
left join find_project
    on opportunities.opportunity_id = find_project.opportunity_id
