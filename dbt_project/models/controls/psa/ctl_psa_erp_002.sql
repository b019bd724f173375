-- A billing item says something else than the work it was made from. One grain per attribute.
{%- set attributes = [
    ('QUANTITY', 'psa_quantity', 'erp_quantity'),
    ('UNIT_PRICE', 'psa_price', 'erp_price'),
    ('AMOUNT', 'psa_amount', 'erp_amount'),
    ('CURRENCY', 'psa_currency', 'erp_currency'),
    ('BILLABLE', 'psa_billable', 'erp_billable'),
    ('WORK_DATE', 'psa_date', 'erp_date'),
] %}
{%- set unequal, told_by_psa, told_by_erp = [], [], [] %}
{%- for attribute, psa, erp in attributes %}
    {%- set name = attribute | lower %}
    {%- do unequal.append('compare_pairs.differs_' ~ name ~ ' or not compare_pairs.is_told_' ~ name) %}
    {%- do told_by_psa.append("when '" ~ attribute ~ "' then " ~ as_text('list_attributes.' ~ psa)) %}
    {%- do told_by_erp.append("when '" ~ attribute ~ "' then " ~ as_text('list_attributes.' ~ erp)) %}
{%- endfor %}
{%- set text_a = 'case list_attributes.attribute ' ~ told_by_psa | join(' ') ~ ' end' %}
{%- set text_b = 'case list_attributes.attribute ' ~ told_by_erp | join(' ') ~ ' end' %}
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

-- all six attributes of a pair at once: nearly every pair is equal in all of them
compare_pairs as (
    select
        pair_items.*,
        coalesce(abs(pair_items.erp_quantity - pair_items.psa_quantity) > setting.quantity_abs_tol, false)
            as differs_quantity,
        coalesce(
            abs(pair_items.erp_price - pair_items.psa_price)
            > setting.unit_price_rel_tol * abs(cast(pair_items.psa_price as decimal(19, 4))),
            false
        ) as differs_unit_price,
        coalesce(pair_items.gap > parameter.abs_tol, false) as differs_amount,
        {% for attribute, psa, erp in attributes if attribute in ('CURRENCY', 'BILLABLE', 'WORK_DATE') -%}
            coalesce(pair_items.{{ psa }} <> pair_items.{{ erp }}, false) as differs_{{ attribute | lower }},
        {% endfor -%}
        {% for attribute, psa, erp in attributes -%}
            (pair_items.{{ psa }} is null) = (pair_items.{{ erp }} is null)
                as is_told_{{ attribute | lower }},
        {% endfor -%}
        {{ month_text('pair_items.erp_date') }} as period
    from pair_items
    cross join parameter
    cross join setting
),

-- only what is to be looked at is due on some day
date_pairs as (
    select
        compare_pairs.*,
        due.calendar_date as due_on
    from compare_pairs
    cross join parameter
    {{ join_working_day(
        'due',
        'compare_pairs.legal_entity_id',
        'case when ' ~ unequal | join(' or ') ~ ' then compare_pairs.eligible_on end',
        'parameter.grace + 1'
    ) }}
),

attributes as (
    {% for attribute, psa, erp in attributes -%}
        select '{{ attribute }}' as attribute
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

list_attributes as (
    select
        date_pairs.*,
        attributes.attribute,
        case attributes.attribute
            {% for attribute, psa, erp in attributes -%}
                when '{{ attribute }}' then date_pairs.differs_{{ attribute | lower }}
            {% endfor -%}
        end as is_broken,
        case attributes.attribute
            {% for attribute, psa, erp in attributes -%}
                when '{{ attribute }}' then date_pairs.is_told_{{ attribute | lower }}
            {% endfor -%}
        end as is_comparable
    from date_pairs
    cross join attributes
),

evaluated as (
    select
        list_attributes.item_key || '|' || list_attributes.attribute as grain_key,
        list_attributes.legal_entity_id,
        list_attributes.customer_id,
        list_attributes.contract_id,
        list_attributes.contract_line_id,
        list_attributes.project_id,
        list_attributes.period,
        list_attributes.erp_currency as currency_code,
        case list_attributes.attribute
            when 'QUANTITY' then cast(list_attributes.psa_quantity as decimal(28, 8))
            when 'UNIT_PRICE' then cast(list_attributes.psa_price as decimal(28, 8))
            when 'AMOUNT' then cast(list_attributes.psa_amount as decimal(28, 8))
        end as value_a,
        case list_attributes.attribute
            when 'QUANTITY' then cast(list_attributes.erp_quantity as decimal(28, 8))
            when 'UNIT_PRICE' then cast(list_attributes.erp_price as decimal(28, 8))
            when 'AMOUNT' then cast(list_attributes.erp_amount as decimal(28, 8))
        end as value_b,
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
                "lower(replace(list_attributes.attribute, '_', ' '))", "' is '", text_b,
                "' in the ERP and '", text_a, "' in the PSA'",
            ])),
            ('business_date', 'list_attributes.erp_date'),
            ('document_no', 'list_attributes.billing_item_id'),
            ('system_a', "'PSA'"),
            ('system_b', "'ERP'"),
            ('attribute', 'list_attributes.attribute'),
            ('value_a', text_a),
            ('value_b', text_b),
            ('source_type', 'list_attributes.source_type'),
        ], unless='not list_attributes.is_broken and list_attributes.is_comparable') }} as evidence
    from list_attributes
),

{{ control_result('PSA-ERP-002', is_evaluable='evaluated.is_comparable') }}
