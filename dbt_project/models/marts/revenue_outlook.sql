-- The run's year, the next one and what lies beyond, month by month: what was earned, what is expected of
-- what is signed and of what may still be won, and what was planned.
with flow as (
    select
        movement_type,
        month_start,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        amount_rc,
        amount_cc,
        unconverted_rc,
        unconverted_cc
    from {{ ref('ledger__movement_month') }}
    where movement_type = 'recognised' and month_start >= {{ year_start(run_as_of()) }}
),

earned as (
    select
        'ACTUAL' as basis,
        contract_line_id as record_id,
        month_start,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        case when sum(unconverted_rc) = 0 then sum(amount_rc) end as amount_rc,
        case when sum(unconverted_cc) = 0 then sum(amount_cc) end as amount_cc
    from flow
    group by
        month_start, legal_entity_id, region_id, practice_id, customer_id, project_id, contract_line_id
),

planned as (
    select
        'PLAN' as basis,
        plan_target_id as record_id,
        month_start,
        legal_entity_id,
        region_id,
        practice_id,
        'NONE' as customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        amount_rc,
        amount_rc as amount_cc
    from {{ ref('ledger__plan_figure') }}
    where metric = 'recognised_revenue' and month_start >= {{ year_start(run_as_of()) }}
),

expected as (
    select
        basis,
        record_id,
        month_start,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        amount_rc,
        amount_cc
    from {{ ref('ledger__revenue_to_come') }}
),

outlook as (
    select * from earned
    union all
    select * from expected
    union all
    select * from planned
)

select
    {{ as_text('basis') }} as basis,
    {{ as_text('record_id') }} as record_id,
    {{ run_as_of() }} as as_of,
    month_start,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('region_id') }} as region_id,
    {{ as_text('practice_id') }} as practice_id,
    {{ as_text('customer_id') }} as customer_id,
    {{ as_text('project_id') }} as project_id,
    {{ as_text('contract_line_id') }} as contract_line_id,
    cast(amount_rc as decimal(28, 4)) as amount_rc,
    cast(amount_cc as decimal(28, 4)) as amount_cc
from outlook
