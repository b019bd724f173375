-- A load lost rows or money, went stale, left a gap behind the loads before it, or met a changed schema.
-- One grain per dataset, its newest load, and kind. Deletes that were not seen show as too many rows.
-- Landed live rows and open rejects together must give what the source says it holds. A control sum adds
-- amounts in all currencies, as the source's own query does, so it is compared but never converted.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('INT-003') }},

gather_facts as (
    select dataset_load.*
    from {{ ref('control__load') }} as dataset_load
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
    where
        gather_facts.status not in ('FAILED', 'NONE')
        and gather_facts.can_be_counted
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
        gather_facts.is_old or (gather_facts.status = 'FAILED' and not gather_facts.failed_by_schema)
            as is_broken,
        true as is_asked,
        cast(null as decimal(19, 4)) as gap
    from gather_facts
    union all
    -- a window that begins after the end of all that was read before leaves out what changed in between
    select
        gather_facts.*,
        'GAP' as kind,
        cast(null as decimal(28, 8)) as value_a,
        cast(null as decimal(28, 8)) as value_b,
        gather_facts.cursor_from > gather_facts.read_before_to as is_broken,
        true as is_asked,
        cast(null as decimal(19, 4)) as gap
    from gather_facts
    where
        gather_facts.status not in ('FAILED', 'NONE')
        and gather_facts.cursor_from is not null
        and gather_facts.read_before_to is not null
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
            when 'GAP' then 'MISSING_IN_B'
            else 'COULD_NOT_RUN'
        end as break_type,
        {{ evidence([
            ('what', sentence([
                "'Dataset '", 'list_kinds.dataset', "', load '", 'list_kinds.load_id', "': '",
                "case list_kinds.kind"
                " when 'COUNT' then 'row count differs from the source'"
                " when 'AMOUNT' then 'control sum differs from the source'"
                " when 'STALE' then 'no fresh good load'"
                " when 'GAP' then 'the window begins after the end of what was read before'"
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
            ('read_before_to', 'list_kinds.read_before_to'),
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
