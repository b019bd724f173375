with

requests as (
    select * from {{ ref('stg_certinia__resource_request') }}
)

select
    {{ own_key('certinia', 'id') }} as resource_request_id,
    {{ own_key('certinia', 'pse__project__c') }} as project_id,
    {{ foreign_key('salesforce', 'pse__opportunity__c') }} as opportunity_id,
    {{ own_key('certinia', 'pse__assignment__c') }} as assignment_id,
    pse__resource_role__c as role,
    pse__status__c as status,
    pse__sow_hours__c as requested_hours,
    {{ as_rate('pse__requested_bill_rate__c') }} as requested_bill_rate,
    pse__start_date__c as start_date,
    pse__end_date__c as end_date,
    'certinia' as source_system,
    {{ landed() }}
from requests
