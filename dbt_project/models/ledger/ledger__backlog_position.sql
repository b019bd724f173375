-- What stood open of every contract line at every date a run answers for, and how much of it is scheduled:
-- hours booked for people on lines billed by time, instalments not yet done of fixed fees, months to come of
-- retainers. What is scheduled beyond the backlog is no part of it. Beside that: how much of it a customer's
-- order covers, whether anything moves, and what of the line is not billed.
with as_of_date as (
    select
        as_of,
        month_start,
        lead(as_of) over (order by as_of) as next_as_of
    from {{ ref('ledger__as_of_date') }}
),

backlog_day as (
    select
        contract_line_id,
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        currency_code,
        functional_currency,
        closing,
        sum(booked + amended) over (
            partition by contract_line_id order by business_date
            rows between unbounded preceding and current row
        ) as committed,
        -- what was earned before the line's history begins is known to have been by its first day
        sum(recognised - opening_balance) over (
            partition by contract_line_id order by business_date
            rows between unbounded preceding and current row
        ) as recognised,
        max(case when recognised <> 0 or opening_balance <> 0 then business_date end) over (
            partition by contract_line_id order by business_date
            rows between unbounded preceding and current row
        ) as last_revenue_on,
        lead(business_date) over (partition by contract_line_id order by business_date) as next_date
    from {{ ref('ledger__backlog_day') }}
),

line as (
    select
        contract_line_id,
        contract_id,
        billing_method,
        currency_code,
        status,
        signed_on,
        closed_on
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as line_version
    where is_known
),

term as (
    select
        contract_line_id,
        effective_from,
        effective_to
    from {{ as_known(ref('canonical__contract_line')) }} as known
),

contract as (
    select
        contract_id,
        customer_id,
        customer_po_number,
        hold_until
    from {{ as_known(ref('canonical__contract')) }} as known
),

customer_po as (
    select
        customer_id,
        number,
        currency_code,
        valid_to,
        amount
    from {{ as_known(ref('canonical__customer_po')) }} as known
),

linked_project as (
    select
        project_id,
        contract_line_id
    from {{ ledger_as_known(ref('ledger__project_version')) }} as project_version
    where is_linked
),

project as (
    select
        project_id,
        status,
        cast(closed_at as date) as closed_on
    from {{ as_known(ref('canonical__project')) }} as known
),

approved_time as (
    select
        contract_line_id,
        {{ month_start('work_date') }} as month_start,
        max(work_date) as worked_on
    from {{ ledger_as_known(ref('ledger__time_value')) }} as time_value
    where status = 'approved' and contract_line_id <> 'NONE' and work_date <= {{ run_as_of() }}
    group by contract_line_id, {{ month_start('work_date') }}
),

flow as (
    select
        as_of,
        contract_line_id,
        currency_code,
        opening_billed_tc + billed_tc + credited_tc as billed_tc
    from {{ ref('ledger__contract_flow') }}
    where opening_billed_tc <> 0 or billed_tc <> 0 or credited_tc <> 0
),

idle_after as (
    select coalesce(cast({{ run_parameter('stalled_after_days') }} as integer), 60) as days
),

exchange_rate as (
    select
        from_currency,
        to_currency,
        rate_date,
        rate
    from {{ ledger_as_known(ref('ledger__exchange_rate_version')) }} as known
),

to_come as (
    select
        contract_line_id,
        happens_on,
        is_hard,
        currency_code,
        amount
    from {{ ref('ledger__scheduled_work') }}
),

-- under the last date before its day, so that a date takes its own and all later ones
to_come_after as (
    select
        to_come.contract_line_id,
        as_of_date.as_of,
        to_come.is_hard,
        to_come.currency_code,
        {{ known_sum('to_come.amount') }} as amount
    from to_come
    inner join as_of_date
        on
            to_come.happens_on > as_of_date.as_of
            and (as_of_date.next_as_of is null or to_come.happens_on <= as_of_date.next_as_of)
    group by to_come.contract_line_id, as_of_date.as_of, to_come.is_hard, to_come.currency_code
),

line_at as (
    select
        as_of_date.as_of,
        as_of_date.month_start,
        backlog_day.contract_line_id,
        backlog_day.legal_entity_id,
        backlog_day.region_id,
        backlog_day.practice_id,
        backlog_day.customer_id,
        backlog_day.project_id,
        backlog_day.currency_code,
        backlog_day.functional_currency,
        backlog_day.committed,
        backlog_day.recognised,
        backlog_day.closing,
        backlog_day.last_revenue_on,
        line.contract_id,
        line.billing_method,
        line.signed_on,
        coalesce(line.status in ('COMPLETED', 'CANCELLED') and line.closed_on <= as_of_date.as_of, false)
            as is_ended,
        contract.customer_id as order_customer_id,
        contract.customer_po_number,
        contract.hold_until,
        line.status
    from backlog_day
    inner join as_of_date
        on
            backlog_day.business_date <= as_of_date.as_of
            and (backlog_day.next_date is null or backlog_day.next_date > as_of_date.as_of)
    left join line on backlog_day.contract_line_id = line.contract_line_id
    left join contract on line.contract_id = contract.contract_id
),

-- What an order covers of what is left: the order in the contract's currency, less what every line that names
-- it has earned; where several lines do, the one that was signed first takes first.
named_order as (
    select
        line_at.as_of,
        line_at.contract_line_id,
        line_at.currency_code,
        line_at.order_customer_id,
        line_at.customer_po_number,
        line_at.closing,
        sum(line_at.recognised) over (
            partition by
                line_at.as_of, line_at.order_customer_id, line_at.customer_po_number, line_at.currency_code
        ) as earned_tc,
        sum(line_at.closing) over (
            partition by
                line_at.as_of, line_at.order_customer_id, line_at.customer_po_number, line_at.currency_code
            order by line_at.signed_on, line_at.contract_line_id
            rows between unbounded preceding and current row
        ) - line_at.closing as before_tc
    from line_at
    where line_at.customer_po_number is not null
),

order_amount as (
    select
        named_order.as_of,
        named_order.contract_line_id,
        {{ known_sum("case
            when customer_po.valid_to < named_order.as_of then 0
            when customer_po.currency_code = named_order.currency_code then customer_po.amount
            else " ~ ledger_at_rate('customer_po.amount', 'exchange_rate.rate') ~ " end") }} as amount_tc
    from named_order
    inner join customer_po
        on
            named_order.order_customer_id = customer_po.customer_id
            and named_order.customer_po_number = customer_po.number
    left join exchange_rate
        on
            customer_po.currency_code = exchange_rate.from_currency
            and named_order.currency_code = exchange_rate.to_currency
            and named_order.as_of = exchange_rate.rate_date
    group by named_order.as_of, named_order.contract_line_id
),

covered as (
    select
        named_order.as_of,
        named_order.contract_line_id,
        {{ between_nought_and(
            '(order_amount.amount_tc - named_order.earned_tc - named_order.before_tc)', 'named_order.closing'
        ) }} as funded
    from named_order
    left join order_amount
        on
            named_order.as_of = order_amount.as_of
            and named_order.contract_line_id = order_amount.contract_line_id
),

worked as (
    select
        as_of_date.as_of,
        approved_time.contract_line_id,
        max(approved_time.worked_on) as worked_on
    from approved_time
    inner join as_of_date on approved_time.month_start <= as_of_date.month_start
    group by as_of_date.as_of, approved_time.contract_line_id
),

-- a line whose projects are all closed, cancelled or on hold is worked on by nobody
project_at as (
    select
        as_of_date.as_of,
        linked_project.contract_line_id,
        min(case
            when project.status = 'ON_HOLD' then 1
            when
                project.status in ('CLOSED', 'CANCELLED')
                and (project.closed_on is null or project.closed_on <= as_of_date.as_of)
                then 1
            else 0
        end) as are_all_shut
    from linked_project
    inner join project on linked_project.project_id = project.project_id
    cross join as_of_date
    group by as_of_date.as_of, linked_project.contract_line_id
),

sum_billed as (
    select
        as_of_date.as_of,
        flow.contract_line_id,
        flow.currency_code,
        sum(flow.billed_tc) as billed_tc
    from flow
    inner join as_of_date on flow.as_of <= as_of_date.as_of
    group by as_of_date.as_of, flow.contract_line_id, flow.currency_code
),

billed as (
    select
        line_at.as_of,
        line_at.contract_line_id,
        {{ known_sum("case
            when sum_billed.currency_code = line_at.currency_code then sum_billed.billed_tc
            else " ~ ledger_at_rate('sum_billed.billed_tc', 'exchange_rate.rate') ~ " end") }} as billed_tc
    from line_at
    inner join sum_billed
        on line_at.as_of = sum_billed.as_of and line_at.contract_line_id = sum_billed.contract_line_id
    left join exchange_rate
        on
            sum_billed.currency_code = exchange_rate.from_currency
            and line_at.currency_code = exchange_rate.to_currency
            and line_at.as_of = exchange_rate.rate_date
    group by line_at.as_of, line_at.contract_line_id
),

open_line as (
    select
        line_at.*,
        term.effective_to,
        -- since when nobody has worked on it or earned from it; it begins with its term
        greatest(
            coalesce(line_at.last_revenue_on, line_at.signed_on),
            coalesce(worked.worked_on, line_at.signed_on),
            coalesce(term.effective_from, line_at.signed_on),
            line_at.signed_on
        ) as moved_on,
        coalesce(project_at.are_all_shut = 1, false) as is_shut,
        case when line_at.customer_po_number is null then line_at.closing else covered.funded end as funded,
        case
            when line_at.is_ended then 0
            when billed.contract_line_id is null then greatest(line_at.committed, 0)
            when line_at.committed - billed.billed_tc <= 0 then 0
            else line_at.committed - billed.billed_tc
        end as unbilled
    from line_at
    left join term on line_at.contract_line_id = term.contract_line_id
    left join covered
        on line_at.as_of = covered.as_of and line_at.contract_line_id = covered.contract_line_id
    left join worked on line_at.as_of = worked.as_of and line_at.contract_line_id = worked.contract_line_id
    left join project_at
        on line_at.as_of = project_at.as_of and line_at.contract_line_id = project_at.contract_line_id
    left join billed on line_at.as_of = billed.as_of and line_at.contract_line_id = billed.contract_line_id
),

sum_ahead as (
    select
        open_line.as_of,
        open_line.contract_line_id,
        open_line.currency_code,
        to_come_after.is_hard,
        to_come_after.currency_code as booked_currency,
        {{ known_sum('to_come_after.amount') }} as amount
    from open_line
    inner join to_come_after
        on
            open_line.contract_line_id = to_come_after.contract_line_id
            and open_line.as_of <= to_come_after.as_of
    group by
        open_line.as_of, open_line.contract_line_id, open_line.currency_code, to_come_after.is_hard,
        to_come_after.currency_code
),

-- a project kept in another currency than its contract is worth what the date's rate says
price_ahead as (
    select
        sum_ahead.as_of,
        sum_ahead.contract_line_id,
        sum_ahead.is_hard,
        case
            when sum_ahead.booked_currency = sum_ahead.currency_code then sum_ahead.amount
            else {{ ledger_at_rate('sum_ahead.amount', 'exchange_rate.rate') }}
        end as amount_tc
    from sum_ahead
    left join exchange_rate
        on
            sum_ahead.booked_currency = exchange_rate.from_currency
            and sum_ahead.currency_code = exchange_rate.to_currency
            and sum_ahead.as_of = exchange_rate.rate_date
),

booked_ahead as (
    select
        price_ahead.as_of,
        price_ahead.contract_line_id,
        {{ known_sum('case when price_ahead.is_hard then price_ahead.amount_tc else 0 end') }} as hard_tc,
        {{ known_sum('case when price_ahead.is_hard then 0 else price_ahead.amount_tc end') }} as soft_tc
    from price_ahead
    group by price_ahead.as_of, price_ahead.contract_line_id
),

within_backlog as (
    select
        open_line.*,
        case
            when booked_ahead.contract_line_id is null then 0
            else {{ between_nought_and('booked_ahead.hard_tc', 'open_line.closing') }}
        end as scheduled,
        case when booked_ahead.contract_line_id is null then 0 else booked_ahead.soft_tc end as soft_tc
    from open_line
    left join booked_ahead
        on
            open_line.as_of = booked_ahead.as_of
            and open_line.contract_line_id = booked_ahead.contract_line_id
),

split_backlog as (
    select
        within_backlog.*,
        {{ between_nought_and(
            'within_backlog.soft_tc', '(within_backlog.closing - within_backlog.scheduled)'
        ) }} as soft_scheduled,
        case
            when within_backlog.status = 'ON_HOLD' and within_backlog.hold_until >= within_backlog.as_of
                then 'ON_HOLD'
            when within_backlog.effective_to < within_backlog.as_of then 'TERM_ENDED'
            when within_backlog.is_shut then 'PROJECT_NOT_OPEN'
            when {{ days_between('within_backlog.moved_on', 'within_backlog.as_of') }} > idle_after.days
                then 'IDLE'
            else 'MOVING'
        end as standing
    from within_backlog
    cross join idle_after
    where
        within_backlog.closing <> 0
        or within_backlog.unbilled <> 0
        or within_backlog.unbilled is null
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
    billing_method,
    signed_on,
    last_revenue_on,
    currency_code,
    functional_currency,
    cast(committed as decimal(28, 4)) as committed_tc,
    cast(recognised as decimal(28, 4)) as recognised_tc,
    cast(closing as decimal(28, 4)) as amount_tc,
    cast(scheduled as decimal(28, 4)) as scheduled_tc,
    cast(soft_scheduled as decimal(28, 4)) as soft_scheduled_tc,
    cast(closing - scheduled - soft_scheduled as decimal(28, 4)) as unscheduled_tc,
    cast(funded as decimal(28, 4)) as funded_tc,
    {{ as_text('standing') }} as standing,
    cast(case when standing in ('MOVING', 'ON_HOLD') then 0 else closing end as decimal(28, 4)) as stalled_tc,
    cast(unbilled as decimal(28, 4)) as unbilled_tc
from split_backlog
