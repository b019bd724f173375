-- What INT-003 says of each dataset: FAILED when any kind is an exception, UNKNOWN when one could not be
-- judged.
with

loads as (
    select
        dataset_load.dataset,
        dataset_load.source_system,
        dataset_load.source_instance,
        dataset_load.resource
    from {{ ref('control__load') }} as dataset_load
),

findings as (
    select
        substr(load_control.grain_key, 1, position('|' in load_control.grain_key) - 1) as dataset,
        load_control.outcome,
        load_control.severity,
        load_control.becomes_exception_on,
        {{ exception_key("'INT-003'", 'load_control.grain_key') }} as exception_id,
        substr(load_control.grain_key, position('|' in load_control.grain_key) + 1) as load_and_kind
    from {{ ref('ctl_int_003') }} as load_control
    where load_control.outcome <> 'PASS'
),

sum_findings as (
    select
        findings.dataset,
        max(case when findings.outcome = 'EXCEPTION' then 1 else 0 end) as has_exception,
        max(case when findings.outcome = 'NOT_EVALUABLE' then 1 else 0 end) as has_unknown,
        min(case when findings.outcome = 'EXCEPTION' then findings.severity end) as severity,
        min(case when findings.outcome = 'EXCEPTION' then findings.becomes_exception_on end) as failed_on,
        min(case when findings.outcome = 'EXCEPTION' then findings.exception_id end) as exception_id,
        {{ list_agg_sorted("case when findings.outcome = 'EXCEPTION' then findings.load_and_kind end") }}
            as reasons
    from findings
    group by findings.dataset
)

select
    loads.dataset,
    loads.source_system,
    loads.source_instance,
    loads.resource,
    case
        when sum_findings.has_exception = 1 then 'FAILED'
        when sum_findings.has_unknown = 1 then 'UNKNOWN'
        else 'OK'
    end as status,
    sum_findings.severity,
    sum_findings.failed_on,
    sum_findings.exception_id,
    sum_findings.reasons
from loads
left join sum_findings
    on loads.dataset = sum_findings.dataset
