with

landed as (
    select * from {{ source('salesforce', 'user') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(email, '') as email,
    coalesce(is_active, false) as is_active,
    {{ landed() }}
from landed
qualify {{ once_per_load() }}
