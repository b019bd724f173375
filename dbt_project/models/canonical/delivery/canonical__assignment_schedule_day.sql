{{ config(
    materialized='incremental',
    incremental_strategy=advancing_strategy(),
    unique_key='assignment_id',
    on_schema_change='fail',
    post_hook='{{ note_advanced() }}'
) }}

with

{% if in_use('certinia') %}
    schedules as (
        select * from {{ ref('certinia__schedule') }}
    ),

    assignments as (
        select * from {{ ref('certinia__assignment') }}
        {% if is_advancing() %}
            where
                assignment_id in ({{ brought_since(
                    ref('certinia__assignment'), 'assignment_id', 'assignment_id'
                ) }})
                or schedule_id in ({{ brought_since(ref('certinia__schedule'), 'schedule_id') }})
        {% endif %}
    ),

    patterns as (
        {{ known_together(
            child='assignments', parent='schedules',
            child_key='assignment_id', foreign_key='schedule_id', parent_key='schedule_id',
            columns=['assignment_id', 'is_hard', 'source_system'],
            carried=[
                'first_day', 'last_day', 'hours_1', 'hours_2', 'hours_3', 'hours_4', 'hours_5', 'hours_6',
                'hours_7',
            ],
            cascade=false
        ) }}
    ),

    pattern_versions as (
        {{ versions('patterns', 'assignment_id') }}
    ),

    days as (
        select
            day,
            {{ weekday_number('day') }} as weekday
        from {{ day_spine(
            "cast('" ~ var('calendar_from') ~ "' as date)", "cast('" ~ var('calendar_to') ~ "' as date)"
        ) }} as spine
    ),

    scheduled as (
        select
            pattern_versions.*,
            days.day as work_date,
            case days.weekday
                {%- for number in range(1, 8) %}
                    when {{ number }} then pattern_versions.hours_{{ number }}
                {%- endfor %}
            end as scheduled_hours
        from pattern_versions
        inner join days on pattern_versions.first_day <= days.day and pattern_versions.last_day >= days.day
        where not pattern_versions.tl_is_deleted
    ),
{% endif %}

-- Systems that tell every day by itself.
told_days as (
    {{ port_rows(
        'assignment_schedule_day', without=['certinia'],
        where=brought_keys('assignment_schedule_day', 'assignment_id', ['certinia'])
    ) }}
),

numbered_days as (
    select
        told_days.*,
        told_days.assignment_id || '|' || {{ as_text('told_days.work_date') }} as schedule_day_id
    from told_days
),

day_versions as (
    {{ versions('numbered_days', 'schedule_day_id') }}
),

days_of_assignments as (
    {%- for relation in (['scheduled'] if in_use('certinia') else []) + ['day_versions'] %}
        select
            assignment_id,
            work_date,
            scheduled_hours,
            is_hard,
            known_from,
            known_to,
            version_number,
            source_system,
            {{ landed() }}
        from {{ relation }}
        where scheduled_hours > 0 and not tl_is_deleted
        {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    assignment_id,
    {{ hash_key('assignment_id') }} as assignment_key,
    work_date,
    scheduled_hours,
    is_hard,
    {{ envelope() }}
from days_of_assignments
