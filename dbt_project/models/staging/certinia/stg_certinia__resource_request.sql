with

landed as (
    {{ landed_rows('certinia', 'resource_request') }}
)

select
    nullif(id, '') as id,
    nullif(pse__project__c, '') as pse__project__c,
    nullif(pse__opportunity__c, '') as pse__opportunity__c,
    nullif(pse__assignment__c, '') as pse__assignment__c,
    nullif(pse__resource_role__c, '') as pse__resource_role__c,
    nullif(pse__status__c, '') as pse__status__c,
    {{ as_money('pse__requested_bill_rate__c') }} as pse__requested_bill_rate__c,
    {{ as_hours('pse__sow_hours__c') }} as pse__sow_hours__c,
    cast(pse__start_date__c as date) as pse__start_date__c,
    cast(pse__end_date__c as date) as pse__end_date__c,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
