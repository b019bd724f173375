with

mapped as (
    {{ port_rows('assignment') }}
),

versioned as (
    {{ versions('mapped', 'assignment_id') }}
)

select
    assignment_id,
    {{ hash_key('assignment_id') }} as assignment_key,
    project_id,
    resource_id,
    role,
    status,
    is_hard,
    is_billable,
    bill_rate,
    currency_code,
    start_date,
    end_date,
    scheduled_hours,
    planned_hours,
    schedule_id,
    created_at,
    {{ envelope() }}
from versioned
