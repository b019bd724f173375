-- One row per contract as known: what has happened under it by as_of, and since when - approved time, posted
-- invoices, recognised revenue, and what was carried over of either - beside what it is worth.
with

run as {{ control_run_row() }},

contracts as (
    select known.*
    from {{ as_known(ref('canonical__contract')) }} as known
),

contract_lines as (
    select line.*
    from {{ ref('control__contract_line') }} as line
),

amendments as (
    select known.*
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    where known.status = 'SIGNED'
),

items as (
    select item.*
    from {{ ref('control__item') }} as item
    where item.source_type = 'TIME' and item.status = 'approved'
),

revenue_entries as (
    select known.*
    from {{ as_known(ref('canonical__revenue_entry')) }} as known
    cross join run
    where
        known.kind = 'recognised'
        and known.entry_type <> 'LOSS_PROVISION'
        and known.accounting_date <= run.as_of
),

-- the day is the last by which it had happened
carried_over as (
    select known.*
    from {{ as_known(ref('canonical__opening_balance')) }} as known
    cross join run
    where known.kind = 'REVENUE_TO_DATE' and known.balance_date <= run.as_of
),

zones as {{ import_zones() }},

-- what was promised by as_of, in force or not yet
sum_commitments as (
    select
        amendments.contract_line_id,
        sum(coalesce(amendments.delta_value, 0)) as delta_value,
        max(amendments.signed_on) as last_signed_on
    from amendments
    cross join run
    where amendments.signed_on <= run.as_of
    group by amendments.contract_line_id
),

sum_lines as (
    select
        contract_lines.contract_id,
        {{ as_money('sum(contract_lines.amended_value)') }} as amended_value,
        {{ as_money(
            "sum(case when contract_lines.billing_method <> 'EXPENSE' then coalesce(contract_lines.original_value, 0)"
            ~ " + coalesce(sum_commitments.delta_value, 0) else 0 end)"
        ) }} as committed_value,
        {{ as_money(
            "sum(case when contract_lines.billing_method = 'EXPENSE' then coalesce(contract_lines.original_value, 0)"
            ~ " + coalesce(sum_commitments.delta_value, 0) else 0 end)"
        ) }} as committed_expenses,
        max(sum_commitments.last_signed_on) as last_signed_on,
        min(contract_lines.first_billed_on) as first_billed_on,
        {{ as_money('sum(contract_lines.net_billed)') }} as net_billed
    from contract_lines
    left join sum_commitments
        on contract_lines.contract_line_id = sum_commitments.contract_line_id
    group by contract_lines.contract_id
),

unite_earned as (
    select
        revenue_entries.contract_line_id,
        revenue_entries.accounting_date as earned_on,
        revenue_entries.amount
    from revenue_entries
    union all
    select
        carried_over.contract_line_id,
        carried_over.balance_date as earned_on,
        carried_over.amount
    from carried_over
),

sum_revenue as (
    select
        contract_lines.contract_id,
        min(unite_earned.earned_on) as first_earned_on,
        {{ as_money('sum(unite_earned.amount)') }} as revenue_to_date
    from unite_earned
    inner join contract_lines
        on unite_earned.contract_line_id = contract_lines.contract_line_id
    group by contract_lines.contract_id
),

find_first_time as (
    select
        items.contract_id,
        min(items.approved_on) as first_approved_on
    from items
    where items.contract_id is not null
    group by items.contract_id
)

select
    contracts.contract_id,
    contracts.contract_number,
    contracts.legal_entity_id,
    contracts.customer_id,
    contracts.currency_code,
    contracts.status,
    contracts.effective_from,
    {{ entity_date('contracts.created_at') }} as created_on,
    coalesce(sum_lines.amended_value, 0) as amended_value,
    coalesce(sum_lines.committed_value, 0) as committed_value,
    coalesce(sum_lines.committed_expenses, 0) as committed_expenses,
    sum_lines.last_signed_on,
    coalesce(sum_lines.net_billed, 0) as net_billed,
    case when sum_lines.net_billed <> 0 then sum_lines.first_billed_on end as first_billed_on,
    coalesce(sum_revenue.revenue_to_date, 0) as revenue_to_date,
    case when sum_revenue.revenue_to_date <> 0 then sum_revenue.first_earned_on end as first_earned_on,
    find_first_time.first_approved_on
from contracts
cross join run
left join sum_lines
    on contracts.contract_id = sum_lines.contract_id
left join sum_revenue
    on contracts.contract_id = sum_revenue.contract_id
left join find_first_time
    on contracts.contract_id = find_first_time.contract_id
left join zones
    on contracts.legal_entity_id = zones.legal_entity_id
