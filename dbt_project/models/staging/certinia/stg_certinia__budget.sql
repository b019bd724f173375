with

landed as (
    {{ landed_rows('certinia', 'budget') }}
)

select
    nullif(id, '') as id,
    nullif(pse__project__c, '') as pse__project__c,
    nullif(pse__type__c, '') as pse__type__c,
    nullif(pse__status__c, '') as pse__status__c,
    {{ as_money('pse__amount__c') }} as pse__amount__c,
    cast(pse__effective_date__c as date) as pse__effective_date__c,
    nullif(erp_amendment__c, '') as erp_amendment__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
