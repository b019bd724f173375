with

landed as (
    {{ landed_rows('certinia', 'expense_report') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(pse__project__c, '') as pse__project__c,
    nullif(pse__resource__c, '') as pse__resource__c,
    nullif(pse__status__c, '') as pse__status__c,
    cast(pse__first_expense_date__c as date) as pse__first_expense_date__c,
    cast(pse__last_expense_date__c as date) as pse__last_expense_date__c,
    {{ as_money('pse__total_billable_amount__c') }} as pse__total_billable_amount__c,
    {{ as_instant('submitted_at__c') }} as submitted_at__c,
    {{ as_instant('approved_at__c') }} as approved_at__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
