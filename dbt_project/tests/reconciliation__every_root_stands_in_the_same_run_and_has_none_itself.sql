-- The wrong number this would let through: a headline short by cause and effect together. A child is left
-- out of the headline because its root counts; a root that is not there, or is itself a child, lets both
-- vanish.
-- Not asserted: that the root is the right cause.
select
    child.exception_id,
    child.root_exception_id
from {{ ref('exception') }} as child
left join {{ ref('exception') }} as root
    on child.root_exception_id = root.exception_id
where
    child.root_exception_id is not null
    and (root.exception_id is null or root.root_exception_id is not null)
