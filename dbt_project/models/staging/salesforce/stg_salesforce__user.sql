with

landed as (
    {{ landed_rows('salesforce', 'user') }}
)

select
    nullif(id, '') as id,
    coalesce(is_active, false) as is_active,
    tl_personal_hash,
    {{ landed() }}
from landed
