with

landed as (
    {{ landed_rows('bamboohr', 'time_off') }}
)

select
    nullif(id, '') as id,
    nullif(employee_id, '') as employee_id,
    cast({{ quote_name('start') }} as date) as start_date,
    cast({{ quote_name('end') }} as date) as end_date,
    cast(created as date) as created,
    nullif(type, '') as type,
    nullif(status, '') as status,
    {{ as_hours('amount') }} as amount,
    nullif(unit, '') as unit,
    cast(last_changed as date) as last_changed,
    {{ landed() }}
from landed
