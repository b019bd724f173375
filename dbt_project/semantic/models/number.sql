-- What is no sum of rows (a ratio, a median, days) as it was worked out once, for the firm.
with metric_value as (
    select * from {{ source('published', 'metric_value') }}
)

select
    concat(metric_id, '|', period_type, '|', currency_view, '|', as_of) as number_key,
    metric_id,
    as_of,
    period_type,
    currency_view,
    value
from metric_value
where grain = 'FIRM' and currency_view in ('RC', 'NA')
