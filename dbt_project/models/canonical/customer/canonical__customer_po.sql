with

mapped as (
    {{ port_rows('customer_po') }}
),

versioned as (
    {{ versions('mapped', 'customer_po_id') }}
)

select
    customer_po_id,
    {{ hash_key('customer_po_id') }} as customer_po_key,
    number,
    customer_id,
    amount,
    currency_code,
    valid_to,
    {{ envelope() }}
from versioned
