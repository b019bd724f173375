with

mapped as (
    {{ port_rows('invoice') }}
),

versioned as (
    {{ versions('mapped', 'invoice_id') }}
)

select
    invoice_id,
    {{ hash_key('invoice_id') }} as invoice_key,
    document_type,
    doc_type,
    invoice_number,
    customer_id,
    legal_entity_id,
    contract_id,
    invoice_date,
    due_date,
    posting_period_id,
    currency_code,
    exchange_rate,
    total_amount,
    tax_amount,
    net_amount,
    amount_due,
    status_raw,
    status,
    posted_at,
    related_invoice_id,
    reason_code,
    period_from,
    period_to,
    {{ envelope() }}
from versioned
