-- What INT-003 says of each dataset: FAILED when any kind is an exception, UNKNOWN when one could not be
-- judged.
with

findings as (
    select
        substr(load_control.grain_key, 1, position('|' in load_control.grain_key) - 1) as dataset,
        load_control.outcome,
        load_control.severity,
        load_control.becomes_exception_on,
        {{ exception_key("'INT-003'", 'load_control.grain_key') }} as exception_id,
        substr(load_control.grain_key, position('|' in load_control.grain_key) + 1) as load_and_kind
    from {{ ref('ctl_int_003') }} as load_control
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
    sum_findings.dataset,
    substr(sum_findings.dataset, 1, position('_' in sum_findings.dataset) - 1) as source_system,
    substr(
        sum_findings.dataset,
        position('_' in sum_findings.dataset) + 1,
        position('.' in sum_findings.dataset) - position('_' in sum_findings.dataset) - 1
    ) as source_instance,
    substr(sum_findings.dataset, position('.' in sum_findings.dataset) + 1) as resource,
    case
        when sum_findings.has_exception = 1 then 'FAILED'
        when sum_findings.has_unknown = 1 then 'UNKNOWN'
        else 'OK'
    end as status,
    sum_findings.severity,
    sum_findings.failed_on,
    sum_findings.exception_id,
    sum_findings.reasons
from sum_findings
