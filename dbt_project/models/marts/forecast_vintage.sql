-- What was expected of each whole month, by the forecast that stood when it began (horizon 0) and when each
-- of the six months before it did, beside what came; at budget rates: all revenue, that of the contract lines
-- which were signed on the day of the forecast, and that of the others. The last two make up the first. A
-- place nobody expected anything of had a forecast of nothing; a month before which no run was published has
-- none to judge.
with outlook as (
    select
        measure,
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
        contract_line_id,
        amount_cc,
        unconverted_cc
    from {{ ref('ledger__movement_month') }}
    where movement_type = 'recognised'
),

contract_line as (
    select
        contract_line_id,
        signed_on
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as known
),

measure as (
    {%- for measure in ['REVENUE', 'BACKLOG_BURN', 'PIPELINE'] %}
        select '{{ measure }}' as measure
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- a run of before the two were told apart kept the whole alone
kept as (
    select
        frozen_for,
        made_on,
        run_id,
        max(case when measure <> 'REVENUE' then 1 else 0 end) as parts
    from outlook
    group by frozen_for, made_on, run_id
),

frozen as (
    select
        measure.measure,
        kept.frozen_for,
        kept.made_on,
        kept.run_id
    from kept
    inner join measure on measure.measure = 'REVENUE' or kept.parts = 1
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
            frozen.measure,
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

sum_lines as (
    select
        flow.month_start,
        flow.legal_entity_id,
        flow.practice_id,
        flow.contract_line_id,
        case when sum(flow.unconverted_cc) = 0 then sum(flow.amount_cc) end as amount_cc
    from flow
    group by flow.month_start, flow.legal_entity_id, flow.practice_id, flow.contract_line_id
),

revenue as (
    select
        sum_lines.month_start,
        sum_lines.legal_entity_id,
        sum_lines.practice_id,
        contract_line.signed_on,
        sum_lines.amount_cc
    from sum_lines
    left join contract_line on sum_lines.contract_line_id = contract_line.contract_line_id
),

-- what is not there was nothing; what is there and not known leaves its side unknown
told as (
    select
        judged.measure,
        judged.month_start,
        judged.horizon,
        judged.made_on,
        judged.run_id,
        outlook.legal_entity_id,
        outlook.practice_id,
        1 as forecasts,
        outlook.amount_cc as forecast_cc,
        0 as actual_cc
    from judged
    inner join outlook
        on
            judged.measure = outlook.measure
            and judged.frozen_for = outlook.frozen_for
            and judged.month_start = outlook.month_start
    union all
    select
        judged.measure,
        judged.month_start,
        judged.horizon,
        judged.made_on,
        judged.run_id,
        revenue.legal_entity_id,
        revenue.practice_id,
        0 as forecasts,
        0 as forecast_cc,
        revenue.amount_cc as actual_cc
    from judged
    inner join revenue on judged.month_start = revenue.month_start
    where
        judged.measure = 'REVENUE'
        or (judged.measure = 'BACKLOG_BURN') = coalesce(revenue.signed_on <= judged.made_on, false)
)

select
    {{ as_text('measure') }} as measure,
    month_start,
    cast(horizon as integer) as horizon,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('practice_id') }} as practice_id,
    made_on,
    {{ as_text('run_id') }} as run_id,
    max(forecasts) = 1 as is_forecast,
    cast({{ known_sum('forecast_cc') }} as decimal(28, 4)) as forecast_cc,
    cast({{ known_sum('actual_cc') }} as decimal(28, 4)) as actual_cc
from told
group by measure, month_start, horizon, legal_entity_id, practice_id, made_on, run_id
