with

orders as (
    select * from {{ ref('stg_netsuite__customer_po') }}
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'orders.id', 'orders.tl_instance') }} as customer_po_id,
    orders.name as number,
    {{ own_key('netsuite', 'orders.custrecord_tl_po_customer', 'orders.tl_instance') }} as customer_id,
    orders.custrecord_tl_po_amount as amount,
    -- The currency is named by id as elsewhere, or by its ISO code.
    coalesce(currencies.symbol, orders.custrecord_tl_po_currency) as currency_code,
    orders.custrecord_tl_po_valid_to as valid_to,
    'netsuite' as source_system,
    {{ landed('orders') }}
from orders
left join currencies
    on orders.custrecord_tl_po_currency = currencies.id and orders.tl_instance = currencies.tl_instance
