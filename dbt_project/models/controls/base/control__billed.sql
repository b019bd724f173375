-- One row per billed source: quantity and money over all posted documents dated by as_of, credits taken off.
with

run as {{ control_run_row() }},

invoices as (
    select known.*
    from {{ as_known(ref('canonical__invoice')) }} as known
),

invoice_lines as (
    select known.*
    from {{ as_known(ref('canonical__invoice_line')) }} as known
    where
        known.source_key is not null
        and known.source_type <> 'MANUAL'
)

select
    invoice_lines.source_key,
    max(invoice_lines.source_type) as source_type,
    sum(invoice_lines.quantity) as net_quantity,
    {{ as_money('sum(invoice_lines.net_amount)') }} as net_amount,
    count(*) as line_count,
    max(invoice_lines.currency_code) as currency_code,
    max(invoice_lines.contract_line_id) as contract_line_id,
    max(invoices.legal_entity_id) as legal_entity_id,
    max(invoices.customer_id) as customer_id,
    max(invoices.contract_id) as contract_id,
    -- a later credit takes off what was charged: it does not make the charge any younger
    max(
        case
            when invoice_lines.quantity > 0 or invoice_lines.net_amount > 0
                then cast(invoices.posted_at as date)
        end
    ) as last_charged_on,
    {{ list_agg_sorted('invoices.invoice_number') }} as invoice_numbers
from invoice_lines
inner join invoices
    on invoice_lines.invoice_id = invoices.invoice_id
cross join run
where {{ is_posted('invoices') }}
group by invoice_lines.source_key
