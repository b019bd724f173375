{{ config(database='serving') }}

with

days as (
    select day
    from {{ day_spine(
        "cast('" ~ var('calendar_from') ~ "' as date)", "cast('" ~ var('calendar_to') ~ "' as date)"
    ) }} as spine
)

select
    day as date_day,
    {{ month_text('day') }} as month,
    {{ month_start('day') }} as month_start,
    {{ month_end('day') }} as month_end,
    {{ quarter_start('day') }} as quarter_start,
    {{ year_start('day') }} as year_start,
    cast({{ weekday_number('day') }} as integer) as weekday,
    day = {{ month_end('day') }} as is_month_end
from days
