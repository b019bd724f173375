-- What is known of each exception from the runs published before: since when it is there, how often it was
-- seen, and whether it is new, the same, worse, better or back. What the run before had and is gone stands
-- here as RESOLVED, or as NOT_CHECKED when its control could not run: what nobody looked at is not resolved.
with

run as {{ control_run_row() }},

present as (
    select
        found.exception_id,
        found.control_id,
        found.grain_key,
        found.outcome,
        found.state,
        found.severity,
        found.amount_at_risk
    from {{ ref('exception') }} as found
),

blocked_controls as (
    select distinct finding.control_id
    from {{ ref('control__finding') }} as finding
    where
        finding.outcome = 'NOT_EVALUABLE'
        and finding.risk_object like 'dataset:%'
        and finding.control_id <> 'INT-003'
),

run_before as (
    select
        earlier.exception_id,
        earlier.control_id,
        earlier.grain_key,
        earlier.outcome,
        earlier.severity,
        earlier.amount_at_risk,
        earlier.first_seen_on,
        earlier.occurrences,
        earlier.was_open,
        earlier.run_id,
        earlier.period_outcome,
        earlier.period_amount_at_risk
    from {{ source('inputs', 'prior_exception') }} as earlier
),

-- The controls that could look around in the last run of the month before: what they did not find was not
-- there.
prior_period as (
    select
        ended.control_id,
        ended.as_of
    from {{ source('inputs', 'prior_control_run') }} as ended
    cross join run
    where
        ended.legal_entity_id = 'ALL'
        and not ended.is_blocked
        and ended.as_of >= {{ add_months_start('run.as_of', -1) }}
        and ended.as_of < {{ month_start('run.as_of') }}
),

match_prior as (
    select
        coalesce(present.exception_id, run_before.exception_id) as exception_id,
        coalesce(present.control_id, run_before.control_id) as control_id,
        coalesce(present.grain_key, run_before.grain_key) as grain_key,
        present.outcome,
        run_before.outcome as prior_outcome,
        case when run_before.outcome is not null then run_before.run_id end as prior_run_id,
        coalesce(run_before.first_seen_on, run.as_of) as first_seen_on,
        coalesce(run_before.occurrences, 0)
        + case when present.exception_id is null then 0 else 1 end as occurrences,
        case
            when present.exception_id is null then 'GONE'
            when run_before.outcome is null and coalesce(run_before.was_open, false) then 'REOPENED'
            when run_before.outcome is null then 'NEW'
            when
                present.outcome = 'NOT_EVALUABLE'
                and run_before.outcome <> 'NOT_EVALUABLE' then 'NOT_CHECKED'
            when run_before.outcome = 'WAIVED' and present.outcome = 'EXCEPTION' then 'REOPENED'
            when run_before.outcome <> 'EXCEPTION' and present.outcome = 'EXCEPTION' then 'WORSE'
            when run_before.outcome = 'EXCEPTION' and present.outcome <> 'EXCEPTION' then 'BETTER'
            when
                present.amount_at_risk > run_before.amount_at_risk
                or present.severity < run_before.severity then 'WORSE'
            when present.amount_at_risk < run_before.amount_at_risk then 'BETTER'
            else 'SAME'
        end as change,
        run_before.amount_at_risk as prior_amount_at_risk,
        -- an amount nobody can convert is unknown; what was not there, or is gone, had none
        {{ as_money('
            case when present.exception_id is null then 0 else present.amount_at_risk end
            - case when run_before.outcome is null then 0 else run_before.amount_at_risk end
        ') }} as change_of_amount,
        run_before.period_outcome,
        run_before.period_amount_at_risk
    from present
    full outer join run_before
        on present.exception_id = run_before.exception_id
    cross join run
    -- what was gone before the run before is no news
    where present.exception_id is not null or run_before.outcome is not null
)

select
    match_prior.exception_id,
    match_prior.control_id,
    match_prior.grain_key,
    match_prior.outcome,
    match_prior.prior_outcome,
    match_prior.prior_run_id,
    cast(match_prior.first_seen_on as date) as first_seen_on,
    cast(match_prior.occurrences as integer) as occurrences,
    match_prior.change = 'NEW' as is_new,
    case
        when match_prior.change = 'GONE' and blocked_controls.control_id is not null then 'NOT_CHECKED'
        when match_prior.change = 'GONE' then 'RESOLVED'
        else match_prior.change
    end as change,
    match_prior.prior_amount_at_risk,
    case
        when match_prior.change <> 'GONE' or blocked_controls.control_id is null
            then match_prior.change_of_amount
    end as change_of_amount,
    prior_period.as_of as prior_period_as_of,
    {{ as_money("
        case
            when match_prior.period_outcome is not null then match_prior.period_amount_at_risk
            when prior_period.as_of is not null then 0
        end
    ") }} as prior_period_amount
from match_prior
left join blocked_controls
    on match_prior.control_id = blocked_controls.control_id
left join prior_period
    on match_prior.control_id = prior_period.control_id
