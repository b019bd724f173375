with

documents as (
    select * from {{ ref('stg_netsuite__transaction') }}
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

-- Headers of every kind, with what their lines take from them.
select
    {{ own_key('netsuite', 'documents.id', 'documents.tl_instance') }} as document_id,
    documents.type as document_type,
    documents.trandate as document_date,
    {{ own_key('netsuite', 'documents.entity', 'documents.tl_instance') }} as entity_id,
    {{ own_key('netsuite', 'documents.subsidiary', 'documents.tl_instance') }} as legal_entity_id,
    {{ own_key('netsuite', 'documents.postingperiod', 'documents.tl_instance') }} as posting_period_id,
    currencies.symbol as currency_code,
    documents.posting and not documents.voided as is_posting,
    {{ landed('documents') }}
from documents
left join currencies on documents.currency = currencies.id and documents.tl_instance = currencies.tl_instance
