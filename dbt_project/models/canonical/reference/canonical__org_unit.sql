with

mapped as (
    {{ port_rows('org_unit') }}
),

versioned as (
    {{ versions('mapped', 'org_unit_id') }}
)

select
    org_unit_id,
    {{ hash_key('org_unit_id') }} as org_unit_key,
    code,
    name,
    unit_type,
    is_active,
    {{ envelope() }}
from versioned
