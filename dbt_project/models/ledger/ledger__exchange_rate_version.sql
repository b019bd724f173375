-- The spot rate of a pair on a day, per stretch of knowledge: the latest rate on or before the day, at most
-- seven days old. A restated rate begins a new stretch, and what was converted with the old one is reversed.
with rate as (
    {{ ledger_dimension_versions(
        ref('canonical__exchange_rate'),
        'exchange_rate_id',
        ['from_currency', 'to_currency', 'rate', 'rate_type', 'effective_from'],
        record='exchange_rate'
    ) }}
),

calendar_day as (
    -- every calendar repeats the same days
    select distinct calendar_date as rate_date from {{ ref('canonical__work_calendar_day') }}
),

candidate as (
    select
        rate.from_currency,
        rate.to_currency,
        calendar_day.rate_date,
        rate.effective_from,
        rate.rate,
        rate.known_from,
        rate.known_to
    from rate
    -- each of the eight days by itself: an engine without range joins would pair every rate with every day
    cross join {{ numbers(8) }} as later
    inner join calendar_day
        on {{ date_add_days('rate.effective_from', 'later.number') }} = calendar_day.rate_date
    where rate.is_known and rate.rate_type = 'spot' and rate.from_currency <> rate.to_currency
),

boundary as (
    select
        from_currency,
        to_currency,
        rate_date,
        known_from as cut_at
    from candidate
    union
    select
        from_currency,
        to_currency,
        rate_date,
        known_to as cut_at
    from candidate
    where known_to < {{ ledger_forever() }}
    union
    select
        from_currency,
        to_currency,
        rate_date,
        {{ ledger_beginning() }} as cut_at
    from candidate
),

stretch as (
    select
        from_currency,
        to_currency,
        rate_date,
        cut_at as known_from,
        coalesce(
            lead(cut_at) over (partition by from_currency, to_currency, rate_date order by cut_at),
            {{ ledger_forever() }}
        ) as known_to
    from boundary
),

chosen as (
    select
        stretch.from_currency,
        stretch.to_currency,
        stretch.rate_date,
        stretch.known_from,
        stretch.known_to,
        max_by(candidate.rate, candidate.effective_from) as rate
    from stretch
    left join candidate
        on
            stretch.from_currency = candidate.from_currency
            and stretch.to_currency = candidate.to_currency
            and stretch.rate_date = candidate.rate_date
            and stretch.known_from >= candidate.known_from
            and stretch.known_from < candidate.known_to
    group by
        stretch.from_currency, stretch.to_currency, stretch.rate_date, stretch.known_from, stretch.known_to
),

merged as (
    {{ ledger_merge_versions('chosen', ['from_currency', 'to_currency', 'rate_date'], ['rate']) }}
),

currency as (
    -- a currency appears once for each of its rates
    select distinct from_currency as currency_code from candidate
    union
    select distinct to_currency as currency_code from candidate
),

with_itself as (
    select
        currency.currency_code as from_currency,
        currency.currency_code as to_currency,
        calendar_day.rate_date,
        cast(1 as decimal(18, 10)) as rate,
        {{ ledger_beginning() }} as known_from,
        {{ ledger_forever() }} as known_to
    from currency
    cross join calendar_day
)

select
    cast(from_currency as {{ type_text() }}) as from_currency,
    cast(to_currency as {{ type_text() }}) as to_currency,
    rate_date,
    cast(rate as decimal(18, 10)) as rate,
    known_from,
    known_to
from merged
union all
select
    cast(from_currency as {{ type_text() }}) as from_currency,
    cast(to_currency as {{ type_text() }}) as to_currency,
    rate_date,
    rate,
    known_from,
    known_to
from with_itself
