{{ config(database='serving') }}

with

units as (
    select * from {{ as_known(ref('canonical__org_unit')) }} as known
)

-- Facts carry the code as practice_id and region_id.
select
    unit_type,
    code,
    org_unit_id,
    name,
    is_active
from units
