with

statuses as (
    select * from {{ ref('stg_bamboohr__employment_status') }}
)

select
    {{ own_key('bamboohr', 'id') }} as resource_employment_id,
    {{ own_key('bamboohr', 'employee_id') }} as resource_id,
    effective_date as effective_from,
    employment_status,
    custom_fte as fte,
    'bamboohr' as source_system,
    {{ landed() }}
from statuses
