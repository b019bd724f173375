-- What every role of a project was planned for and what it has done until the run's own day: hours, what they
-- are worth to the customer and what they cost, at planned and at actual rates. The plan is what was asked
-- for when the project was staffed, tentative requests left out, at the rates asked for and the price list's
-- cost; its hours are scaled to the hours planned for the project. Money in the reporting currency at the
-- constant-currency day's rates, which are the plan's.
with request as (
    select
        project_id,
        role,
        requested_hours,
        {{ ledger_at_rate('requested_hours', 'requested_bill_rate') }} as requested_tc
    from {{ as_known(ref('canonical__resource_request')) }} as known
    where project_id is not null and lower(coalesce(status, 'none')) <> 'tentative'
),

project as (
    select
        project_id,
        customer_id,
        region_id,
        practice_id,
        currency_code,
        planned_hours,
        coalesce(start_date, {{ run_as_of() }}) as priced_on
    from {{ known_record('project', ref('canonical__project')) }} as known
    where not is_template
),

rate_card_line as (
    select
        rate_card_line_id,
        customer_id,
        region_id,
        practice_id,
        role,
        bill_rate,
        cost_rate,
        currency_code,
        effective_from,
        effective_to
    from {{ as_known(ref('canonical__rate_card_line')) }} as known
    where rate_unit = 'hour'
),

conversion as (
    select
        from_currency,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where functional_currency = 'NONE' and rate_date = {{ run_as_of() }}
),

work as (
    select
        project_id,
        role,
        currency_code,
        is_contractor,
        hours,
        contract_tc,
        non_billable_tc,
        above_ceiling_tc,
        billed_below_tc,
        credited_tc,
        labour_cost_cc
    from {{ ref('ledger__work_month') }}
),

asked as (
    select
        project_id,
        role,
        sum(requested_hours) as requested_hours,
        {{ known_sum('requested_tc') }} as requested_tc
    from request
    group by project_id, role
),

worked_by_currency as (
    select
        project_id,
        role,
        currency_code,
        sum(hours) as hours,
        sum(case when is_contractor then hours else 0 end) as contractor_hours,
        {{ known_sum('contract_tc') }} as value_tc,
        {{ known_sum('non_billable_tc + above_ceiling_tc') }} as absorbed_tc,
        {{ known_sum('billed_below_tc') }} as billed_below_tc,
        {{ known_sum('credited_tc') }} as credited_tc,
        {{ known_sum('labour_cost_cc') }} as labour_cost_cc
    from work
    group by project_id, role, currency_code
),

worked as (
    select
        worked_by_currency.project_id,
        worked_by_currency.role,
        sum(worked_by_currency.hours) as hours,
        sum(worked_by_currency.contractor_hours) as contractor_hours,
        {%- for name in ['value', 'absorbed', 'billed_below', 'credited'] %}
            {{ known_sum(ledger_at_rate('worked_by_currency.' ~ name ~ '_tc', 'conversion.rate_cc')) }}
                as {{ name }}_cc,
        {%- endfor %}
        {{ known_sum('worked_by_currency.labour_cost_cc') }} as labour_cost_cc
    from worked_by_currency
    left join conversion on worked_by_currency.currency_code = conversion.from_currency
    group by worked_by_currency.project_id, worked_by_currency.role
),

need as (
    select
        project_id,
        role
    from asked
    union
    select
        project_id,
        role
    from worked
),

-- the price list's line for a role: the most particular one in force when the project begins
suited as (
    select
        need.project_id,
        need.role,
        rate_card_line.bill_rate,
        rate_card_line.cost_rate,
        row_number() over (
            partition by need.project_id, need.role
            order by
                {{ rate_card_order() }}
        ) as place
    from need
    inner join project on need.project_id = project.project_id
    inner join rate_card_line
        on
            {{ rate_card_fits('need.role', 'project.currency_code', 'project.priced_on') }}
),

put_together as (
    select
        need.project_id,
        need.role,
        project.currency_code,
        coalesce(asked.requested_hours, 0) as requested_hours,
        sum(asked.requested_hours) over (partition by need.project_id) as requested_in_all,
        coalesce(
            nullif(project.planned_hours, 0), sum(asked.requested_hours) over (partition by need.project_id)
        ) as planned_in_all,
        {{ ledger_at_rate(
            'case when asked.role is null then 0 else asked.requested_tc end', 'conversion.rate_cc'
        ) }} as requested_value_cc,
        {{ ledger_at_rate(
            'case when asked.role is null then 0 else asked.requested_hours * suited.cost_rate end',
            'conversion.rate_cc'
        ) }} as requested_cost_cc,
        coalesce(worked.hours, 0) as hours,
        coalesce(worked.contractor_hours, 0) as contractor_hours,
        {{ ledger_at_rate('worked.hours * suited.bill_rate', 'conversion.rate_cc') }} as listed_value_cc,
        {{ ledger_at_rate('worked.hours * suited.cost_rate', 'conversion.rate_cc') }} as cost_at_plan_cc,
        {{ ledger_at_rate('worked.contractor_hours * suited.cost_rate', 'conversion.rate_cc') }}
            as contractor_cost_at_plan_cc,
        {%- for name in ['value', 'absorbed', 'billed_below', 'credited', 'labour_cost'] %}
            case when worked.role is null then 0 else worked.{{ name }}_cc end as {{ name }}_cc,
        {%- endfor %}
        worked.role is not null as is_worked
    from need
    left join project on need.project_id = project.project_id
    left join conversion on project.currency_code = conversion.from_currency
    left join asked on need.project_id = asked.project_id and need.role = asked.role
    left join worked on need.project_id = worked.project_id and need.role = worked.role
    left join suited
        on need.project_id = suited.project_id and need.role = suited.role and suited.place = 1
)

select
    project_id,
    {{ as_text('role') }} as role,
    {{ as_text('currency_code') }} as currency_code,
    cast(requested_hours as decimal(28, 2)) as requested_hours,
    {{ mul_div('requested_hours', 'planned_in_all', 'requested_in_all') }} as planned_hours,
    cast(requested_value_cc as decimal(28, 4)) as requested_value_cc,
    cast(requested_cost_cc as decimal(28, 4)) as requested_cost_cc,
    {{ mul_div('requested_value_cc', 'planned_in_all', 'requested_in_all') }} as planned_value_cc,
    {{ mul_div('requested_cost_cc', 'planned_in_all', 'requested_in_all') }} as planned_cost_cc,
    cast(hours as decimal(28, 2)) as hours,
    cast(contractor_hours as decimal(28, 2)) as contractor_hours,
    cast(
        case
            when not is_worked then 0
            when requested_hours > 0 then {{ mul_div('requested_value_cc', 'hours', 'requested_hours') }}
            else listed_value_cc
        end
        as decimal(28, 4)
    ) as value_at_plan_cc,
    cast(case when is_worked then cost_at_plan_cc else 0 end as decimal(28, 4)) as cost_at_plan_cc,
    cast(case when is_worked then contractor_cost_at_plan_cc else 0 end as decimal(28, 4))
        as contractor_cost_at_plan_cc,
    cast(value_cc as decimal(28, 4)) as value_cc,
    cast(absorbed_cc as decimal(28, 4)) as absorbed_cc,
    cast(billed_below_cc as decimal(28, 4)) as billed_below_cc,
    cast(credited_cc as decimal(28, 4)) as credited_cc,
    cast(labour_cost_cc as decimal(28, 4)) as labour_cost_cc
from put_together
