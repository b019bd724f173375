-- People work on a billable project that no live contract line stands behind. What is not billed of it is at
-- risk; amounts of several currencies meet in the reporting currency only.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('ERP-PSA-001') }},

calendar as {{ import_calendar() }},

rates as {{ reporting_rates() }},

projects as (
    select project.*
    from {{ ref('control__project') }} as project
    where project.is_billable
),

items as (
    select item.*
    from {{ ref('control__item') }} as item
    where
        item.source_type in ('TIME', 'EXPENSE')
        and item.status in ('submitted', 'approved')
),

sum_by_currency as (
    select
        items.project_id,
        items.currency_code,
        min(items.submitted_on) as first_submitted_on,
        min(items.item_date) as first_item_date,
        sum(case when items.source_type = 'TIME' then items.quantity else 0 end) as hours,
        {{ as_money('sum(case when items.is_billable then coalesce(items.amount, 0) else 0 end)') }}
            as billable_value,
        {{ as_money('sum(case when items.is_billable then coalesce(items.unbilled_amount, 0) else 0 end)') }}
            as unbilled_value
    from items
    group by items.project_id, items.currency_code
),

-- rounded once per currency; money in no known currency makes the whole unknown, nothing in it does not
sum_activity as (
    select
        sum_by_currency.project_id,
        min(sum_by_currency.first_submitted_on) as first_submitted_on,
        min(sum_by_currency.first_item_date) as first_item_date,
        sum(sum_by_currency.hours) as hours,
        count(distinct case when sum_by_currency.billable_value <> 0 then sum_by_currency.currency_code end)
            as currency_count,
        max(case when sum_by_currency.billable_value <> 0 then sum_by_currency.currency_code end)
            as currency_code,
        sum(sum_by_currency.billable_value) as billable_value,
        sum(sum_by_currency.unbilled_value) as unbilled_value,
        case
            when
                max(
                    case
                        when sum_by_currency.billable_value <> 0 and rates.rate is null then 1
                        else 0
                    end
                ) = 0
                then sum(coalesce({{ money('sum_by_currency.billable_value * rates.rate') }}, 0))
        end as billable_rc,
        case
            when
                max(
                    case
                        when sum_by_currency.unbilled_value <> 0 and rates.rate is null then 1
                        else 0
                    end
                ) = 0
                then sum(coalesce({{ money('sum_by_currency.unbilled_value * rates.rate') }}, 0))
        end as unbilled_rc
    from sum_by_currency
    left join rates
        on sum_by_currency.currency_code = rates.from_currency
    group by sum_by_currency.project_id
),

evaluated as (
    select
        projects.project_id as grain_key,
        projects.legal_entity_id,
        projects.customer_id,
        projects.contract_id,
        projects.contract_line_id,
        projects.project_id,
        {{ null_text() }} as period,
        case
            when sum_activity.currency_count <= 1
                then coalesce(sum_activity.currency_code, projects.currency_code)
        end as currency_code,
        case when sum_activity.currency_count <= 1 then sum_activity.unbilled_value end as value_a,
        cast(null as decimal(19, 4)) as value_b,
        projects.found_line_id is null
        or coalesce(projects.contract_status, 'NONE') not in ('ACTIVE', 'COMPLETED') as is_broken,
        due.calendar_date as becomes_exception_on,
        case when sum_activity.currency_count <= 1 then sum_activity.unbilled_value end as amount_tc,
        case when sum_activity.currency_count <= 1 then sum_activity.billable_value end as population_tc,
        {{ as_money('sum_activity.unbilled_rc') }} as amount_rc,
        {{ as_money('sum_activity.billable_rc') }} as population_rc,
        case
            when projects.opportunity_id is not null then 'deal:' || projects.opportunity_id
            else 'project:' || projects.project_id
        end as risk_object,
        case when projects.found_line_id is null then 'MISSING_IN_B' else 'ATTRIBUTE_DIFFERS' end
            as break_type,
        {{ evidence([
            ('what', sentence([
                "'Project '", 'projects.project_name', "' has '", 'sum_activity.hours',
                "' hours of work and no active contract line'",
            ])),
            ('business_date', 'sum_activity.first_submitted_on'),
            ('document_no', 'projects.project_id'),
            ('system_a', "'PSA'"),
            ('system_b', "'ERP'"),
            ('hours', 'sum_activity.hours'),
            ('first_work_date', 'sum_activity.first_item_date'),
            ('contract_line_id', 'projects.contract_line_id'),
            ('contract_status', 'projects.contract_status'),
        ]) }} as evidence
    from projects
    inner join sum_activity
        on projects.project_id = sum_activity.project_id
    cross join parameter
    {{ join_working_day(
        'due', 'projects.legal_entity_id', 'sum_activity.first_submitted_on', 'parameter.grace + 1'
    ) }}
),

{{ control_result(
    'ERP-PSA-001',
    amount_rc='evaluated.amount_rc',
    population_rc='evaluated.population_rc'
) }}
