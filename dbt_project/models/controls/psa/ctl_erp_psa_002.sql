-- A project is set up otherwise than the contract line it works for. One grain per attribute.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('ERP-PSA-002') }},

setting as {{ control_settings(['split_abs_tol', 'planned_days'], 'ERP-PSA-002') }},

calendar as {{ import_calendar() }},

projects as (
    select
        project.*,
        case
            when project.contract_created_on > project.created_on then project.contract_created_on
            else project.created_on
        end as start_on
    from {{ ref('control__project') }} as project
    where project.found_line_id is not null
),

items as (
    select item.*
    from {{ ref('control__item') }} as item
    where
        item.source_type = 'TIME'
        and item.status = 'approved'
        and item.is_billable
        and item.unbilled_amount <> 0
),

assignments as (
    select known.*
    from {{ as_known(ref('canonical__assignment')) }} as known
    where
        known.is_hard
        and known.is_billable
),

schedule_days as (
    select known.*
    from {{ as_known(ref('canonical__assignment_schedule_day')) }} as known
),

sum_unbilled as (
    select
        items.project_id,
        sum(coalesce(items.unbilled_amount, 0)) as unbilled_value
    from items
    group by items.project_id
),

sum_planned as (
    select
        assignments.project_id,
        sum(schedule_days.scheduled_hours * coalesce(assignments.bill_rate, 0)) as planned_value
    from schedule_days
    inner join assignments
        on schedule_days.assignment_id = assignments.assignment_id
    cross join run
    cross join setting
    where
        schedule_days.work_date > run.as_of
        and schedule_days.work_date <= {{ date_add_days('run.as_of', 'setting.planned_days') }}
    group by assignments.project_id
),

list_attributes as (
    select
        projects.project_id,
        'BILLING_METHOD' as attribute,
        projects.line_billing_method as erp_value,
        coalesce(projects.billing_method, 'UNMAPPED:' || projects.billing_method_raw) as psa_value,
        cast(null as decimal(28, 8)) as value_a,
        cast(null as decimal(28, 8)) as value_b,
        projects.start_on
    from projects
    union all
    select
        projects.project_id,
        'CURRENCY' as attribute,
        projects.line_currency_code as erp_value,
        projects.currency_code as psa_value,
        cast(null as decimal(28, 8)) as value_a,
        cast(null as decimal(28, 8)) as value_b,
        projects.start_on
    from projects
    union all
    select
        projects.project_id,
        'CEILING' as attribute,
        {{ as_text('projects.amended_ceiling') }} as erp_value,
        {{ as_text('coalesce(projects.cap_amount, 0)') }} as psa_value,
        cast(projects.amended_ceiling as decimal(28, 8)) as value_a,
        cast(coalesce(projects.cap_amount, 0) as decimal(28, 8)) as value_b,
        case
            when projects.last_amended_on > projects.start_on then projects.last_amended_on
            else projects.start_on
        end as start_on
    from projects
    where
        projects.line_billing_method = 'TM_CAPPED'
        or coalesce(projects.cap_amount, 0) <> 0
    union all
    select
        projects.project_id,
        'SPLIT' as attribute,
        '1' as erp_value,
        {{ as_text('projects.share_total') }} as psa_value,
        cast(1 as decimal(28, 8)) as value_a,
        cast(projects.share_total as decimal(28, 8)) as value_b,
        projects.start_on
    from projects
    where projects.share_count > 0
),

evaluated as (
    select
        list_attributes.project_id || '|' || list_attributes.attribute as grain_key,
        projects.legal_entity_id,
        projects.customer_id,
        projects.contract_id,
        projects.found_line_id as contract_line_id,
        projects.project_id,
        {{ null_text() }} as period,
        case
            when list_attributes.attribute = 'CEILING' then projects.line_currency_code
            else projects.currency_code
        end as currency_code,
        list_attributes.value_a,
        list_attributes.value_b,
        case list_attributes.attribute
            when 'CEILING' then abs(list_attributes.value_b - list_attributes.value_a) > parameter.abs_tol
            when 'SPLIT' then abs(list_attributes.value_b - list_attributes.value_a) > setting.split_abs_tol
            else coalesce(list_attributes.erp_value <> list_attributes.psa_value, false)
        end as is_broken,
        (list_attributes.erp_value is null) = (list_attributes.psa_value is null) as is_comparable,
        due.calendar_date as becomes_exception_on,
        case list_attributes.attribute
            when 'CEILING' then {{ as_money('abs(list_attributes.value_b - list_attributes.value_a)') }}
            when 'SPLIT' then {{ as_money('0') }}
            else {{ money(
                'coalesce(sum_unbilled.unbilled_value, 0) + coalesce(sum_planned.planned_value, 0)'
            ) }}
        end as amount_tc,
        {{ as_money('coalesce(sum_unbilled.unbilled_value, 0)') }} as population_tc,
        'project:' || projects.project_id as risk_object,
        case list_attributes.attribute
            when 'CEILING' then 'AMOUNT_DIFFERS'
            when 'CURRENCY' then 'CURRENCY_DIFFERS'
            else 'ATTRIBUTE_DIFFERS'
        end as break_type,
        {{ evidence([
            ('what', sentence([
                "'Project '", 'projects.project_name', "': '",
                "lower(replace(list_attributes.attribute, '_', ' '))", "' is '", 'list_attributes.psa_value',
                "', the contract line says '", 'list_attributes.erp_value',
            ])),
            ('business_date', 'list_attributes.start_on'),
            ('document_no', 'projects.contract_number'),
            ('system_a', "'ERP'"),
            ('system_b', "'PSA'"),
            ('attribute', 'list_attributes.attribute'),
            ('value_a', 'list_attributes.erp_value'),
            ('value_b', 'list_attributes.psa_value'),
            ('unbilled_value', 'sum_unbilled.unbilled_value'),
            ('planned_value', 'sum_planned.planned_value'),
        ]) }} as evidence
    from list_attributes
    inner join projects
        on list_attributes.project_id = projects.project_id
    cross join parameter
    cross join setting
    left join sum_unbilled
        on projects.project_id = sum_unbilled.project_id
    left join sum_planned
        on projects.project_id = sum_planned.project_id
    {{ join_working_day(
        'due', 'projects.legal_entity_id', 'list_attributes.start_on', 'parameter.grace + 1'
    ) }}
),

{{ control_result('ERP-PSA-002', is_evaluable='evaluated.is_comparable') }}
