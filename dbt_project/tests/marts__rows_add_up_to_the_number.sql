-- The wrong number this would let through: a number whose rows, once opened, make another. The rows behind a
-- number make the number, to the last digit.
-- Not asserted: lags of items; only deals and invoices are listed.
with told as (
    select
        metric_id,
        as_of,
        sum(amount_rc) as amount_rc
    from {{ ref('metric_drill') }}
    group by metric_id, as_of
)

select
    metric_value.metric_id,
    metric_value.as_of,
    metric_value.numerator,
    told.amount_rc
from {{ ref('metric_value') }} as metric_value
left join told on metric_value.metric_id = told.metric_id and metric_value.as_of = told.as_of
where
    metric_value.grain = 'FIRM'
    and metric_value.currency_view = 'RC'
    and metric_value.period_type in ('POINT', 'MONTH')
    and metric_value.numerator <> coalesce(told.amount_rc, 0)
