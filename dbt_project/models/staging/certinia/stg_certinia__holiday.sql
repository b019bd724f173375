with

landed as (
    {{ landed_rows('certinia', 'holiday') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(pse__work_calendar__c, '') as pse__work_calendar__c,
    cast(pse__date__c as date) as pse__date__c,
    {{ landed() }}
from landed
