-- The wrong number this would let through: a forecast of 100 of which 70 were of signed lines and 40 of
-- deals, or revenue that is held against both of them or against neither.
with vintage as (
    select
        measure,
        month_start,
        horizon,
        legal_entity_id,
        practice_id,
        forecast_cc,
        actual_cc
    from {{ ref('forecast_vintage') }}
),

summed as (
    select
        month_start,
        horizon,
        legal_entity_id,
        practice_id,
        sum(case when measure <> 'REVENUE' then 1 else 0 end) as parts,
        sum(case when forecast_cc is null or actual_cc is null then 1 else 0 end) as unknowns,
        sum(case when measure = 'REVENUE' then forecast_cc else -forecast_cc end) as forecast_cc,
        sum(case when measure = 'REVENUE' then actual_cc else -actual_cc end) as actual_cc
    from vintage
    group by month_start, horizon, legal_entity_id, practice_id
)

select
    month_start,
    horizon,
    legal_entity_id,
    practice_id,
    forecast_cc,
    actual_cc
from summed
-- what an older run kept has no parts
where parts > 0 and unknowns = 0 and (forecast_cc <> 0 or actual_cc <> 0)
