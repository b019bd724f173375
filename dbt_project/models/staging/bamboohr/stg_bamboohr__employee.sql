with

landed as (
    {{ landed_rows('bamboohr', 'employee') }}
)

select
    nullif(id, '') as id,
    nullif(employee_number, '') as employee_number,
    nullif(status, '') as status,
    cast(hire_date as date) as hire_date,
    cast(termination_date as date) as termination_date,
    nullif(job_title, '') as job_title,
    nullif(custom_grade, '') as custom_grade,
    nullif(department, '') as department,
    nullif(division, '') as division,
    nullif(custom_legal_entity, '') as custom_legal_entity,
    {{ as_rate('custom_fte') }} as custom_fte,
    {{ as_hours('custom_standard_hours') }} as custom_standard_hours,
    -- a firm without the field expects time of everybody
    coalesce(custom_time_required, true) as custom_time_required,
    nullif(supervisor_e_id, '') as supervisor_e_id,
    tl_personal_hash,
    {{ landed() }}
from landed
