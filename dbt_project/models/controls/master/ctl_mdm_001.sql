-- A deal that is won, or all but won, meets a customer the ERP has not released for the contracting entity.
-- One grain per account, entity and attribute; without any ERP customer there is nothing further to test.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('MDM-001') }},

setting as {{ control_settings(['commit_probability'], 'MDM-001') }},

rates as {{ reporting_rates() }},

customer_xref as {{ known_xref('customer') }},

customers as (
    select known.*
    from {{ known_record('customer', ref('canonical__customer')) }} as known
),

customer_entities as (
    select known.*
    from {{ as_known(ref('canonical__customer_entity')) }} as known
),

deals as (
    select
        deal.*,
        deal.is_won and not (deal.has_contract and deal.has_project) as is_waiting
    from {{ ref('control__deal') }} as deal
    cross join setting
    where
        deal.services_amount > 0
        and deal.is_contract_required
        and (deal.is_won or (not deal.is_closed and deal.probability >= setting.commit_probability))
),

group_pairs as (
    select
        deals.account_id,
        deals.legal_entity_code,
        min(deals.legal_entity_id) as legal_entity_id,
        max(case when deals.is_won then 1 else 0 end) as has_won,
        max(case when deals.is_waiting then 1 else 0 end) as has_waiting,
        min(case when deals.is_won then deals.won_on end) as first_won_on,
        min(case when deals.is_waiting then deals.won_on end) as first_waiting_on,
        min(deals.close_date) as first_close_date,
        min(case when deals.is_waiting then deals.opportunity_id end) as waiting_opportunity_id,
        {{ list_agg_sorted('case when deals.is_waiting then deals.opportunity_id end') }}
            as waiting_opportunities,
        count(distinct case when deals.is_waiting then deals.currency_code end) as currency_count,
        min(case when deals.is_waiting then deals.currency_code end) as currency_code,
        {{ as_money('sum(case when deals.is_waiting then deals.services_amount else 0 end)') }} as amount_tc
    from deals
    group by deals.account_id, deals.legal_entity_code
),

-- rounded once per currency, so that a single currency gives the same figure as elsewhere
convert_waiting as (
    select
        in_currency.account_id,
        in_currency.legal_entity_code,
        sum({{ money('in_currency.amount * rates.rate') }}) as amount_rc,
        sum(case when rates.rate is null then 1 else 0 end) as rates_missing
    from (
        select
            deals.account_id,
            deals.legal_entity_code,
            deals.currency_code,
            {{ as_money('sum(deals.services_amount)') }} as amount
        from deals
        where deals.is_waiting
        group by deals.account_id, deals.legal_entity_code, deals.currency_code
    ) as in_currency
    left join rates
        on in_currency.currency_code = rates.from_currency
    group by in_currency.account_id, in_currency.legal_entity_code
),

match_customers as (
    select
        group_pairs.*,
        coalesce(convert_waiting.amount_rc, 0) as amount_rc,
        coalesce(convert_waiting.rates_missing, 0) as rates_missing,
        customers.customer_id as erp_customer_id,
        customers.name as customer_name,
        customers.status as customer_status,
        customer_entities.status as entity_status,
        customers.tax_profile,
        customers.is_bill_to_complete,
        customers.credit_status
    from group_pairs
    left join convert_waiting
        on
            group_pairs.account_id = convert_waiting.account_id
            and group_pairs.legal_entity_code = convert_waiting.legal_entity_code
    left join customer_xref
        on group_pairs.account_id = customer_xref.left_key
    left join customers
        on customer_xref.right_key = customers.customer_id
    left join customer_entities
        on
            customers.customer_id = customer_entities.customer_id
            and group_pairs.legal_entity_id = customer_entities.legal_entity_id
),

list_attributes as (
    select
        match_customers.*,
        'CUSTOMER' as attribute,
        match_customers.erp_customer_id as found_value,
        match_customers.erp_customer_id is null as is_broken
    from match_customers
    union all
    select
        match_customers.*,
        'STATUS' as attribute,
        coalesce(match_customers.customer_status, 'NONE') || ', for the entity '
        || coalesce(match_customers.entity_status, 'NONE') as found_value,
        coalesce(match_customers.customer_status, 'NONE') not in ('ACTIVE', 'VALIDATED')
        or coalesce(match_customers.entity_status, 'NONE') not in ('ACTIVE', 'VALIDATED') as is_broken
    from match_customers
    where match_customers.erp_customer_id is not null
    union all
    select
        match_customers.*,
        'TAX_PROFILE' as attribute,
        match_customers.tax_profile as found_value,
        coalesce(trim(match_customers.tax_profile), '') = '' as is_broken
    from match_customers
    where match_customers.erp_customer_id is not null
    union all
    select
        match_customers.*,
        'BILL_TO' as attribute,
        {{ as_text('match_customers.is_bill_to_complete') }} as found_value,
        not coalesce(match_customers.is_bill_to_complete, false) as is_broken
    from match_customers
    where match_customers.erp_customer_id is not null
    union all
    select
        match_customers.*,
        'CREDIT' as attribute,
        match_customers.credit_status as found_value,
        coalesce(match_customers.credit_status, 'NONE') not in ('PASSED', 'NOT_REQUIRED') as is_broken
    from match_customers
    where match_customers.erp_customer_id is not null
),

evaluated as (
    select
        list_attributes.account_id || '|' || coalesce(list_attributes.legal_entity_code, 'NONE')
        || '|' || list_attributes.attribute as grain_key,
        list_attributes.legal_entity_id,
        coalesce(list_attributes.erp_customer_id, 'UNMAPPED:' || list_attributes.account_id) as customer_id,
        {{ null_text() }} as contract_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as period,
        case when list_attributes.currency_count = 1 then list_attributes.currency_code end as currency_code,
        cast(null as decimal(19, 4)) as value_a,
        cast(null as decimal(19, 4)) as value_b,
        list_attributes.is_broken,
        case
            when list_attributes.has_won = 1
                then coalesce(list_attributes.first_waiting_on, list_attributes.first_won_on)
            else list_attributes.first_close_date
        end as becomes_exception_on,
        case when list_attributes.currency_count = 1 then list_attributes.amount_tc end as amount_tc,
        cast(0 as decimal(19, 4)) as population_tc,
        case when list_attributes.rates_missing = 0 then list_attributes.amount_rc end as amount_rc,
        case
            when list_attributes.attribute <> 'CUSTOMER' then 0
            when list_attributes.rates_missing = 0 then list_attributes.amount_rc
        end as population_rc,
        list_attributes.has_won,
        list_attributes.has_waiting,
        case
            when list_attributes.has_waiting = 1 then 'deal:' || list_attributes.waiting_opportunity_id
            else 'customer:' || list_attributes.account_id
        end as risk_object,
        case when list_attributes.attribute = 'CUSTOMER' then 'MISSING_IN_B' else 'ATTRIBUTE_DIFFERS' end
            as break_type,
        {{ evidence([
            ('what', sentence([
                "'Customer '", 'coalesce(list_attributes.customer_name, list_attributes.account_id)',
                "' is not ready for legal entity '", 'list_attributes.legal_entity_code', "': '",
                "lower(replace(list_attributes.attribute, '_', ' '))", "' is '",
                "coalesce(list_attributes.found_value, 'missing')",
            ])),
            (
                'business_date',
                'coalesce(list_attributes.first_waiting_on, list_attributes.first_won_on,'
                ' list_attributes.first_close_date)',
            ),
            ('document_no', 'list_attributes.account_id'),
            ('system_a', "'CRM'"),
            ('system_b', "'ERP'"),
            ('attribute', 'list_attributes.attribute'),
            ('value_b', 'list_attributes.found_value'),
            ('waiting_opportunities', 'list_attributes.waiting_opportunities'),
        ]) }} as evidence
    from list_attributes
),

{{ control_result(
    'MDM-001',
    amount_rc='evaluated.amount_rc',
    population_rc='evaluated.population_rc',
    stays_pending='evaluated.has_won = 0',
    floor_met='evaluated.has_waiting = 1'
) }}
