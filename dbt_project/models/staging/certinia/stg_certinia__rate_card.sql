with

landed as (
    {{ landed_rows('certinia', 'rate_card') }}
)

select
    nullif(id, '') as id,
    nullif(pse__account__c, '') as pse__account__c,
    nullif(pse__region__c, '') as pse__region__c,
    nullif(pse__practice__c, '') as pse__practice__c,
    nullif(pse__role__c, '') as pse__role__c,
    cast(pse__start_date__c as date) as pse__start_date__c,
    cast(pse__end_date__c as date) as pse__end_date__c,
    {{ as_money('pse__suggested_bill_rate__c') }} as pse__suggested_bill_rate__c,
    {{ as_money('pse__average_cost_rate__c') }} as pse__average_cost_rate__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ landed() }}
from landed
