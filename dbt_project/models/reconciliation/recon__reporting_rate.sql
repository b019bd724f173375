-- The rates into the reporting currency with which this run's amounts at risk are converted.
with

run as {{ control_run_row() }},

rates as {{ reporting_rates() }}

select
    rates.from_currency,
    run.reporting_currency as to_currency,
    run.as_of as rate_date,
    cast(rates.rate as decimal(18, 10)) as rate
from rates
cross join run
