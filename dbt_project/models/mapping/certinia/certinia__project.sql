with

projects as (
    select * from {{ ref('stg_certinia__proj') }}
)

select
    {{ own_key('certinia', 'projects.id', 'projects.tl_instance') }} as project_id,
    projects.pse__project_id__c as project_number,
    projects.name,
    {{ foreign_key('salesforce', 'projects.pse__account__c') }} as customer_id,
    {{ foreign_key('salesforce', 'projects.pse__opportunity__c') }} as opportunity_id,
    {{ foreign_key('netsuite', 'projects.erp_contract_line__c') }} as contract_line_id,
    {{ foreign_key('netsuite', 'projects.erp_expense_line__c') }} as expense_line_id,
    {{ own_key('certinia', 'projects.pse__project_manager__c', 'projects.tl_instance') }}
        as project_manager_id,
    {{ own_key('certinia', 'projects.pse__region__c', 'projects.tl_instance') }} as region_id,
    {{ own_key('certinia', 'projects.pse__practice__c', 'projects.tl_instance') }} as practice_id,
    {{ own_key('certinia', 'projects.pse__group__c', 'projects.tl_instance') }} as group_id,
    projects.service_line_code__c as service_line_code,
    projects.billing_method__c as billing_method_raw,
    {{ coded('methods') }} as billing_method,
    projects.pse__is_billable__c as is_billable,
    projects.pse__is_template__c as is_template,
    projects.pse__stage__c as status_raw,
    {{ coded('statuses') }} as status,
    projects.pse__start_date__c as start_date,
    projects.pse__end_date__c as end_date,
    projects.pse__planned_hours__c as planned_hours,
    projects.currency_iso_code as currency_code,
    projects.legal_entity__c as legal_entity_code,
    projects.billing_cap__c as cap_amount,
    projects.budget_revenue__c as budget_revenue,
    projects.budget_cost__c as budget_cost,
    projects.eac_cost__c as eac_cost,
    projects.eac_hours__c as eac_hours,
    projects.eac_updated_on__c as eac_updated_on,
    projects.pse__billed__c as source_billed,
    projects.pse__invoiced__c as source_invoiced,
    projects.pse__revenue__c as source_revenue,
    projects.created_date as created_at,
    projects.activated_at__c as activated_at,
    projects.closed_at__c as closed_at,
    'certinia' as source_system,
    {{ landed('projects') }}
from projects
{{ code_join('methods', 'billing_method', 'certinia', 'projects.billing_method__c') }}
{{ code_join('statuses', 'project_status', 'certinia', 'projects.pse__stage__c') }}
