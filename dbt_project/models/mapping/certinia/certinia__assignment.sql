with

assignments as (
    select * from {{ ref('stg_certinia__assignment') }}
)

select
    {{ own_key('certinia', 'assignments.id', 'assignments.tl_instance') }} as assignment_id,
    {{ own_key('certinia', 'assignments.pse__project__c', 'assignments.tl_instance') }} as project_id,
    {{ own_key('certinia', 'assignments.pse__resource__c', 'assignments.tl_instance') }} as resource_id,
    assignments.pse__role__c as role,
    {{ coded('statuses') }} as status,
    coalesce({{ coded('statuses') }} <> 'tentative', false) as is_hard,
    assignments.pse__is_billable__c as is_billable,
    {{ as_rate('assignments.pse__bill_rate__c') }} as bill_rate,
    assignments.currency_iso_code as currency_code,
    assignments.pse__start_date__c as start_date,
    assignments.pse__end_date__c as end_date,
    assignments.pse__scheduled_hours__c as scheduled_hours,
    assignments.pse__planned_hours__c as planned_hours,
    {{ own_key('certinia', 'assignments.pse__schedule__c', 'assignments.tl_instance') }} as schedule_id,
    assignments.created_date as created_at,
    'certinia' as source_system,
    {{ landed('assignments') }}
from assignments
{{ code_join('statuses', 'assignment_status', 'certinia', 'assignments.pse__status__c') }}
