-- The wrong number this would let through: a contract of two lines, 500 earned on one and 800 billed ahead on
-- the other, that shows as an asset of 500 and a liability of 800 instead of a liability of 300; a page whose
-- lines add up to another amount than its cards.
with line as (
    select
        as_of,
        contract_id,
        currency_code,
        sum(position_tc) as position_tc,
        sum(unbilled_receivable_tc) as unbilled_receivable_tc,
        sum(contract_asset_tc) as contract_asset_tc,
        sum(contract_liability_tc) as contract_liability_tc
    from {{ ref('ledger__contract_position') }}
    group by as_of, contract_id, currency_code
),

listed as (
    select
        as_of,
        {{ known_sum('position_rc') }} as net_contract_position,
        {{ known_sum('unbilled_receivable_rc') }} as unbilled_receivable,
        {{ known_sum('contract_asset_rc') }} as contract_asset,
        {{ known_sum('contract_liability_rc') }} as contract_liability
    from {{ ref('contract_position') }}
    group by as_of
),

metric as (
    select
        metric_id,
        as_of,
        value
    from {{ ref('metric_value') }}
    where grain = 'FIRM' and currency_view = 'RC'
)

select
    as_of,
    contract_id as subject,
    unbilled_receivable_tc + contract_asset_tc - contract_liability_tc as found,
    position_tc as expected
from line
where
    unbilled_receivable_tc + contract_asset_tc - contract_liability_tc <> position_tc
    or (position_tc > 0 and contract_liability_tc <> 0)
    or (position_tc < 0 and (unbilled_receivable_tc <> 0 or contract_asset_tc <> 0))
    or least(unbilled_receivable_tc, contract_asset_tc, contract_liability_tc) < 0
{%- for metric_id in [
    'net_contract_position', 'unbilled_receivable', 'contract_asset', 'contract_liability',
] %}
    union all
    select
        listed.as_of,
        '{{ metric_id }}' as subject,
        listed.{{ metric_id }} as found,
        metric.value as expected
    from listed
    left join metric on listed.as_of = metric.as_of and metric.metric_id = '{{ metric_id }}'
    where
        coalesce(
            listed.{{ metric_id }} <> coalesce(metric.value, 0),
            listed.{{ metric_id }} is not null or metric.value is not null
        )
{%- endfor %}
