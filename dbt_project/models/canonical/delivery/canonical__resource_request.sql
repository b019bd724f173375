with

mapped as (
    {{ port_rows('resource_request') }}
),

versioned as (
    {{ versions('mapped', 'resource_request_id') }}
)

select
    resource_request_id,
    {{ hash_key('resource_request_id') }} as resource_request_key,
    project_id,
    opportunity_id,
    assignment_id,
    role,
    status,
    requested_hours,
    requested_bill_rate,
    start_date,
    end_date,
    {{ envelope() }}
from versioned
