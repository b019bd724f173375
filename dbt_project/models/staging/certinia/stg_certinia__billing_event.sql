with

landed as (
    {{ landed_rows('certinia', 'billing_event') }}
)

select
    nullif(id, '') as id,
    nullif(pse__project__c, '') as pse__project__c,
    cast(pse__date__c as date) as pse__date__c,
    nullif(pse__status__c, '') as pse__status__c,
    coalesce(pse__is_released__c, false) as pse__is_released__c,
    coalesce(pse__invoiced__c, false) as pse__invoiced__c,
    nullif(pse__invoice_number__c, '') as pse__invoice_number__c,
    cast(pse__invoice_date__c as date) as pse__invoice_date__c,
    {{ as_money('pse__summary_amount__c') }} as pse__summary_amount__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
