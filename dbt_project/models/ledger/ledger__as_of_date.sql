-- The dates a run answers for: every month end since the firm's first month, and the run's own as_of. The
-- first month is the first in which somebody worked or that a balance carried over stands at the end of; what
-- was signed before it counts in longer periods only.
with movement as (
    select
        business_date,
        case
            when movement_type in ('labour_cost', 'subcontractor_accrual') or movement_type like 'opening%'
                then business_date
        end as worked_on
    from {{ ref('fct_value_movement') }}
    where known_at <= {{ run_known_at() }} and business_date <= {{ run_as_of() }}
),

first_day as (
    select {{ month_start('coalesce(min(worked_on), min(business_date))') }} as first_month from movement
),

calendar_day as (
    -- every calendar repeats the same days
    select distinct calendar_date from {{ ref('canonical__work_calendar_day') }}
),

month_end_day as (
    select distinct {{ month_end('calendar_day.calendar_date') }} as as_of
    from calendar_day
    cross join first_day
    where
        calendar_day.calendar_date >= first_day.first_month
        and {{ month_end('calendar_day.calendar_date') }} <= {{ run_as_of() }}
),

answered as (
    select as_of from month_end_day
    union
    select as_of from {{ source('inputs', 'run_context') }}
)

select
    as_of,
    {{ month_start('as_of') }} as month_start,
    as_of = {{ run_as_of() }} as is_run_as_of
from answered
