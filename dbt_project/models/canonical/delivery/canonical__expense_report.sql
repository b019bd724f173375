with

mapped as (
    {{ port_rows('expense_report') }}
),

versioned as (
    {{ versions('mapped', 'expense_report_id') }}
)

select
    expense_report_id,
    {{ hash_key('expense_report_id') }} as expense_report_key,
    resource_id,
    project_id,
    status,
    submitted_at,
    approved_at,
    {{ envelope() }}
from versioned
