with

mapped as (
    {{ port_rows('contract') }}
),

versioned as (
    {{ versions('mapped', 'contract_id') }}
)

select
    contract_id,
    {{ hash_key('contract_id') }} as contract_key,
    contract_number,
    former_number,
    opportunity_id,
    customer_id,
    legal_entity_id,
    currency_code,
    billing_method,
    payment_terms_days,
    signed_on,
    effective_from,
    effective_to,
    closed_on,
    status_raw,
    status,
    hold_until,
    billing_frequency,
    exchange_rate,
    customer_po_number,
    created_at,
    {{ envelope() }}
from versioned
