-- The wrong number this would let through: a deal or project counted under two customers, doubling
-- whatever is summed over the link.
-- Not asserted: that each right key has one left key; two accounts of the CRM may well be one customer.
select
    one.entity_type,
    one.left_key,
    one.right_key,
    other.right_key as other_right_key
from {{ ref('master__entity_xref') }} as one
inner join {{ ref('master__entity_xref') }} as other
    on
        one.entity_type = other.entity_type
        and one.left_key = other.left_key
        and one.right_key < other.right_key
where {{ known_at_once('one', 'other') }}
