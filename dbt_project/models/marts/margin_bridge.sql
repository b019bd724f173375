-- The margin a project was sold at and what led from it to the margin it has made, step by step and role by
-- role, favourable positive: summed over its roles and steps a project's rows are its actual margin.
-- Only of projects of which everything is known; of others `project_margin` says what is missing.
with project as (
    select
        as_of,
        project_id,
        contract_line_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        is_by_hour,
        sold_revenue_cc,
        actual_margin_rc,
        actual_margin_cc,
        own_revenue_cc,
        other_revenue_cc,
        expense_cost_cc,
        subcontractor_cost_cc,
        requested_hours,
        planned_hours,
        amended_hours,
        amended_revenue_cc,
        hours,
        hours_counted,
        hours_in_all
    from {{ ref('project_margin') }}
    where gap is null
),

-- the plan as changed orders have it, and of that what belongs to the work that is done
due as (
    select
        project.*,
        project.sold_revenue_cc + project.amended_revenue_cc as changed_revenue_cc,
        {{ mul_div(
            '(project.sold_revenue_cc + project.amended_revenue_cc)',
            'project.hours_counted',
            'project.hours_in_all'
        ) }} as due_revenue_cc
    from project
),

role_margin as (
    select
        project_id,
        role,
        requested_value_cc,
        requested_cost_cc,
        planned_value_cc,
        planned_cost_cc,
        value_at_plan_cc,
        cost_at_plan_cc,
        contractor_cost_at_plan_cc,
        value_cc,
        absorbed_cc,
        billed_below_cc,
        credited_cc,
        labour_cost_cc
    from {{ ref('ledger__project_role') }}
),

role_changed as (
    select
        {%- for name in ['value', 'cost'] %}
            {{ mul_div(
                'role_margin.planned_' ~ name ~ '_cc',
                '(project.planned_hours + project.amended_hours)',
                'project.planned_hours'
            ) }} as changed_{{ name }}_cc,
            -- the hours that were worked, in the plan's mix
            {{ mul_div('role_margin.requested_' ~ name ~ '_cc', 'project.hours', 'project.requested_hours') }}
                as scaled_{{ name }}_cc,
        {%- endfor %}
        role_margin.*,
        project.is_by_hour,
        project.hours_counted,
        project.hours_in_all
    from project
    inner join role_margin on project.project_id = role_margin.project_id
),

role_due as (
    select
        {%- for name in ['value', 'cost'] %}
            {{ mul_div(
                'role_changed.changed_' ~ name ~ '_cc',
                'role_changed.hours_counted',
                'role_changed.hours_in_all'
            ) }} as due_{{ name }}_cc,
        {%- endfor %}
        role_changed.*
    from role_changed
),

of_project as (
    {%- for step, amount in margin_project_steps() %}
        select
            project_id,
            '{{ step }}' as step,
            'NONE' as role,
            {{ amount }} as amount_rc
        from due
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

of_role as (
    {%- for step, amount in margin_role_steps() %}
        select
            project_id,
            '{{ step }}' as step,
            role,
            {{ amount }} as amount_rc
        from role_due
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

step as (
    select
        project_id,
        step,
        role,
        amount_rc
    from of_project
    union all
    select
        project_id,
        step,
        role,
        amount_rc
    from of_role
)

select
    project.as_of,
    project.project_id,
    project.contract_line_id,
    project.legal_entity_id,
    project.region_id,
    project.practice_id,
    project.customer_id,
    {{ as_text('step.step') }} as step,
    {{ as_text('step.role') }} as role,
    cast(sum(step.amount_rc) as decimal(28, 4)) as amount_rc
from step
inner join project on step.project_id = project.project_id
group by
    project.as_of, project.project_id, project.contract_line_id, project.legal_entity_id, project.region_id,
    project.practice_id, project.customer_id, step.step, step.role
having sum(step.amount_rc) <> 0
