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
),

posted_lines as (
    select
        invoice_lines.source_key,
        invoice_lines.source_type,
        invoice_lines.quantity,
        invoice_lines.net_amount,
        invoice_lines.currency_code,
        invoice_lines.contract_line_id,
        invoices.legal_entity_id,
        invoices.customer_id,
        invoices.contract_id,
        invoices.posted_at,
        invoices.invoice_number
    from invoice_lines
    inner join invoices
        on invoice_lines.invoice_id = invoices.invoice_id
    cross join run
    where {{ is_posted('invoices') }}
),

sum_lines as (
    select
        posted_lines.source_key,
        max(posted_lines.source_type) as source_type,
        sum(posted_lines.quantity) as net_quantity,
        {{ as_money('sum(posted_lines.net_amount)') }} as net_amount,
        count(*) as line_count,
        max(posted_lines.currency_code) as currency_code,
        max(posted_lines.contract_line_id) as contract_line_id,
        max(posted_lines.legal_entity_id) as legal_entity_id,
        max(posted_lines.customer_id) as customer_id,
        max(posted_lines.contract_id) as contract_id,
        -- a later credit takes off what was charged: it does not make the charge any younger
        max(
            case
                when posted_lines.quantity > 0 or posted_lines.net_amount > 0
                    then cast(posted_lines.posted_at as date)
            end
        ) as last_charged_on,
        max(posted_lines.invoice_number) as invoice_number
    from posted_lines
    group by posted_lines.source_key
),

-- few sources stand on several lines: a sorted list for every one of them took most of the time
list_numbers as (
    select
        posted_lines.source_key,
        {{ list_agg_sorted('posted_lines.invoice_number') }} as invoice_numbers
    from posted_lines
    inner join sum_lines
        on posted_lines.source_key = sum_lines.source_key
    where sum_lines.line_count > 1
    group by posted_lines.source_key
)

select
    sum_lines.source_key,
    sum_lines.source_type,
    sum_lines.net_quantity,
    sum_lines.net_amount,
    sum_lines.line_count,
    sum_lines.currency_code,
    sum_lines.contract_line_id,
    sum_lines.legal_entity_id,
    sum_lines.customer_id,
    sum_lines.contract_id,
    sum_lines.last_charged_on,
    case
        when sum_lines.line_count > 1 then list_numbers.invoice_numbers else sum_lines.invoice_number
    end as invoice_numbers
from sum_lines
left join list_numbers
    on sum_lines.source_key = list_numbers.source_key
