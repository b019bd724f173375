with

employees as (
    {{ personal_fields(
        'bamboohr', 'employee', ref('stg_bamboohr__employee'),
        ['preferred_name', 'first_name', 'last_name', 'work_email']
    ) }}
)

select
    personal_key,
    coalesce(preferred_name, first_name) || ' ' || last_name as name,
    work_email as email
from employees
