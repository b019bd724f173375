-- One row per dataset and source instance: its newest load known at the run's known_at, what the source said
-- it holds, and what is held of it (live landed rows and open rejects). A dataset never loaded has the load
-- NONE.
with

run as {{ control_run_row() }},

setting as {{ control_settings(['freshness_hours'], 'INT-003') }},

expected_datasets as (
    {% for source_name, resource, amount, vital in landed_datasets() -%}
        select
            '{{ source_name }}' as source_system,
            '{{ resource }}' as resource,
            {{ vital }} as is_vital
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

extract_runs as (
    select
        extract_run.source_system,
        extract_run.source_instance,
        extract_run.resource,
        extract_run.load_id,
        extract_run.started_at,
        extract_run.source_count,
        extract_run.source_amount,
        extract_run.cursor_from,
        extract_run.cursor_to,
        extract_run.status,
        extract_run.error_code,
        extract_run.error
    from {{ source('landing', 'extract_run') }} as extract_run
    cross join run
    where extract_run.started_at <= run.known_at
),

schema_changes as (
    select
        changes.source_system,
        changes.source_instance,
        changes.resource,
        changes.load_id,
        count(*) as change_count,
        {{ list_agg_sorted("changes.column_name || ' ' || changes.change") }} as changed_columns
    from {{ source('landing', 'schema_change') }} as changes
    cross join run
    where
        changes.change in ('REMOVED', 'RETYPED')
        and changes.{{ quote_name('at') }} <= run.known_at
    group by changes.source_system, changes.source_instance, changes.resource, changes.load_id
),

settle_rejects as (
    select distinct events.reject_id
    from {{ source('landing', 'reject_event') }} as events
    cross join run
    where events.{{ quote_name('at') }} <= run.known_at
),

open_rejects as (
    select
        newest.source_system,
        newest.source_instance,
        newest.resource,
        count(*) as reject_rows,
        cast(sum(coalesce(newest.amount, 0)) as decimal(38, 4)) as reject_amount
    from (
        select
            rejects.source_system,
            rejects.source_instance,
            rejects.resource,
            rejects.amount,
            row_number() over (
                partition by
                    rejects.source_system, rejects.source_instance, rejects.resource, rejects.record_id
                order by rejects.rejected_at desc, rejects.reject_id asc
            ) as newest_first
        from {{ source('landing', 'reject') }} as rejects
        cross join run
        left join settle_rejects
            on rejects.reject_id = settle_rejects.reject_id
        where
            rejects.rejected_at <= run.known_at
            and settle_rejects.reject_id is null
    ) as newest
    where newest.newest_first = 1
    group by newest.source_system, newest.source_instance, newest.resource
),

landed as (
    select landed_dataset.*
    from {{ ref('control__landed') }} as landed_dataset
),

instances as (
    select
        source_instance.source_system,
        source_instance.source_instance
    from {{ source('inputs', 'source_instance') }} as source_instance
    union
    select
        extract_runs.source_system,
        extract_runs.source_instance
    from extract_runs
),

newest_runs as (
    select
        extract_runs.*,
        row_number() over (
            partition by extract_runs.source_system, extract_runs.source_instance, extract_runs.resource
            order by extract_runs.started_at desc, {{ load_order('extract_runs.load_id') }} desc
        ) as newest_first
    from extract_runs
),

-- how far the good loads before the newest one had read
read_before as (
    select
        earlier.source_system,
        earlier.source_instance,
        earlier.resource,
        max(earlier.cursor_to) as read_to
    from newest_runs as earlier
    where
        earlier.newest_first > 1
        and earlier.status <> 'FAILED'
    group by earlier.source_system, earlier.source_instance, earlier.resource
),

last_good as (
    select
        extract_runs.source_system,
        extract_runs.source_instance,
        extract_runs.resource,
        max(extract_runs.started_at) as loaded_at,
        count(extract_runs.source_count) as times_counted
    from extract_runs
    where extract_runs.status <> 'FAILED'
    group by extract_runs.source_system, extract_runs.source_instance, extract_runs.resource
)

select
    instances.source_system,
    instances.source_instance,
    expected_datasets.resource,
    instances.source_system || '_' || instances.source_instance || '.' || expected_datasets.resource
        as dataset,
    expected_datasets.is_vital,
    coalesce(newest_runs.load_id, 'NONE') as load_id,
    newest_runs.started_at,
    coalesce(newest_runs.status, 'NONE') as status,
    newest_runs.error_code,
    newest_runs.error,
    newest_runs.cursor_from,
    newest_runs.cursor_to,
    read_before.read_to as read_before_to,
    newest_runs.source_count,
    -- a source that has told its count once can be asked; that it did not answer is then no good sign
    coalesce(last_good.times_counted, 0) > 0 as can_be_counted,
    newest_runs.source_amount,
    coalesce(landed.live_rows, 0) + coalesce(open_rejects.reject_rows, 0) as held_rows,
    coalesce(landed.live_amount, 0) + coalesce(open_rejects.reject_amount, 0) as held_amount,
    coalesce(open_rejects.reject_rows, 0) as reject_rows,
    last_good.loaded_at,
    coalesce(schema_changes.change_count, 0) as change_count,
    schema_changes.changed_columns,
    coalesce(newest_runs.error_code in ('E-SRC-011', 'E-SRC-012', 'E-SRC-017'), false) as failed_by_schema,
    last_good.loaded_at is null
    or {{ instant_number('run.known_at') }} - {{ instant_number('last_good.loaded_at') }}
    > setting.freshness_hours * 3600000000 as is_old,
    case
        when cast(newest_runs.started_at as date) < run.as_of then cast(newest_runs.started_at as date)
        else run.as_of
    end as noticed_on
from instances
inner join expected_datasets
    on instances.source_system = expected_datasets.source_system
cross join run
cross join setting
left join newest_runs
    on
        instances.source_system = newest_runs.source_system
        and instances.source_instance = newest_runs.source_instance
        and expected_datasets.resource = newest_runs.resource
        and newest_runs.newest_first = 1
left join read_before
    on
        instances.source_system = read_before.source_system
        and instances.source_instance = read_before.source_instance
        and expected_datasets.resource = read_before.resource
left join landed
    on
        instances.source_system = landed.source_system
        and instances.source_instance = landed.source_instance
        and expected_datasets.resource = landed.resource
left join open_rejects
    on
        instances.source_system = open_rejects.source_system
        and instances.source_instance = open_rejects.source_instance
        and expected_datasets.resource = open_rejects.resource
left join last_good
    on
        instances.source_system = last_good.source_system
        and instances.source_instance = last_good.source_instance
        and expected_datasets.resource = last_good.resource
left join schema_changes
    on
        instances.source_system = schema_changes.source_system
        and instances.source_instance = schema_changes.source_instance
        and expected_datasets.resource = schema_changes.resource
        and newest_runs.load_id = schema_changes.load_id
-- a firm hands over the ports it has: a file that never came is missed by the controls that need it
where instances.source_system <> 'files' or newest_runs.load_id is not null
