with

landed as (
    {{ landed_rows('netsuite', 'account') }}
)

select
    nullif(id, '') as id,
    nullif(acctnumber, '') as acctnumber,
    nullif(accttype, '') as accttype,
    nullif(fullname, '') as fullname,
    nullif(parent, '') as parent,
    coalesce(issummary, false) as issummary,
    coalesce(isinactive, false) as isinactive,
    {{ landed() }}
from landed
