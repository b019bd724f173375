-- Every case that waits at a stage of the way from won deal to cash: the rows behind the counts and amounts
-- that handoff_stage says are open.
select
    stage,
    case_type,
    case_id,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    {{ run_as_of() }} as as_of,
    cohort_month,
    started_on,
    due_on,
    cast(open_age as integer) as open_age,
    cast(amount_rc as decimal(28, 4)) as amount_rc,
    is_breached
from {{ ref('lifecycle__handoff') }}
where state = 'OPEN'
