-- INT-003's verdict per dataset, and how many controls hang on it.
with

reads as (
    select
        control_dataset.source_system,
        control_dataset.resource,
        count(distinct control_dataset.control_id) as control_count,
        {{ list_agg_sorted('control_dataset.control_id') }} as controls
    from {{ ref('control_dataset') }} as control_dataset
    group by control_dataset.source_system, control_dataset.resource
),

-- What the newest load asked the source for: the field of its control sum, and the columns it found.
told_loads as (
    select
        extract_run.source_system,
        extract_run.source_instance,
        extract_run.resource,
        extract_run.load_id,
        max(extract_run.control_amount_field) as control_amount_field,
        max(extract_run.schema_hash) as schema_hash
    from {{ source('landing', 'extract_run') }} as extract_run
    group by
        extract_run.source_system, extract_run.source_instance, extract_run.resource, extract_run.load_id
)

select
    dataset_status.dataset,
    dataset_status.source_system,
    dataset_status.source_instance,
    dataset_status.resource,
    dataset_status.status,
    dataset_status.severity,
    dataset_status.failed_on,
    dataset_status.exception_id,
    dataset_status.reasons,
    cast(coalesce(reads.control_count, 0) as integer) as control_count,
    reads.controls,
    dataset_load.load_id,
    dataset_load.started_at as loaded_at,
    dataset_load.status as load_status,
    dataset_load.cursor_from,
    dataset_load.cursor_to,
    cast(dataset_load.source_count as bigint) as source_count,
    cast(dataset_load.held_rows as bigint) as held_count,
    cast(dataset_load.reject_rows as bigint) as reject_count,
    cast(dataset_load.source_amount as decimal(38, 4)) as source_amount,
    cast(dataset_load.held_amount as decimal(38, 4)) as held_amount,
    told_loads.control_amount_field,
    told_loads.schema_hash
from {{ ref('control__dataset_status') }} as dataset_status
left join reads
    on
        dataset_status.source_system = reads.source_system
        and dataset_status.resource = reads.resource
left join {{ ref('control__load') }} as dataset_load
    on dataset_status.dataset = dataset_load.dataset
left join told_loads
    on
        dataset_load.source_system = told_loads.source_system
        and dataset_load.source_instance = told_loads.source_instance
        and dataset_load.resource = told_loads.resource
        and dataset_load.load_id = told_loads.load_id
