with

landed as (
    {{ landed_rows('certinia', 'grp') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(code__c, '') as code__c,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
