with

mapped as (
    select * from {{ ref('netsuite__currency') }}
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
