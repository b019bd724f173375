with

milestones as (
    select * from {{ ref('stg_certinia__milestone') }}
)

select
    {{ own_key('certinia', 'milestones.id', 'milestones.tl_instance') }} as milestone_id,
    {{ own_key('certinia', 'milestones.pse__project__c', 'milestones.tl_instance') }} as project_id,
    milestones.name,
    milestones.pse__milestone_amount__c as amount,
    milestones.currency_iso_code as currency_code,
    milestones.pse__status__c as status_raw,
    {{ coded('statuses') }} as status,
    milestones.pse__target_date__c as target_date,
    milestones.pse__actual_date__c as completed_on,
    milestones.accepted_on__c as accepted_on,
    milestones.pse__requires_customer_sign_off__c as is_acceptance_required,
    milestones.pse__billed__c or milestones.pse__invoiced__c as is_billed,
    milestones.pse__invoice_number__c as invoice_number,
    coalesce({{ coded('statuses') }} = 'cancelled', false) as is_cancelled,
    'certinia' as source_system,
    {{ landed('milestones') }}
from milestones
{{ code_join('statuses', 'milestone_status', 'certinia', 'milestones.pse__status__c') }}
