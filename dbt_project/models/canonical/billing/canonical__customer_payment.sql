with

mapped as (
    {{ port_rows('customer_payment') }}
),

versioned as (
    {{ versions('mapped', 'customer_payment_id') }}
)

select
    customer_payment_id,
    {{ hash_key('customer_payment_id') }} as customer_payment_key,
    customer_id,
    legal_entity_id,
    payment_date,
    amount,
    currency_code,
    exchange_rate,
    status,
    {{ envelope() }}
from versioned
