with

codes as (
    select * from {{ ref('codes') }}
)

select
    code_type,
    source_system,
    source_value,
    canonical_value,
    valid_from,
    valid_to
from codes
