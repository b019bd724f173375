with

landed as (
    {{ landed_rows('certinia', 'schedule') }}
)

select
    nullif(id, '') as id,
    cast(pse__start_date__c as date) as pse__start_date__c,
    cast(pse__end_date__c as date) as pse__end_date__c,
    {{ as_hours('pse__monday_hours__c') }} as pse__monday_hours__c,
    {{ as_hours('pse__tuesday_hours__c') }} as pse__tuesday_hours__c,
    {{ as_hours('pse__wednesday_hours__c') }} as pse__wednesday_hours__c,
    {{ as_hours('pse__thursday_hours__c') }} as pse__thursday_hours__c,
    {{ as_hours('pse__friday_hours__c') }} as pse__friday_hours__c,
    {{ as_hours('pse__saturday_hours__c') }} as pse__saturday_hours__c,
    {{ as_hours('pse__sunday_hours__c') }} as pse__sunday_hours__c,
    {{ as_hours('pse__scheduled_hours__c') }} as pse__scheduled_hours__c,
    {{ landed() }}
from landed
