with

landed as (
    {{ landed_rows('bamboohr', 'cost_rate') }}
)

select
    nullif(id, '') as id,
    nullif(employee_id, '') as employee_id,
    cast(custom_effective_date as date) as custom_effective_date,
    cast(custom_end_date as date) as custom_end_date,
    {{ as_rate('custom_loaded_rate') }} as custom_loaded_rate,
    nullif(custom_currency, '') as custom_currency,
    {{ landed() }}
from landed
