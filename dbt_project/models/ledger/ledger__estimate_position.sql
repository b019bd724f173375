-- What every signed contract line was worth, what it had cost and how far its project managers expected it to
-- go, at every date a run answers for, and on the day before the first month of them, from which that month
-- is counted. An estimate counts from the day it was made: a date has the newest one known that was made by
-- then, and none where only later ones are known. Money in the contract's currency: costs at the rate of
-- their day, estimates and budgets at the date's.
with answered as (
    select
        as_of,
        month_start
    from {{ ref('ledger__as_of_date') }}
),

told_date as (
    select as_of from answered
    union all
    select {{ date_add_days('min(month_start)', -1) }} as as_of from answered
),

as_of_date as (
    select
        as_of,
        lead(as_of) over (order by as_of) as next_as_of
    from told_date
),

line as (
    select
        contract_line_id,
        contract_id,
        billing_method,
        status,
        signed_on,
        closed_on,
        currency_code,
        functional_currency,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as line_version
    where is_known and status <> 'DRAFT' and signed_on is not null
),

term as (
    select
        contract_line_id,
        revenue_method,
        coalesce(transaction_price, original_value) as transaction_price,
        ceiling,
        effective_from,
        effective_to
    from {{ as_known(ref('canonical__contract_line')) }} as known
),

amendment as (
    select
        contract_line_id,
        signed_on,
        effective_on,
        delta_value,
        delta_ceiling,
        delta_hours
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    where status = 'SIGNED'
),

project as (
    select
        project_id,
        contract_line_id
    from {{ ledger_as_known(ref('ledger__project_version')) }} as project_version
    where is_linked
),

project_as_told as (
    select
        project_id,
        currency_code,
        planned_hours,
        budget_revenue,
        budget_cost,
        eac_cost,
        eac_hours,
        eac_updated_on,
        -- an estimate without a day of its own is of the day it was told
        coalesce(eac_updated_on, {{ date_of('known_from') }}) as estimated_on,
        known_from,
        known_to
    from {{ of_record('project', ref('canonical__project')) }} as judged
    where is_of_record and not is_deleted and known_from <= {{ run_known_at() }}
),

budget as (
    select
        project_id,
        currency_code,
        planned_hours,
        budget_revenue,
        budget_cost
    from project_as_told
    where known_to is null or known_to > {{ run_known_at() }}
),

exchange_rate as (
    select
        from_currency,
        to_currency,
        rate_date,
        rate
    from {{ ledger_as_known(ref('ledger__exchange_rate_version')) }} as known
),

line_day as (
    select
        contract_line_id,
        business_date,
        cost_tc,
        uninstalled_cost_tc,
        passed_on_cost_tc,
        hours,
        unknown_cost_hours
    from {{ ref('ledger__line_day') }}
),

-- under the first date that takes them
spend_by_date as (
    select
        as_of_date.as_of,
        line_day.contract_line_id,
        {%- for name in ['cost', 'uninstalled_cost', 'passed_on_cost'] %}
            {{ known_sum('line_day.' ~ name ~ '_tc') }} as {{ name }},
        {%- endfor %}
        {{ known_sum('line_day.hours') }} as hours,
        sum(line_day.unknown_cost_hours) as unknown_hours
    from line_day
    inner join as_of_date on line_day.business_date <= as_of_date.as_of
    left join as_of_date as date_before
        on as_of_date.as_of = date_before.next_as_of
    where date_before.as_of is null or line_day.business_date > date_before.as_of
    group by as_of_date.as_of, line_day.contract_line_id
),

line_at as (
    select
        as_of_date.as_of,
        line.contract_line_id,
        line.contract_id,
        line.billing_method,
        case when line.closed_on <= as_of_date.as_of then line.status else 'OPEN' end as standing,
        line.signed_on,
        line.currency_code,
        line.functional_currency,
        line.legal_entity_id,
        line.region_id,
        line.practice_id,
        line.customer_id,
        line.project_id,
        term.revenue_method,
        term.transaction_price,
        term.ceiling,
        term.effective_from,
        term.effective_to
    from line
    inner join as_of_date on line.signed_on <= as_of_date.as_of
    left join term on line.contract_line_id = term.contract_line_id
),

changed as (
    select
        as_of_date.as_of,
        amendment.contract_line_id,
        sum(amendment.delta_value) as delta_value,
        sum(coalesce(amendment.delta_ceiling, 0)) as delta_ceiling,
        sum(coalesce(amendment.delta_hours, 0)) as delta_hours
    from amendment
    inner join as_of_date
        on amendment.signed_on <= as_of_date.as_of and amendment.effective_on <= as_of_date.as_of
    group by as_of_date.as_of, amendment.contract_line_id
),

newest_estimate as (
    select
        as_of_date.as_of,
        project_as_told.project_id,
        max(project_as_told.known_from) as known_from
    from project_as_told
    inner join as_of_date on project_as_told.estimated_on <= as_of_date.as_of
    group by as_of_date.as_of, project_as_told.project_id
),

project_at as (
    select
        line_at.as_of,
        line_at.contract_line_id,
        budget.planned_hours,
        told.eac_hours,
        told.eac_updated_on,
        case
            when budget.currency_code = line_at.currency_code then budget.budget_revenue
            else {{ ledger_at_rate('budget.budget_revenue', 'exchange_rate.rate') }}
        end as budget_revenue,
        case
            when budget.currency_code = line_at.currency_code then budget.budget_cost
            else {{ ledger_at_rate('budget.budget_cost', 'exchange_rate.rate') }}
        end as budget_cost,
        case
            when told.currency_code <> budget.currency_code then null
            when budget.currency_code = line_at.currency_code then told.eac_cost
            else {{ ledger_at_rate('told.eac_cost', 'exchange_rate.rate') }}
        end as eac_cost
    from line_at
    inner join project on line_at.contract_line_id = project.contract_line_id
    left join budget on project.project_id = budget.project_id
    left join newest_estimate
        on line_at.as_of = newest_estimate.as_of and project.project_id = newest_estimate.project_id
    left join project_as_told as told
        on newest_estimate.project_id = told.project_id and newest_estimate.known_from = told.known_from
    left join exchange_rate
        on
            budget.currency_code = exchange_rate.from_currency
            and line_at.currency_code = exchange_rate.to_currency
            and line_at.as_of = exchange_rate.rate_date
),

-- one project without a figure leaves the line without it
foreseen as (
    select
        as_of,
        contract_line_id,
        count(*) as project_count,
        {{ known_sum('budget_revenue') }} as budget_revenue,
        {{ known_sum('budget_cost') }} as budget_cost,
        {{ known_sum('planned_hours') }} as budget_hours,
        {{ known_sum('eac_cost') }} as eac_cost,
        {{ known_sum('eac_hours') }} as eac_hours,
        min(eac_updated_on) as eac_updated_on
    from project_at
    group by as_of, contract_line_id
),

spent as (
    select
        as_of_date.as_of,
        line.contract_line_id,
        {%- for name in ['cost', 'uninstalled_cost', 'passed_on_cost', 'hours'] %}
            case
                when count(spend_by_date.as_of) over upto = count(spend_by_date.{{ name }}) over upto
                    then coalesce(sum(spend_by_date.{{ name }}) over upto, 0)
            end as {{ name }},
        {%- endfor %}
        coalesce(sum(spend_by_date.unknown_hours) over upto, 0) as unknown_hours
    from line
    cross join as_of_date
    left join spend_by_date
        on
            as_of_date.as_of = spend_by_date.as_of
            and line.contract_line_id = spend_by_date.contract_line_id
    window
        upto as (
            partition by line.contract_line_id order by as_of_date.as_of
            rows between unbounded preceding and current row
        )
),

put_together as (
    select
        line_at.as_of,
        line_at.contract_line_id,
        line_at.contract_id,
        line_at.legal_entity_id,
        line_at.region_id,
        line_at.practice_id,
        line_at.customer_id,
        line_at.project_id,
        line_at.billing_method,
        line_at.revenue_method,
        line_at.standing,
        line_at.signed_on,
        line_at.effective_from,
        line_at.effective_to,
        line_at.currency_code,
        line_at.functional_currency,
        line_at.transaction_price + coalesce(changed.delta_value, 0) as transaction_price,
        line_at.ceiling + coalesce(changed.delta_ceiling, 0) as ceiling,
        coalesce(changed.delta_hours, 0) as amended_hours,
        coalesce(foreseen.project_count, 0) as project_count,
        foreseen.budget_revenue,
        foreseen.budget_cost,
        foreseen.budget_hours,
        foreseen.eac_cost,
        foreseen.eac_hours,
        foreseen.eac_updated_on,
        spent.cost,
        spent.uninstalled_cost,
        spent.passed_on_cost,
        spent.hours,
        spent.unknown_hours
    from line_at
    left join changed
        on line_at.as_of = changed.as_of and line_at.contract_line_id = changed.contract_line_id
    left join foreseen
        on line_at.as_of = foreseen.as_of and line_at.contract_line_id = foreseen.contract_line_id
    left join spent
        on line_at.as_of = spent.as_of and line_at.contract_line_id = spent.contract_line_id
)

select
    as_of,
    contract_line_id,
    contract_id,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    cast(project_count as bigint) as project_count,
    billing_method,
    revenue_method,
    {{ as_text('standing') }} as standing,
    signed_on,
    effective_from,
    effective_to,
    currency_code,
    functional_currency,
    {{ as_money('transaction_price') }} as transaction_price_tc,
    {{ as_money('ceiling') }} as ceiling_tc,
    {{ as_money('budget_revenue') }} as budget_revenue_tc,
    {{ as_money('budget_cost') }} as budget_cost_tc,
    {{ as_money('budget_hours') }} as budget_hours,
    {{ as_money('amended_hours') }} as amended_hours,
    {{ as_money('eac_cost') }} as eac_cost_tc,
    {{ as_money('eac_hours') }} as eac_hours,
    eac_updated_on,
    {{ as_money('cost + uninstalled_cost') }} as cost_to_date_tc,
    {{ as_money('uninstalled_cost') }} as excluded_cost_tc,
    {{ as_money('passed_on_cost') }} as passed_on_cost_tc,
    {{ as_money('hours') }} as hours_to_date,
    {{ as_money('unknown_hours') }} as unknown_cost_hours,
    {{ safe_divide('cost', '(eac_cost - uninstalled_cost)') }} as percent_by_cost,
    {{ safe_divide('hours', 'eac_hours') }} as percent_by_hours,
    coalesce(eac_cost < cost + uninstalled_cost, false) or coalesce(eac_hours < hours, false)
        as is_estimate_passed
from put_together
