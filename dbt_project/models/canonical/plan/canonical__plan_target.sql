with

mapped as (
    {{ port_rows('plan_target') }}
),

versioned as (
    {{ versions('mapped', 'plan_target_id') }}
)

select
    plan_target_id,
    {{ hash_key('plan_target_id') }} as plan_target_key,
    plan_name,
    metric,
    period,
    legal_entity_id,
    region_code,
    practice_code,
    amount,
    currency_code,
    decided_on,
    {{ envelope() }}
from versioned
