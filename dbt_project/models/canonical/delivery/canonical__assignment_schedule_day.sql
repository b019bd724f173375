{{ config(
    materialized='incremental',
    incremental_strategy=advancing_strategy(),
    unique_key='assignment_id',
    on_schema_change='fail'
) }}

with

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
        columns=['assignment_id', 'is_hard'],
        carried=[
            'first_day', 'last_day', 'hours_1', 'hours_2', 'hours_3', 'hours_4', 'hours_5', 'hours_6',
            'hours_7',
        ],
        cascade=false
    ) }}
),

versioned as (
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
        versioned.*,
        days.day,
        case days.weekday
            {%- for number in range(1, 8) %}
                when {{ number }} then versioned.hours_{{ number }}
            {%- endfor %}
        end as scheduled_hours
    from versioned
    inner join days on versioned.first_day <= days.day and versioned.last_day >= days.day
    where not versioned.tl_is_deleted
)

select
    assignment_id,
    {{ hash_key('assignment_id') }} as assignment_key,
    day as work_date,
    scheduled_hours,
    is_hard,
    'certinia' as source_system,
    tl_instance as source_instance,
    tl_record_id as source_record_id,
    tl_source_created_at as source_created_at,
    tl_source_updated_at as source_updated_at,
    tl_is_deleted as is_deleted,
    {{ null_instant() }} as deleted_at,
    {{ null_text() }} as deletion_basis,
    tl_load_id as load_id,
    tl_payload_hash as payload_hash,
    tl_is_backfill as is_backfill,
    known_from,
    known_to,
    version_number
from scheduled
where scheduled_hours > 0
