with

landed as (
    {{ landed_rows('bamboohr', 'job_info') }}
)

select
    nullif(id, '') as id,
    nullif(employee_id, '') as employee_id,
    cast({{ quote_name('date') }} as date) as effective_date,
    nullif(location, '') as location,
    nullif(department, '') as department,
    nullif(division, '') as division,
    nullif(job_title, '') as job_title,
    nullif(custom_grade, '') as custom_grade,
    nullif(custom_legal_entity, '') as custom_legal_entity,
    {{ landed() }}
from landed
