-- Approved billable work of a line that is billed by the piece has not arrived in the ERP as a billing item.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('PSA-ERP-001') }},

calendar as {{ import_calendar() }},

items as (
    select item.*
    from {{ ref('control__item') }} as item
    where
        item.status = 'approved'
        and item.is_billable
        and item.source_type in ('TIME', 'EXPENSE')
        and item.line_billing_method in ('TM', 'TM_CAPPED', 'EXPENSE')
),

find_transfers as (
    select
        known.source_type,
        known.source_key,
        min(known.billing_item_id) as billing_item_id
    from {{ as_known(ref('canonical__billing_item')) }} as known
    group by known.source_type, known.source_key
),

evaluated as (
    select
        items.item_key as grain_key,
        items.legal_entity_id,
        items.customer_id,
        items.contract_id,
        items.contract_line_id,
        items.project_id,
        {{ month_text('items.item_date') }} as period,
        items.currency_code,
        items.amount as value_a,
        case when find_transfers.billing_item_id is not null then items.amount end as value_b,
        find_transfers.billing_item_id is null as is_broken,
        due.calendar_date as becomes_exception_on,
        items.amount as amount_tc,
        items.amount as population_tc,
        'item:' || items.item_key as risk_object,
        'MISSING_IN_B' as break_type,
        {{ evidence([
            ('what', sentence([
                "'Approved work of '", 'items.item_date', "' on project '", 'items.project_name',
                "' has not reached billing'",
            ])),
            ('business_date', 'items.item_date'),
            ('document_no', 'items.item_key'),
            ('system_a', "'PSA'"),
            ('system_b', "'ERP'"),
            ('source_type', 'items.source_type'),
            ('approved_on', 'items.approved_on'),
            ('resource_id', 'items.resource_id'),
        ], unless='find_transfers.billing_item_id is not null') }} as evidence
    from items
    left join find_transfers
        on
            items.source_type = find_transfers.source_type
            and items.item_key = find_transfers.source_key
    cross join parameter
    -- only what has not arrived is due on some day
    {{ join_working_day(
        'due',
        'items.legal_entity_id',
        'case when find_transfers.billing_item_id is null then items.approved_on end',
        'parameter.grace + 1'
    ) }}
),

{{ control_result('PSA-ERP-001') }}
