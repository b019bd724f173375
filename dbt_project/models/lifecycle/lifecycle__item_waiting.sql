-- Billable work of the PSA that no billing item of the ERP stands for yet: submitted and not approved, or
-- approved and not transferred. These are the open cases of a step that `lifecycle__item_stage`, which begins
-- with the ERP's items, cannot see.
with run as (
    select as_of from {{ source('inputs', 'run_context') }}
),

time_value as (
    select
        time_entry_id,
        status,
        is_billable,
        is_wip,
        billing_method,
        submitted_at,
        approved_at,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        value_tc
    from {{ ledger_as_known(ref('ledger__time_value')) }} as known
),

expense_value as (
    select
        expense_line_id,
        is_wip,
        approved_at,
        billed_legal_entity_id,
        billed_region_id,
        billed_practice_id,
        billed_customer_id,
        project_id,
        billed_line_id,
        currency_code,
        value_tc
    from {{ ledger_as_known(ref('ledger__expense_value')) }} as known
),

milestone_value as (
    select
        milestone_id,
        is_wip,
        accepted_on,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        value_tc
    from {{ ledger_as_known(ref('ledger__milestone_value')) }} as known
),

-- what was taken over, or was billed without having been
moved as (
    select source_key
    from {{ as_known(ref('canonical__billing_item')) }} as known
    where source_key is not null
    union
    select source_key
    from {{ ledger_as_known(ref('ledger__billing_value')) }} as known
    where is_posted and source_key is not null
),

line as (
    select
        contract_line_id,
        billing_method,
        original_value
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as known
),

{{ lifecycle_imports() }},

item as (
    select
        time_entry_id as source_key,
        'TIME' as source_type,
        'APPROVAL' as waits_for,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        value_tc as amount,
        submitted_at as started_at,
        {{ null_date() }} as started_on,
        2 as allowed_days
    from time_value
    where
        status = 'submitted'
        and is_billable
        and submitted_at is not null
        and contract_line_id <> 'NONE'
        and billing_method in ('TM', 'TM_CAPPED', 'EXPENSE')
    union all
    select
        time_entry_id as source_key,
        'TIME' as source_type,
        'TRANSFER' as waits_for,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        value_tc as amount,
        approved_at as started_at,
        {{ null_date() }} as started_on,
        1 as allowed_days
    from time_value
    where is_wip
    union all
    select
        expense_line_id as source_key,
        'EXPENSE' as source_type,
        'TRANSFER' as waits_for,
        billed_legal_entity_id as legal_entity_id,
        billed_region_id as region_id,
        billed_practice_id as practice_id,
        billed_customer_id as customer_id,
        project_id,
        billed_line_id as contract_line_id,
        currency_code,
        value_tc as amount,
        approved_at as started_at,
        {{ null_date() }} as started_on,
        1 as allowed_days
    from expense_value
    where is_wip
    union all
    select
        milestone_id as source_key,
        'MILESTONE' as source_type,
        'TRANSFER' as waits_for,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        value_tc as amount,
        {{ null_instant() }} as started_at,
        accepted_on as started_on,
        1 as allowed_days
    from milestone_value
    where is_wip
),

zones as {{ import_zones() }},

waiting as (
    select
        item.source_key,
        item.source_type,
        item.waits_for,
        item.legal_entity_id,
        item.region_id,
        item.practice_id,
        item.customer_id,
        item.project_id,
        item.contract_line_id,
        item.currency_code,
        item.amount,
        coalesce({{ entity_date('item.started_at') }}, item.started_on) as started_on,
        item.allowed_days,
        run.as_of
    from item
    cross join run
    left join zones on item.legal_entity_id = zones.legal_entity_id
    left join moved on item.source_key = moved.source_key
    where
        moved.source_key is null
        and coalesce({{ entity_date('item.started_at') }}, item.started_on) <= run.as_of
)

select
    waiting.source_key,
    {{ as_text('waiting.source_type') }} as source_type,
    {{ as_text('waiting.waits_for') }} as waits_for,
    waiting.legal_entity_id,
    waiting.region_id,
    waiting.practice_id,
    waiting.customer_id,
    waiting.project_id,
    waiting.contract_line_id,
    waiting.currency_code,
    {{ as_money('waiting.amount') }} as amount,
    {{ ledger_at_rate('waiting.amount', 'conversion.rate_rc') }} as amount_rc,
    {{ as_text("coalesce(line.billing_method, 'NONE')") }} as billing_method,
    {{ as_text(deal_size_band('line.original_value', 'conversion.rate_rc')) }} as size_band,
    waiting.started_on,
    due.calendar_date as due_on,
    cast(day_as_of.working_day_number - day_started.working_day_number as integer) as age
from waiting
{{ lifecycle_day('day_started', 'waiting.legal_entity_id', 'waiting.started_on') }}
{{ lifecycle_day('day_as_of', 'waiting.legal_entity_id', 'waiting.as_of') }}
{{ lifecycle_due('due', 'waiting.legal_entity_id', 'day_started.working_day_number + waiting.allowed_days') }}
left join conversion on waiting.currency_code = conversion.from_currency
left join line on waiting.contract_line_id = line.contract_line_id
