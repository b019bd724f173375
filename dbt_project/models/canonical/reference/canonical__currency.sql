with

told as (
    {{ port_rows('currency') }}
),

-- A currency is the same whoever names it: where several systems do, the first of them by name is heard.
mapped as (
    select told.*
    from told
    qualify
        dense_rank() over (
            partition by told.currency_code order by told.source_system, told.tl_instance
        ) = 1
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
