-- The value a contract was written for differs from the services amount of the won deal it came from. A deal
-- split into several contracts, or several deals sold under one contract, are compared as a whole, under the
-- smallest contract's key; where currencies differ nothing is compared here. Whether a small share of a large
-- contract is too much is said in the reporting currency: without a rate nobody can tell.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('CRM-ERP-003') }},

calendar as {{ import_calendar() }},

rates as {{ reporting_rates() }},

zones as {{ import_zones() }},

deals as (
    select deal.*
    from {{ ref('control__deal') }} as deal
    where deal.is_won
),

-- children sold under the parent's contract, with none of their own; changes come by amendment
sum_children as (
    select
        deals.parent_opportunity_id as opportunity_id,
        max(deals.won_on) as won_on,
        min(deals.currency_code) as currency_code,
        count(distinct deals.currency_code) as currency_count,
        {{ list_agg_sorted('deals.opportunity_id') }} as opportunity_ids,
        {{ as_money('sum(coalesce(deals.services_amount, 0))') }} as services_amount
    from deals
    where
        deals.is_part_of_parent
        and deals.contract_id is null
        and deals.contract_amendment_id is null
    group by deals.parent_opportunity_id
),

contracts as (
    select known.*
    from {{ as_known(ref('canonical__contract')) }} as known
    where known.status not in ('DRAFT', 'CANCELLED')
),

contract_lines as (
    select line.*
    from {{ ref('control__contract_line') }} as line
    where line.billing_method <> 'EXPENSE'
),

sum_lines as (
    select
        contract_lines.contract_id,
        sum(coalesce(contract_lines.original_value, 0)) as original_value
    from contract_lines
    group by contract_lines.contract_id
),

group_contracts as (
    select
        contracts.opportunity_id,
        min(contracts.contract_id) as contract_id,
        min(contracts.contract_number) as contract_number,
        min(contracts.legal_entity_id) as legal_entity_id,
        min(contracts.customer_id) as customer_id,
        min(contracts.currency_code) as currency_code,
        count(distinct contracts.currency_code) as currency_count,
        max({{ entity_date('contracts.created_at') }}) as created_on,
        {{ as_money('sum(coalesce(sum_lines.original_value, 0))') }} as original_value
    from contracts
    left join sum_lines
        on contracts.contract_id = sum_lines.contract_id
    left join zones
        on contracts.legal_entity_id = zones.legal_entity_id
    where contracts.opportunity_id is not null
    group by contracts.opportunity_id
),

compare_values as (
    select
        group_contracts.*,
        deals.opportunity_name,
        {{ as_money('deals.services_amount + coalesce(sum_children.services_amount, 0)') }}
            as services_amount,
        sum_children.opportunity_ids as child_opportunities,
        greatest(
            deals.won_on, group_contracts.created_on, coalesce(sum_children.won_on, deals.won_on)
        ) as start_on
    from group_contracts
    inner join deals
        on group_contracts.opportunity_id = deals.opportunity_id
    left join sum_children
        on group_contracts.opportunity_id = sum_children.opportunity_id
    where
        group_contracts.currency_count = 1
        and group_contracts.currency_code = deals.currency_code
        and coalesce(sum_children.currency_count, 1) = 1
        and coalesce(sum_children.currency_code, deals.currency_code) = deals.currency_code
),

measure_gaps as (
    select
        compare_values.*,
        {{ as_money('abs(compare_values.services_amount - compare_values.original_value)') }} as gap
    from compare_values
),

evaluated as (
    select
        compare_values.contract_id as grain_key,
        compare_values.legal_entity_id,
        compare_values.customer_id,
        compare_values.contract_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as period,
        compare_values.currency_code,
        compare_values.original_value as value_a,
        compare_values.services_amount as value_b,
        compare_values.gap
        > greatest(parameter.abs_tol, parameter.rel_tol * abs(compare_values.original_value))
        or coalesce({{ money('compare_values.gap * rates.rate') }} >= parameter.hard_cap, false) as is_broken,
        compare_values.gap = 0
        or rates.rate is not null
        or compare_values.gap
        > greatest(parameter.abs_tol, parameter.rel_tol * abs(compare_values.original_value)) as can_tell,
        due.calendar_date as becomes_exception_on,
        compare_values.gap as amount_tc,
        compare_values.original_value as population_tc,
        'contract:' || compare_values.contract_id as risk_object,
        'AMOUNT_DIFFERS' as break_type,
        {{ evidence([
            ('what', sentence([
                "'Contract '", 'compare_values.contract_number', "' is written for '",
                'compare_values.original_value',
                "' '", 'compare_values.currency_code', "', deal '", 'compare_values.opportunity_name',
                "' was won for '", 'compare_values.services_amount',
            ])),
            ('business_date', 'compare_values.start_on'),
            ('document_no', 'compare_values.contract_number'),
            ('system_a', "'ERP'"),
            ('system_b', "'CRM'"),
            ('opportunity_id', 'compare_values.opportunity_id'),
            ('child_opportunities', 'compare_values.child_opportunities'),
            ('line_values', 'compare_values.original_value'),
            ('opportunity_value', 'compare_values.services_amount'),
        ]) }} as evidence
    from measure_gaps as compare_values
    cross join parameter
    left join rates
        on compare_values.currency_code = rates.from_currency
    {{ join_working_day(
        'due', 'compare_values.legal_entity_id', 'compare_values.start_on', 'parameter.grace + 1'
    ) }}
),

{{ control_result('CRM-ERP-003', is_evaluable='coalesce(evaluated.can_tell, false)') }}
