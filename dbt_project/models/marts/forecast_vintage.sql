-- What was expected of each whole month, by the forecast that stood when it began (horizon 0) and when each
-- of the six months before it did, beside what came; at budget rates. A place nobody expected anything of
-- had a forecast of nothing; a month before which no run was published has none to judge.
with outlook as (
    select
        frozen_for,
        as_of as made_on,
        run_id,
        month_start,
        legal_entity_id,
        practice_id,
        amount_cc
    from {{ source('inputs', 'prior_outlook') }}
),

flow as (
    select
        month_start,
        legal_entity_id,
        practice_id,
        amount_cc,
        unconverted_cc
    from {{ ref('ledger__movement_month') }}
    where movement_type = 'recognised'
),

frozen as (
    select distinct
        frozen_for,
        made_on,
        run_id
    from outlook
),

whole_month as (
    select day as month_start
    from {{ day_spine(
        add_months_start(date_add_days(run_as_of(), 1), -12), add_months_start(date_add_days(run_as_of(), 1), -1)
    ) }} as spine
    where day = {{ month_start('day') }}
),

judged as (
    {%- for horizon in range(7) %}
        select
            whole_month.month_start,
            {{ horizon }} as horizon,
            frozen.frozen_for,
            frozen.made_on,
            frozen.run_id
        from whole_month
        inner join frozen on frozen.frozen_for = {{ add_months_start('whole_month.month_start', -horizon) }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

came as (
    select
        month_start,
        legal_entity_id,
        practice_id,
        case when sum(unconverted_cc) = 0 then sum(amount_cc) end as amount_cc
    from flow
    group by month_start, legal_entity_id, practice_id
),

place as (
    select
        month_start,
        legal_entity_id,
        practice_id
    from came
    union
    select
        month_start,
        legal_entity_id,
        practice_id
    from outlook
)

select
    judged.month_start,
    cast(judged.horizon as integer) as horizon,
    {{ as_text('place.legal_entity_id') }} as legal_entity_id,
    {{ as_text('place.practice_id') }} as practice_id,
    judged.made_on,
    {{ as_text('judged.run_id') }} as run_id,
    outlook.month_start is not null as is_forecast,
    cast(case when outlook.month_start is null then 0 else outlook.amount_cc end as decimal(28, 4))
        as forecast_cc,
    cast(case when came.month_start is null then 0 else came.amount_cc end as decimal(28, 4)) as actual_cc
from judged
inner join place on judged.month_start = place.month_start
left join outlook
    on
        judged.frozen_for = outlook.frozen_for
        and judged.month_start = outlook.month_start
        and place.legal_entity_id = outlook.legal_entity_id
        and place.practice_id = outlook.practice_id
left join came
    on
        judged.month_start = came.month_start
        and place.legal_entity_id = came.legal_entity_id
        and place.practice_id = came.practice_id
where outlook.month_start is not null or came.month_start is not null
