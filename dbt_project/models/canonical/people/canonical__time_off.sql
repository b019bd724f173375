with

mapped as (
    {{ port_rows('time_off') }}
),

versioned as (
    {{ versions('mapped', 'time_off_id') }}
)

select
    time_off_id,
    {{ hash_key('time_off_id') }} as time_off_key,
    resource_id,
    start_date,
    end_date,
    hours,
    absence_type,
    status,
    {{ envelope() }}
from versioned
