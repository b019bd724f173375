-- Contract and won deal disagree on who sells, in which currency, by which method, on which terms. One grain
-- per attribute; a value missing on one side leaves that attribute not evaluable.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('CRM-ERP-004') }},

setting as {{ control_settings(['cost_of_capital'], 'CRM-ERP-004') }},

calendar as {{ import_calendar() }},

zones as {{ import_zones() }},

whitelist as (
    select
        pair.legal_entity_id_a,
        pair.legal_entity_id_b
    from {{ source('inputs', 'entity_whitelist') }} as pair
    cross join run
    where
        pair.control_id in ('ALL', 'CRM-ERP-004')
        and pair.valid_from <= run.as_of
        and (pair.valid_to is null or pair.valid_to >= run.as_of)
),

entities as (
    select known.*
    from {{ as_known(ref('canonical__legal_entity')) }} as known
),

deals as (
    select deal.*
    from {{ ref('control__deal') }} as deal
    where deal.is_won
),

contracts as (
    select known.*
    from {{ as_known(ref('canonical__contract')) }} as known
    where known.status not in ('DRAFT', 'CANCELLED')
),

sum_lines as (
    select
        line.contract_id,
        {{ as_money('sum(line.amended_value)') }} as amended_value,
        -- what is billed beyond the value is not exposed any more
        {{ as_money('greatest(0, sum(line.amended_value - line.net_billed))') }} as open_value
    from {{ ref('control__contract_line') }} as line
    group by line.contract_id
),

pair_terms as (
    select
        contracts.contract_id,
        contracts.contract_number,
        contracts.legal_entity_id,
        contracts.customer_id,
        contracts.currency_code,
        deals.opportunity_id,
        deals.opportunity_name,
        greatest(deals.won_on, {{ entity_date('contracts.created_at') }}) as start_on,
        coalesce(sum_lines.amended_value, 0) as amended_value,
        coalesce(sum_lines.open_value, 0) as open_value,
        deals.legal_entity_id as crm_entity,
        contracts.legal_entity_id as erp_entity,
        deals.currency_code as crm_currency,
        deals.billing_method as crm_method,
        contracts.billing_method as erp_method,
        deals.payment_terms_days as crm_days,
        contracts.payment_terms_days as erp_days,
        deals.term_start as crm_start,
        contracts.effective_from as erp_start,
        deals.term_end as crm_end,
        contracts.effective_to as erp_end
    from contracts
    inner join deals
        on contracts.opportunity_id = deals.opportunity_id
    left join sum_lines
        on contracts.contract_id = sum_lines.contract_id
    left join zones
        on contracts.legal_entity_id = zones.legal_entity_id
),

list_attributes as (
    select
        pair_terms.*,
        'ENTITY' as attribute,
        pair_terms.crm_entity as crm_value,
        pair_terms.erp_entity as erp_value,
        pair_terms.open_value as amount_exposed
    from pair_terms
    union all
    select
        pair_terms.*,
        'CURRENCY' as attribute,
        pair_terms.crm_currency as crm_value,
        pair_terms.currency_code as erp_value,
        pair_terms.open_value as amount_exposed
    from pair_terms
    union all
    select
        pair_terms.*,
        'BILLING_METHOD' as attribute,
        pair_terms.crm_method as crm_value,
        pair_terms.erp_method as erp_value,
        pair_terms.open_value as amount_exposed
    from pair_terms
    union all
    select
        pair_terms.*,
        'PAYMENT_TERMS' as attribute,
        {{ as_text('pair_terms.crm_days') }} as crm_value,
        {{ as_text('pair_terms.erp_days') }} as erp_value,
        {{ mul_div(
            'pair_terms.amended_value',
            'setting.cost_of_capital * greatest(0, pair_terms.erp_days - pair_terms.crm_days)',
            '365'
        ) }} as amount_exposed
    from pair_terms
    cross join setting
    union all
    select
        pair_terms.*,
        'TERM_START' as attribute,
        {{ as_text('pair_terms.crm_start') }} as crm_value,
        {{ as_text('pair_terms.erp_start') }} as erp_value,
        {{ as_money('0') }} as amount_exposed
    from pair_terms
    union all
    select
        pair_terms.*,
        'TERM_END' as attribute,
        {{ as_text('pair_terms.crm_end') }} as crm_value,
        {{ as_text('pair_terms.erp_end') }} as erp_value,
        {{ as_money('0') }} as amount_exposed
    from pair_terms
),

compare_attributes as (
    select
        list_attributes.*,
        list_attributes.crm_value <> list_attributes.erp_value
        and not (list_attributes.attribute = 'ENTITY' and whitelist.legal_entity_id_a is not null)
        -- the ERP keeps whole months: a term it rounded up to its month's end is the same term
        and not (
            list_attributes.attribute = 'TERM_END'
            and coalesce(list_attributes.erp_end = {{ month_end('list_attributes.crm_end') }}, false)
        )
            as is_different,
        (list_attributes.crm_value is null) = (list_attributes.erp_value is null) as is_comparable
    from list_attributes
    left join entities as seller
        on list_attributes.crm_entity = seller.legal_entity_id
    left join entities as invoicer
        on list_attributes.erp_entity = invoicer.legal_entity_id
    left join whitelist
        on
            whitelist.legal_entity_id_a in (seller.legal_entity_id, seller.entity_code)
            and whitelist.legal_entity_id_b in (invoicer.legal_entity_id, invoicer.entity_code)
),

evaluated as (
    select
        compare_attributes.contract_id || '|' || compare_attributes.attribute as grain_key,
        compare_attributes.legal_entity_id,
        compare_attributes.customer_id,
        compare_attributes.contract_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as period,
        compare_attributes.currency_code,
        case when compare_attributes.attribute = 'PAYMENT_TERMS' then compare_attributes.crm_days end
            as value_a,
        case when compare_attributes.attribute = 'PAYMENT_TERMS' then compare_attributes.erp_days end
            as value_b,
        coalesce(compare_attributes.is_different, false) as is_broken,
        compare_attributes.is_comparable,
        due.calendar_date as becomes_exception_on,
        compare_attributes.amount_exposed as amount_tc,
        compare_attributes.amended_value as population_tc,
        compare_attributes.attribute,
        'contract:' || compare_attributes.contract_id as risk_object,
        case
            when compare_attributes.attribute = 'CURRENCY' then 'CURRENCY_DIFFERS'
            when compare_attributes.attribute in ('TERM_START', 'TERM_END') then 'DATE_DIFFERS'
            else 'ATTRIBUTE_DIFFERS'
        end as break_type,
        {{ evidence([
            ('what', sentence([
                "'Contract '", 'compare_attributes.contract_number', "': '",
                "lower(replace(compare_attributes.attribute, '_', ' '))", "' is '",
                'compare_attributes.erp_value',
                "' in the ERP and '", 'compare_attributes.crm_value', "' in the won deal'",
            ])),
            ('business_date', 'compare_attributes.start_on'),
            ('document_no', 'compare_attributes.contract_number'),
            ('system_a', "'CRM'"),
            ('system_b', "'ERP'"),
            ('attribute', 'compare_attributes.attribute'),
            ('value_a', 'compare_attributes.crm_value'),
            ('value_b', 'compare_attributes.erp_value'),
            ('opportunity_id', 'compare_attributes.opportunity_id'),
        ]) }} as evidence
    from compare_attributes
    cross join parameter
    {{ join_working_day(
        'due', 'compare_attributes.legal_entity_id', 'compare_attributes.start_on', 'parameter.grace + 1'
    ) }}
),

{{ control_result(
    'CRM-ERP-004',
    is_evaluable='evaluated.is_comparable',
    floor_met="evaluated.attribute in ('ENTITY', 'CURRENCY')"
) }}
