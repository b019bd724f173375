with

employees as (
    select * from {{ ref('stg_bamboohr__employee') }}
)

select
    {{ own_key('bamboohr', 'employees.id', 'employees.tl_instance') }} as resource_id,
    {{ own_key('bamboohr', 'employees.id', 'employees.tl_instance') }} as display_name_key,
    'employee' as worker_type,
    coalesce(employees.status = 'Active', false) as is_active,
    employees.employee_number,
    employees.job_title as role,
    employees.custom_grade as grade,
    employees.custom_legal_entity as legal_entity_code,
    {{ coded_key('practices', 'employees.department') }} as practice_code,
    {{ coded_key('regions', 'employees.division') }} as region_code,
    {{ null_text() }} as group_code,
    employees.hire_date,
    employees.termination_date,
    coalesce(employees.custom_fte, {{ as_rate('1') }}) as fte,
    employees.custom_standard_hours as weekly_hours,
    employees.custom_time_required as is_time_required,
    'bamboohr' as source_system,
    {{ landed('employees') }}
from employees
{{ code_join('practices', 'practice', 'bamboohr', 'employees.department') }}
{{ code_join('regions', 'region', 'bamboohr', 'employees.division') }}
