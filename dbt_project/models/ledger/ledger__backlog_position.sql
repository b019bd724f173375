-- What stood open of every contract line at every date a run answers for, and how much of it is scheduled:
-- hours booked for people on lines billed by time, instalments not yet done of fixed fees, months to come of
-- retainers. What is scheduled beyond the backlog is no part of it.
with as_of_date as (
    select
        as_of,
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
        sum(recognised) over (
            partition by contract_line_id order by business_date
            rows between unbounded preceding and current row
        ) as recognised,
        max(case when recognised <> 0 then business_date end) over (
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
        signed_on
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as line_version
    where is_known
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

open_line as (
    select
        as_of_date.as_of,
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
        backlog_day.last_revenue_on
    from backlog_day
    inner join as_of_date
        on
            backlog_day.business_date <= as_of_date.as_of
            and (backlog_day.next_date is null or backlog_day.next_date > as_of_date.as_of)
    where backlog_day.closing <> 0
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
        line.contract_id,
        line.billing_method,
        line.signed_on,
        case
            when booked_ahead.contract_line_id is null then 0
            else {{ between_nought_and('booked_ahead.hard_tc', 'open_line.closing') }}
        end as scheduled,
        case when booked_ahead.contract_line_id is null then 0 else booked_ahead.soft_tc end as soft_tc
    from open_line
    left join line on open_line.contract_line_id = line.contract_line_id
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
        ) }} as soft_scheduled
    from within_backlog
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
    cast(closing - scheduled - soft_scheduled as decimal(28, 4)) as unscheduled_tc
from split_backlog
