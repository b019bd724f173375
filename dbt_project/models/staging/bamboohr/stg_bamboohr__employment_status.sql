with

landed as (
    {{ landed_rows('bamboohr', 'employment_status') }}
)

select
    nullif(id, '') as id,
    nullif(employee_id, '') as employee_id,
    cast({{ quote_name('date') }} as date) as effective_date,
    nullif(employment_status, '') as employment_status,
    {{ as_rate('custom_fte') }} as custom_fte,
    {{ landed() }}
from landed
