-- The rows that a sum is made of, as they are published; and, for what stands on a date, every date once without an
-- amount: else MetricFlow takes the last date with rows for the last date, and shows what stood long ago.
with metric_drill as (
    select * from {{ source('published', 'metric_drill') }}
),

metric_value as (
    select * from {{ source('published', 'metric_value') }}
),

standing as (
    select distinct metric_id
    from metric_drill
    where period_month is null
),

asked_for as (
    select distinct as_of
    from metric_value
)

select
    row_key,
    metric_id,
    as_of,
    movement_type,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    resource_id,
    currency_code,
    amount_rc,
    false as is_date_alone
from metric_drill
union all
select
    0 as row_key,
    standing.metric_id,
    asked_for.as_of,
    'NONE' as movement_type,
    'NONE' as legal_entity_id,
    'NONE' as region_id,
    'NONE' as practice_id,
    'NONE' as customer_id,
    'NONE' as project_id,
    'NONE' as contract_line_id,
    'NONE' as resource_id,
    'NONE' as currency_code,
    null as amount_rc,
    true as is_date_alone
from standing
cross join asked_for
