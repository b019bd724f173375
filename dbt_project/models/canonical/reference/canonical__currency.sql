with

mapped as (
    {{ port_rows('currency') }}
),

versioned as (
    {{ versions('mapped', 'currency_code') }}
)

select
    currency_code,
    name,
    minor_units,
    {{ envelope() }}
from versioned
