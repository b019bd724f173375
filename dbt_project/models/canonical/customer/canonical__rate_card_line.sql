with

mapped as (
    {{ port_rows('rate_card_line') }}
),

versioned as (
    {{ versions('mapped', 'rate_card_line_id') }}
)

select
    rate_card_line_id,
    {{ hash_key('rate_card_line_id') }} as rate_card_line_key,
    customer_id,
    region_id,
    practice_id,
    role,
    bill_rate,
    rate_unit,
    cost_rate,
    currency_code,
    effective_from,
    effective_to,
    {{ envelope() }}
from versioned
