-- A billable item of a T&M line is not on a posted invoice, net of credits, some working days after the end
-- of the month in which it could be billed. Of an item billed in part, the rest is what is late.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('BIL-001') }},

setting as {{ control_settings(['invoice_days', 'leakage_after_days'], 'BIL-001') }},

calendar as {{ import_calendar() }},

zones as {{ import_zones() }},

billing_items as (
    select known.*
    from {{ as_known(ref('canonical__billing_item')) }} as known
    cross join parameter
    where
        known.is_billable
        and known.amount > parameter.abs_tol
        and coalesce(known.hold_reason, '') = ''
),

contract_lines as (
    select line.*
    from {{ ref('control__contract_line') }} as line
),

projects as (
    select
        project.found_line_id as contract_line_id,
        min(project.project_id) as project_id
    from {{ ref('control__project') }} as project
    where project.found_line_id is not null
    group by project.found_line_id
),

billed as (
    select billed_source.*
    from {{ ref('control__billed') }} as billed_source
),

-- a source transferred twice is one grain: what counts is whether its work is billed
date_items as (
    select
        billing_items.source_key,
        max(billing_items.billing_item_id) as billing_item_id,
        max(billing_items.contract_line_id) as contract_line_id,
        max(billing_items.work_date) as work_date,
        max(billing_items.eligible_at) as eligible_at,
        max(billing_items.quantity) as quantity,
        max(billing_items.amount) as amount,
        max(billing_items.currency_code) as currency_code
    from billing_items
    group by billing_items.source_key
),

place_items as (
    select
        date_items.*,
        contract_lines.legal_entity_id,
        contract_lines.customer_id,
        contract_lines.contract_id,
        contract_lines.contract_number,
        {{ entity_date('date_items.eligible_at') }} as eligible_on,
        -- without its line nobody can say when an item was due
        contract_lines.billing_method is not null as has_line
    from date_items
    left join contract_lines
        on date_items.contract_line_id = contract_lines.contract_line_id
    left join zones
        on contract_lines.legal_entity_id = zones.legal_entity_id
    where contract_lines.billing_method is null or contract_lines.billing_method in ('TM', 'TM_CAPPED')
),

find_billed as (
    select
        place_items.*,
        {{ unbilled_share('place_items.amount', 'place_items.quantity', 'billed.net_quantity') }}
            as open_amount
    from place_items
    left join billed
        on place_items.source_key = billed.source_key
),

-- only what is open is due on some day
expect_invoices as (
    select
        date_items.*,
        projects.project_id,
        expected.calendar_date as expected_by,
        {{ date_add_days('expected.calendar_date', 1) }} as late_from
    from find_billed as date_items
    left join projects
        on date_items.contract_line_id = projects.contract_line_id
    cross join parameter
    cross join setting
    {{ join_working_day(
        'expected',
        'date_items.legal_entity_id',
        'case when date_items.open_amount > parameter.abs_tol or not date_items.has_line then '
        ~ month_end('date_items.eligible_on') ~ ' end',
        'cast(setting.invoice_days as integer)'
    ) }}
),

evaluated as (
    select
        expect_invoices.source_key as grain_key,
        expect_invoices.legal_entity_id,
        expect_invoices.customer_id,
        expect_invoices.contract_id,
        expect_invoices.contract_line_id,
        expect_invoices.project_id,
        {{ month_text('expect_invoices.eligible_on') }} as period,
        expect_invoices.currency_code,
        expect_invoices.amount as value_a,
        {{ as_money('expect_invoices.amount - expect_invoices.open_amount') }} as value_b,
        expect_invoices.open_amount > parameter.abs_tol as is_broken,
        expect_invoices.late_from as becomes_exception_on,
        expect_invoices.open_amount as amount_tc,
        expect_invoices.amount as population_tc,
        {{ days_between('expect_invoices.late_from', 'run.as_of') }} > setting.leakage_after_days
            as is_leakage,
        expect_invoices.has_line,
        'item:' || expect_invoices.source_key as risk_object,
        'MISSING_IN_B' as break_type,
        {{ evidence([
            ('what', sentence([
                "'Work of '", 'expect_invoices.work_date', "' on contract '",
                'expect_invoices.contract_number',
                "' was due to be invoiced by '", 'expect_invoices.expected_by', "' and is not'",
            ])),
            ('business_date', 'expect_invoices.work_date'),
            ('document_no', 'expect_invoices.billing_item_id'),
            ('system_a', "'ERP billing items'"),
            ('system_b', "'ERP invoices'"),
            ('eligible_on', 'expect_invoices.eligible_on'),
            ('item_amount', 'expect_invoices.amount'),
            ('open_amount', 'expect_invoices.open_amount'),
            ('expected_invoice_by', 'expect_invoices.expected_by'),
        ], unless='expect_invoices.open_amount <= parameter.abs_tol and expect_invoices.has_line') }} as evidence
    from expect_invoices
    cross join run
    cross join parameter
    cross join setting
),

{{ control_result(
    'BIL-001',
    is_evaluable='evaluated.has_line',
    risk_type="case when evaluated.is_leakage then 'LEAKAGE' else 'TIMING' end"
) }}
