with

landed as (
    {{ landed_rows('certinia', 'expense') }}
)

select
    nullif(id, '') as id,
    nullif(pse__expense_report__c, '') as pse__expense_report__c,
    nullif(pse__project__c, '') as pse__project__c,
    nullif(pse__resource__c, '') as pse__resource__c,
    cast(pse__expense_date__c as date) as pse__expense_date__c,
    nullif(pse__type__c, '') as pse__type__c,
    {{ as_money('pse__amount__c') }} as pse__amount__c,
    {{ as_money('pse__billing_amount__c') }} as pse__billing_amount__c,
    nullif(pse__billing_currency__c, '') as pse__billing_currency__c,
    {{ as_money('pse__reimbursement_amount__c') }} as pse__reimbursement_amount__c,
    nullif(pse__reimbursement_currency__c, '') as pse__reimbursement_currency__c,
    {{ as_money('pse__incurred_tax__c') }} as pse__incurred_tax__c,
    coalesce(pse__billable__c, false) as pse__billable__c,
    nullif(pse__status__c, '') as pse__status__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
