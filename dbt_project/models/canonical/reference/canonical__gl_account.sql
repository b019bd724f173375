with

mapped as (
    {{ port_rows('gl_account') }}
),

versioned as (
    {{ versions('mapped', 'gl_account_id') }}
)

select
    gl_account_id,
    {{ hash_key('gl_account_id') }} as gl_account_key,
    account_number,
    name,
    account_type,
    statement,
    is_active,
    {{ envelope() }}
from versioned
