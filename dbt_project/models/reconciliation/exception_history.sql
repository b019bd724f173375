-- What is known of each exception from the runs published before: since when it is there, how often it was
-- seen, and whether it is new, the same, worse, better or back. What was there before and is gone stands here
-- as RESOLVED.
{%- set carried = prior_columns() %}
with

run as {{ control_run_row() }},

present as (
    select
        found.exception_id,
        found.control_id,
        found.grain_key,
        found.outcome,
        found.severity,
        found.amount_at_risk,
        found.becomes_exception_on
    from {{ ref('exception') }} as found
),

prior as (
    select
        earlier.exception_id,
        earlier.control_id,
        earlier.grain_key,
        earlier.outcome,
        earlier.severity,
        earlier.amount_at_risk,
        earlier.becomes_exception_on,
        {{ 'earlier.first_seen_on' if 'first_seen_on' in carried else null_date() }} as first_seen_on,
        {{ 'earlier.occurrences' if 'occurrences' in carried else 'cast(null as integer)' }} as occurrences,
        earlier.run_id
    from {{ source('inputs', 'prior_exception') }} as earlier
)

select
    coalesce(present.exception_id, prior.exception_id) as exception_id,
    coalesce(present.control_id, prior.control_id) as control_id,
    coalesce(present.grain_key, prior.grain_key) as grain_key,
    present.outcome,
    prior.outcome as prior_outcome,
    prior.run_id as prior_run_id,
    -- before first_seen_on is carried from run to run, the day it fell due is the best that is known of an
    -- old one
    cast(coalesce(
        prior.first_seen_on,
        case when prior.exception_id is not null then prior.becomes_exception_on end,
        run.as_of
    ) as date) as first_seen_on,
    cast(
        case
            when present.exception_id is null then coalesce(prior.occurrences, 1)
            when prior.exception_id is null then 1
            else coalesce(prior.occurrences, 1) + 1
        end as integer
    ) as occurrences,
    present.exception_id is not null and prior.exception_id is null as is_new,
    case
        when present.exception_id is null then 'RESOLVED'
        when prior.exception_id is null then 'NEW'
        when prior.outcome <> 'EXCEPTION' and present.outcome = 'EXCEPTION' then 'WORSE'
        when prior.outcome = 'EXCEPTION' and present.outcome <> 'EXCEPTION' then 'BETTER'
        when present.amount_at_risk > prior.amount_at_risk or present.severity < prior.severity then 'WORSE'
        when present.amount_at_risk < prior.amount_at_risk then 'BETTER'
        else 'SAME'
    end as change,
    prior.amount_at_risk as prior_amount_at_risk,
    {{ as_money('coalesce(present.amount_at_risk, 0) - coalesce(prior.amount_at_risk, 0)') }}
        as change_of_amount
from present
full outer join prior
    on present.exception_id = prior.exception_id
cross join run
