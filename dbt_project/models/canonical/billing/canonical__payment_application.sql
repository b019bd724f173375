with

mapped as (
    {{ port_rows('payment_application') }}
),

versioned as (
    {{ versions('mapped', 'payment_application_id') }}
)

select
    payment_application_id,
    {{ hash_key('payment_application_id') }} as payment_application_key,
    invoice_id,
    customer_payment_id,
    credit_invoice_id,
    applied_amount,
    currency_code,
    applied_date,
    kind,
    {{ envelope() }}
from versioned
