-- That each control ran, on what, and what came of it: one row per control and legal entity, and one for
-- ALL of them. Passes are counted with their amounts; a sample of them can be drawn again from as_of and
-- the keys alone. Amounts are in the reporting currency; one that nobody knows leaves the sum it belongs
-- to unknown. Rows without an entity go under NONE.
with

run as (
    select
        run_id,
        as_of,
        known_at
    from {{ source('inputs', 'run_context') }}
),

controls as (
    select
        control.control_id,
        control.version
    from {{ ref('control') }} as control
),

outcomes as (
    select
        outcome_row.control_id,
        outcome_row.grain_key,
        coalesce(outcome_row.legal_entity_id, 'NONE') as legal_entity_id,
        coalesce(finding.outcome, outcome_row.outcome) as outcome,
        outcome_row.amount_at_risk,
        outcome_row.population_amount,
        outcome_row.grain_count
    from {{ ref('control__outcome') }} as outcome_row
    left join {{ ref('control__finding') }} as finding
        on
            outcome_row.control_id = finding.control_id
            and outcome_row.grain_key = finding.grain_key
),

counted as (
    select outcomes.*
    from outcomes
    where outcomes.grain_count > 0
),

blocked_datasets as (
    select
        finding.control_id,
        {{ list_agg_sorted('finding.grain_key') }} as datasets
    from {{ ref('control__finding') }} as finding
    where
        finding.outcome = 'NOT_EVALUABLE'
        and finding.risk_object like 'dataset:%'
        and finding.control_id <> 'INT-003'
    group by finding.control_id
),

count_by_entity as (
    select
        counted.control_id,
        counted.legal_entity_id,
        {% for outcome in ['PASS', 'PENDING', 'EXCEPTION', 'WAIVED', 'NOT_EVALUABLE'] -%}
            {%- set amount = 'population_amount' if outcome == 'PASS' else 'amount_at_risk' -%}
            sum(case when counted.outcome = '{{ outcome }}' then counted.grain_count else 0 end)
                as {{ outcome | lower }}_count,
            {{ as_money(known_sum(
                "case when counted.outcome = '" ~ outcome ~ "' then counted." ~ amount ~ " else 0 end"
            )) }} as {{ outcome | lower }}_amount,
        {% endfor -%}
        sum(counted.grain_count) as population_count,
        {{ as_money(known_sum('counted.population_amount')) }} as population_amount
    from counted
    group by counted.control_id, counted.legal_entity_id
),

count_outcomes as (
    select
        count_by_entity.control_id,
        count_by_entity.legal_entity_id,
        {% for outcome in ['pass', 'pending', 'exception', 'waived', 'not_evaluable'] -%}
            count_by_entity.{{ outcome }}_count,
            count_by_entity.{{ outcome }}_amount,
        {% endfor -%}
        count_by_entity.population_count,
        count_by_entity.population_amount
    from count_by_entity
    union all
    select
        count_by_entity.control_id,
        'ALL' as legal_entity_id,
        {% for outcome in ['pass', 'pending', 'exception', 'waived', 'not_evaluable'] -%}
            sum(count_by_entity.{{ outcome }}_count) as {{ outcome }}_count,
            {{ as_money(known_sum('count_by_entity.' ~ outcome ~ '_amount')) }} as {{ outcome }}_amount,
        {% endfor -%}
        sum(count_by_entity.population_count) as population_count,
        {{ as_money(known_sum('count_by_entity.population_amount')) }} as population_amount
    from count_by_entity
    group by count_by_entity.control_id
),

-- each control drew the first ten of each entity; the first ten of all are among them
rank_passes as (
    select
        outcomes.control_id,
        outcomes.legal_entity_id,
        outcomes.grain_key,
        row_number() over (
            partition by outcomes.control_id order by {{ pass_lot('outcomes.grain_key') }}
        ) as drawn
    from outcomes
    cross join run
    where outcomes.outcome = 'PASS' and outcomes.grain_count = 0
),

draw_passes as (
    select
        rank_passes.control_id,
        rank_passes.legal_entity_id,
        rank_passes.grain_key
    from rank_passes
    union all
    select
        rank_passes.control_id,
        'ALL' as legal_entity_id,
        rank_passes.grain_key
    from rank_passes
    where rank_passes.drawn <= 10
),

sample_passes as (
    select
        draw_passes.control_id,
        draw_passes.legal_entity_id,
        {{ list_agg_sorted('draw_passes.grain_key', ' ; ') }} as pass_sample
    from draw_passes
    group by draw_passes.control_id, draw_passes.legal_entity_id
),

list_members as (
    select
        count_outcomes.control_id,
        count_outcomes.legal_entity_id
    from count_outcomes
    union
    select
        controls.control_id,
        'ALL' as legal_entity_id
    from controls
)

select
    list_members.control_id,
    list_members.legal_entity_id,
    run.run_id,
    run.as_of,
    run.known_at,
    cast(controls.version as integer) as control_version,
    case
        when coalesce(count_outcomes.not_evaluable_count, 0) > 0 then 'NOT_EVALUABLE'
        when coalesce(count_outcomes.exception_count, 0) > 0 then 'EXCEPTIONS'
        when coalesce(count_outcomes.population_count, 0) = 0 then 'NO_POPULATION'
        else 'CLEAN'
    end as status,
    cast(coalesce(count_outcomes.population_count, 0) as bigint) as population_count,
    {{ as_money(
        'case when count_outcomes.control_id is null then 0 else count_outcomes.population_amount end'
    ) }} as population_amount,
    {% for outcome in ['pass', 'pending', 'exception', 'waived', 'not_evaluable'] -%}
        cast(coalesce(count_outcomes.{{ outcome }}_count, 0) as bigint) as {{ outcome }}_count,
        {{ as_money(
            'case when count_outcomes.control_id is null then 0 else count_outcomes.' ~ outcome ~ '_amount end'
        ) }} as {{ outcome }}_amount,
    {% endfor -%}
    case
        when blocked_datasets.datasets is not null and list_members.legal_entity_id in ('ALL', 'NONE')
            then 'Loads failed: ' || blocked_datasets.datasets
        when coalesce(count_outcomes.not_evaluable_count, 0) > 0 then 'An input of some grains is missing'
        when coalesce(count_outcomes.population_count, 0) = 0 then 'Nothing to look at'
    end as reason,
    sample_passes.pass_sample
from list_members
cross join run
inner join controls
    on list_members.control_id = controls.control_id
left join count_outcomes
    on
        list_members.control_id = count_outcomes.control_id
        and list_members.legal_entity_id = count_outcomes.legal_entity_id
left join sample_passes
    on
        list_members.control_id = sample_passes.control_id
        and list_members.legal_entity_id = sample_passes.legal_entity_id
left join blocked_datasets
    on list_members.control_id = blocked_datasets.control_id
