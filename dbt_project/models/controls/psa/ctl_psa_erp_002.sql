-- A billing item says something else than the work it was made from. One grain per attribute.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('PSA-ERP-002') }},

setting as {{ control_settings(['quantity_abs_tol', 'unit_price_rel_tol'], 'PSA-ERP-002') }},

calendar as {{ import_calendar() }},

zones as {{ import_zones() }},

billing_items as (
    select known.*
    from {{ as_known(ref('canonical__billing_item')) }} as known
    where known.source_type in ('TIME', 'EXPENSE', 'MILESTONE')
),

items as (
    select item.*
    from {{ ref('control__item') }} as item
),

contract_lines as (
    select line.*
    from {{ ref('control__contract_line') }} as line
),

pair_items as (
    select
        items.item_key,
        items.source_type,
        items.project_id,
        items.quantity as psa_quantity,
        items.unit_price as psa_price,
        items.amount as psa_amount,
        items.currency_code as psa_currency,
        items.is_billable as psa_billable,
        items.item_date as psa_date,
        billing_items.billing_item_id,
        billing_items.contract_line_id,
        billing_items.quantity as erp_quantity,
        billing_items.unit_price as erp_price,
        billing_items.amount as erp_amount,
        billing_items.currency_code as erp_currency,
        billing_items.is_billable as erp_billable,
        billing_items.work_date as erp_date,
        {{ entity_date('billing_items.eligible_at') }} as eligible_on,
        {{ as_money('abs(billing_items.amount - items.amount)') }} as gap,
        coalesce(contract_lines.legal_entity_id, items.legal_entity_id) as legal_entity_id,
        coalesce(contract_lines.customer_id, items.customer_id) as customer_id,
        coalesce(contract_lines.contract_id, items.contract_id) as contract_id
    from billing_items
    inner join items
        on billing_items.source_key = items.item_key
    left join contract_lines
        on billing_items.contract_line_id = contract_lines.contract_line_id
    left join zones
        on coalesce(contract_lines.legal_entity_id, items.legal_entity_id) = zones.legal_entity_id
),

date_pairs as (
    select
        pair_items.*,
        due.calendar_date as due_on
    from pair_items
    cross join parameter
    {{ join_working_day(
        'due', 'pair_items.legal_entity_id', 'pair_items.eligible_on', 'parameter.grace + 1'
    ) }}
),

list_attributes as (
    select
        date_pairs.*,
        'QUANTITY' as attribute,
        cast(date_pairs.psa_quantity as decimal(28, 8)) as value_a,
        cast(date_pairs.erp_quantity as decimal(28, 8)) as value_b,
        {{ as_text('date_pairs.psa_quantity') }} as text_a,
        {{ as_text('date_pairs.erp_quantity') }} as text_b,
        abs(date_pairs.erp_quantity - date_pairs.psa_quantity) > setting.quantity_abs_tol as is_different
    from date_pairs
    cross join setting
    union all
    select
        date_pairs.*,
        'UNIT_PRICE' as attribute,
        cast(date_pairs.psa_price as decimal(28, 8)) as value_a,
        cast(date_pairs.erp_price as decimal(28, 8)) as value_b,
        {{ as_text('date_pairs.psa_price') }} as text_a,
        {{ as_text('date_pairs.erp_price') }} as text_b,
        abs(date_pairs.erp_price - date_pairs.psa_price)
        > setting.unit_price_rel_tol * abs(cast(date_pairs.psa_price as decimal(19, 4))) as is_different
    from date_pairs
    cross join setting
    union all
    select
        date_pairs.*,
        'AMOUNT' as attribute,
        cast(date_pairs.psa_amount as decimal(28, 8)) as value_a,
        cast(date_pairs.erp_amount as decimal(28, 8)) as value_b,
        {{ as_text('date_pairs.psa_amount') }} as text_a,
        {{ as_text('date_pairs.erp_amount') }} as text_b,
        date_pairs.gap > parameter.abs_tol as is_different
    from date_pairs
    cross join parameter
    union all
    select
        date_pairs.*,
        'CURRENCY' as attribute,
        cast(null as decimal(28, 8)) as value_a,
        cast(null as decimal(28, 8)) as value_b,
        date_pairs.psa_currency as text_a,
        date_pairs.erp_currency as text_b,
        date_pairs.psa_currency <> date_pairs.erp_currency as is_different
    from date_pairs
    union all
    select
        date_pairs.*,
        'BILLABLE' as attribute,
        cast(null as decimal(28, 8)) as value_a,
        cast(null as decimal(28, 8)) as value_b,
        {{ as_text('date_pairs.psa_billable') }} as text_a,
        {{ as_text('date_pairs.erp_billable') }} as text_b,
        date_pairs.psa_billable <> date_pairs.erp_billable as is_different
    from date_pairs
    union all
    select
        date_pairs.*,
        'WORK_DATE' as attribute,
        cast(null as decimal(28, 8)) as value_a,
        cast(null as decimal(28, 8)) as value_b,
        {{ as_text('date_pairs.psa_date') }} as text_a,
        {{ as_text('date_pairs.erp_date') }} as text_b,
        date_pairs.psa_date <> date_pairs.erp_date as is_different
    from date_pairs
),

judge_attributes as (
    select
        list_attributes.*,
        coalesce(list_attributes.is_different, false) as is_broken,
        (list_attributes.text_a is null) = (list_attributes.text_b is null) as is_comparable
    from list_attributes
),

evaluated as (
    select
        list_attributes.item_key || '|' || list_attributes.attribute as grain_key,
        list_attributes.legal_entity_id,
        list_attributes.customer_id,
        list_attributes.contract_id,
        list_attributes.contract_line_id,
        list_attributes.project_id,
        {{ month_text('list_attributes.erp_date') }} as period,
        list_attributes.erp_currency as currency_code,
        list_attributes.value_a,
        list_attributes.value_b,
        list_attributes.is_broken,
        list_attributes.is_comparable,
        list_attributes.due_on as becomes_exception_on,
        list_attributes.gap as amount_tc,
        -- the item's money is looked at once, not once per attribute
        case when list_attributes.attribute = 'AMOUNT' then list_attributes.erp_amount else 0 end
            as population_tc,
        'item:' || list_attributes.item_key as risk_object,
        case list_attributes.attribute
            when 'CURRENCY' then 'CURRENCY_DIFFERS'
            when 'WORK_DATE' then 'DATE_DIFFERS'
            when 'BILLABLE' then 'ATTRIBUTE_DIFFERS'
            else 'AMOUNT_DIFFERS'
        end as break_type,
        {{ evidence([
            ('what', sentence([
                "'Billing item for '", 'list_attributes.item_key', "': '",
                "lower(replace(list_attributes.attribute, '_', ' '))", "' is '", 'list_attributes.text_b',
                "' in the ERP and '", 'list_attributes.text_a', "' in the PSA'",
            ])),
            ('business_date', 'list_attributes.erp_date'),
            ('document_no', 'list_attributes.billing_item_id'),
            ('system_a', "'PSA'"),
            ('system_b', "'ERP'"),
            ('attribute', 'list_attributes.attribute'),
            ('value_a', 'list_attributes.text_a'),
            ('value_b', 'list_attributes.text_b'),
            ('source_type', 'list_attributes.source_type'),
        ], unless='not list_attributes.is_broken and list_attributes.is_comparable') }} as evidence
    from judge_attributes as list_attributes
),

{{ control_result('PSA-ERP-002', is_evaluable='evaluated.is_comparable') }}
