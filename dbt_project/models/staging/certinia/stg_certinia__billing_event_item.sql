with

landed as (
    {{ landed_rows('certinia', 'billing_event_item') }}
)

select
    nullif(id, '') as id,
    nullif(pse__billing_event__c, '') as pse__billing_event__c,
    nullif(pse__category__c, '') as pse__category__c,
    nullif(pse__object_id__c, '') as pse__object_id__c,
    {{ as_money('pse__amount__c') }} as pse__amount__c,
    {{ as_rate('pse__quantity__c') }} as pse__quantity__c,
    {{ as_money('pse__unit_price__c') }} as pse__unit_price__c,
    nullif(pse__timecard_split__c, '') as pse__timecard_split__c,
    nullif(pse__expense__c, '') as pse__expense__c,
    nullif(pse__milestone__c, '') as pse__milestone__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
