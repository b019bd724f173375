-- The wrong number this would let through: orphan money. Whatever a number is cut by, the parts add up to the
-- firm; a row without a member (instead of UNMAPPED or NONE) would be missing from one of the sums.
-- Not asserted: medians and ratios, which do not add up.
with part as (
    select
        metric_value.metric_id,
        metric_value.as_of,
        metric_value.period_type,
        metric_value.currency_view,
        metric_value.currency_code,
        metric_value.grain,
        sum(metric_value.numerator) as total
    from {{ ref('metric_value') }} as metric_value
    inner join {{ ref('metric_registry') }} as registry on metric_value.metric_id = registry.metric_id
    where
        registry.kind in ('flow', 'balance', 'margin', 'stock')
        and metric_value.currency_view in ('TC', 'RC', 'CC')
        and metric_value.period_type in ('POINT', 'MONTH')
    group by
        metric_value.metric_id, metric_value.as_of, metric_value.period_type, metric_value.currency_view,
        metric_value.currency_code, metric_value.grain
)

select
    firm.metric_id,
    firm.as_of,
    firm.currency_view,
    firm.currency_code,
    part.grain,
    firm.total,
    part.total as parts
from part as firm
inner join part
    on
        firm.metric_id = part.metric_id
        and firm.as_of = part.as_of
        and firm.period_type = part.period_type
        and firm.currency_view = part.currency_view
        and firm.currency_code = part.currency_code
where firm.grain = 'FIRM' and firm.total <> part.total
