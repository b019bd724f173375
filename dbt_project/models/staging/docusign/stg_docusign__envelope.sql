with

landed as (
    {{ landed_rows('docusign', 'envelope') }}
)

select
    nullif(envelope_id, '') as envelope_id,
    nullif(status, '') as status,
    nullif(email_subject, '') as email_subject,
    cast(created_date_time as {{ type_instant() }}) as created_date_time,
    cast(sent_date_time as {{ type_instant() }}) as sent_date_time,
    cast(delivered_date_time as {{ type_instant() }}) as delivered_date_time,
    cast(completed_date_time as {{ type_instant() }}) as completed_date_time,
    cast(declined_date_time as {{ type_instant() }}) as declined_date_time,
    cast(voided_date_time as {{ type_instant() }}) as voided_date_time,
    cast(status_changed_date_time as {{ type_instant() }}) as status_changed_date_time,
    nullif(purge_state, '') as purge_state,
    nullif(doc_type, '') as doc_type,
    nullif(contract_number, '') as contract_number,
    nullif(opportunity_id, '') as opportunity_id,
    nullif(account_id, '') as account_id,
    nullif(customer_name, '') as customer_name,
    {{ as_money('document_value') }} as document_value,
    nullif(currency, '') as currency,
    nullif(value_basis, '') as value_basis,
    {{ as_money('tax_amount') }} as tax_amount,
    cast(signed_on as date) as signed_on,
    cast(effective_from as date) as effective_from,
    cast(retroactive as boolean) as retroactive,
    {{ as_rate('extraction_confidence') }} as extraction_confidence,
    nullif(file_sha256, '') as file_sha256,
    nullif(registered_sha256, '') as registered_sha256,
    {{ landed() }}
from landed
