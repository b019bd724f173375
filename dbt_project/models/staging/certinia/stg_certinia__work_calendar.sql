with

landed as (
    {{ landed_rows('certinia', 'work_calendar') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
