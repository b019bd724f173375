with

landed as (
    {{ landed_rows('salesforce', 'opportunity') }}
)

select
    nullif(id, '') as id,
    nullif(account_id, '') as account_id,
    nullif(name, '') as name,
    nullif(type, '') as type,
    nullif(stage_name, '') as stage_name,
    {{ as_money('amount') }} as amount,
    {{ as_money('services_amount__c') }} as services_amount__c,
    {{ as_money('expense_amount__c') }} as expense_amount__c,
    {{ as_money('first_30_days_revenue__c') }} as first_30_days_revenue__c,
    {{ as_rate('probability') }} as probability,
    cast(close_date as date) as close_date,
    coalesce(is_closed, false) as is_closed,
    coalesce(is_won, false) as is_won,
    nullif(owner_id, '') as owner_id,
    nullif(currency_iso_code, '') as currency_iso_code,
    nullif(legal_entity__c, '') as legal_entity__c,
    nullif(billing_method__c, '') as billing_method__c,
    nullif(payment_terms__c, '') as payment_terms__c,
    cast(term_start__c as date) as term_start__c,
    cast(term_end__c as date) as term_end__c,
    cast(planned_start__c as date) as planned_start__c,
    cast(quote_date__c as date) as quote_date__c,
    coalesce(contract_required__c, false) as contract_required__c,
    nullif(parent_opportunity__c, '') as parent_opportunity__c,
    nullif(practice__c, '') as practice__c,
    nullif(region__c, '') as region__c,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
