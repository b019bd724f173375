with

mapped as (
    {{ port_rows('purchase_order_line') }}
),

versioned as (
    {{ versions('mapped', 'purchase_order_line_id') }}
)

select
    purchase_order_line_id,
    {{ hash_key('purchase_order_line_id') }} as purchase_order_line_key,
    purchase_order_id,
    project_id,
    resource_id,
    quantity,
    unit_price,
    net_amount,
    currency_code,
    {{ envelope() }}
from versioned
