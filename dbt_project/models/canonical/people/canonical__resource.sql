with

mapped as (
    {{ port_rows('resource', computed=['legal_entity_id']) }}
),

versioned as (
    {{ versions('mapped', 'resource_id') }}
),

legal_entities as (
    select * from {{ newest('(' ~ port_rows('legal_entity') ~ ')', 'entity_code', everywhere=true) }}
)

select
    versioned.resource_id,
    {{ hash_key('versioned.resource_id') }} as resource_key,
    versioned.display_name_key,
    versioned.worker_type,
    versioned.is_active,
    versioned.employee_number,
    versioned.role,
    versioned.grade,
    versioned.legal_entity_code,
    legal_entities.legal_entity_id,
    versioned.practice_code,
    versioned.region_code,
    versioned.group_code,
    versioned.hire_date,
    versioned.termination_date,
    versioned.fte,
    versioned.weekly_hours,
    versioned.is_time_required,
    {{ envelope('versioned') }}
from versioned
left join legal_entities on versioned.legal_entity_code = legal_entities.entity_code
