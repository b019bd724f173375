-- The firm's headline numbers month by month, each beside the month before and the same month a year earlier.
with metric_value as (
    select
        metric_id,
        as_of,
        period_type,
        currency_code,
        numerator,
        denominator,
        value
    from {{ ref('metric_value') }}
    where
        grain = 'FIRM'
        and currency_view in ('RC', 'NA')
        and period_type in ('MONTH', 'POINT')
        and metric_id in (
            'recognised_revenue', 'project_gross_margin', 'net_bookings', 'total_backlog', 'wip_operational',
            'ar_gross', 'billed', 'billable_utilisation_net'
        )
),

as_of_date as (
    select
        as_of,
        is_run_as_of,
        lag(as_of) over (order by as_of) as month_before,
        lag(as_of, 12) over (order by as_of) as year_before
    from {{ ref('ledger__as_of_date') }}
),

metric as (
    select distinct
        metric_id,
        period_type,
        currency_code
    from metric_value
)

select
    metric.metric_id,
    as_of_date.as_of,
    metric.period_type,
    metric.currency_code,
    now_value.numerator,
    now_value.denominator,
    now_value.value,
    before_value.value as value_month_before,
    year_value.value as value_year_before,
    {{ exact_change('now_value.value', 'before_value.value') }} as change_on_month,
    {{ exact_change('now_value.value', 'year_value.value') }} as change_on_year,
    -- the run's own month may not be over: month to date
    as_of_date.is_run_as_of and as_of_date.as_of < {{ month_end('as_of_date.as_of') }} as is_partial
from metric
cross join as_of_date
left join metric_value as now_value
    on metric.metric_id = now_value.metric_id and as_of_date.as_of = now_value.as_of
left join metric_value as before_value
    on metric.metric_id = before_value.metric_id and as_of_date.month_before = before_value.as_of
left join metric_value as year_value
    on metric.metric_id = year_value.metric_id and as_of_date.year_before = year_value.as_of
