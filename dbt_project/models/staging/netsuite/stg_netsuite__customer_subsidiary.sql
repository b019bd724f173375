with

landed as (
    {{ landed_rows('netsuite', 'customer_subsidiary') }}
)

select
    nullif(id, '') as id,
    nullif(entity, '') as entity,
    nullif(subsidiary, '') as subsidiary,
    coalesce(isprimarysub, false) as isprimarysub,
    nullif(custrecord_tl_status, '') as custrecord_tl_status,
    {{ landed() }}
from landed
