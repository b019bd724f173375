-- A load lost rows or money, went stale, or met a changed schema. One grain per dataset, its newest load, and kind.
-- Landed live rows and open rejects together must give what the source says it holds. A control sum adds amounts in
-- all currencies, as the source's own query does, so it is compared but never converted.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('INT-003') }},

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
                partition by rejects.source_system, rejects.source_instance, rejects.resource, rejects.record_id
                order by rejects.rejected_at desc, rejects.reject_id
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
            order by extract_runs.started_at desc, length(extract_runs.load_id) desc, extract_runs.load_id desc
        ) as newest_first
    from extract_runs
),

last_good as (
    select
        extract_runs.source_system,
        extract_runs.source_instance,
        extract_runs.resource,
        max(extract_runs.started_at) as loaded_at
    from extract_runs
    where extract_runs.status <> 'FAILED'
    group by extract_runs.source_system, extract_runs.source_instance, extract_runs.resource
),

gather_facts as (
    select
        instances.source_system,
        instances.source_instance,
        expected_datasets.resource,
        instances.source_system || '_' || instances.source_instance || '.' || expected_datasets.resource as dataset,
        expected_datasets.is_vital,
        coalesce(newest_runs.load_id, 'NONE') as load_id,
        newest_runs.started_at,
        coalesce(newest_runs.status, 'NONE') as status,
        newest_runs.error_code,
        newest_runs.error,
        newest_runs.cursor_from,
        newest_runs.cursor_to,
        newest_runs.source_count,
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
),

list_kinds as (
    select
        gather_facts.*,
        'COUNT' as kind,
        cast(gather_facts.source_count as decimal(28, 8)) as value_a,
        cast(gather_facts.held_rows as decimal(28, 8)) as value_b,
        coalesce(gather_facts.source_count <> gather_facts.held_rows, false) as is_broken,
        gather_facts.source_count is not null as is_asked,
        cast(null as decimal(19, 4)) as gap
    from gather_facts
    where gather_facts.status not in ('FAILED', 'NONE')
    union all
    select
        gather_facts.*,
        'AMOUNT' as kind,
        cast(gather_facts.source_amount as decimal(28, 8)) as value_a,
        cast(gather_facts.held_amount as decimal(28, 8)) as value_b,
        abs(gather_facts.source_amount - gather_facts.held_amount) > parameter.abs_tol as is_broken,
        true as is_asked,
        cast(abs(gather_facts.source_amount - gather_facts.held_amount) as decimal(19, 4)) as gap
    from gather_facts
    cross join parameter
    where
        gather_facts.status not in ('FAILED', 'NONE')
        and gather_facts.source_amount is not null
    union all
    select
        gather_facts.*,
        'STALE' as kind,
        cast(null as decimal(28, 8)) as value_a,
        cast(null as decimal(28, 8)) as value_b,
        gather_facts.is_old or (gather_facts.status = 'FAILED' and not gather_facts.failed_by_schema) as is_broken,
        true as is_asked,
        cast(null as decimal(19, 4)) as gap
    from gather_facts
    union all
    select
        gather_facts.*,
        'SCHEMA' as kind,
        cast(0 as decimal(28, 8)) as value_a,
        cast(gather_facts.change_count as decimal(28, 8)) as value_b,
        gather_facts.change_count > 0 or (gather_facts.status = 'FAILED' and gather_facts.failed_by_schema)
            as is_broken,
        true as is_asked,
        cast(null as decimal(19, 4)) as gap
    from gather_facts
),

evaluated as (
    select
        list_kinds.dataset || '|' || list_kinds.load_id || '|' || list_kinds.kind as grain_key,
        {{ null_text() }} as legal_entity_id,
        {{ null_text() }} as customer_id,
        {{ null_text() }} as contract_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as period,
        {{ null_text() }} as currency_code,
        list_kinds.value_a,
        list_kinds.value_b,
        list_kinds.is_broken,
        list_kinds.is_asked,
        list_kinds.is_vital,
        list_kinds.noticed_on as becomes_exception_on,
        cast(null as decimal(19, 4)) as amount_tc,
        cast(null as decimal(19, 4)) as population_tc,
        list_kinds.gap as amount_rc,
        'dataset:' || list_kinds.dataset as risk_object,
        case list_kinds.kind
            when 'COUNT' then 'MISSING_IN_B'
            when 'AMOUNT' then 'AMOUNT_DIFFERS'
            when 'STALE' then 'STALE'
            else 'COULD_NOT_RUN'
        end as break_type,
        {{ evidence([
            ('what', sentence([
                "'Dataset '", 'list_kinds.dataset', "', load '", 'list_kinds.load_id', "': '",
                "case list_kinds.kind"
                " when 'COUNT' then 'row count differs from the source'"
                " when 'AMOUNT' then 'control sum differs from the source'"
                " when 'STALE' then 'no fresh good load'"
                " else 'columns are gone or changed their type' end",
            ])),
            ('business_date', 'list_kinds.noticed_on'),
            ('document_no', 'list_kinds.load_id'),
            ('system_a', 'list_kinds.source_system'),
            ('system_b', "'warehouse'"),
            ('dataset', 'list_kinds.dataset'),
            ('kind', 'list_kinds.kind'),
            ('status', 'list_kinds.status'),
            ('error_code', 'list_kinds.error_code'),
            ('error', 'list_kinds.error'),
            ('source_count', 'list_kinds.source_count'),
            ('held_count', 'list_kinds.held_rows'),
            ('open_rejects', 'list_kinds.reject_rows'),
            ('source_amount', 'list_kinds.source_amount'),
            ('held_amount', 'list_kinds.held_amount'),
            ('last_good_load', 'list_kinds.loaded_at'),
            ('cursor_from', 'list_kinds.cursor_from'),
            ('cursor_to', 'list_kinds.cursor_to'),
            ('changed_columns', 'list_kinds.changed_columns'),
        ]) }} as evidence
    from list_kinds
),

{{ control_result(
    'INT-003',
    amount_rc='evaluated.amount_rc',
    population_rc='cast(null as decimal(19, 4))',
    is_evaluable='evaluated.is_asked',
    floor="case when evaluated.is_vital then 'S1' else parameter.floor end"
) }}
