{{ config(materialized=var('views_as', 'view')) }}

-- Movements that follow from rules over the whole of a line or an item rather than from a source row: they
-- exist at the run's known_at. Translation between the rates of two dates stands in the roll-forwards, month
-- by month.
with backlog as (
    select
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        contract_line_id as record_id,
        currency_code,
        beyond_value,
        closure_timing
    from {{ ref('ledger__backlog_day') }}
),

wip as (
    select
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        item_key as record_id,
        currency_code,
        movement_type,
        amount_tc
    from {{ ref('ledger__wip_event') }}
    where movement_type <> 'performed'
),

derived as (
    select
        'backlog' as balance,
        'beyond_value' as movement_type,
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        record_id,
        currency_code,
        beyond_value as amount_tc
    from backlog
    where beyond_value <> 0
    union all
    select
        'backlog' as balance,
        'closure_timing' as movement_type,
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        record_id,
        currency_code,
        closure_timing as amount_tc
    from backlog
    where closure_timing <> 0
    union all
    select
        'wip' as balance,
        movement_type,
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        record_id,
        currency_code,
        amount_tc
    from wip
)

select
    {{ as_text('balance') }} as balance,
    {{ as_text('movement_type') }} as movement_type,
    business_date,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    record_id,
    currency_code,
    cast(amount_tc as decimal(28, 4)) as amount_tc
from derived
