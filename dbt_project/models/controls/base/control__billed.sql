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

-- nearly every source stands on one line: to carry all of those through sums and largest texts took most of
-- the time, and at 20 million of them more memory than there is
count_lines as (
    select
        posted_lines.source_key,
        count(*) as line_count
    from posted_lines
    group by posted_lines.source_key
),

find_several as (
    select count_lines.source_key
    from count_lines
    where count_lines.line_count > 1
),

take_single as (
    select
        posted_lines.source_key,
        posted_lines.source_type,
        posted_lines.quantity as net_quantity,
        {{ as_money('posted_lines.net_amount') }} as net_amount,
        1 as line_count,
        posted_lines.currency_code,
        posted_lines.contract_line_id,
        posted_lines.legal_entity_id,
        posted_lines.customer_id,
        posted_lines.contract_id,
        case
            when posted_lines.quantity > 0 or posted_lines.net_amount > 0
                then cast(posted_lines.posted_at as date)
        end as last_charged_on,
        posted_lines.invoice_number as invoice_numbers
    from posted_lines
    left join find_several
        on posted_lines.source_key = find_several.source_key
    where find_several.source_key is null
),

sum_several as (
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
        {{ list_agg_sorted('posted_lines.invoice_number') }} as invoice_numbers
    from posted_lines
    inner join find_several
        on posted_lines.source_key = find_several.source_key
    group by posted_lines.source_key
)

select
    take_single.source_key,
    take_single.source_type,
    take_single.net_quantity,
    take_single.net_amount,
    take_single.line_count,
    take_single.currency_code,
    take_single.contract_line_id,
    take_single.legal_entity_id,
    take_single.customer_id,
    take_single.contract_id,
    take_single.last_charged_on,
    take_single.invoice_numbers
from take_single
union all
select
    sum_several.source_key,
    sum_several.source_type,
    sum_several.net_quantity,
    sum_several.net_amount,
    sum_several.line_count,
    sum_several.currency_code,
    sum_several.contract_line_id,
    sum_several.legal_entity_id,
    sum_several.customer_id,
    sum_several.contract_id,
    sum_several.last_charged_on,
    sum_several.invoice_numbers
from sum_several
