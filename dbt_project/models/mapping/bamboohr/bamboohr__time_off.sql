with

requests as (
    select * from {{ ref('stg_bamboohr__time_off') }}
)

select
    {{ own_key('bamboohr', 'requests.id', 'requests.tl_instance') }} as time_off_id,
    {{ own_key('bamboohr', 'requests.employee_id', 'requests.tl_instance') }} as resource_id,
    requests.start_date,
    requests.end_date,
    requests.amount as hours,
    requests.type as absence_type,
    {{ coded('statuses') }} as status,
    'bamboohr' as source_system,
    {{ landed('requests') }}
from requests
{{ code_join('statuses', 'absence_status', 'bamboohr', 'requests.status') }}
