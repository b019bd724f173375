-- The wrong number this would let through: a headline that adds up the same money twice, because two controls
-- find it or a cause stands beside its effect. Per kind of risk and object at most one row counts, it is the
-- largest, and none has a root.
-- Not asserted: that a control's own total equals the headline; controls may overlap.
select
    found.risk_type,
    found.risk_object,
    count(*) as counted_rows
from {{ ref('exception') }} as found
where found.counted_in_headline
group by found.risk_type, found.risk_object
having
    count(*) > 1
    or count(found.root_exception_id) > 0
    or max(found.amount_at_risk) < (
        select max(other.amount_at_risk)
        from {{ ref('exception') }} as other
        where
            other.outcome = 'EXCEPTION'
            and other.root_exception_id is null
            and other.risk_type = found.risk_type
            and other.risk_object = found.risk_object
    )
