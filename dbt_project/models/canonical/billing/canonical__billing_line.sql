with

mapped as (
    {{ port_rows('billing_line') }}
),

versioned as (
    {{ versions('mapped', 'billing_line_id') }}
)

select
    billing_line_id,
    {{ hash_key('billing_line_id') }} as billing_line_key,
    project_id,
    category,
    amount,
    currency_code,
    billing_date,
    is_released,
    quantity,
    unit_price,
    timecard_split_id,
    expense_line_id,
    milestone_id,
    billing_event_id,
    invoice_number,
    is_invoiced,
    {{ envelope() }}
from versioned
