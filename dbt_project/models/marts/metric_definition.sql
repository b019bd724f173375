-- What every metric means, as the registry says it: the text pages show beside a number.
with registry as (
    select
        metric_id,
        name,
        kind,
        formula,
        unit,
        good_direction,
        blank_when,
        grains,
        currency_views,
        period_types,
        sources,
        owner,
        version
    from {{ ref('metric_registry') }}
)

select
    metric_id,
    name,
    kind,
    formula,
    unit,
    good_direction,
    blank_when,
    grains,
    currency_views,
    period_types,
    sources,
    owner,
    version
from registry
