-- What stands in the landing per dataset and source instance at the run's known_at: each record's newest row,
-- without those that are deleted and those whose newest word was turned away. It reads the landed tables
-- themselves, not the models, because it is what the models are measured against.
with

run as {{ control_run_row() }},

settle_rejects as (
    select distinct events.reject_id
    from {{ source('landing', 'reject_event') }} as events
    cross join run
    where events.{{ quote_name('at') }} <= run.known_at
),

open_rejects as (
    select distinct
        rejects.source_system,
        rejects.source_instance,
        rejects.resource,
        rejects.record_id
    from {{ source('landing', 'reject') }} as rejects
    cross join run
    left join settle_rejects
        on rejects.reject_id = settle_rejects.reject_id
    where
        rejects.rejected_at <= run.known_at
        and settle_rejects.reject_id is null
),

live_rows as (
    {% for source_name, resource, amount, vital in landed_datasets() -%}
        select
            newest.source_system,
            newest.tl_instance as source_instance,
            newest.resource,
            count(*) as live_rows,
            cast({{ 'sum(newest.control_amount)' if amount else 'null' }} as decimal(38, 4)) as live_amount
        from (
            select
                '{{ source_name }}' as source_system,
                '{{ resource }}' as resource,
                landed.tl_instance,
                landed.tl_record_id,
                landed.tl_is_deleted,
                {{ 'landed.' ~ amount if amount else 'null' }} as control_amount,
                row_number() over (
                    partition by landed.tl_instance, landed.tl_record_id
                    order by landed.tl_loaded_at desc, {{ load_order('landed.tl_load_id') }} desc
                ) as newest_first
            from ({{ landed_rows(source_name, resource) }}) as landed
            cross join run
            where landed.tl_loaded_at <= run.known_at
        ) as newest
        left join open_rejects
            on
                newest.source_system = open_rejects.source_system
                and newest.tl_instance = open_rejects.source_instance
                and newest.resource = open_rejects.resource
                and newest.tl_record_id = open_rejects.record_id
        where
            newest.newest_first = 1
            and not newest.tl_is_deleted
            and open_rejects.record_id is null
        group by newest.source_system, newest.tl_instance, newest.resource
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    live_rows.source_system,
    live_rows.source_instance,
    live_rows.resource,
    live_rows.live_rows,
    live_rows.live_amount
from live_rows
