with

mapped as (
    {{ port_rows('cost_rate') }}
),

versioned as (
    {{ versions('mapped', 'cost_rate_id') }}
)

select
    cost_rate_id,
    {{ hash_key('cost_rate_id') }} as cost_rate_key,
    resource_id,
    valid_from,
    valid_to,
    rate,
    currency_code,
    {{ envelope() }}
from versioned
