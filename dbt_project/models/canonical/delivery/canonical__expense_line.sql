with

mapped as (
    {{ port_rows('expense_line') }}
),

versioned as (
    {{ versions('mapped', 'expense_line_id') }}
)

select
    expense_line_id,
    {{ hash_key('expense_line_id') }} as expense_line_key,
    expense_report_id,
    resource_id,
    project_id,
    expense_date,
    category,
    incurred_amount,
    incurred_currency_code,
    billing_amount,
    billing_currency_code,
    is_billable,
    status,
    submitted_at,
    approved_at,
    {{ envelope() }}
from versioned
