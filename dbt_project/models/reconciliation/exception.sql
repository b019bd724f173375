-- Every grain of every control that did not pass: one row, one identity for life. counted_in_headline marks
-- the rows whose amounts add up to the headline: of all open exceptions that have no root, the largest per
-- risk type and object.
with

run as {{ control_run_row() }},

findings as (
    select
        finding.*,
        root_link.root_exception_id
    from {{ ref('control__finding') }} as finding
    left join {{ ref('recon__root_link') }} as root_link
        on finding.exception_id = root_link.exception_id
),

people as (
    select
        said.exception_id,
        said.state,
        said.acknowledged_until,
        said.decided_at
    from {{ source('inputs', 'exception_state') }} as said
),

-- The run before that could judge the control: what it made of the exception, null where it was gone by then.
run_before as (
    select
        earlier.exception_id,
        earlier.outcome,
        earlier.state,
        earlier.was_open,
        earlier.known_at
    from {{ source('inputs', 'prior_exception') }} as earlier
),

-- Gone and come back, or no longer covered by its waiver; and so until somebody takes it up again.
find_reopened as (
    select findings.exception_id
    from findings
    inner join run_before
        on findings.exception_id = run_before.exception_id
    left join people
        on findings.exception_id = people.exception_id
    where
        (people.decided_at is null or people.decided_at <= run_before.known_at)
        and (
            run_before.outcome is null and run_before.was_open
            or run_before.outcome = 'WAIVED'
            or run_before.state = 'REOPENED'
        )
),

rank_headline as (
    select
        findings.exception_id,
        row_number() over (
            partition by findings.risk_type, findings.risk_object
            order by findings.amount_at_risk desc, findings.exception_id asc
        ) as largest_first
    from findings
    where
        findings.outcome = 'EXCEPTION'
        and findings.root_exception_id is null
        and findings.amount_at_risk is not null
)

select
    findings.exception_id,
    findings.control_id,
    findings.grain_key,
    findings.outcome,
    case
        when findings.outcome = 'WAIVED' then 'WAIVED'
        when find_reopened.exception_id is not null then 'REOPENED'
        when people.state is null then 'NEW'
        -- what was put to rest and is broken again comes back under its old id; a run that could not look has
        -- verified nothing
        when
            people.state in ('CLOSED', 'RESOLVED_PENDING_VERIFY', 'WAIVED')
            and findings.outcome <> 'NOT_EVALUABLE' then 'REOPENED'
        when people.state = 'ACKNOWLEDGED' and people.acknowledged_until < run.as_of then 'REOPENED'
        else people.state
    end as state,
    findings.severity,
    findings.break_type,
    findings.risk_type,
    findings.risk_object,
    findings.legal_entity_id,
    findings.customer_id,
    findings.contract_id,
    findings.contract_line_id,
    findings.project_id,
    findings.period,
    findings.currency_code,
    findings.value_a,
    findings.value_b,
    findings.difference,
    findings.amount_at_risk,
    findings.amount_at_risk_tc,
    findings.becomes_exception_on,
    case
        when findings.becomes_exception_on <= run.as_of and findings.outcome <> 'PENDING'
            then cast({{ days_between('findings.becomes_exception_on', 'run.as_of') }} as integer)
    end as age_days,
    findings.root_exception_id,
    coalesce(rank_headline.largest_first = 1, false) as counted_in_headline,
    findings.evidence
from findings
cross join run
left join people
    on findings.exception_id = people.exception_id
left join find_reopened
    on findings.exception_id = find_reopened.exception_id
left join rank_headline
    on findings.exception_id = rank_headline.exception_id
