with

changes as (
    select * from {{ ref('stg_salesforce__opportunity_history') }}
)

select
    {{ own_key('salesforce', 'changes.id', 'changes.tl_instance') }} as event_id,
    {{ own_key('salesforce', 'changes.opportunity_id', 'changes.tl_instance') }} as opportunity_id,
    changes.stage_name as stage_raw,
    {{ coded('stages') }} as stage,
    changes.amount,
    cast(changes.probability * cast(0.01 as decimal(3, 2)) as {{ type_fraction() }}) as probability,
    changes.close_date,
    changes.created_date as changed_at,
    'salesforce' as source_system,
    {{ landed('changes') }}
from changes
{{ code_join('stages', 'stage', 'salesforce', 'changes.stage_name') }}
