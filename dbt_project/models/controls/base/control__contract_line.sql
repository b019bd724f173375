-- One row per contract line as known, with its contract, what it is worth on as_of and what is billed on it.
-- amended_value and amended_ceiling add the change orders that are signed and in force by as_of.
with

run as {{ control_run_row() }},

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
    where known.status = 'SIGNED'
),

shares as (
    select known.*
    from {{ as_known(ref('canonical__contract_line_share')) }} as known
),

invoices as (
    select known.*
    from {{ as_known(ref('canonical__invoice')) }} as known
),

invoice_lines as (
    select known.*
    from {{ as_known(ref('canonical__invoice_line')) }} as known
),

carried_over as (
    select known.*
    from {{ as_known(ref('canonical__opening_balance')) }} as known
    cross join run
    where known.kind = 'BILLED_TO_DATE' and known.balance_date <= run.as_of
),

zones as {{ import_zones() }},

sum_amendments as (
    select
        amendments.contract_line_id,
        sum(coalesce(amendments.delta_value, 0)) as delta_value,
        sum(coalesce(amendments.delta_ceiling, 0)) as delta_ceiling,
        max(greatest(amendments.signed_on, amendments.effective_on)) as last_amended_on
    from amendments
    cross join run
    where
        amendments.signed_on <= run.as_of
        and amendments.effective_on <= run.as_of
    group by amendments.contract_line_id
),

sum_shares as (
    select
        shares.contract_line_id,
        sum(shares.share) as share_total,
        count(*) as share_count
    from shares
    group by shares.contract_line_id
),

-- with what was billed before the firm's records here begin, of which there are no invoices: its date is the
-- last by which it had happened
unite_billed as (
    select
        invoice_lines.contract_line_id,
        invoices.invoice_date as billed_on,
        invoice_lines.net_amount
    from invoice_lines
    inner join invoices
        on invoice_lines.invoice_id = invoices.invoice_id
    cross join run
    where {{ is_posted('invoices') }}
    union all
    select
        carried_over.contract_line_id,
        carried_over.balance_date as billed_on,
        carried_over.amount as net_amount
    from carried_over
),

sum_billed as (
    select
        unite_billed.contract_line_id,
        min(unite_billed.billed_on) as first_billed_on,
        sum(unite_billed.net_amount) as net_billed
    from unite_billed
    where unite_billed.contract_line_id is not null
    group by unite_billed.contract_line_id
)

select
    contract_lines.contract_line_id,
    contract_lines.contract_id,
    contracts.contract_number,
    contracts.opportunity_id,
    contracts.legal_entity_id,
    contracts.customer_id,
    contracts.status as contract_status,
    {{ entity_date('contracts.created_at') }} as contract_created_on,
    coalesce(contracts.currency_code, contract_lines.currency_code) as currency_code,
    contract_lines.billing_method,
    contract_lines.original_value,
    {{ as_money('coalesce(contract_lines.original_value, 0) + coalesce(sum_amendments.delta_value, 0)') }}
        as amended_value,
    {{ as_money('coalesce(contract_lines.ceiling, 0) + coalesce(sum_amendments.delta_ceiling, 0)') }}
        as amended_ceiling,
    {{ as_money('coalesce(sum_billed.net_billed, 0)') }} as net_billed,
    sum_billed.first_billed_on,
    sum_amendments.last_amended_on,
    sum_shares.share_total,
    coalesce(sum_shares.share_count, 0) as share_count
from contract_lines
left join contracts
    on contract_lines.contract_id = contracts.contract_id
left join zones
    on contracts.legal_entity_id = zones.legal_entity_id
left join sum_amendments
    on contract_lines.contract_line_id = sum_amendments.contract_line_id
left join sum_shares
    on contract_lines.contract_line_id = sum_shares.contract_line_id
left join sum_billed
    on contract_lines.contract_line_id = sum_billed.contract_line_id
