with

mapped as (
    {{ port_rows('resource_employment') }}
),

versioned as (
    {{ versions('mapped', 'resource_employment_id') }}
)

select
    resource_employment_id,
    {{ hash_key('resource_employment_id') }} as resource_employment_key,
    resource_id,
    effective_from,
    employment_status,
    fte,
    {{ envelope() }}
from versioned
