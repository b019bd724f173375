-- The wrong number this would let through: no exceptions, on half the data. A load that lost rows makes its
-- readers look clean (fewer rows, fewer differences); whoever reads a failed dataset must say NOT_EVALUABLE
-- and nothing else.
-- Not asserted: that the verdict on the load is right; that is INT-003's own.
select
    run.control_id,
    dataset_status.dataset,
    run.status
from {{ ref('recon__dataset_status') }} as dataset_status
inner join {{ ref('control_dataset') }} as reads
    on
        dataset_status.source_system = reads.source_system
        and dataset_status.resource = reads.resource
inner join {{ ref('control_run') }} as run
    on
        reads.control_id = run.control_id
        and run.legal_entity_id = 'ALL'
where
    dataset_status.status = 'FAILED'
    and (run.status <> 'NOT_EVALUABLE' or run.pass_count > 0)
