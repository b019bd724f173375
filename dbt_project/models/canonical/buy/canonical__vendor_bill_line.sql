with

mapped as (
    {{ port_rows('vendor_bill_line') }}
),

versioned as (
    {{ versions('mapped', 'vendor_bill_line_id') }}
)

select
    vendor_bill_line_id,
    {{ hash_key('vendor_bill_line_id') }} as vendor_bill_line_key,
    vendor_bill_id,
    purchase_order_line_id,
    project_id,
    resource_id,
    quantity,
    unit_price,
    net_amount,
    currency_code,
    period_from,
    period_to,
    {{ envelope() }}
from versioned
