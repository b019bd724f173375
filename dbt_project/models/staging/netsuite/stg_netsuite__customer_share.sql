with

landed as (
    {{ landed_rows('netsuite', 'customer_share') }}
)

select
    nullif(id, '') as id,
    nullif(custrecord_tl_cs_line, '') as custrecord_tl_cs_line,
    nullif(custrecord_tl_cs_customer, '') as custrecord_tl_cs_customer,
    {{ as_rate('custrecord_tl_cs_share') }} as custrecord_tl_cs_share,
    {{ landed() }}
from landed
