-- One row per piece of work of the PSA as known (time entry, expense line, milestone), on the contract line
-- it is billed by, with what is billed of it.
with

run as {{ control_run_row() }},

time_entries as (
    select known.*
    from {{ as_known(ref('canonical__time_entry')) }} as known
),

expense_lines as (
    select known.*
    from {{ as_known(ref('canonical__expense_line')) }} as known
),

milestones as (
    select known.*
    from {{ as_known(ref('canonical__milestone')) }} as known
),

projects as (
    select project.*
    from {{ ref('control__project') }} as project
),

billed as (
    select billed_source.*
    from {{ ref('control__billed') }} as billed_source
),

zones as {{ import_zones() }},

gather_items as (
    select
        time_entries.time_entry_id as item_key,
        'TIME' as source_type,
        time_entries.project_id,
        time_entries.resource_id,
        time_entries.work_date as item_date,
        cast(time_entries.hours as decimal(18, 8)) as quantity,
        cast(time_entries.bill_rate as decimal(19, 8)) as unit_price,
        {{ as_money('time_entries.billable_amount') }} as amount,
        time_entries.currency_code,
        time_entries.is_billable,
        time_entries.status,
        time_entries.submitted_at,
        time_entries.approved_at,
        cast(null as date) as submitted_on,
        cast(null as date) as approved_on
    from time_entries
    union all
    select
        expense_lines.expense_line_id as item_key,
        'EXPENSE' as source_type,
        expense_lines.project_id,
        expense_lines.resource_id,
        expense_lines.expense_date as item_date,
        cast(1 as decimal(18, 8)) as quantity,
        cast(expense_lines.billing_amount as decimal(19, 8)) as unit_price,
        {{ as_money('expense_lines.billing_amount') }} as amount,
        expense_lines.billing_currency_code as currency_code,
        expense_lines.is_billable,
        expense_lines.status,
        expense_lines.submitted_at,
        expense_lines.approved_at,
        cast(null as date) as submitted_on,
        cast(null as date) as approved_on
    from expense_lines
    union all
    select
        milestones.milestone_id as item_key,
        'MILESTONE' as source_type,
        milestones.project_id,
        {{ null_text() }} as resource_id,
        milestones.accepted_on as item_date,
        cast(1 as decimal(18, 8)) as quantity,
        cast(milestones.amount as decimal(19, 8)) as unit_price,
        {{ as_money('milestones.amount') }} as amount,
        milestones.currency_code,
        true as is_billable,
        milestones.status,
        {{ null_instant() }} as submitted_at,
        {{ null_instant() }} as approved_at,
        milestones.completed_on as submitted_on,
        milestones.accepted_on as approved_on
    from milestones
)

select
    gather_items.item_key,
    gather_items.source_type,
    gather_items.project_id,
    gather_items.resource_id,
    gather_items.item_date,
    gather_items.quantity,
    gather_items.unit_price,
    gather_items.amount,
    gather_items.currency_code,
    gather_items.is_billable,
    gather_items.status,
    coalesce({{ entity_date('gather_items.submitted_at') }}, gather_items.submitted_on) as submitted_on,
    coalesce({{ entity_date('gather_items.approved_at') }}, gather_items.approved_on) as approved_on,
    projects.project_name,
    projects.legal_entity_id,
    projects.customer_id,
    projects.contract_id,
    case
        when gather_items.source_type = 'EXPENSE'
            then coalesce(projects.found_expense_line_id, projects.found_line_id)
        else projects.found_line_id
    end as contract_line_id,
    case
        when gather_items.source_type = 'EXPENSE'
            then coalesce(projects.expense_billing_method, projects.line_billing_method)
        else projects.line_billing_method
    end as line_billing_method,
    coalesce(billed.net_quantity, 0) as billed_quantity,
    -- by quantity: a concession in money alone bills nothing and brings nothing back
    {{ unbilled_share('gather_items.amount', 'gather_items.quantity', 'billed.net_quantity') }}
        as unbilled_amount
from gather_items
cross join run
left join projects
    on gather_items.project_id = projects.project_id
left join zones
    on projects.legal_entity_id = zones.legal_entity_id
left join billed
    on gather_items.item_key = billed.source_key
