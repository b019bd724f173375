with

mapped as (
    {{ port_rows('exchange_rate') }}
),

versioned as (
    {{ versions('mapped', 'exchange_rate_id') }}
)

select
    exchange_rate_id,
    {{ hash_key('exchange_rate_id') }} as exchange_rate_key,
    from_currency,
    to_currency,
    rate,
    rate_type,
    effective_from,
    {{ envelope() }}
from versioned
