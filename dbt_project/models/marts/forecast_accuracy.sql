-- How good the forecasts of the last twelve whole months were, of all revenue, of what was signed and of what
-- was still to be won, by how many months ahead they were made: for the firm, each legal entity and each
-- practice, and for a grain as a whole (members ALL), where the errors of its members do not make up for each
-- other.
with vintage as (
    select
        measure,
        month_start,
        horizon,
        legal_entity_id,
        practice_id,
        is_forecast,
        forecast_cc,
        actual_cc
    from {{ ref('forecast_vintage') }}
),

placed as (
    {%- for grain, entity, practice in [
        ('FIRM', "'ALL'", "'ALL'"),
        ('LEGAL_ENTITY', 'legal_entity_id', "'ALL'"),
        ('PRACTICE', "'ALL'", 'practice_id'),
    ] %}
        select
            measure,
            '{{ grain }}' as grain,
            {{ entity }} as legal_entity_id,
            {{ practice }} as practice_id,
            month_start,
            horizon,
            max(case when is_forecast then 1 else 0 end) as forecasts,
            {{ known_sum('forecast_cc') }} as forecast_cc,
            {{ known_sum('actual_cc') }} as actual_cc
        from vintage
        group by
            measure, month_start, horizon
            {{- ', ' ~ entity if entity != "'ALL'" }}
            {{- ', ' ~ practice if practice != "'ALL'" }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

measured as (
    select
        measure,
        grain,
        legal_entity_id,
        practice_id,
        horizon,
        month_start,
        forecasts,
        forecast_cc,
        actual_cc
    from placed
    union all
    select
        measure,
        grain,
        'ALL' as legal_entity_id,
        'ALL' as practice_id,
        horizon,
        month_start,
        forecasts,
        forecast_cc,
        actual_cc
    from placed
    where grain <> 'FIRM'
),

summed as (
    select
        measure,
        grain,
        legal_entity_id,
        practice_id,
        horizon,
        count(distinct month_start) as months,
        count(*) as cases,
        sum(forecasts) as forecasts,
        {{ known_sum('abs(forecast_cc - actual_cc)') }} as absolute_error,
        {{ known_sum('forecast_cc - actual_cc') }} as error,
        {{ known_sum('abs(actual_cc)') }} as absolute_actual
    from measured
    group by measure, grain, legal_entity_id, practice_id, horizon
)

select
    {{ as_text('measure') }} as measure,
    {{ as_text('grain') }} as grain,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('practice_id') }} as practice_id,
    cast(horizon as integer) as horizon,
    cast(months as bigint) as months,
    cast(cases as bigint) as cases,
    cast(forecasts as bigint) as forecasts,
    cast(absolute_error as decimal(28, 4)) as absolute_error,
    cast(error as decimal(28, 4)) as error,
    cast(absolute_actual as decimal(28, 4)) as absolute_actual,
    {{ safe_divide('absolute_error', 'absolute_actual') }} as wape,
    {{ safe_divide('error', 'absolute_actual') }} as bias,
    {{ safe_divide('forecasts', 'cases') }} as coverage
from summed
