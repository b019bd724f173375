with

landed as (
    {{ landed_rows('netsuite', 'vendor') }}
)

select
    nullif(id, '') as id,
    nullif(entityid, '') as entityid,
    nullif(companyname, '') as companyname,
    nullif(category, '') as category,
    nullif(currency, '') as currency,
    coalesce(isinactive, false) as isinactive,
    {{ landed() }}
from landed
