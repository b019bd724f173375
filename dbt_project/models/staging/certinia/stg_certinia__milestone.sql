with

landed as (
    {{ landed_rows('certinia', 'milestone') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(pse__project__c, '') as pse__project__c,
    {{ as_money('pse__milestone_amount__c') }} as pse__milestone_amount__c,
    nullif(pse__status__c, '') as pse__status__c,
    cast(pse__target_date__c as date) as pse__target_date__c,
    cast(pse__actual_date__c as date) as pse__actual_date__c,
    cast(accepted_on__c as date) as accepted_on__c,
    coalesce(pse__requires_customer_sign_off__c, false) as pse__requires_customer_sign_off__c,
    coalesce(pse__approved__c, false) as pse__approved__c,
    coalesce(pse__approved_for_billing__c, false) as pse__approved_for_billing__c,
    coalesce(pse__exclude_from_billing__c, false) as pse__exclude_from_billing__c,
    coalesce(pse__billed__c, false) as pse__billed__c,
    coalesce(pse__invoiced__c, false) as pse__invoiced__c,
    nullif(pse__invoice_number__c, '') as pse__invoice_number__c,
    cast(pse__invoice_date__c as date) as pse__invoice_date__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
