-- The wrong number this would let through: a handoff that looks fast because its slowest cases vanished. Each
-- deal stands in the stages that begin with the signature, each is done or open, and what is open has an age:
-- without one it would be missing from the oldest and from the percentile.
-- Not asserted: the age of a case whose legal entity is not known (its contract's load failed): nobody knows
-- whose working days to count, and MDM-003 and INT-003 name what is missing.
select
    stage,
    case_id,
    state,
    lag,
    open_age
from {{ ref('lifecycle__handoff') }}
where
    (
        state = 'OPEN'
        and (finished_on is not null or (open_age is null and legal_entity_id not like 'UNMAPPED:%'))
    )
    or (state in ('COMPLETED', 'NEGATIVE') and (finished_on is null or lag is null))
union all
select
    't1_t2' as stage,
    deal.opportunity_id as case_id,
    'MISSING' as state,
    null as lag,
    null as open_age
from {{ ref('lifecycle__deal_stage') }} as deal
left join {{ ref('lifecycle__handoff') }} as handoff
    on deal.opportunity_id = handoff.case_id and handoff.stage = 't1_t2'
where handoff.case_id is null
