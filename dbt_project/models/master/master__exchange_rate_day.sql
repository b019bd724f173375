with

rates as (
    select * from {{ known_record('exchange_rate', ref('canonical__exchange_rate')) }} as known_rates
    where rate_type = 'spot' and from_currency <> to_currency
),

-- Two rates of one pair on one day: the later edit stands.
latest_rates as (
    select
        from_currency,
        to_currency,
        effective_from,
        rate
    from rates
    qualify row_number() over (
        partition by from_currency, to_currency, effective_from
        order by source_updated_at desc nulls last, exchange_rate_id desc
    ) = 1
),

bounded_rates as (
    select
        latest_rates.*,
        lead(latest_rates.effective_from) over (
            partition by latest_rates.from_currency, latest_rates.to_currency
            order by latest_rates.effective_from
        ) as next_from
    from latest_rates
),

ages as (
    select number as age from {{ numbers(8) }} as counted
),

-- A rate stands until the next one, and never longer than seven days: after that it is unknown.
spread as (
    select
        bounded_rates.from_currency,
        bounded_rates.to_currency,
        {{ date_add_days('bounded_rates.effective_from', 'ages.age') }} as rate_date,
        bounded_rates.next_from,
        bounded_rates.rate
    from bounded_rates
    cross join ages
),

currencies as (
    select from_currency as currency_code from latest_rates
    union
    select to_currency as currency_code from latest_rates
    union
    select currency_code from {{ as_known(ref('canonical__currency')) }} as known_currencies
),

days as (
    select day
    from {{ day_spine(
        "cast('" ~ var('calendar_from') ~ "' as date)", "cast('" ~ var('calendar_to') ~ "' as date)"
    ) }} as spine
),

all_rates as (
    select
        from_currency,
        to_currency,
        rate_date,
        rate
    from spread
    where next_from is null or rate_date < next_from
    union all
    select
        currencies.currency_code as from_currency,
        currencies.currency_code as to_currency,
        days.day as rate_date,
        {{ as_fx('1') }} as rate
    from currencies
    cross join days
)

select
    from_currency,
    to_currency,
    rate_date,
    rate
from all_rates
