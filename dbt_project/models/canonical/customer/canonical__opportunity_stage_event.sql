with

mapped as (
    {{ port_rows('opportunity_stage_event') }}
),

versioned as (
    {{ versions('mapped', 'event_id') }}
)

select
    event_id,
    {{ hash_key('event_id') }} as opportunity_stage_event_key,
    opportunity_id,
    stage_raw,
    stage,
    amount,
    probability,
    close_date,
    changed_at,
    {{ envelope() }}
from versioned
