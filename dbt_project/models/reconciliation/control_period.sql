-- The trend: what each control found in the last six months, each told by the last run published for a day of
-- it (its end, where a run was made for that), the present month by this run. A month nobody published a run
-- for has no row, so that nothing takes it for a clean one.
with

run as {{ control_run_row() }},

published as (
    select
        earlier.control_id,
        earlier.legal_entity_id,
        earlier.as_of,
        earlier.run_id,
        earlier.known_at,
        earlier.control_version,
        earlier.status,
        earlier.is_blocked,
        earlier.pending_count,
        earlier.exception_count,
        earlier.exception_amount
    from {{ source('inputs', 'prior_control_run') }} as earlier
),

present as (
    select
        told.control_id,
        told.legal_entity_id,
        told.as_of,
        told.run_id,
        told.known_at,
        told.control_version,
        told.status,
        told.control_id in (
            select finding.control_id
            from {{ ref('control__finding') }} as finding
            where
                finding.outcome = 'NOT_EVALUABLE'
                and finding.risk_object like 'dataset:%'
                and finding.control_id <> 'INT-003'
        ) as is_blocked,
        told.pending_count,
        told.exception_count,
        told.exception_amount
    from {{ ref('control_run') }} as told
),

join_runs as (
    select published.*
    from published
    union all
    select present.*
    from present
),

keep_six as (
    select join_runs.*
    from join_runs
    cross join run
    where join_runs.as_of >= {{ add_months_start('run.as_of', -5) }}
)

select
    keep_six.control_id,
    keep_six.legal_entity_id,
    {{ month_text('keep_six.as_of') }} as period,
    keep_six.as_of,
    keep_six.run_id,
    keep_six.known_at,
    keep_six.control_version,
    keep_six.status,
    keep_six.is_blocked,
    keep_six.pending_count,
    keep_six.exception_count,
    keep_six.exception_amount
from keep_six
