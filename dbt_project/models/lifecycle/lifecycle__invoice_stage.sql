-- Posted invoices, with the day on which cash cleared them, as the run knew it. What credits cleared was not
-- collected. Practice, region and project are those of the contract's first line.
with run as (
    select as_of from {{ source('inputs', 'run_context') }}
),

invoice as (
    select
        invoice_id,
        invoice_number,
        contract_id,
        invoice_date,
        due_date,
        posted_at,
        legal_entity_id,
        customer_id,
        currency_code,
        amount_tc
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as known
    where is_posted and doc_type = 'STANDARD' and invoice_date <= {{ run_as_of() }}
),

settlement as (
    select
        cash_id,
        invoice_id,
        movement_type,
        business_date,
        -amount_tc as settled
    from {{ ledger_as_known(ref('ledger__cash_value')) }} as known
    where
        is_posted
        and movement_type in ('collected', 'credit_applied')
        and business_date <= {{ run_as_of() }}
),

running as (
    select
        settlement.invoice_id,
        settlement.movement_type,
        settlement.business_date,
        -- on one day credits come before cash
        sum(settlement.settled) over (
            partition by settlement.invoice_id
            order by settlement.business_date asc, settlement.movement_type desc, settlement.cash_id asc
            rows between unbounded preceding and current row
        ) as settled_to_date,
        row_number() over (
            partition by settlement.invoice_id
            order by settlement.business_date asc, settlement.movement_type desc, settlement.cash_id asc
        ) as step
    from settlement
),

clearing_step as (
    select
        running.invoice_id,
        min(running.step) as step
    from running
    inner join invoice on running.invoice_id = invoice.invoice_id
    where running.settled_to_date >= invoice.amount_tc
    group by running.invoice_id
),

cleared as (
    select
        running.invoice_id,
        running.business_date as cleared_on,
        running.movement_type = 'collected' as is_collected
    from running
    inner join clearing_step
        on running.invoice_id = clearing_step.invoice_id and running.step = clearing_step.step
),

settled as (
    select
        invoice_id,
        sum(settled) as settled
    from settlement
    group by invoice_id
),

contract_line as (
    select
        contract_id,
        min_by(contract_line_id, line_number) as contract_line_id
    from {{ as_known(ref('canonical__contract_line')) }} as known
    group by contract_id
),

line as (
    select
        contract_line_id,
        region_id,
        practice_id,
        project_id
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as known
),

zones as {{ import_zones() }},

{{ lifecycle_imports(due=false) }}

select
    invoice.invoice_id,
    invoice.invoice_number,
    invoice.contract_id,
    invoice.legal_entity_id,
    {{ as_text("coalesce(line.region_id, 'NONE')") }} as region_id,
    {{ as_text("coalesce(line.practice_id, 'NONE')") }} as practice_id,
    invoice.customer_id,
    {{ as_text("coalesce(line.project_id, 'NONE')") }} as project_id,
    invoice.currency_code,
    invoice.amount_tc,
    {{ ledger_at_rate('invoice.amount_tc', 'conversion.rate_rc') }} as amount_rc,
    {{ as_money('invoice.amount_tc - coalesce(settled.settled, 0)') }} as open_amount,
    {{ ledger_at_rate('(invoice.amount_tc - coalesce(settled.settled, 0))', 'conversion.rate_rc') }}
        as open_amount_rc,
    invoice.invoice_date,
    invoice.due_date,
    {{ date_add_days('invoice.due_date', 5) }} as collection_due_on,
    invoice.posted_at as t8_at,
    {{ entity_date('invoice.posted_at') }} as t8_on,
    case when cleared.is_collected then cleared.cleared_on end as t10_on,
    cleared.cleared_on,
    -- lags count working days; what an invoice has to be paid in is agreed in calendar days
    cast(day_cleared.working_day_number - day_8.working_day_number as integer) as lag_t8_cleared,
    case
        when cleared.is_collected
            then cast(day_cleared.working_day_number - day_8.working_day_number as integer)
    end as lag_t8_t10,
    cast(day_as_of.working_day_number - day_8.working_day_number as integer) as age_since_posted
from invoice
cross join run
left join zones on invoice.legal_entity_id = zones.legal_entity_id
left join settled on invoice.invoice_id = settled.invoice_id
left join cleared on invoice.invoice_id = cleared.invoice_id
{{ lifecycle_day('day_8', 'invoice.legal_entity_id', entity_date('invoice.posted_at')) }}
{{ lifecycle_day('day_cleared', 'invoice.legal_entity_id', 'cleared.cleared_on') }}
{{ lifecycle_day('day_as_of', 'invoice.legal_entity_id', 'run.as_of') }}
left join contract_line on invoice.contract_id = contract_line.contract_id
left join line on contract_line.contract_line_id = line.contract_line_id
left join conversion on invoice.currency_code = conversion.from_currency
