-- Every grain that did not pass, with its exception's id, waivers applied, before people's say and before
-- roots.
with

run as {{ control_run_row() }},

outcomes as (
    select
        outcome_row.*,
        {{ exception_key('outcome_row.control_id', 'outcome_row.grain_key') }} as exception_id
    from {{ ref('control__outcome') }} as outcome_row
    where outcome_row.outcome <> 'PASS'
),

-- a waiver that has run out, or whose cap the amount has outgrown, covers nothing
standing_waivers as (
    select
        waiver.exception_id,
        max(waiver.amount_cap) as amount_cap,
        max(waiver.currency_code) as currency_code
    from {{ source('inputs', 'waiver') }} as waiver
    cross join run
    where
        waiver.valid_from <= run.as_of
        and (waiver.valid_to is null or waiver.valid_to >= run.as_of)
    group by waiver.exception_id
)

select
    outcomes.exception_id,
    outcomes.control_id,
    outcomes.grain_key,
    case
        when
            outcomes.outcome = 'EXCEPTION'
            and standing_waivers.exception_id is not null
            and (
                standing_waivers.amount_cap is null
                or (
                    coalesce(standing_waivers.currency_code, run.reporting_currency) = run.reporting_currency
                    and outcomes.amount_at_risk <= standing_waivers.amount_cap
                )
                or (
                    standing_waivers.currency_code <> run.reporting_currency
                    and standing_waivers.currency_code = outcomes.currency_code
                    and outcomes.amount_at_risk_tc <= standing_waivers.amount_cap
                )
            )
            then 'WAIVED'
        else outcomes.outcome
    end as outcome,
    outcomes.severity,
    outcomes.break_type,
    outcomes.risk_type,
    outcomes.risk_object,
    outcomes.legal_entity_id,
    outcomes.customer_id,
    outcomes.contract_id,
    outcomes.contract_line_id,
    outcomes.project_id,
    outcomes.period,
    outcomes.currency_code,
    outcomes.value_a,
    outcomes.value_b,
    outcomes.difference,
    outcomes.amount_at_risk,
    outcomes.amount_at_risk_tc,
    outcomes.becomes_exception_on,
    outcomes.evidence
from outcomes
cross join run
left join standing_waivers
    on outcomes.exception_id = standing_waivers.exception_id
