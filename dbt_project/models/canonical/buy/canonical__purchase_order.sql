with

mapped as (
    {{ port_rows('purchase_order') }}
),

versioned as (
    {{ versions('mapped', 'purchase_order_id') }}
)

select
    purchase_order_id,
    {{ hash_key('purchase_order_id') }} as purchase_order_key,
    po_number,
    vendor_id,
    legal_entity_id,
    order_date,
    currency_code,
    exchange_rate,
    status,
    {{ envelope() }}
from versioned
