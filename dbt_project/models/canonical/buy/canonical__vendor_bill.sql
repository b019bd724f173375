with

mapped as (
    {{ port_rows('vendor_bill') }}
),

versioned as (
    {{ versions('mapped', 'vendor_bill_id') }}
)

select
    vendor_bill_id,
    {{ hash_key('vendor_bill_id') }} as vendor_bill_key,
    bill_number,
    vendor_id,
    legal_entity_id,
    bill_date,
    currency_code,
    exchange_rate,
    total_amount,
    {{ envelope() }}
from versioned
