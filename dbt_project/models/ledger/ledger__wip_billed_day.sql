-- How much of each item's quantity had been billed at the end of every day on which that changed, as the run
-- knew it.
with item as (
    select
        item_key,
        wip_on
    from {{ ref('ledger__wip_item') }}
),

billed_line as (
    select
        source_key,
        invoice_date,
        quantity
    from {{ ledger_as_known(ref('ledger__billing_value')) }} as known
    where
        is_posted
        and source_key is not null
        -- a credit in money alone gives nothing back
        and quantity <> 0
        and invoice_date <= {{ run_as_of() }}
),

billed_day as (
    select
        item.item_key,
        -- what was billed before it was approved is taken out on the day it comes in
        greatest(billed_line.invoice_date, item.wip_on) as business_date,
        sum(billed_line.quantity) as quantity
    from item
    inner join billed_line on item.item_key = billed_line.source_key
    group by item.item_key, greatest(billed_line.invoice_date, item.wip_on)
)

select
    item_key,
    business_date,
    {{ as_rate('quantity') }} as billed_quantity,
    {{ as_rate('sum(quantity) over (
        partition by item_key order by business_date rows between unbounded preceding and current row
    )') }} as billed_to_date
from billed_day
