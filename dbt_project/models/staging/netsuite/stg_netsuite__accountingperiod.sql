with

landed as (
    {{ landed_rows('netsuite', 'accountingperiod') }}
)

select
    nullif(id, '') as id,
    nullif(periodname, '') as periodname,
    cast(startdate as date) as startdate,
    cast(enddate as date) as enddate,
    coalesce(isyear, false) as isyear,
    coalesce(isquarter, false) as isquarter,
    coalesce(isadjust, false) as isadjust,
    coalesce(isposting, false) as isposting,
    coalesce(closed, false) as closed,
    {{ as_instant('closedondate') }} as closedondate,
    coalesce(alllocked, false) as alllocked,
    coalesce(arlocked, false) as arlocked,
    coalesce(aplocked, false) as aplocked,
    nullif(parent, '') as parent,
    {{ landed() }}
from landed
