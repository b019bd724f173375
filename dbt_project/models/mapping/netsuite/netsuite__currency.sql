with

currencies as (
    select * from {{ ref('stg_netsuite__currency') }}
)

select
    symbol as currency_code,
    name,
    cast(currencyprecision as integer) as minor_units,
    'netsuite' as source_system,
    {{ landed() }}
from currencies
