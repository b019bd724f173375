with

landed as (
    {{ landed_rows('netsuite', 'subsidiary') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(fullname, '') as fullname,
    nullif(parent, '') as parent,
    nullif(country, '') as country,
    nullif(currency, '') as currency,
    coalesce(iselimination, false) as iselimination,
    nullif(custrecord_tl_entity_code, '') as custrecord_tl_entity_code,
    {{ landed() }}
from landed
