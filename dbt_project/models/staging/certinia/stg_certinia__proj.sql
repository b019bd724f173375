with

landed as (
    {{ landed_rows('certinia', 'proj') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(pse__project_id__c, '') as pse__project_id__c,
    nullif(pse__account__c, '') as pse__account__c,
    nullif(pse__opportunity__c, '') as pse__opportunity__c,
    nullif(pse__project_manager__c, '') as pse__project_manager__c,
    nullif(pse__region__c, '') as pse__region__c,
    nullif(pse__practice__c, '') as pse__practice__c,
    nullif(pse__group__c, '') as pse__group__c,
    nullif(pse__billing_type__c, '') as pse__billing_type__c,
    coalesce(pse__is_billable__c, false) as pse__is_billable__c,
    coalesce(pse__is_active__c, false) as pse__is_active__c,
    coalesce(pse__is_template__c, false) as pse__is_template__c,
    nullif(pse__stage__c, '') as pse__stage__c,
    nullif(pse__project_type__c, '') as pse__project_type__c,
    cast(pse__start_date__c as date) as pse__start_date__c,
    cast(pse__end_date__c as date) as pse__end_date__c,
    {{ as_hours('pse__planned_hours__c') }} as pse__planned_hours__c,
    nullif(pse__recognition_method__c, '') as pse__recognition_method__c,
    {{ as_money('pse__bookings__c') }} as pse__bookings__c,
    {{ as_money('pse__billed__c') }} as pse__billed__c,
    {{ as_money('pse__invoiced__c') }} as pse__invoiced__c,
    {{ as_money('pse__revenue__c') }} as pse__revenue__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    nullif(legal_entity__c, '') as legal_entity__c,
    nullif(erp_contract_line__c, '') as erp_contract_line__c,
    nullif(erp_expense_line__c, '') as erp_expense_line__c,
    nullif(billing_method__c, '') as billing_method__c,
    {{ as_money('billing_cap__c') }} as billing_cap__c,
    nullif(service_line_code__c, '') as service_line_code__c,
    {{ as_money('budget_revenue__c') }} as budget_revenue__c,
    {{ as_money('budget_cost__c') }} as budget_cost__c,
    {{ as_money('eac_cost__c') }} as eac_cost__c,
    {{ as_hours('eac_hours__c') }} as eac_hours__c,
    cast(eac_updated_on__c as date) as eac_updated_on__c,
    {{ as_instant('activated_at__c') }} as activated_at__c,
    {{ as_instant('closed_at__c') }} as closed_at__c,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
