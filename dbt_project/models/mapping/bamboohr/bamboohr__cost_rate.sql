with

rates as (
    select * from {{ ref('stg_bamboohr__cost_rate') }}
)

select
    {{ own_key('bamboohr', 'id') }} as cost_rate_id,
    {{ own_key('bamboohr', 'employee_id') }} as resource_id,
    custom_effective_date as valid_from,
    custom_end_date as valid_to,
    custom_loaded_rate as rate,
    custom_currency as currency_code,
    'bamboohr' as source_system,
    {{ landed() }}
from rates
