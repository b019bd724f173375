with

documents as (
    select * from {{ ref('netsuite__transaction') }}
    where type in ('CustInvc', 'CustCred')
),

tax_lines as (
    select lines.* from {{ ref('stg_netsuite__transactionline') }} as lines
    where
        lines.taxline
        and exists (
            select 1
            from documents
            where documents.tl_instance = lines.tl_instance and documents.id = lines.transaction
        )
),

tax_line_versions as (
    {{ versions('tax_lines', 'uniquekey', native=true) }}
),

tax_moments as (
    select distinct
        tl_instance,
        transaction,
        known_from
    from tax_line_versions
),

-- What the tax lines of a document came to, at each instant one of them changed.
tax_of_documents as (
    select
        tax_moments.transaction,
        sum(case when lines.tl_is_deleted then 0 else lines.foreignamount end) as tax_amount,
        tax_moments.known_from as tl_known_at,
        tax_moments.tl_instance,
        max(lines.tl_source_updated_at) as tl_source_updated_at,
        false as tl_is_deleted,
        {{ null_text() }} as tl_deletion_basis,
        max_by(lines.tl_load_id, {{ load_order('lines.tl_load_id') }}) as tl_load_id,
        min(case when lines.tl_is_backfill then 1 else 0 end) = 1 as tl_is_backfill
    from tax_moments
    inner join tax_line_versions as lines
        on
            tax_moments.transaction = lines.transaction
            and tax_moments.tl_instance = lines.tl_instance
            and tax_moments.known_from >= lines.known_from
            and (lines.known_to is null or tax_moments.known_from < lines.known_to)
    group by tax_moments.tl_instance, tax_moments.transaction, tax_moments.known_from
),

taxed_documents as (
    {{ known_together(
        child='documents', parent='tax_of_documents',
        child_key='id', foreign_key='id', parent_key='transaction',
        columns=[
            'id', 'type', 'tranid', 'trandate', 'duedate', 'entity', 'currency', 'exchangerate',
            'foreigntotal', 'foreignamountunpaid', 'status', 'postingperiod', 'voided', 'subsidiary',
            'custbody_tl_doc_type', 'custbody_tl_applies_to', 'custbody_tl_reason_code',
            'custbody_tl_contract', 'custbody_tl_posted_at', 'custbody_tl_period_from',
            'custbody_tl_period_to',
        ],
        carried=['tax_amount'], cascade=false
    ) }}
),

-- Sales positive, credits negative, whichever sign the vendor prints a credit with.
signed_documents as (
    select
        documents.*,
        case when documents.type = 'CustCred' then -1 else 1 end as direction
    from taxed_documents as documents
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'documents.id', 'documents.tl_instance') }} as invoice_id,
    {{ coded('types') }} as document_type,
    coalesce(
        documents.custbody_tl_doc_type,
        case when documents.type = 'CustCred' then 'CREDIT_NOTE' else 'STANDARD' end
    ) as doc_type,
    documents.tranid as invoice_number,
    {{ own_key('netsuite', 'documents.entity', 'documents.tl_instance') }} as customer_id,
    {{ own_key('netsuite', 'documents.subsidiary', 'documents.tl_instance') }} as legal_entity_id,
    {{ own_key('netsuite', 'documents.custbody_tl_contract', 'documents.tl_instance') }} as contract_id,
    documents.trandate as invoice_date,
    documents.duedate as due_date,
    {{ own_key('netsuite', 'documents.postingperiod', 'documents.tl_instance') }} as posting_period_id,
    currencies.symbol as currency_code,
    documents.exchangerate as exchange_rate,
    {{ as_money('documents.direction * abs(documents.foreigntotal)') }} as total_amount,
    {{ as_money('documents.direction * abs(coalesce(documents.tax_amount, 0))') }} as tax_amount,
    {{ as_money(
        'documents.direction * (abs(documents.foreigntotal) - abs(coalesce(documents.tax_amount, 0)))'
    ) }}
        as net_amount,
    {{ as_money('documents.direction * abs(documents.foreignamountunpaid)') }} as amount_due,
    documents.status as status_raw,
    case when documents.voided then 'void' else {{ coded('statuses') }} end as status,
    documents.custbody_tl_posted_at as posted_at,
    {{ own_key('netsuite', 'documents.custbody_tl_applies_to', 'documents.tl_instance') }}
        as related_invoice_id,
    documents.custbody_tl_reason_code as reason_code,
    documents.custbody_tl_period_from as period_from,
    documents.custbody_tl_period_to as period_to,
    'netsuite' as source_system,
    {{ landed('documents') }}
from signed_documents as documents
left join currencies on documents.currency = currencies.id and documents.tl_instance = currencies.tl_instance
{{ code_join('types', 'document_type', 'netsuite', 'documents.type') }}
{{ code_join('statuses', 'invoice_status', 'netsuite', 'documents.status') }}
