with

mapped as (
    {{ port_rows('contract_document') }}
),

versioned as (
    {{ versions('mapped', 'contract_document_id') }}
)

select
    contract_document_id,
    {{ hash_key('contract_document_id') }} as contract_document_key,
    document_system,
    title,
    document_type,
    status_raw,
    status,
    match_key,
    contract_id,
    opportunity_id,
    customer_id,
    customer_name,
    document_value,
    currency_code,
    value_basis,
    tax_amount,
    created_at,
    sent_at,
    completed_at,
    signed_on,
    effective_from,
    is_retroactive,
    extraction_confidence,
    file_hash,
    registered_hash,
    web_url,
    updated_at,
    {{ envelope() }}
from versioned
