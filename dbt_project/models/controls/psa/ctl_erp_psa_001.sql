-- People work on a billable project that no live contract line stands behind.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('ERP-PSA-001') }},

calendar as {{ import_calendar() }},

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

sum_activity as (
    select
        items.project_id,
        min(items.submitted_on) as first_submitted_on,
        min(items.item_date) as first_item_date,
        sum(case when items.source_type = 'TIME' then items.quantity else 0 end) as hours,
        {{ as_money('sum(case when items.is_billable then coalesce(items.amount, 0) else 0 end)') }}
            as billable_value,
        {{ as_money(
            'sum(case when items.is_billable and items.billed_quantity = 0 then '
            'coalesce(items.amount, 0) else 0 end)'
        ) }} as unbilled_value
    from items
    group by items.project_id
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
        projects.currency_code,
        sum_activity.unbilled_value as value_a,
        cast(null as decimal(19, 4)) as value_b,
        projects.found_line_id is null
        or coalesce(projects.contract_status, 'NONE') not in ('ACTIVE', 'COMPLETED') as is_broken,
        due.calendar_date as becomes_exception_on,
        sum_activity.unbilled_value as amount_tc,
        sum_activity.billable_value as population_tc,
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

{{ control_result('ERP-PSA-001') }}
