-- Which movements make which flow metric, by month. `base` is what a ratio or a margin is set against.
with movement as (
    select
        movement_type,
        month_start,
        is_increase,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        functional_currency,
        amount_tc,
        amount_fc,
        amount_rc,
        amount_cc,
        unknown_hours,
        unconverted_fc,
        unconverted_rc,
        unconverted_cc,
        rows_standing
    from {{ ref('ledger__movement_month') }}
    -- what is wholly taken back left nothing in the month
    where rows_standing <> 0
),

client_project as (
    select project_id
    from {{ ledger_as_known(ref('ledger__project_version')) }} as project_version
    where is_client
),

rule as (
    select
        metric_id,
        movement_type,
        sign,
        base_sign,
        side,
        client_only
    from {{ ledger_metric_rules() }}
)

select
    {{ as_text('rule.metric_id') }} as metric_id,
    movement.movement_type,
    movement.month_start,
    movement.is_increase,
    movement.legal_entity_id,
    movement.region_id,
    movement.practice_id,
    movement.customer_id,
    movement.project_id,
    movement.contract_line_id,
    movement.currency_code,
    movement.functional_currency,
    cast(rule.sign * movement.amount_tc as decimal(28, 4)) as amount_tc,
    cast(rule.sign * movement.amount_fc as decimal(28, 4)) as amount_fc,
    cast(rule.sign * movement.amount_rc as decimal(28, 4)) as amount_rc,
    cast(rule.sign * movement.amount_cc as decimal(28, 4)) as amount_cc,
    cast(rule.base_sign * movement.amount_fc as decimal(28, 4)) as base_fc,
    cast(rule.base_sign * movement.amount_rc as decimal(28, 4)) as base_rc,
    cast(rule.base_sign * movement.amount_cc as decimal(28, 4)) as base_cc,
    movement.unknown_hours,
    movement.unconverted_fc,
    movement.unconverted_rc,
    movement.unconverted_cc
from movement
inner join rule on movement.movement_type = rule.movement_type
left join client_project on movement.project_id = client_project.project_id
where
    (rule.side = 'ANY' or (rule.side = 'INCREASE') = movement.is_increase)
    and (
        not rule.client_only
        or movement.contract_line_id <> 'NONE'
        or client_project.project_id is not null
    )
