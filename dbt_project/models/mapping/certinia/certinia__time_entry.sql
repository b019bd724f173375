with

splits as (
    select
        told.*,
        count(*) over (partition by told.tl_instance, told.split_id) > 1 as was_told_again
    from {{ ref('certinia__timecard_split') }} as told
),

weekdays as (
    select number + 1 as weekday from {{ numbers(7) }} as counted
),

days as (
    select
        splits.*,
        weekdays.weekday,
        coalesce(
            case weekdays.weekday
                when 1 then splits.pse__monday_hours__c
                when 2 then splits.pse__tuesday_hours__c
                when 3 then splits.pse__wednesday_hours__c
                when 4 then splits.pse__thursday_hours__c
                when 5 then splits.pse__friday_hours__c
                when 6 then splits.pse__saturday_hours__c
                when 7 then splits.pse__sunday_hours__c
            end,
            {{ as_hours('0') }}
        ) as hours
    from splits
    cross join weekdays
),

-- A day without hours says something only where the same day may have had some before.
worked_days as (
    select * from days
    where hours <> 0 or was_told_again
),

-- The money is the split's: a day takes its part by hours, rounded to four decimals.
shares as (
    select
        worked_days.*,
        coalesce(
            {{ mul_div(
                'worked_days.pse__total_billable_amount__c',
                'worked_days.hours',
                'worked_days.pse__total_hours__c'
            ) }},
            {{ as_money('0') }}
        ) as billable_share,
        coalesce(
            {{ mul_div(
                'worked_days.pse__total_cost__c', 'worked_days.hours', 'worked_days.pse__total_hours__c'
            ) }},
            {{ as_money('0') }}
        ) as cost_share
    from worked_days
),

totalled_shares as (
    select
        shares.*,
        max(case when shares.hours <> 0 then shares.weekday end) over told_at_once as last_weekday,
        sum(shares.billable_share) over told_at_once as billable_shared,
        sum(shares.cost_share) over told_at_once as cost_shared
    from shares
    window told_at_once as (
        partition by shares.tl_instance, shares.split_id, shares.tl_payload_hash, shares.tl_load_id
    )
),

-- The last day with hours takes the rest, so that the days of a split always add up to it.
rounded_days as (
    select
        shares.*,
        case
            when shares.weekday = shares.last_weekday
                then shares.billable_share + shares.pse__total_billable_amount__c - shares.billable_shared
            else shares.billable_share
        end as billable_amount,
        case
            when shares.weekday = shares.last_weekday
                then shares.cost_share + coalesce(shares.pse__total_cost__c, 0) - shares.cost_shared
            else shares.cost_share
        end as cost_amount
    from totalled_shares as shares
)

select
    {{ own_key('certinia', 'days.split_id', 'days.tl_instance') }} || '-' || {{ as_text('days.weekday') }}
        as time_entry_id,
    {{ own_key('certinia', 'days.pse__project__c', 'days.tl_instance') }} as project_id,
    {{ own_key('certinia', 'days.pse__resource__c', 'days.tl_instance') }} as resource_id,
    {{ own_key('certinia', 'days.pse__assignment__c', 'days.tl_instance') }} as assignment_id,
    {{ own_key('certinia', 'days.pse__timecard_header__c', 'days.tl_instance') }} as timesheet_id,
    -- A split may begin in the middle of its week; its weekdays are still those of the week.
    {{ date_add_days(
        'days.pse__start_date__c', 'days.weekday - ' ~ weekday_number('days.pse__start_date__c')
    ) }} as work_date,
    {{ as_hours('days.hours') }} as hours,
    days.pse__billable__c as is_billable,
    {{ coded('statuses') }} as split_status,
    days.pse__status__c as split_status_raw,
    {{ as_money('days.billable_amount') }} as billable_amount,
    days.currency_iso_code as currency_code,
    {{ as_money('days.cost_amount') }} as cost_amount,
    days.pse__billed__c as is_billed,
    days.pse__invoice_number__c as invoice_number,
    days.root_split_id,
    'certinia' as source_system,
    {{ landed('days') }}
from rounded_days as days
{{ code_join('statuses', 'time_status', 'certinia', 'days.pse__status__c') }}
