with

reports as (
    select * from {{ ref('stg_certinia__expense_report') }}
)

select
    {{ own_key('certinia', 'reports.id', 'reports.tl_instance') }} as expense_report_id,
    {{ own_key('certinia', 'reports.pse__resource__c', 'reports.tl_instance') }} as resource_id,
    {{ own_key('certinia', 'reports.pse__project__c', 'reports.tl_instance') }} as project_id,
    {{ coded('statuses') }} as status,
    reports.submitted_at__c as submitted_at,
    reports.approved_at__c as approved_at,
    'certinia' as source_system,
    {{ landed('reports') }}
from reports
{{ code_join('statuses', 'expense_status', 'certinia', 'reports.pse__status__c') }}
