with

mapped as (
    {{ port_rows('vendor') }}
),

versioned as (
    {{ versions('mapped', 'vendor_id') }}
)

select
    vendor_id,
    {{ hash_key('vendor_id') }} as vendor_key,
    name,
    vendor_number,
    vendor_type,
    currency_code,
    is_active,
    {{ envelope() }}
from versioned
