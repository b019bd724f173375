-- Every contract line that had earned more, or less, than was billed of it at a date a run answers for. The
-- lines of a date add up to net_contract_position, and their parts to the metrics of the same names.
with position as (
    select
        as_of,
        record_id,
        contract_line_id,
        contract_id,
        billing_method,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        currency_code,
        recognised_tc,
        billed_tc,
        conditional_tc,
        is_liability,
        position_tc,
        position_rc
    from {{ ref('ledger__contract_position') }}
    where position_tc <> 0 or conditional_tc <> 0
),

balance as (
    select
        as_of,
        record_id,
        currency_code,
        {{ known_sum("case when metric_id = 'unbilled_receivable' then amount_rc else 0 end") }}
            as unbilled_receivable_rc,
        {{ known_sum("case when metric_id = 'contract_asset' then amount_rc else 0 end") }}
            as contract_asset_rc,
        {{ known_sum("case when metric_id = 'contract_liability' then amount_rc else 0 end") }}
            as contract_liability_rc
    from {{ ref('ledger__metric_balance') }}
    where metric_id in ('unbilled_receivable', 'contract_asset', 'contract_liability')
    group by as_of, record_id, currency_code
)

select
    position.as_of,
    {{ as_text('position.record_id') }} as record_id,
    position.contract_line_id,
    position.contract_id,
    position.legal_entity_id,
    position.region_id,
    position.practice_id,
    position.customer_id,
    position.project_id,
    position.billing_method,
    position.is_liability,
    position.currency_code,
    position.recognised_tc,
    position.billed_tc,
    position.conditional_tc,
    position.position_tc,
    position.position_rc,
    -- a part that is nothing has no row; one that is unknown has a row without an amount
    cast(case when balance.as_of is null then 0 else balance.unbilled_receivable_rc end as decimal(28, 4))
        as unbilled_receivable_rc,
    cast(case when balance.as_of is null then 0 else balance.contract_asset_rc end as decimal(28, 4))
        as contract_asset_rc,
    cast(case when balance.as_of is null then 0 else balance.contract_liability_rc end as decimal(28, 4))
        as contract_liability_rc
from position
left join balance
    on
        position.as_of = balance.as_of
        and position.record_id = balance.record_id
        and position.currency_code = balance.currency_code
