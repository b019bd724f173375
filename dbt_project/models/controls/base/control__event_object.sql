-- What an integration event can move, one row per kind and record as known: what it is worth, whose it is,
-- and whether the target already shows what the event should bring about (null where the target does not
-- tell).
with

deals as (
    select deal.*
    from {{ ref('control__deal') }} as deal
),

projects as (
    select project.*
    from {{ ref('control__project') }} as project
),

items as (
    select item.*
    from {{ ref('control__item') }} as item
    where
        item.status = 'approved'
        and item.is_billable
),

contract_lines as (
    select known.*
    from {{ as_known(ref('canonical__contract_line')) }} as known
),

contracts as (
    select known.*
    from {{ as_known(ref('canonical__contract')) }} as known
),

invoices as (
    select known.*
    from {{ as_known(ref('canonical__invoice')) }} as known
),

budgets as (
    select
        known.project_id,
        known.budget_revenue
    from {{ as_known(ref('canonical__project')) }} as known
),

find_transfers as (
    select distinct
        known.source_type,
        known.source_key
    from {{ as_known(ref('canonical__billing_item')) }} as known
),

check_items as (
    select
        items.*,
        find_transfers.source_key is not null as is_transferred
    from items
    left join find_transfers
        on
            items.source_type = find_transfers.source_type
            and items.item_key = find_transfers.source_key
),

-- a week of approved time moves as one; what has not arrived of it is what waits
sum_weeks as (
    select
        check_items.project_id || '|' || {{ as_text(week_start('check_items.item_date')) }} as week_key,
        {{ as_text(week_start('check_items.item_date')) }} as week_start,
        check_items.project_id,
        min(check_items.project_name) as project_name,
        min(check_items.legal_entity_id) as legal_entity_id,
        min(check_items.customer_id) as customer_id,
        min(check_items.contract_id) as contract_id,
        min(check_items.contract_line_id) as contract_line_id,
        case
            when min(check_items.currency_code) = max(check_items.currency_code)
                then min(check_items.currency_code)
        end as currency_code,
        sum(case when check_items.is_transferred then 0 else check_items.amount end) as amount_waiting,
        sum(check_items.amount) as amount_approved,
        min(case when check_items.is_transferred then 1 else 0 end) as is_transferred
    from check_items
    where
        check_items.source_type = 'TIME'
        and check_items.line_billing_method in ('TM', 'TM_CAPPED')
    group by check_items.project_id, {{ week_start('check_items.item_date') }}
),

sum_contracts as (
    select
        contract_lines.contract_id,
        sum(contract_lines.original_value) as original_value
    from contract_lines
    group by contract_lines.contract_id
)

select
    'opportunity' as entity_type,
    deals.opportunity_id as entity_key,
    'Deal ' || coalesce(deals.opportunity_name, '') as object_name,
    deals.legal_entity_id,
    deals.customer_id,
    deals.contract_id,
    {{ null_text() }} as contract_line_id,
    deals.project_id,
    deals.currency_code,
    {{ as_money('case when deals.first_30_days_revenue < deals.services_amount'
                ' then deals.first_30_days_revenue else deals.services_amount end') }} as amount,
    deals.has_project and (deals.has_contract or not deals.is_contract_required) as is_target_reached,
    'deal:' || deals.opportunity_id as risk_object
from deals
union all
select
    'contract' as entity_type,
    contracts.contract_id as entity_key,
    'Contract ' || coalesce(contracts.contract_number, '') as object_name,
    contracts.legal_entity_id,
    contracts.customer_id,
    contracts.contract_id,
    {{ null_text() }} as contract_line_id,
    {{ null_text() }} as project_id,
    contracts.currency_code,
    {{ as_money('sum_contracts.original_value') }} as amount,
    cast(null as boolean) as is_target_reached,
    'contract:' || contracts.contract_id as risk_object
from contracts
left join sum_contracts
    on contracts.contract_id = sum_contracts.contract_id
union all
select
    'project' as entity_type,
    projects.project_id as entity_key,
    'Project ' || coalesce(projects.project_name, '') as object_name,
    projects.legal_entity_id,
    projects.customer_id,
    projects.contract_id,
    projects.found_line_id as contract_line_id,
    projects.project_id,
    projects.currency_code,
    {{ as_money('budgets.budget_revenue') }} as amount,
    cast(null as boolean) as is_target_reached,
    'project:' || projects.project_id as risk_object
from projects
left join budgets
    on projects.project_id = budgets.project_id
union all
select
    'project_week' as entity_type,
    sum_weeks.week_key as entity_key,
    'Approved time of the week of ' || sum_weeks.week_start || ' on project '
    || coalesce(sum_weeks.project_name, '') as object_name,
    sum_weeks.legal_entity_id,
    sum_weeks.customer_id,
    sum_weeks.contract_id,
    sum_weeks.contract_line_id,
    sum_weeks.project_id,
    sum_weeks.currency_code,
    {{ as_money('case when sum_weeks.is_transferred = 1 then sum_weeks.amount_approved'
                ' else sum_weeks.amount_waiting end') }} as amount,
    sum_weeks.is_transferred = 1 as is_target_reached,
    'project_week:' || sum_weeks.week_key as risk_object
from sum_weeks
union all
select
    case when check_items.source_type = 'MILESTONE' then 'milestone' else 'expense' end as entity_type,
    check_items.item_key as entity_key,
    case when check_items.source_type = 'MILESTONE' then 'Milestone' else 'Expense' end || ' on project '
    || coalesce(check_items.project_name, '') as object_name,
    check_items.legal_entity_id,
    check_items.customer_id,
    check_items.contract_id,
    check_items.contract_line_id,
    check_items.project_id,
    check_items.currency_code,
    {{ as_money('check_items.amount') }} as amount,
    check_items.is_transferred as is_target_reached,
    'item:' || check_items.item_key as risk_object
from check_items
where check_items.source_type in ('MILESTONE', 'EXPENSE')
union all
select
    'invoice' as entity_type,
    invoices.invoice_id as entity_key,
    'Invoice ' || coalesce(invoices.invoice_number, '') as object_name,
    invoices.legal_entity_id,
    invoices.customer_id,
    invoices.contract_id,
    {{ null_text() }} as contract_line_id,
    {{ null_text() }} as project_id,
    invoices.currency_code,
    {{ as_money('invoices.total_amount') }} as amount,
    cast(null as boolean) as is_target_reached,
    'invoice:' || invoices.invoice_id as risk_object
from invoices
