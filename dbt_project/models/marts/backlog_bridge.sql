-- The backlog roll-forward as steps, in the reporting currency: summed over any part of the firm and any
-- months, the steps lead from the opening to the closing backlog. A step of unknown amount stays, without
-- one.
with rollforward as (
    select
        as_of,
        month_start,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        opening_balance,
        booked,
        amended,
        recognised,
        cancelled,
        completed_under_run,
        beyond_value,
        closure_timing,
        fx_translation
    from {{ ref('backlog_rollforward') }}
    where currency_view = 'RC'
),

step as (
    {%- for movement_type in [
        'opening_balance', 'booked', 'amended', 'recognised', 'cancelled', 'completed_under_run',
        'beyond_value', 'closure_timing', 'fx_translation',
    ] %}
        select
            as_of,
            month_start,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            '{{ movement_type }}' as movement_type,
            currency_code,
            {{ movement_type }} as amount_rc
        from rollforward
        where {{ movement_type }} <> 0 or {{ movement_type }} is null
        {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    as_of,
    month_start,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    {{ as_text('movement_type') }} as movement_type,
    currency_code,
    cast({{ known_sum('amount_rc') }} as decimal(28, 4)) as amount_rc
from step
group by
    as_of, month_start, legal_entity_id, region_id, practice_id, customer_id, project_id, contract_line_id,
    movement_type, currency_code
