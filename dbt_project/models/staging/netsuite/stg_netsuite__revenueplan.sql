with

landed as (
    {{ landed_rows('netsuite', 'revenueplan') }}
)

select
    nullif(id, '') as id,
    nullif(createdfrom, '') as createdfrom,
    {{ as_money('amount') }} as amount,
    {{ as_money('totalrecognized') }} as totalrecognized,
    {{ landed() }}
from landed
