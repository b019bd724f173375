with

landed as (
    {{ landed_rows('salesforce', 'opportunity_history') }}
)

select
    nullif(id, '') as id,
    nullif(opportunity_id, '') as opportunity_id,
    nullif(stage_name, '') as stage_name,
    {{ as_money('amount') }} as amount,
    {{ as_rate('probability') }} as probability,
    cast(close_date as date) as close_date,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
