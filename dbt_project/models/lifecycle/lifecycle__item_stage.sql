-- Billable items the ERP holds, with the first time each step was reached, as the run knew it: worked,
-- approved, eligible for billing, invoiced. Retainer periods have no approval.
with run as (
    select as_of from {{ source('inputs', 'run_context') }}
),

billing_item as (
    select
        billing_item_id,
        source_type,
        source_key,
        contract_line_id,
        work_date,
        quantity,
        amount,
        currency_code,
        eligible_at,
        hold_reason
    from {{ as_known(ref('canonical__billing_item')) }} as known
),

line as (
    select
        contract_line_id,
        contract_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        billing_method,
        original_value
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as known
),

approval as (
    select
        time_entry_id as source_key,
        approved_at as t6_at,
        {{ null_date() }} as t6_on
    from {{ ledger_as_known(ref('ledger__time_value')) }} as known
    where status = 'approved' and approved_at is not null
    union all
    select
        expense_line_id as source_key,
        approved_at as t6_at,
        {{ null_date() }} as t6_on
    from {{ ledger_as_known(ref('ledger__expense_value')) }} as known
    where status = 'approved' and approved_at is not null
    union all
    select
        milestone_id as source_key,
        {{ null_instant() }} as t6_at,
        accepted_on as t6_on
    from {{ ledger_as_known(ref('ledger__milestone_value')) }} as known
    where accepted_on is not null
),

billed as (
    select
        source_key,
        min(case when doc_type = 'STANDARD' then posted_at end) as t8_at,
        sum(quantity) as net_quantity
    from {{ ledger_as_known(ref('ledger__billing_value')) }} as known
    where is_posted and source_key is not null and invoice_date <= {{ run_as_of() }}
    group by source_key
),

{{ lifecycle_imports() }},

zones as {{ import_zones() }},

reached as (
    select
        billing_item.billing_item_id,
        billing_item.source_type,
        billing_item.source_key,
        billing_item.hold_reason,
        billing_item.quantity,
        billing_item.amount,
        billing_item.currency_code,
        billing_item.eligible_at,
        run.as_of,
        line.contract_id,
        line.original_value,
        coalesce(line.billing_method, 'NONE') as billing_method,
        coalesce(line.legal_entity_id, concat('UNMAPPED:', coalesce(billing_item.contract_line_id, 'NONE')))
            as legal_entity_id,
        coalesce(line.region_id, 'UNMAPPED:NONE') as region_id,
        coalesce(line.practice_id, 'UNMAPPED:NONE') as practice_id,
        coalesce(line.customer_id, concat('UNMAPPED:', coalesce(billing_item.contract_line_id, 'NONE')))
            as customer_id,
        coalesce(line.project_id, 'NONE') as project_id,
        coalesce(billing_item.contract_line_id, 'NONE') as contract_line_id,
        billing_item.work_date as t5_on,
        coalesce({{ entity_date('approval.t6_at') }}, approval.t6_on) as t6_on,
        {{ entity_date('billing_item.eligible_at') }} as t7_on,
        billed.t8_at,
        {{ entity_date('billed.t8_at') }} as t8_on,
        coalesce(billed.net_quantity, 0) as net_billed_quantity
    from billing_item
    cross join run
    left join line on billing_item.contract_line_id = line.contract_line_id
    left join zones on line.legal_entity_id = zones.legal_entity_id
    left join approval on billing_item.source_key = approval.source_key
    left join billed on billing_item.source_key = billed.source_key
    where {{ entity_date('billing_item.eligible_at') }} <= run.as_of
)

select
    reached.billing_item_id,
    reached.source_type,
    reached.source_key,
    reached.contract_id,
    {{ as_text('reached.legal_entity_id') }} as legal_entity_id,
    {{ as_text('reached.region_id') }} as region_id,
    {{ as_text('reached.practice_id') }} as practice_id,
    {{ as_text('reached.customer_id') }} as customer_id,
    {{ as_text('reached.project_id') }} as project_id,
    {{ as_text('reached.contract_line_id') }} as contract_line_id,
    reached.currency_code,
    reached.amount,
    {{ ledger_at_rate('reached.amount', 'conversion.rate_rc') }} as amount_rc,
    reached.quantity,
    {{ as_rate('reached.net_billed_quantity') }} as net_billed_quantity,
    reached.hold_reason,
    {{ as_text('reached.billing_method') }} as billing_method,
    {{ as_text(deal_size_band('reached.original_value', 'conversion.rate_rc')) }} as size_band,
    reached.net_billed_quantity <= 0 as is_open,
    {{ unbilled_share('reached.amount', 'reached.quantity', 'reached.net_billed_quantity') }} as open_amount,
    {{ ledger_at_rate(
        unbilled_share('reached.amount', 'reached.quantity', 'reached.net_billed_quantity'),
        'conversion.rate_rc'
    ) }} as open_amount_rc,
    reached.t5_on,
    reached.t6_on,
    reached.eligible_at as t7_at,
    reached.t7_on,
    reached.t8_at,
    reached.t8_on,
    -- transferred within a working day; invoiced by the fifth after the end of the month it became billable
    due_transferred.calendar_date as transfer_due_on,
    due_invoiced.calendar_date as invoice_due_on,
    cast(day_7.working_day_number - day_6.working_day_number as integer) as lag_t6_t7,
    cast(day_8.working_day_number - day_7.working_day_number as integer) as lag_t7_t8,
    cast(day_as_of.working_day_number - day_7.working_day_number as integer) as age_since_eligible
from reached
{{ lifecycle_day('day_6', 'reached.legal_entity_id', 'reached.t6_on') }}
{{ lifecycle_day('day_7', 'reached.legal_entity_id', 'reached.t7_on') }}
{{ lifecycle_day('day_8', 'reached.legal_entity_id', 'reached.t8_on') }}
{{ lifecycle_day('day_as_of', 'reached.legal_entity_id', 'reached.as_of') }}
{{ lifecycle_day('day_month_end', 'reached.legal_entity_id', month_end('reached.t7_on')) }}
{{ lifecycle_due('due_transferred', 'reached.legal_entity_id', 'day_6.working_day_number + 1') }}
{{ lifecycle_due('due_invoiced', 'reached.legal_entity_id', 'day_month_end.working_day_number + 5') }}
left join conversion on reached.currency_code = conversion.from_currency
