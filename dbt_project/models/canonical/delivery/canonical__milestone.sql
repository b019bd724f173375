with

mapped as (
    {{ port_rows('milestone') }}
),

versioned as (
    {{ versions('mapped', 'milestone_id') }}
)

select
    milestone_id,
    {{ hash_key('milestone_id') }} as milestone_key,
    project_id,
    name,
    amount,
    currency_code,
    status_raw,
    status,
    target_date,
    completed_on,
    accepted_on,
    is_acceptance_required,
    is_billed,
    invoice_number,
    is_cancelled,
    {{ envelope() }}
from versioned
