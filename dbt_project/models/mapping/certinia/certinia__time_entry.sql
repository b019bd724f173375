{%- set weekday_names = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] -%}

with

splits as (
    select * from {{ ref('stg_certinia__timecard_split') }}
),

-- The money is the split's: a day takes its part by hours, rounded to four decimals.
shares as (
    select
        splits.*,
        {%- for name in weekday_names %}
        coalesce(splits.pse__{{ name }}_hours__c, {{ as_hours('0') }}) as hours_{{ loop.index }},
        coalesce({{ mul_div(
            'splits.pse__total_billable_amount__c',
            'splits.pse__' ~ name ~ '_hours__c',
            'splits.pse__total_hours__c'
        ) }}, {{ as_money('0') }}) as billable_{{ loop.index }},
        coalesce({{ mul_div(
            'splits.pse__total_cost__c',
            'splits.pse__' ~ name ~ '_hours__c',
            'splits.pse__total_hours__c'
        ) }}, {{ as_money('0') }}) as cost_{{ loop.index }},
        {%- endfor %}
        case
            {%- for name in weekday_names | reverse %}
            when splits.pse__{{ name }}_hours__c <> 0 then {{ 8 - loop.index }}
            {%- endfor %}
        end as last_weekday
    from splits
),

weekdays as (
    select number + 1 as weekday from {{ numbers(7) }} as counted
),

-- The last day with hours takes the rest, so that the days of a split always add up to it.
days as (
    select
        shares.*,
        weekdays.weekday,
        case weekdays.weekday
            {%- for name in weekday_names %}
            when {{ loop.index }} then shares.hours_{{ loop.index }}
            {%- endfor %}
        end as hours,
        case
            when weekdays.weekday = shares.last_weekday then shares.pse__total_billable_amount__c
            {%- for name in weekday_names %}
            when weekdays.weekday = {{ loop.index }} then shares.billable_{{ loop.index }}
            {%- endfor %}
        end
        - case
            when weekdays.weekday <> shares.last_weekday then 0
            {%- for name in weekday_names %}
            when weekdays.weekday = {{ loop.index }}
                then 0
                {%- for earlier in range(1, loop.index) %} + shares.billable_{{ earlier }}{% endfor %}
            {%- endfor %}
        end as billable_amount,
        case
            when weekdays.weekday = shares.last_weekday then shares.pse__total_cost__c
            {%- for name in weekday_names %}
            when weekdays.weekday = {{ loop.index }} then shares.cost_{{ loop.index }}
            {%- endfor %}
        end
        - case
            when weekdays.weekday <> shares.last_weekday then 0
            {%- for name in weekday_names %}
            when weekdays.weekday = {{ loop.index }}
                then 0
                {%- for earlier in range(1, loop.index) %} + shares.cost_{{ earlier }}{% endfor %}
            {%- endfor %}
        end as cost_amount
    from shares
    cross join weekdays
)

select
    {{ own_key('certinia', 'days.id', 'days.tl_instance') }} || '-' || {{ as_text('days.weekday') }} as time_entry_id,
    {{ own_key('certinia', 'days.pse__project__c', 'days.tl_instance') }} as project_id,
    {{ own_key('certinia', 'days.pse__resource__c', 'days.tl_instance') }} as resource_id,
    {{ own_key('certinia', 'days.pse__assignment__c', 'days.tl_instance') }} as assignment_id,
    {{ own_key('certinia', 'days.pse__timecard_header__c', 'days.tl_instance') }} as timesheet_id,
    -- A split may begin in the middle of its week; its weekdays are still those of the week.
    {{ date_add_days(
        'days.pse__start_date__c', 'days.weekday - ' ~ weekday_number('days.pse__start_date__c')
    ) }} as work_date,
    days.hours,
    days.pse__billable__c as is_billable,
    {{ coded('statuses') }} as split_status,
    days.pse__status__c as split_status_raw,
    {{ as_money('days.billable_amount') }} as billable_amount,
    days.currency_iso_code as currency_code,
    {{ as_money('days.cost_amount') }} as cost_amount,
    days.pse__billed__c as is_billed,
    days.pse__invoice_number__c as invoice_number,
    days.id as native_split_id,
    'certinia' as source_system,
    {{ landed('days') }}
from days
{{ code_join('statuses', 'time_status', 'certinia', 'days.pse__status__c') }}
