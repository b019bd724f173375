-- A won deal that needs a contract has none in the ERP once the grace after winning it is over.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('CRM-ERP-001') }},

calendar as {{ import_calendar() }},

deals as (
    select deal.*
    from {{ ref('control__deal') }} as deal
    where
        deal.is_won
        and deal.is_contract_required
        and deal.services_amount > 0
),

evaluated as (
    select
        deals.opportunity_id as grain_key,
        deals.legal_entity_id,
        deals.customer_id,
        deals.contract_id,
        {{ null_text() }} as contract_line_id,
        deals.project_id,
        {{ null_text() }} as period,
        deals.currency_code,
        deals.services_amount as value_a,
        case when deals.has_contract then deals.services_amount end as value_b,
        not deals.has_contract as is_broken,
        due.calendar_date as becomes_exception_on,
        deals.services_amount as amount_tc,
        deals.services_amount as population_tc,
        deals.planned_start,
        'deal:' || deals.opportunity_id as risk_object,
        'MISSING_IN_B' as break_type,
        {{ evidence([
            ('what', sentence([
                "'Deal '", 'deals.opportunity_name', "' was won on '", 'deals.won_on',
                "' and the ERP holds no contract for it'"
            ])),
            ('business_date', 'deals.won_on'),
            ('document_no', 'deals.opportunity_id'),
            ('system_a', "'CRM'"),
            ('system_b', "'ERP'"),
            ('close_date', 'deals.close_date'),
            ('planned_start', 'deals.planned_start'),
            ('block_reason', 'deals.block_reason'),
            ('contract_id', 'deals.contract_id'),
            ('amendment_id', 'deals.contract_amendment_id'),
            ('parent_contract_id', 'deals.parent_contract_id'),
        ]) }} as evidence
    from deals
    cross join parameter
    {{ join_working_day('due', 'deals.legal_entity_id', 'deals.won_on', 'parameter.grace + 1') }}
),

{{ control_result(
    'CRM-ERP-001',
    raise_by='case when evaluated.planned_start <= run.as_of then 1 else 0 end'
) }}
