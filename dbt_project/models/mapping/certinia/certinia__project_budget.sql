with

budgets as (
    select * from {{ ref('stg_certinia__budget') }}
)

select
    {{ own_key('certinia', 'budgets.id', 'budgets.tl_instance') }} as project_budget_id,
    {{ own_key('certinia', 'budgets.pse__project__c', 'budgets.tl_instance') }} as project_id,
    {{ coded('types') }} as budget_type,
    budgets.pse__amount__c as amount,
    budgets.currency_iso_code as currency_code,
    budgets.pse__status__c as status,
    budgets.pse__effective_date__c as effective_date,
    {{ foreign_key('netsuite', 'budgets.erp_amendment__c') }} as contract_amendment_id,
    'certinia' as source_system,
    {{ landed('budgets') }}
from budgets
{{ code_join('types', 'budget_type', 'certinia', 'budgets.pse__type__c') }}
