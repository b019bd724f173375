with

landed as (
    {{ landed_rows('netsuite', 'currencyrate') }}
)

select
    nullif(id, '') as id,
    nullif(basecurrency, '') as basecurrency,
    nullif(transactioncurrency, '') as transactioncurrency,
    {{ as_fx('exchangerate') }} as exchangerate,
    cast(effectivedate as date) as effectivedate,
    {{ landed() }}
from landed
