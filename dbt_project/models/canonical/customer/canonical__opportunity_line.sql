with

mapped as (
    {{ port_rows('opportunity_line') }}
),

versioned as (
    {{ versions('mapped', 'opportunity_line_id') }}
)

select
    opportunity_line_id,
    {{ hash_key('opportunity_line_id') }} as opportunity_line_key,
    opportunity_id,
    product_code,
    quantity,
    unit_price,
    total_amount,
    currency_code,
    {{ envelope() }}
from versioned
