-- What a run measures at its own as_of only: lags of the handoff, money that waits beyond its due day and
-- what that costs.
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
        currency_days,
        carrying_cost
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
{% for metric_id, measure in [
    ('delayed_revenue_currency_days', 'currency_days'), ('carrying_cost_of_delay', 'carrying_cost'),
] %}
    union all
    select
        {{ as_text("'" ~ metric_id ~ "'") }} as metric_id,
        {{ as_text("concat(object_type, '|', object_id)") }} as case_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        {{ measure }} as amount
    from late_value
{% endfor %}
