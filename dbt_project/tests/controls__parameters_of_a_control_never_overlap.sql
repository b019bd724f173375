-- The wrong number this would let through: every grain of a control, and its amount at risk, twice,
-- because each joins the control's one row of parameters in force and finds two; or none at all, and so no
-- exceptions.
-- Not asserted: that a control is in force on every day of the past.
select
    control.control_id,
    count(one.control_id) as periods_that_hold,
    max(case when other.control_id is not null then 1 else 0 end) as has_overlap
from {{ ref('control') }} as control
left join {{ ref('control_parameter') }} as one
    on control.control_id = one.control_id
left join {{ ref('control_parameter') }} as other
    on
        one.control_id = other.control_id
        and one.effective_from < other.effective_from
        and (one.effective_to is null or one.effective_to > other.effective_from)
group by control.control_id
having
    count(one.control_id) = 0
    or max(case when other.control_id is not null then 1 else 0 end) = 1
