with

orders as (
    select * from {{ ref('netsuite__transaction') }}
    where type = 'PurchOrd'
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'orders.id', 'orders.tl_instance') }} as purchase_order_id,
    orders.tranid as po_number,
    {{ own_key('netsuite', 'orders.entity', 'orders.tl_instance') }} as vendor_id,
    {{ own_key('netsuite', 'orders.subsidiary', 'orders.tl_instance') }} as legal_entity_id,
    orders.trandate as order_date,
    currencies.symbol as currency_code,
    orders.exchangerate as exchange_rate,
    case when orders.voided then 'void' else orders.status end as status,
    'netsuite' as source_system,
    {{ landed('orders') }}
from orders
left join currencies on orders.currency = currencies.id and orders.tl_instance = currencies.tl_instance
