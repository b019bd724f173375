-- Billed and not earned, of each contract line from date to date: opening, what moved it, closing. Movements
-- carry the sign with which they move the balance. A contract whose lines together had earned more than was
-- billed is no liability at a date: what was earned beyond leaves or enters by netting_reclass. Closing is
-- what the lines hold, computed apart from the movements.
with as_of_date as {{ roll_forward_dates() }},

conversion as {{ roll_forward_rates() }},

contract_flow as (
    select
        as_of,
        record_id,
        currency_code,
        recognised_tc,
        billed_tc,
        credited_tc,
        opening_recognised_tc,
        opening_billed_tc,
        recognised_rc,
        billed_rc,
        credited_rc,
        opening_balance_rc
    from {{ ref('ledger__contract_flow') }}
),

stood as (
    select
        as_of,
        record_id,
        contract_line_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        currency_code,
        is_liability,
        conditional_tc,
        case when is_liability then 0 else position_tc end as held_as_asset_tc,
        coalesce(lag(is_liability) over (partition by record_id, currency_code order by as_of), false)
            as was_liability
    from {{ ref('ledger__contract_position') }}
),

moved as (
    select
        stood.*,
        stood.conditional_tc - coalesce(
            lag(stood.conditional_tc) over (
                partition by stood.record_id, stood.currency_code order by stood.as_of
            ), 0
        ) as conditional_change,
        stood.held_as_asset_tc - coalesce(
            lag(stood.held_as_asset_tc) over (
                partition by stood.record_id, stood.currency_code order by stood.as_of
            ), 0
        ) as asset_change
    from stood
),

flow as (
    select
        moved.as_of,
        moved.legal_entity_id,
        moved.region_id,
        moved.practice_id,
        moved.customer_id,
        moved.project_id,
        moved.contract_line_id,
        moved.currency_code,
        coalesce(contract_flow.opening_billed_tc - contract_flow.opening_recognised_tc, 0) as opening_balance,
        coalesce(contract_flow.billed_tc, 0) as billed,
        coalesce(contract_flow.credited_tc, 0) as credited,
        -coalesce(contract_flow.recognised_tc, 0) as released,
        -moved.conditional_change as made_unconditional,
        moved.asset_change as netting_reclass,
        case when contract_flow.as_of is null then 0 else contract_flow.opening_balance_rc end
            as opening_balance_rc,
        case when contract_flow.as_of is null then 0 else contract_flow.billed_rc end as billed_rc,
        case when contract_flow.as_of is null then 0 else contract_flow.credited_rc end as credited_rc,
        case when contract_flow.as_of is null then 0 else -contract_flow.recognised_rc end as released_rc,
        {{ roll_forward_at_rate('-moved.conditional_change', 'conversion.rate_rc') }}
            as made_unconditional_rc,
        {{ roll_forward_at_rate('moved.asset_change', 'conversion.rate_rc') }} as netting_reclass_rc
    from moved
    left join contract_flow
        on
            moved.as_of = contract_flow.as_of
            and moved.record_id = contract_flow.record_id
            and moved.currency_code = contract_flow.currency_code
    left join conversion
        on moved.currency_code = conversion.from_currency and moved.as_of = conversion.rate_date
    where moved.is_liability or moved.was_liability
),

{{ roll_forward(
    'contract_liability',
    ['opening_balance', 'billed', 'credited', 'released', 'made_unconditional', 'netting_reclass'],
    historic=true,
) }}
