with

landed as (
    {{ landed_rows('netsuite', 'currency') }}
)

select
    nullif(id, '') as id,
    nullif(symbol, '') as symbol,
    nullif(name, '') as name,
    cast(currencyprecision as bigint) as currencyprecision,
    coalesce(isbasecurrency, false) as isbasecurrency,
    coalesce(isinactive, false) as isinactive,
    {{ landed() }}
from landed
