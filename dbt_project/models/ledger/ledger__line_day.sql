-- What was spent on every signed contract line, earned of it and posted for it on a day, in the contract's
-- currency at the rate of the day: what estimates and expected revenue add up. What was carried over when a
-- line's history begins stands on that day.
with line as (
    select
        contract_line_id,
        currency_code
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as line_version
    where is_known and status <> 'DRAFT' and signed_on is not null
),

exchange_rate as (
    select
        from_currency,
        to_currency,
        rate_date,
        rate
    from {{ ledger_as_known(ref('ledger__exchange_rate_version')) }} as known
),

time_value as (
    select
        contract_line_id,
        work_date,
        billing_method,
        hours,
        status,
        is_billable,
        is_labour,
        resource_kind,
        cost_currency_code,
        cost_tc,
        currency_code,
        value_tc
    from {{ ledger_as_known(ref('ledger__time_value')) }} as known
    where contract_line_id <> 'NONE' and work_date <= {{ run_as_of() }}
),

accrual as (
    select
        contract_line_id,
        work_date,
        released_on,
        currency_code,
        amount_tc
    from {{ ledger_as_known(ref('ledger__work_accrual')) }} as work_accrual
    where contract_line_id <> 'NONE' and work_date <= {{ run_as_of() }}
),

vendor_bill as (
    select
        contract_line_id,
        bill_date,
        currency_code,
        amount_tc
    from {{ ledger_as_known(ref('ledger__vendor_bill_value')) }} as vendor_bill_value
    where is_cost and contract_line_id <> 'NONE' and bill_date <= {{ run_as_of() }}
),

expense as (
    select
        contract_line_id,
        billed_line_id,
        expense_date,
        category,
        is_cost,
        is_wip,
        cost_currency_code,
        cost_tc,
        currency_code,
        value_tc
    from {{ ledger_as_known(ref('ledger__expense_value')) }} as expense_value
    where expense_date <= {{ run_as_of() }}
),

milestone as (
    select
        contract_line_id,
        wip_on,
        currency_code,
        value_tc
    from {{ ledger_as_known(ref('ledger__milestone_value')) }} as milestone_value
    where is_wip and billing_method = 'FIXED_MILESTONE' and wip_on <= {{ run_as_of() }}
),

revenue as (
    select
        contract_line_id,
        accounting_date,
        currency_code,
        amount_tc
    from {{ ledger_as_known(ref('ledger__revenue_value')) }} as revenue_value
    where is_recognised and contract_line_id <> 'NONE' and accounting_date <= {{ run_as_of() }}
),

opening_balance as (
    select
        contract_line_id,
        kind,
        balance_date,
        currency_code,
        amount_tc,
        hours
    from {{ ledger_as_known(ref('ledger__opening_value')) }} as opening_value
    where
        kind in ('COST_TO_DATE', 'REVENUE_TO_DATE')
        and contract_line_id <> 'NONE'
        and balance_date <= {{ run_as_of() }}
),

-- a line of which revenue was carried over had cost as well, and where nobody says how much it is unknown
opening_cost as (
    select
        contract_line_id,
        balance_date,
        currency_code,
        amount_tc,
        hours
    from opening_balance
    where kind = 'COST_TO_DATE'
    union all
    select
        earned.contract_line_id,
        earned.balance_date,
        earned.currency_code,
        {{ null_money() }} as amount_tc,
        cast(null as decimal(9, 2)) as hours
    from opening_balance as earned
    left join opening_balance as spent
        on earned.contract_line_id = spent.contract_line_id and spent.kind = 'COST_TO_DATE'
    where earned.kind = 'REVENUE_TO_DATE' and earned.amount_tc <> 0 and spent.contract_line_id is null
),

measure as (
    select 'EARNED' as kind
    union all
    select 'POSTED' as kind
    union all
    select 'CARRIED_OVER' as kind
),

agent as (
    select coalesce({{ run_parameter('expenses_passed_on_as') }}, 'principal') = 'agent' as is_agent
),

-- material that is delivered and not yet built in says nothing of how far the work is
uninstalled_category as (
    select coalesce({{ run_parameter('uninstalled_material_category') }}, 'Uninstalled material') as category
),

happened as (
    select
        contract_line_id,
        work_date as business_date,
        cost_currency_code as currency_code,
        'COUNTED' as kind,
        cost_tc as amount,
        hours,
        case when cost_tc is null then hours else 0 end as unknown_hours
    from time_value
    where is_labour
    union all
    select
        contract_line_id,
        work_date as business_date,
        currency_code,
        'COUNTED' as kind,
        amount_tc as amount,
        0 as hours,
        0 as unknown_hours
    from accrual
    union all
    -- hours of subcontractors, whose cost is the two beside
    select
        contract_line_id,
        work_date as business_date,
        cost_currency_code as currency_code,
        'COUNTED' as kind,
        0 as amount,
        hours,
        0 as unknown_hours
    from time_value
    where resource_kind = 'contractor' and status = 'approved'
    union all
    select
        contract_line_id,
        released_on as business_date,
        currency_code,
        'COUNTED' as kind,
        -amount_tc as amount,
        0 as hours,
        0 as unknown_hours
    from accrual
    where released_on <= {{ run_as_of() }}
    union all
    select
        contract_line_id,
        bill_date as business_date,
        currency_code,
        'COUNTED' as kind,
        amount_tc as amount,
        0 as hours,
        0 as unknown_hours
    from vendor_bill
    union all
    select
        expense.contract_line_id,
        expense.expense_date as business_date,
        expense.cost_currency_code as currency_code,
        case
            when expense.is_wip and expense.billed_line_id <> expense.contract_line_id then 'PASSED_ON'
            when expense.category = uninstalled_category.category then 'UNINSTALLED'
            else 'COUNTED'
        end as kind,
        expense.cost_tc as amount,
        0 as hours,
        0 as unknown_hours
    from expense
    cross join uninstalled_category
    where expense.is_cost and expense.contract_line_id <> 'NONE'
    union all
    -- approved, and worth something on the day it was done; accepted instalments on the day of acceptance
    select
        contract_line_id,
        work_date as business_date,
        currency_code,
        'EARNED' as kind,
        case when is_billable then value_tc else 0 end as amount,
        hours,
        0 as unknown_hours
    from time_value
    where status = 'approved' and billing_method in ('TM', 'TM_CAPPED')
    union all
    select
        contract_line_id,
        wip_on as business_date,
        currency_code,
        'EARNED' as kind,
        value_tc as amount,
        0 as hours,
        0 as unknown_hours
    from milestone
    union all
    select
        expense.billed_line_id as contract_line_id,
        expense.expense_date as business_date,
        expense.currency_code,
        'EARNED' as kind,
        case
            when not agent.is_agent then expense.value_tc
            when expense.currency_code = expense.cost_currency_code then expense.value_tc - expense.cost_tc
        end as amount,
        0 as hours,
        0 as unknown_hours
    from expense
    cross join agent
    where expense.is_wip
    union all
    select
        contract_line_id,
        accounting_date as business_date,
        currency_code,
        'POSTED' as kind,
        amount_tc as amount,
        0 as hours,
        0 as unknown_hours
    from revenue
    union all
    select
        contract_line_id,
        balance_date as business_date,
        currency_code,
        'COUNTED' as kind,
        amount_tc as amount,
        hours,
        0 as unknown_hours
    from opening_cost
    union all
    -- what was posted before the line's history begins is what was earned by then
    select
        opening_balance.contract_line_id,
        opening_balance.balance_date as business_date,
        opening_balance.currency_code,
        measure.kind,
        opening_balance.amount_tc as amount,
        case when measure.kind = 'EARNED' then opening_balance.hours else 0 end as hours,
        0 as unknown_hours
    from opening_balance
    cross join measure
    where opening_balance.kind = 'REVENUE_TO_DATE'
),

by_day as (
    select
        contract_line_id,
        business_date,
        currency_code,
        kind,
        {{ known_sum('amount') }} as amount,
        {{ known_sum('hours') }} as hours,
        sum(unknown_hours) as unknown_hours
    from happened
    group by contract_line_id, business_date, currency_code, kind
),

in_currency as (
    select
        by_day.contract_line_id,
        by_day.business_date,
        by_day.kind,
        case
            when by_day.currency_code = line.currency_code then by_day.amount
            else {{ ledger_at_rate('by_day.amount', 'exchange_rate.rate') }}
        end as amount,
        by_day.hours,
        by_day.unknown_hours
    from by_day
    inner join line on by_day.contract_line_id = line.contract_line_id
    left join exchange_rate
        on
            case when by_day.currency_code <> line.currency_code then by_day.currency_code end
            = exchange_rate.from_currency
            and line.currency_code = exchange_rate.to_currency
            and by_day.business_date = exchange_rate.rate_date
)

select
    contract_line_id,
    business_date,
    {%- for kind, name in [
        ('COUNTED', 'cost_tc'),
        ('UNINSTALLED', 'uninstalled_cost_tc'),
        ('PASSED_ON', 'passed_on_cost_tc'),
        ('EARNED', 'value_tc'),
        ('POSTED', 'posted_tc'),
        ('CARRIED_OVER', 'carried_over_tc'),
    ] %}
        cast({{ known_sum("case when kind = '" ~ kind ~ "' then amount else 0 end") }} as decimal(28, 4))
            as {{ name }},
    {%- endfor %}
    cast({{ known_sum("case when kind = 'COUNTED' then hours else 0 end") }} as decimal(19, 4)) as hours,
    cast(sum(unknown_hours) as decimal(19, 4)) as unknown_cost_hours,
    cast({{ known_sum("case when kind = 'EARNED' then hours else 0 end") }} as decimal(19, 4))
        as approved_hours
from in_currency
group by contract_line_id, business_date
