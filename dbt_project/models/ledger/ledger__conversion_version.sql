-- What one unit of a currency is worth on a day, in an entity's functional currency, in the reporting
-- currency and in the reporting currency at the constant-currency day: one row to join per amount.
with rate as (
    select
        from_currency,
        to_currency,
        rate_date,
        rate,
        known_from,
        known_to
    from {{ ref('ledger__exchange_rate_version') }}
),

to_reporting as (
    select
        from_currency,
        rate_date,
        rate,
        known_from,
        known_to
    from rate
    where to_currency = {{ run_reporting_currency() }}
),

to_constant as (
    select
        from_currency,
        rate,
        known_from,
        known_to
    from to_reporting
    where rate_date = {{ ledger_constant_currency_date() }}
),

reported_day as (
    -- a pair appears on a day once for each of its restatements
    select distinct
        from_currency,
        rate_date
    from to_reporting
),

rate_day as (
    select distinct rate_date from rate
),

reporting as (
    select
        to_reporting.from_currency,
        to_reporting.rate_date,
        to_reporting.rate as rate_rc,
        to_constant.rate as rate_cc,
        {{ ledger_common('to_reporting', 'to_constant') }}
    from to_reporting
    left join to_constant
        on
            to_reporting.from_currency = to_constant.from_currency
            and {{ ledger_overlap('to_reporting', 'to_constant') }}
    union all
    -- the constant-currency worth needs the rate of its own day, not that of the amount's
    select
        to_constant.from_currency,
        rate_day.rate_date,
        cast(null as decimal(18, 10)) as rate_rc,
        to_constant.rate as rate_cc,
        to_constant.known_from,
        to_constant.known_to
    from to_constant
    cross join rate_day
    left join reported_day
        on
            to_constant.from_currency = reported_day.from_currency
            and rate_day.rate_date = reported_day.rate_date
    where reported_day.from_currency is null
),

-- Each worth stands by itself: where only one of the two rates is known, the other is null and nothing else.
functional as (
    select
        rate.from_currency,
        rate.to_currency as functional_currency,
        rate.rate_date,
        rate.rate as rate_fc,
        reporting.rate_rc,
        reporting.rate_cc,
        {{ ledger_common('rate', 'reporting') }}
    from rate
    left join reporting
        on
            rate.from_currency = reporting.from_currency
            and rate.rate_date = reporting.rate_date
            and {{ ledger_overlap('rate', 'reporting') }}
),

pair as (
    -- a pair appears on a day once for each of its restatements
    select distinct
        from_currency,
        to_currency,
        rate_date
    from rate
),

functional_currency as (
    -- any currency may be an entity's own, also one that nobody has a rate into
    select to_currency as currency_code from rate
    union
    select functional_currency as currency_code
    from {{ ref('canonical__legal_entity') }}
    where functional_currency is not null
),

without_functional as (
    select
        reporting.from_currency,
        functional_currency.currency_code as functional_currency,
        reporting.rate_date,
        cast(null as decimal(18, 10)) as rate_fc,
        reporting.rate_rc,
        reporting.rate_cc,
        reporting.known_from,
        reporting.known_to
    from reporting
    cross join functional_currency
    left join pair
        on
            reporting.from_currency = pair.from_currency
            and functional_currency.currency_code = pair.to_currency
            and reporting.rate_date = pair.rate_date
    where pair.from_currency is null
),

with_unknown_entity as (
    select
        from_currency,
        functional_currency,
        rate_date,
        rate_fc,
        rate_rc,
        rate_cc,
        known_from,
        known_to
    from functional
    union all
    select
        from_currency,
        functional_currency,
        rate_date,
        rate_fc,
        rate_rc,
        rate_cc,
        known_from,
        known_to
    from without_functional
    union all
    -- an amount whose legal entity nobody knows still has a worth in the reporting currency
    select
        from_currency,
        'NONE' as functional_currency,
        rate_date,
        cast(null as decimal(18, 10)) as rate_fc,
        rate_rc,
        rate_cc,
        known_from,
        known_to
    from reporting
),

merged as (
    {{ ledger_merge_versions(
        'with_unknown_entity',
        ['from_currency', 'functional_currency', 'rate_date'],
        ['rate_fc', 'rate_rc', 'rate_cc'],
    ) }}
)

select
    from_currency,
    cast(functional_currency as {{ type_text() }}) as functional_currency,
    rate_date,
    rate_fc,
    rate_rc,
    rate_cc,
    known_from,
    known_to
from merged
