with

landed as (
    {{ landed_rows('netsuite', 'revenueelement') }}
)

select
    nullif(id, '') as id,
    nullif(referenceid, '') as referenceid,
    nullif(source, '') as source,
    nullif(custrecord_tl_contract_line, '') as custrecord_tl_contract_line,
    nullif(item, '') as item,
    {{ as_rate('quantity') }} as quantity,
    {{ as_money('salesamount') }} as salesamount,
    {{ as_money('allocationamount') }} as allocationamount,
    cast(revrecstartdate as date) as revrecstartdate,
    cast(revrecenddate as date) as revrecenddate,
    nullif(currency, '') as currency,
    {{ as_fx('exchangerate') }} as exchangerate,
    {{ landed() }}
from landed
