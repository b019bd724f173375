{%- if in_use('certinia') %}
-- depends_on: {{ ref('certinia__timecard_split') }}
{% endif %}
{{ config(
    materialized='incremental',
    incremental_strategy=advancing_strategy(),
    unique_key=['source_instance', 'source_record_id'],
    on_schema_change='fail',
    post_hook='{{ note_advanced() }}'
) }}

with

{% if in_use('certinia') %}
    cards as (
        select * from {{ ref('certinia__timesheet') }}
    ),

    told_days as (
        select * from {{ ref('certinia__time_entry') }}
        {% if is_advancing() %}
            where
                root_split_id in ({{ brought_since(
                    ref('certinia__timecard_split'), 'root_split_id', 'source_record_id', told='tl_record_id'
                ) }})
                or timesheet_id in ({{ brought_since(
                    ref('certinia__timesheet'), 'timesheet_id', 'timesheet_id'
                ) }})
        {% endif %}
    ),

    first_hours as (
        select
            time_entry_id,
            min(tl_known_at) as first_known_at
        from told_days
        where hours <> 0
        group by time_entry_id
    ),

    -- A day without hours is no entry; one whose hours were taken away is deleted.
    days as (
        select
            told_days.time_entry_id,
            told_days.project_id,
            told_days.resource_id,
            told_days.assignment_id,
            told_days.timesheet_id,
            told_days.work_date,
            told_days.hours,
            told_days.is_billable,
            told_days.split_status,
            told_days.split_status_raw,
            told_days.billable_amount,
            told_days.currency_code,
            told_days.cost_amount,
            told_days.is_billed,
            told_days.invoice_number,
            told_days.tl_instance,
            told_days.tl_record_id,
            told_days.tl_source_created_at,
            told_days.tl_source_updated_at,
            told_days.tl_is_deleted or told_days.hours = 0 as tl_is_deleted,
            case
                when told_days.tl_is_deleted then told_days.tl_deletion_basis
                when told_days.hours = 0 then 'snapshot_absence'
            end as tl_deletion_basis,
            told_days.tl_load_id,
            told_days.tl_payload_hash,
            told_days.tl_is_backfill,
            told_days.tl_known_at
        from told_days
        inner join first_hours
            on
                told_days.time_entry_id = first_hours.time_entry_id
                and told_days.tl_known_at >= first_hours.first_known_at
    ),

    days_on_cards as (
        {{ known_together(
            child='days', parent='cards',
            child_key='time_entry_id', foreign_key='timesheet_id', parent_key='timesheet_id',
            columns=[
                'time_entry_id', 'project_id', 'resource_id', 'assignment_id', 'timesheet_id', 'work_date',
                'hours', 'is_billable', 'split_status', 'split_status_raw', 'billable_amount',
                'currency_code', 'cost_amount', 'is_billed', 'invoice_number',
            ],
            carried=['header_status', 'header_status_raw', 'submitted_at', 'approved_at', 'header_bill_rate'],
            instants=['submitted_at', 'approved_at']
        ) }}
    ),

    -- Without its card a day has only the split's word.
    told_in_cards as (
        select
            time_entry_id,
            project_id,
            resource_id,
            assignment_id,
            timesheet_id,
            work_date,
            hours,
            is_billable,
            coalesce(header_status, split_status) as status,
            coalesce(header_status_raw, split_status_raw) as status_raw,
            billable_amount,
            currency_code,
            {{ as_rate('header_bill_rate') }} as bill_rate,
            cost_amount,
            submitted_at,
            approved_at,
            is_billed,
            invoice_number,
            'certinia' as source_system,
            {{ landed() }}
        from days_on_cards
    ),
{% endif %}

-- what Certinia says is joined first: once
mapped as {{ where_it_is_read() if not in_use('certinia') }} (
    {{ port_rows(
        'time_entry', without=['certinia'], where=brought_keys('time_entry', 'time_entry_id', ['certinia']),
        also=['told_in_cards'] if in_use('certinia') else []
    ) }}
),

versioned as (
    {{ versions('mapped', 'time_entry_id', mostly_once=true) }}
)

select
    time_entry_id,
    {{ hash_key('time_entry_id') }} as time_entry_key,
    project_id,
    {{ hash_key('project_id') }} as project_key,
    resource_id,
    {{ hash_key('resource_id') }} as resource_key,
    assignment_id,
    {{ hash_key('assignment_id') }} as assignment_key,
    timesheet_id,
    work_date,
    hours,
    is_billable,
    status,
    status_raw,
    billable_amount,
    currency_code,
    bill_rate,
    cost_amount,
    submitted_at,
    approved_at,
    is_billed,
    invoice_number,
    {{ envelope() }}
from versioned
