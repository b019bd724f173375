with

landed as (
    {{ landed_rows('certinia', 'timecard_header') }}
)

select
    nullif(id, '') as id,
    nullif(pse__project__c, '') as pse__project__c,
    nullif(pse__assignment__c, '') as pse__assignment__c,
    nullif(pse__resource__c, '') as pse__resource__c,
    nullif(pse__approver__c, '') as pse__approver__c,
    cast(pse__start_date__c as date) as pse__start_date__c,
    cast(pse__end_date__c as date) as pse__end_date__c,
    nullif(pse__status__c, '') as pse__status__c,
    {{ as_hours('pse__monday_hours__c') }} as pse__monday_hours__c,
    {{ as_hours('pse__tuesday_hours__c') }} as pse__tuesday_hours__c,
    {{ as_hours('pse__wednesday_hours__c') }} as pse__wednesday_hours__c,
    {{ as_hours('pse__thursday_hours__c') }} as pse__thursday_hours__c,
    {{ as_hours('pse__friday_hours__c') }} as pse__friday_hours__c,
    {{ as_hours('pse__saturday_hours__c') }} as pse__saturday_hours__c,
    {{ as_hours('pse__sunday_hours__c') }} as pse__sunday_hours__c,
    coalesce(pse__billable__c, false) as pse__billable__c,
    coalesce(pse__submitted__c, false) as pse__submitted__c,
    coalesce(pse__approved__c, false) as pse__approved__c,
    {{ as_money('pse__bill_rate__c') }} as pse__bill_rate__c,
    coalesce(pse__external_resource__c, false) as pse__external_resource__c,
    {{ as_instant('submitted_at__c') }} as submitted_at__c,
    {{ as_instant('approved_at__c') }} as approved_at__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
