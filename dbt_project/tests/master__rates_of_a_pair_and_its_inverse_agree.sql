-- The wrong number this would let through: a rate read the wrong way round. EUR in USD times USD in EUR
-- is 1 within rounding; the inverse of an inverse is not.
select
    rates.from_currency,
    rates.to_currency,
    rates.rate_date,
    rates.rate,
    inverse.rate as inverse_rate
from {{ ref('master__exchange_rate_day') }} as rates
inner join {{ ref('master__exchange_rate_day') }} as inverse
    on
        rates.from_currency = inverse.to_currency
        and rates.to_currency = inverse.from_currency
        and rates.rate_date = inverse.rate_date
where abs(rates.rate * cast(inverse.rate as decimal(18, 10)) - 1) > 0.0001
