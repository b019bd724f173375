with

landed as (
    {{ landed_rows('certinia', 'assignment') }}
)

select
    nullif(id, '') as id,
    nullif(pse__project__c, '') as pse__project__c,
    nullif(pse__resource__c, '') as pse__resource__c,
    nullif(pse__schedule__c, '') as pse__schedule__c,
    nullif(pse__role__c, '') as pse__role__c,
    nullif(pse__status__c, '') as pse__status__c,
    {{ as_money('pse__bill_rate__c') }} as pse__bill_rate__c,
    coalesce(pse__is_billable__c, false) as pse__is_billable__c,
    {{ as_hours('pse__planned_hours__c') }} as pse__planned_hours__c,
    cast(pse__start_date__c as date) as pse__start_date__c,
    cast(pse__end_date__c as date) as pse__end_date__c,
    {{ as_hours('pse__scheduled_hours__c') }} as pse__scheduled_hours__c,
    coalesce(pse__closed_for_time_entry__c, false) as pse__closed_for_time_entry__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
