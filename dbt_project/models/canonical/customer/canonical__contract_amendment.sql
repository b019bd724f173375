with

mapped as (
    {{ port_rows('contract_amendment') }}
),

versioned as (
    {{ versions('mapped', 'contract_amendment_id') }}
)

select
    contract_amendment_id,
    {{ hash_key('contract_amendment_id') }} as contract_amendment_key,
    contract_id,
    contract_line_id,
    opportunity_id,
    delta_value,
    delta_ceiling,
    delta_hours,
    signed_on,
    effective_on,
    effective_to_before,
    status,
    treatment,
    {{ envelope() }}
from versioned
