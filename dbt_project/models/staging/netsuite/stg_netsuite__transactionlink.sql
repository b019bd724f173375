with

landed as (
    {{ landed_rows('netsuite', 'transactionlink') }}
)

select
    nullif(previousdoc, '') as previousdoc,
    nullif(previousline, '') as previousline,
    nullif(nextdoc, '') as nextdoc,
    nullif(nextline, '') as nextline,
    nullif(linktype, '') as linktype,
    {{ as_money('foreignamount') }} as foreignamount,
    nullif(previoustype, '') as previoustype,
    nullif(nexttype, '') as nexttype,
    {{ landed() }}
from landed
