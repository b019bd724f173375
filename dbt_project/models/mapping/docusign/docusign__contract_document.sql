with

envelopes as (
    select * from {{ ref('stg_docusign__envelope') }}
)

select
    {{ own_key('docusign', 'envelopes.envelope_id', 'envelopes.tl_instance') }} as contract_document_id,
    'docusign' as document_system,
    coalesce(envelopes.email_subject, envelopes.doc_type, envelopes.envelope_id) as title,
    {{ coded_key('types', 'envelopes.doc_type') }} as document_type,
    envelopes.status as status_raw,
    {{ coded('statuses') }} as status,
    envelopes.contract_number as match_key,
    {{ null_text() }} as contract_id,
    {{ foreign_key('salesforce', 'envelopes.opportunity_id') }} as opportunity_id,
    {{ foreign_key('salesforce', 'envelopes.account_id') }} as customer_id,
    envelopes.customer_name,
    envelopes.document_value,
    envelopes.currency as currency_code,
    -- a value without a word is what the firm's own papers state
    coalesce({{ coded_key('bases', 'envelopes.value_basis') }}, 'NET') as value_basis,
    envelopes.tax_amount,
    envelopes.created_date_time as created_at,
    envelopes.sent_date_time as sent_at,
    envelopes.completed_date_time as completed_at,
    envelopes.signed_on,
    envelopes.effective_from,
    coalesce(envelopes.retroactive, false) as is_retroactive,
    cast(envelopes.extraction_confidence as {{ type_fraction() }}) as extraction_confidence,
    envelopes.file_sha256 as file_hash,
    envelopes.registered_sha256 as registered_hash,
    {{ null_text() }} as web_url,
    envelopes.status_changed_date_time as updated_at,
    'docusign' as source_system,
    {{ landed('envelopes') }}
from envelopes
{{ code_join('types', 'contract_document_type', 'docusign', 'envelopes.doc_type') }}
{{ code_join('statuses', 'contract_document_status', 'docusign', 'envelopes.status') }}
{{ code_join('bases', 'value_basis', 'docusign', 'envelopes.value_basis') }}
