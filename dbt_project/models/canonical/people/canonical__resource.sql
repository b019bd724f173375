with

bamboohr_rows as (
    select * from {{ ref('bamboohr__resource') }}
),

certinia_rows as (
    select * from {{ ref('certinia__resource') }}
),

mapped as (
    select
        resource_id,
        display_name_key,
        worker_type,
        is_active,
        employee_number,
        role,
        grade,
        legal_entity_code,
        practice_code,
        region_code,
        group_code,
        hire_date,
        termination_date,
        fte,
        weekly_hours,
        is_time_required,
        source_system,
        {{ landed() }}
    from bamboohr_rows
    union all
    select
        resource_id,
        display_name_key,
        worker_type,
        is_active,
        employee_number,
        role,
        grade,
        legal_entity_code,
        practice_code,
        region_code,
        group_code,
        hire_date,
        termination_date,
        fte,
        weekly_hours,
        is_time_required,
        source_system,
        {{ landed() }}
    from certinia_rows
),

versioned as (
    {{ versions('mapped', 'resource_id') }}
),

legal_entities as (
    select * from {{ newest(ref('netsuite__legal_entity'), 'entity_code') }}
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
