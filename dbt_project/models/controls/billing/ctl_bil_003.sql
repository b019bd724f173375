-- More quantity or money is billed for a source, credits taken off, than the source holds.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('BIL-003') }},

setting as {{ control_settings(['quantity_abs_tol'], 'BIL-003') }},

billed as (
    select billed_source.*
    from {{ ref('control__billed') }} as billed_source
),

items as (
    select item.*
    from {{ ref('control__item') }} as item
),

billing_items as (
    select
        known.source_key,
        max(known.quantity) as quantity,
        max(known.amount) as amount
    from {{ as_known(ref('canonical__billing_item')) }} as known
    group by known.source_key
),

compare_sources as (
    select
        billed.*,
        items.project_id,
        -- a retainer's period has no record in the PSA: its billing item is the source
        case when items.item_key is not null then items.quantity else billing_items.quantity end
            as source_quantity,
        case when items.item_key is not null then items.amount else billing_items.amount end as source_amount
    from billed
    left join items
        on billed.source_key = items.item_key
    left join billing_items
        on billed.source_key = billing_items.source_key
),

judge_sources as (
    select
        compare_sources.*,
        coalesce(
            compare_sources.net_quantity > compare_sources.source_quantity + setting.quantity_abs_tol
            or (
                compare_sources.net_amount > compare_sources.source_amount * (1 + parameter.rel_tol)
                and compare_sources.net_amount - compare_sources.source_amount > parameter.abs_tol
            ),
            false
        ) as is_broken
    from compare_sources
    cross join parameter
    cross join setting
),

evaluated as (
    select
        compare_sources.source_key as grain_key,
        compare_sources.legal_entity_id,
        compare_sources.customer_id,
        compare_sources.contract_id,
        compare_sources.contract_line_id,
        compare_sources.project_id,
        {{ null_text() }} as period,
        compare_sources.currency_code,
        compare_sources.source_amount as value_a,
        compare_sources.net_amount as value_b,
        compare_sources.source_amount is not null as has_source,
        compare_sources.is_broken,
        compare_sources.last_charged_on as becomes_exception_on,
        -- too many hours at too small a price: nothing is charged in excess
        {{ as_money('greatest(0, compare_sources.net_amount - compare_sources.source_amount)') }}
            as amount_tc,
        compare_sources.net_amount as population_tc,
        'item:' || compare_sources.source_key as risk_object,
        'DUPLICATE' as break_type,
        {{ evidence([
            ('what', sentence([
                "'Source '", 'compare_sources.source_key', "' holds '", 'compare_sources.source_amount',
                "' '",
                'compare_sources.currency_code', "', billed are '", 'compare_sources.net_amount',
                "' on '", 'compare_sources.invoice_numbers',
            ])),
            ('business_date', 'compare_sources.last_charged_on'),
            ('document_no', 'compare_sources.invoice_numbers'),
            ('system_a', "'PSA'"),
            ('system_b', "'ERP'"),
            ('source_quantity', 'compare_sources.source_quantity'),
            ('billed_quantity', 'compare_sources.net_quantity'),
            ('invoice_numbers', 'compare_sources.invoice_numbers'),
        ], unless='not compare_sources.is_broken and compare_sources.source_amount is not null') }} as evidence
    from judge_sources as compare_sources
),

{{ control_result('BIL-003', is_evaluable='evaluated.has_source') }}
