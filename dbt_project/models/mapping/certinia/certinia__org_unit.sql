with

regions as (
    select * from {{ ref('stg_certinia__region') }}
),

practices as (
    select * from {{ ref('stg_certinia__practice') }}
),

grps as (
    select * from {{ ref('stg_certinia__grp') }}
),

units as (
    select
        id,
        name,
        code__c,
        'region' as unit_type,
        {{ landed() }}
    from regions
    union all
    select
        id,
        name,
        code__c,
        'practice' as unit_type,
        {{ landed() }}
    from practices
    union all
    select
        id,
        name,
        code__c,
        'group' as unit_type,
        {{ landed() }}
    from grps
)

select
    {{ own_key('certinia', 'id') }} as org_unit_id,
    code__c as code,
    name,
    unit_type,
    true as is_active,
    'certinia' as source_system,
    {{ landed() }}
from units
