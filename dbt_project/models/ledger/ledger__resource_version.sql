-- What was known, at every instant, of the person an entry names: the worker of the system of record, or the
-- contractor as the PSA has them. A contact that the record does not know is nobody's cost yet: `unknown`.
with person as (
    {{ ledger_dimension_versions(
        of_record('resource', ref('canonical__resource')),
        'resource_id',
        ['worker_type', 'legal_entity_id', 'practice_code', 'region_code', 'is_of_record'],
    ) }}
),

crosswalk as (
    {{ ledger_crosswalk('resource', ref('canonical__resource'), 'resource_id') }}
),

-- everyone is taken for a contact: where HR is the record, its own key never stands on a time entry
matched as (
    select
        person.resource_id as source_resource_id,
        person.is_known,
        person.worker_type,
        coalesce(person.is_of_record, false) as is_of_record,
        case when person.is_of_record then person.resource_id else crosswalk.right_key end as right_key,
        {{ ledger_interval(['person', 'crosswalk'], published=false) }}
    from person
    left join crosswalk
        on person.resource_id = crosswalk.left_key and {{ ledger_meets('crosswalk', ['person']) }}
),

placed as (
    select
        matched.source_resource_id,
        case
            when not matched.is_known then 'unknown'
            when matched.worker_type = 'contractor' then 'contractor'
            when worker.is_known then 'employee'
            else 'unknown'
        end as resource_kind,
        case
            when matched.is_known and matched.worker_type = 'contractor' then matched.source_resource_id
            when matched.is_known and worker.is_known then matched.right_key
            else concat('UNMAPPED:', matched.source_resource_id)
        end as resource_id,
        coalesce(worker.legal_entity_id, 'UNMAPPED:NONE') as legal_entity_id,
        coalesce(worker.practice_code, 'UNMAPPED:NONE') as practice_id,
        coalesce(worker.region_code, 'UNMAPPED:NONE') as region_id,
        {{ ledger_interval(['matched', 'worker'], published=false) }}
    from matched
    left join person as worker
        on matched.right_key = worker.resource_id and {{ ledger_meets('worker', ['matched']) }}
),

merged as (
    {{ ledger_merge_versions(
        'placed',
        ['source_resource_id'],
        ['resource_kind', 'resource_id', 'legal_entity_id', 'practice_id', 'region_id'],
    ) }}
)

select
    source_resource_id,
    {{ as_text('resource_kind') }} as resource_kind,
    {{ as_text('resource_id') }} as resource_id,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('practice_id') }} as practice_id,
    {{ as_text('region_id') }} as region_id,
    known_from,
    known_to
from merged
