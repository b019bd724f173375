-- What a run measures at its own as_of only: lags of the handoff, and money that waits beyond its due day.
-- One row per case, so that medians are medians of cases at every grain.
with handoff as (
    select
        stage,
        case_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        lag
    from {{ ref('lifecycle__handoff') }}
    where state = 'COMPLETED'
),

late_value as (
    select
        object_type,
        object_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        currency_days
    from {{ ref('lifecycle__late_value') }}
)

select
    {{ as_text("concat('handoff_lag_', stage)") }} as metric_id,
    {{ as_text('case_id') }} as case_id,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    cast(lag as decimal(28, 4)) as amount
from handoff
union all
select
    {{ as_text("'delayed_revenue_currency_days'") }} as metric_id,
    {{ as_text("concat(object_type, '|', object_id)") }} as case_id,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    currency_days as amount
from late_value
