-- A child is left out of the headline because its root counts. A root that is not there, or is itself a
-- child, would let both vanish from it.
select
    child.exception_id,
    child.root_exception_id
from {{ ref('exception') }} as child
left join {{ ref('exception') }} as root
    on child.root_exception_id = root.exception_id
where
    child.root_exception_id is not null
    and (root.exception_id is null or root.root_exception_id is not null)
