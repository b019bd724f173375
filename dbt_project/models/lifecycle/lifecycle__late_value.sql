-- Money that waits beyond its due day at as_of, and how long: deals without contract, project, people or
-- first work, items not approved, not transferred or not invoiced, invoices not paid. Currency-days in the
-- reporting currency are the amount times the days it is late.
with cost as (
    select {{ assumed('cost_of_capital') }} as of_capital
),

deal as (
    select
        opportunity_id as object_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        blocked_amount_rc as amount_rc,
        -- a deal is counted once, by what has waited longest
        case
            when t2_on is null and t3_on is null then least(contract_due_on, project_due_on)
            when t2_on is null then contract_due_on
            when t3_on is null then project_due_on
            when t4_on is null then staffing_due_on
            when t5_on is null then start_due_on
        end as due_on,
        case
            when t2_on is null and t3_on is null and project_due_on < contract_due_on then 'PROJECT'
            when t2_on is null then 'CONTRACT'
            when t3_on is null then 'PROJECT'
            when t4_on is null then 'STAFFING'
            when t5_on is null then 'FIRST_WORK'
        end as waits_for
    from {{ ref('lifecycle__deal_stage') }}
),

item as (
    select
        source_key as object_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        open_amount_rc as amount_rc,
        invoice_due_on as due_on,
        'INVOICE' as waits_for
    from {{ ref('lifecycle__item_stage') }}
    where open_amount <> 0 and hold_reason is null
    union all
    -- it waits for a step before billing
    select
        source_key as object_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        amount_rc,
        due_on,
        waits_for
    from {{ ref('lifecycle__item_waiting') }}
),

invoice as (
    select
        invoice_id as object_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        'NONE' as contract_line_id,
        open_amount_rc as amount_rc,
        collection_due_on as due_on,
        'CASH' as waits_for
    from {{ ref('lifecycle__invoice_stage') }}
    where open_amount > 0
),

waiting as (
    select
        'DEAL' as object_type,
        object_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        amount_rc,
        due_on,
        waits_for
    from deal
    union all
    select
        'ITEM' as object_type,
        object_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        amount_rc,
        due_on,
        waits_for
    from item
    union all
    select
        'INVOICE' as object_type,
        object_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        amount_rc,
        due_on,
        waits_for
    from invoice
)

select
    {{ as_text('waiting.object_type') }} as object_type,
    waiting.object_id,
    waiting.legal_entity_id,
    waiting.region_id,
    waiting.practice_id,
    waiting.customer_id,
    {{ as_text('waiting.project_id') }} as project_id,
    {{ as_text('waiting.contract_line_id') }} as contract_line_id,
    {{ as_text('waiting.waits_for') }} as waits_for,
    waiting.due_on,
    cast({{ days_between('waiting.due_on', run_as_of()) }} as integer) as late_days,
    waiting.amount_rc,
    cast(
        waiting.amount_rc * {{ days_between('waiting.due_on', run_as_of()) }} as decimal(28, 4)
    ) as currency_days,
    -- what the money costs that was not there on those days: interest at the firm's cost of capital
    cast({{ mul_div(
        'waiting.amount_rc',
        'cost.of_capital * ' ~ days_between('waiting.due_on', run_as_of()),
        '365',
    ) }} as decimal(28, 4)) as carrying_cost
from waiting
cross join cost
where waiting.due_on < {{ run_as_of() }} and (waiting.amount_rc is null or waiting.amount_rc <> 0)
