-- Every client project's margin four times, as the run knew it on its own day: as it was sold, budgeted, is
-- estimated at completion, and is. What is sold, budgeted and estimated is worth what the constant-currency
-- day says; what is counts as the margin metric does, with what was carried over from before the project's
-- history begins. What no source says is unknown, and `gap` says what.
with role_margin as (
    select
        project_id,
        requested_hours,
        planned_cost_cc,
        hours,
        value_at_plan_cc,
        cost_at_plan_cc,
        value_cc,
        absorbed_cc,
        billed_below_cc,
        credited_cc,
        labour_cost_cc
    from {{ ref('ledger__project_role') }}
),

project as (
    select
        project_id,
        opportunity_id,
        contract_line_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id
    from {{ ledger_as_known(ref('ledger__project_version')) }} as project_version
    where is_client
),

told as (
    select
        project_id,
        billing_method,
        status,
        currency_code,
        nullif(planned_hours, 0) as planned_hours,
        budget_revenue,
        budget_cost,
        eac_cost,
        eac_hours,
        coalesce(eac_updated_on, {{ date_of('known_from') }}) as estimated_on
    from {{ known_record('project', ref('canonical__project')) }} as known
),

opportunity as (
    select
        opportunity_id,
        currency_code,
        services_amount
    from {{ as_known(ref('canonical__opportunity')) }} as known
),

line as (
    select
        contract_line_id,
        project_id,
        billing_method,
        standing,
        currency_code,
        transaction_price_tc
    from {{ ref('ledger__estimate_position') }}
    where as_of = {{ run_as_of() }}
),

amendment as (
    select
        contract_line_id,
        effective_on,
        delta_value,
        coalesce(delta_hours, 0) as delta_hours
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    where
        status = 'SIGNED'
        and signed_on <= {{ run_as_of() }}
        and effective_on <= {{ run_as_of() }}
),

conversion as (
    select
        from_currency,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where functional_currency = 'NONE' and rate_date = {{ run_as_of() }}
),

movement as (
    select
        movement_type,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        case when unknown_hours = 0 and unconverted_rc = 0 then amount_rc end as amount_rc,
        case when unknown_hours = 0 and unconverted_cc = 0 then amount_cc end as amount_cc
    from {{ ref('ledger__movement_month') }}
    -- where all was taken back nothing stands, and its place says nothing of what does
    where rows_standing <> 0
),

rule as (
    select
        movement_type,
        sign,
        base_sign,
        client_only
    from {{ ledger_metric_rules() }}
    where metric_id = 'project_gross_margin'
    -- a project's margin is that of all its months, of which those before are one sum
    union all
    select
        'opening_revenue' as movement_type,
        1 as sign,
        1 as base_sign,
        false as client_only
    union all
    select
        'opening_cost' as movement_type,
        -1 as sign,
        0 as base_sign,
        false as client_only
),

-- what a line holds of no project stands by itself
earned_and_spent as (
    select
        movement.movement_type,
        movement.project_id,
        case when movement.project_id = 'NONE' then movement.contract_line_id else 'NONE' end as line_alone,
        movement.contract_line_id,
        movement.legal_entity_id,
        movement.region_id,
        movement.practice_id,
        movement.customer_id,
        rule.sign * movement.amount_rc as margin_rc,
        rule.sign * movement.amount_cc as margin_cc,
        case when rule.base_sign = 0 then 0 else rule.base_sign * movement.amount_rc end as revenue_rc,
        case when rule.base_sign = 0 then 0 else rule.base_sign * movement.amount_cc end as revenue_cc,
        coalesce(project.contract_line_id, 'NONE') = movement.contract_line_id as is_own_line
    from movement
    inner join rule on movement.movement_type = rule.movement_type
    left join project on movement.project_id = project.project_id
    where not rule.client_only or movement.contract_line_id <> 'NONE' or project.project_id is not null
),

actual as (
    select
        project_id,
        line_alone,
        max(legal_entity_id) as legal_entity_id,
        max(region_id) as region_id,
        max(practice_id) as practice_id,
        max(customer_id) as customer_id,
        {{ known_sum('revenue_rc') }} as revenue_rc,
        {{ known_sum('margin_rc') }} as all_margin_rc,
        {{ known_sum('margin_cc') }} as all_margin_cc,
        max(case when movement_type = 'opening_revenue' then 1 else 0 end) = 1 as has_opening_revenue,
        max(case when movement_type = 'opening_cost' then 1 else 0 end) = 1 as has_opening_cost,
        {{ known_sum('case when is_own_line then revenue_cc else 0 end') }} as own_revenue_cc,
        {{ known_sum('case when is_own_line then 0 else revenue_cc end') }} as other_revenue_cc,
        {{ known_sum("case when movement_type = 'expense_cost' then -margin_cc else 0 end") }}
            as expense_cost_cc,
        {{ known_sum("case when movement_type like 'subcontractor%' then -margin_cc else 0 end") }}
            as subcontractor_cost_cc
    from earned_and_spent
    group by project_id, line_alone
),

-- revenue that was carried over without its cost leaves the margin unknown
actual_margin as (
    select
        *,
        case when has_opening_cost or not has_opening_revenue then all_margin_rc end as margin_rc,
        case when has_opening_cost or not has_opening_revenue then all_margin_cc end as margin_cc
    from actual
),

planned as (
    select
        project_id,
        sum(requested_hours) as requested_hours,
        {{ known_sum('planned_cost_cc') }} as planned_cost_cc,
        sum(hours) as hours,
        {{ known_sum('cost_at_plan_cc') }} as cost_at_plan_cc,
        {{ known_sum('value_at_plan_cc') }} as value_at_plan_cc,
        {{ known_sum('value_cc - absorbed_cc - billed_below_cc - credited_cc') }} as worth_cc,
        {{ known_sum('labour_cost_cc') }} as labour_cost_cc
    from role_margin
    group by project_id
),

-- a deal or a line of several projects stands with the first of them, as its revenue does
deal as (
    select
        opportunity_id,
        min(project_id) as project_id
    from project
    where opportunity_id is not null
    group by opportunity_id
),

sold as (
    select
        deal.project_id,
        deal.opportunity_id,
        {{ ledger_at_rate('opportunity.services_amount', 'conversion.rate_cc') }} as revenue_cc
    from deal
    inner join opportunity on deal.opportunity_id = opportunity.opportunity_id
    left join conversion on opportunity.currency_code = conversion.from_currency
),

-- an estimate that is older than a change order does not know its hours
changed as (
    select
        line.project_id,
        sum({{ ledger_at_rate('amendment.delta_value', 'conversion.rate_cc') }}) as delta_revenue_cc,
        sum(amendment.delta_hours) as delta_hours,
        sum(case when amendment.effective_on > told.estimated_on then amendment.delta_hours else 0 end)
            as hours_after_estimate,
        max(amendment.effective_on) > max(told.estimated_on) as is_younger
    from line
    inner join amendment on line.contract_line_id = amendment.contract_line_id
    inner join told on line.project_id = told.project_id
    inner join project
        on line.project_id = project.project_id and line.contract_line_id = project.contract_line_id
    left join conversion on line.currency_code = conversion.from_currency
    group by line.project_id
),

named as (
    select
        project_id,
        'NONE' as line_alone
    from project
    union
    select
        project_id,
        line_alone
    from actual
),

put_together as (
    select
        named.project_id,
        coalesce(project.contract_line_id, named.line_alone) as contract_line_id,
        coalesce(project.legal_entity_id, actual.legal_entity_id) as legal_entity_id,
        coalesce(project.region_id, actual.region_id) as region_id,
        coalesce(project.practice_id, actual.practice_id) as practice_id,
        coalesce(project.customer_id, actual.customer_id) as customer_id,
        sold.opportunity_id,
        coalesce(line.billing_method, told.billing_method) as billing_method,
        told.status,
        sold.revenue_cc as sold_revenue_cc,
        planned.planned_cost_cc as sold_cost_cc,
        {{ ledger_at_rate('told.budget_revenue', 'conversion.rate_cc') }} as budget_revenue_cc,
        {{ ledger_at_rate('told.budget_cost', 'conversion.rate_cc') }} as budget_cost_cc,
        {{ ledger_at_rate('line.transaction_price_tc', 'line_conversion.rate_cc') }} as eac_revenue_cc,
        {{ ledger_at_rate('told.eac_cost', 'conversion.rate_cc') }} as eac_cost_cc,
        case when told.eac_cost is not null then told.estimated_on end as estimated_on,
        case when actual.project_id is null then 0 else actual.revenue_rc end as actual_revenue_rc,
        case when actual.project_id is null then 0 else actual.margin_rc end as actual_margin_rc,
        {%- for name in [
            'margin', 'own_revenue', 'other_revenue', 'expense_cost', 'subcontractor_cost'
        ] %}
            case when actual.project_id is null then 0 else actual.{{ name }}_cc end as {{ name }}_cc,
        {%- endfor %}
        planned.requested_hours,
        coalesce(told.planned_hours, nullif(planned.requested_hours, 0)) as planned_hours,
        coalesce(planned.hours, 0) as hours,
        coalesce(actual.has_opening_revenue or actual.has_opening_cost, false) as is_carried_over,
        coalesce(changed.delta_hours, 0) as amended_hours,
        coalesce(changed.is_younger, false) as is_estimate_older,
        case when changed.project_id is null then 0 else changed.delta_revenue_cc end as amended_revenue_cc,
        coalesce(
            nullif(told.eac_hours, 0) + coalesce(changed.hours_after_estimate, 0),
            coalesce(told.planned_hours, nullif(planned.requested_hours, 0))
            + coalesce(changed.delta_hours, 0)
        ) as expected_hours,
        coalesce(told.status = 'CLOSED' or line.standing = 'COMPLETED', false) as is_complete,
        planned.cost_at_plan_cc,
        planned.value_at_plan_cc,
        planned.worth_cc,
        planned.labour_cost_cc,
        planned.project_id is null as is_without_roles
    from named
    left join project on named.project_id = project.project_id
    left join told on named.project_id = told.project_id
    left join conversion on told.currency_code = conversion.from_currency
    left join sold on named.project_id = sold.project_id
    left join planned on named.project_id = planned.project_id
    left join actual_margin as actual
        on named.project_id = actual.project_id and named.line_alone = actual.line_alone
    left join changed on named.project_id = changed.project_id
    left join line
        on project.contract_line_id = line.contract_line_id and project.project_id = line.project_id
    left join conversion as line_conversion on line.currency_code = line_conversion.from_currency
),

judged as (
    select
        put_together.*,
        coalesce(put_together.billing_method in ('TM', 'TM_CAPPED'), false) as is_by_hour,
        put_together.actual_revenue_rc - put_together.actual_margin_rc as actual_cost_rc,
        -- of the work that is expected, what is done
        case
            when put_together.is_complete or put_together.hours > put_together.expected_hours then 1
            else put_together.hours
        end as hours_counted,
        case
            when put_together.is_complete or put_together.hours > put_together.expected_hours then 1
            else put_together.expected_hours
        end as hours_in_all
    from put_together
)

select
    {{ run_as_of() }} as as_of,
    {{ as_text('project_id') }} as project_id,
    {{ as_text('contract_line_id') }} as contract_line_id,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('region_id') }} as region_id,
    {{ as_text('practice_id') }} as practice_id,
    {{ as_text('customer_id') }} as customer_id,
    opportunity_id,
    billing_method,
    is_by_hour,
    status,
    cast(sold_revenue_cc as decimal(28, 4)) as sold_revenue_cc,
    cast(sold_cost_cc as decimal(28, 4)) as sold_cost_cc,
    cast(sold_revenue_cc - sold_cost_cc as decimal(28, 4)) as sold_margin_cc,
    {{ safe_divide('(sold_revenue_cc - sold_cost_cc)', 'sold_revenue_cc') }} as sold_share,
    cast(budget_revenue_cc as decimal(28, 4)) as budget_revenue_cc,
    cast(budget_cost_cc as decimal(28, 4)) as budget_cost_cc,
    cast(budget_revenue_cc - budget_cost_cc as decimal(28, 4)) as budget_margin_cc,
    {{ safe_divide('(budget_revenue_cc - budget_cost_cc)', 'budget_revenue_cc') }} as budget_share,
    cast(eac_revenue_cc as decimal(28, 4)) as eac_revenue_cc,
    cast(eac_cost_cc as decimal(28, 4)) as eac_cost_cc,
    cast(eac_revenue_cc - eac_cost_cc as decimal(28, 4)) as eac_margin_cc,
    {{ safe_divide('(eac_revenue_cc - eac_cost_cc)', 'eac_revenue_cc') }} as eac_share,
    estimated_on,
    coalesce(actual_cost_rc > eac_cost_cc, false) as is_estimate_passed,
    is_estimate_older,
    cast(actual_revenue_rc as decimal(28, 4)) as actual_revenue_rc,
    cast(actual_cost_rc as decimal(28, 4)) as actual_cost_rc,
    cast(actual_margin_rc as decimal(28, 4)) as actual_margin_rc,
    {{ safe_divide('actual_margin_rc', 'actual_revenue_rc') }} as actual_share,
    {{ exact_change(
        safe_divide('(eac_revenue_cc - eac_cost_cc)', 'eac_revenue_cc'),
        safe_divide('(sold_revenue_cc - sold_cost_cc)', 'sold_revenue_cc')
    ) }} as erosion,
    cast(margin_cc as decimal(28, 4)) as actual_margin_cc,
    cast(own_revenue_cc as decimal(28, 4)) as own_revenue_cc,
    cast(other_revenue_cc as decimal(28, 4)) as other_revenue_cc,
    cast(expense_cost_cc as decimal(28, 4)) as expense_cost_cc,
    cast(subcontractor_cost_cc as decimal(28, 4)) as subcontractor_cost_cc,
    cast(requested_hours as decimal(28, 2)) as requested_hours,
    cast(planned_hours as decimal(28, 4)) as planned_hours,
    cast(amended_hours as decimal(28, 2)) as amended_hours,
    cast(amended_revenue_cc as decimal(28, 4)) as amended_revenue_cc,
    cast(hours as decimal(28, 2)) as hours,
    cast(hours_counted as decimal(28, 4)) as hours_counted,
    cast(hours_in_all as decimal(28, 4)) as hours_in_all,
    {{ as_text("case
        -- work of which nothing but sums is known leads from nowhere to nowhere
        when is_carried_over then 'CARRIED_OVER'
        when sold_revenue_cc is null then 'NO_DEAL'
        when is_without_roles or coalesce(requested_hours, 0) = 0 then 'NO_PLAN'
        when sold_cost_cc is null then 'NO_PLANNED_COST'
        when coalesce(hours_in_all, 0) = 0 then 'NO_HOURS'
        when cost_at_plan_cc is null then 'NO_ROLE_PRICE'
        when is_by_hour and (value_at_plan_cc is null or worth_cc is null) then 'NO_BILL_RATE'
        when labour_cost_cc is null or actual_margin_rc is null or margin_cc is null then 'NO_COST'
        when amended_revenue_cc is null then 'NO_RATE'
    end") }} as gap
from judged
