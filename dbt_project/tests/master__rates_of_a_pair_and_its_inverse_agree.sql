-- The wrong number this would let through: a rate read the wrong way round. EUR in USD times USD in EUR
-- is 1 within rounding; the inverse of an inverse is not.
-- Not asserted: days on which one of the two has no rate of its own, but the last one before it.
with

quoted as (
    select distinct
        known_rate.from_currency,
        known_rate.to_currency,
        known_rate.effective_from
    from {{ known_record('exchange_rate', ref('canonical__exchange_rate')) }} as known_rate
    where known_rate.rate_type = 'spot'
),

rates as (
    select
        rate_day.from_currency,
        rate_day.to_currency,
        rate_day.rate_date,
        rate_day.rate
    from {{ ref('master__exchange_rate_day') }} as rate_day
    inner join quoted
        on
            rate_day.from_currency = quoted.from_currency
            and rate_day.to_currency = quoted.to_currency
            and rate_day.rate_date = quoted.effective_from
)

select
    rates.from_currency,
    rates.to_currency,
    rates.rate_date,
    rates.rate,
    inverse.rate as inverse_rate
from rates
inner join rates as inverse
    on
        rates.from_currency = inverse.to_currency
        and rates.to_currency = inverse.from_currency
        and rates.rate_date = inverse.rate_date
where abs(rates.rate * cast(inverse.rate as decimal(18, 10)) - 1) > 0.0001
