-- When what is signed and what may still be won is expected to be revenue, month by month after the run's
-- day: what is booked firmly or tentatively in the month of its day; the rest of a line's backlog evenly
-- over the days to the line's end; deals that are not stale, weighted by their probability, evenly over
-- their term. What has no end to come has no month. The parts of a line add up to its backlog.
with backlog as (
    select
        contract_line_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        currency_code,
        functional_currency,
        amount_tc,
        scheduled_tc,
        soft_scheduled_tc
    from {{ ref('ledger__backlog_position') }}
    where as_of = {{ run_as_of() }} and amount_tc <> 0
),

contract_line as (
    select
        contract_line_id,
        effective_to
    from {{ as_known(ref('canonical__contract_line')) }} as known
),

scheduled_work as (
    select
        contract_line_id,
        {{ month_start('happens_on') }} as month_start,
        is_hard,
        currency_code,
        {{ known_sum('amount') }} as amount
    from {{ ref('ledger__scheduled_work') }}
    where happens_on > {{ run_as_of() }}
    group by contract_line_id, {{ month_start('happens_on') }}, is_hard, currency_code
),

exchange_rate as (
    select
        from_currency,
        to_currency,
        rate
    from {{ ledger_as_known(ref('ledger__exchange_rate_version')) }} as known
    where rate_date = {{ run_as_of() }}
),

conversion as (
    select
        from_currency,
        functional_currency,
        rate_fc,
        rate_rc,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where rate_date = {{ run_as_of() }}
),

deal as (
    select
        opportunity_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        currency_code,
        functional_currency,
        term_start,
        term_end,
        weighted_tc
    from {{ ref('ledger__pipeline_position') }}
    where as_of = {{ run_as_of() }} and not is_stale
),

month as (
    select
        day as month_start,
        {{ month_end('day') }} as month_end
    from {{ day_spine(run_as_of(), "cast('2100-12-31' as date)") }} as spine
    where day = {{ month_start('day') }} or day = {{ run_as_of() }}
),

price_work as (
    select
        scheduled_work.contract_line_id,
        scheduled_work.month_start,
        scheduled_work.is_hard,
        case
            when scheduled_work.currency_code = backlog.currency_code then scheduled_work.amount
            else {{ ledger_at_rate('scheduled_work.amount', 'exchange_rate.rate') }}
        end as amount_tc
    from scheduled_work
    inner join backlog on scheduled_work.contract_line_id = backlog.contract_line_id
    left join exchange_rate
        on
            scheduled_work.currency_code = exchange_rate.from_currency
            and backlog.currency_code = exchange_rate.to_currency
),

sum_work as (
    select
        contract_line_id,
        month_start,
        is_hard,
        {{ known_sum('amount_tc') }} as amount_tc
    from price_work
    group by contract_line_id, month_start, is_hard
),

-- in the order of months, until what the line has of it is used up
reach_limit as (
    select
        sum_work.contract_line_id,
        sum_work.month_start,
        sum_work.is_hard,
        sum_work.amount_tc,
        case when sum_work.is_hard then backlog.scheduled_tc else backlog.soft_scheduled_tc end as limit_tc,
        sum(sum_work.amount_tc) over (
            partition by sum_work.contract_line_id, sum_work.is_hard
            order by sum_work.month_start
            rows between unbounded preceding and current row
        ) as reached_tc
    from sum_work
    inner join backlog on sum_work.contract_line_id = backlog.contract_line_id
),

booked as (
    select
        contract_line_id,
        month_start,
        is_hard,
        {{ between_nought_and('reached_tc', 'limit_tc') }}
        - {{ between_nought_and('(reached_tc - amount_tc)', 'limit_tc') }} as amount_tc
    from reach_limit
),

sum_booked as (
    select
        contract_line_id,
        {{ known_sum('amount_tc') }} as amount_tc
    from booked
    group by contract_line_id
),

-- from the first to the last of these days; without a last one that is still to come it has no month
spread as (
    select
        'UNSCHEDULED' as basis,
        backlog.contract_line_id as record_id,
        {{ date_add_days(run_as_of(), 1) }} as first_day,
        case
            when contract_line.effective_to > {{ run_as_of() }} then contract_line.effective_to
        end as last_day,
        backlog.amount_tc - case
            when sum_booked.contract_line_id is null then 0
            else sum_booked.amount_tc
        end as amount_tc
    from backlog
    left join sum_booked on backlog.contract_line_id = sum_booked.contract_line_id
    left join contract_line on backlog.contract_line_id = contract_line.contract_line_id
    union all
    select
        'PIPELINE' as basis,
        opportunity_id as record_id,
        greatest(coalesce(term_start, {{ run_as_of() }}), {{ date_add_days(run_as_of(), 1) }}) as first_day,
        case
            when
                term_end > {{ run_as_of() }}
                and term_end >= coalesce(term_start, {{ run_as_of() }})
                then term_end
        end as last_day,
        weighted_tc as amount_tc
    from deal
),

dated as (
    select
        spread.basis,
        spread.record_id,
        {{ month_start('month.month_start') }} as month_start,
        spread.amount_tc,
        {{ days_between('spread.first_day', 'spread.last_day') }} + 1 as days,
        {{ days_between('spread.first_day', 'least(month.month_end, spread.last_day)') }} + 1 as days_reached,
        greatest({{ days_between('spread.first_day', 'month.month_start') }}, 0) as days_before
    from spread
    inner join month on spread.first_day <= month.month_end and spread.last_day >= month.month_start
    where spread.amount_tc <> 0 or spread.amount_tc is null
),

expected as (
    select
        case when is_hard then 'SCHEDULED' else 'TENTATIVE' end as basis,
        contract_line_id as record_id,
        month_start,
        amount_tc
    from booked
    union all
    select
        basis,
        record_id,
        month_start,
        {{ mul_div('amount_tc', 'days_reached', 'days') }}
        - {{ mul_div('amount_tc', 'days_before', 'days') }} as amount_tc
    from dated
    union all
    select
        basis,
        record_id,
        {{ null_date() }} as month_start,
        amount_tc
    from spread
    where last_day is null
),

place as (
    select
        contract_line_id as record_id,
        contract_line_id,
        project_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        currency_code,
        functional_currency
    from backlog
    union all
    select
        opportunity_id as record_id,
        'NONE' as contract_line_id,
        'NONE' as project_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        currency_code,
        functional_currency
    from deal
)

select
    {{ as_text('expected.basis') }} as basis,
    {{ as_text('expected.record_id') }} as record_id,
    expected.month_start,
    {{ as_text('place.legal_entity_id') }} as legal_entity_id,
    {{ as_text('place.region_id') }} as region_id,
    {{ as_text('place.practice_id') }} as practice_id,
    {{ as_text('place.customer_id') }} as customer_id,
    {{ as_text('place.project_id') }} as project_id,
    {{ as_text('place.contract_line_id') }} as contract_line_id,
    {{ as_text('place.currency_code') }} as currency_code,
    {{ as_text('place.functional_currency') }} as functional_currency,
    cast(expected.amount_tc as decimal(28, 4)) as amount_tc,
    {{ ledger_at_rate('expected.amount_tc', 'conversion.rate_fc') }} as amount_fc,
    {{ ledger_at_rate('expected.amount_tc', 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate('expected.amount_tc', 'conversion.rate_cc') }} as amount_cc
from expected
inner join place on expected.record_id = place.record_id
left join conversion
    on
        place.currency_code = conversion.from_currency
        and place.functional_currency = conversion.functional_currency
where expected.amount_tc <> 0 or expected.amount_tc is null
