-- What was billed, one row per version of an invoice line and stretch of knowledge about its document and
-- contract line. Credit notes are negative. Lines of drafts and void documents stay, not posted.
with invoice_line as (
    {{ ledger_fact_versions(
        ref('canonical__invoice_line'),
        'invoice_line_id',
        ['invoice_id', 'contract_line_id', 'source_type', 'source_key', 'quantity', 'net_amount',
        'currency_code'],
    ) }}
),

invoice as (
    {{ ledger_dimension_versions(
        ref('canonical__invoice'),
        'invoice_id',
        [
            'doc_type', 'invoice_number', 'customer_id', 'legal_entity_id', 'invoice_date', 'exchange_rate',
            'status', 'posted_at',
        ],
        record='invoice',
    ) }}
),

legal_entity as (
    {{ ledger_dimension_versions(ref('canonical__legal_entity'), 'legal_entity_id',
        ['functional_currency']) }}
),

line as (
    select
        contract_line_id,
        region_id,
        practice_id,
        project_id,
        legal_entity_id,
        customer_id,
        functional_currency,
        billing_method,
        known_from,
        known_to
    from {{ ref('ledger__contract_line_version') }}
),

conversion as {{ import_conversion() }},

document as (
    select
        invoice.invoice_id,
        invoice.is_known,
        invoice.doc_type,
        invoice.invoice_number,
        invoice.customer_id,
        invoice.legal_entity_id,
        invoice.invoice_date,
        invoice.exchange_rate,
        invoice.status,
        invoice.posted_at,
        legal_entity.functional_currency,
        {{ ledger_common('invoice', 'legal_entity') }}
    from invoice
    left join legal_entity
        on
            invoice.legal_entity_id = legal_entity.legal_entity_id
            and {{ ledger_overlap('invoice', 'legal_entity') }}
),

on_document as (
    select
        invoice_line.invoice_line_id,
        invoice_line.invoice_id,
        invoice_line.contract_line_id,
        invoice_line.source_type,
        invoice_line.source_key,
        invoice_line.quantity,
        invoice_line.net_amount,
        invoice_line.currency_code,
        invoice_line.source_system,
        invoice_line.source_instance,
        invoice_line.source_record_id,
        invoice_line.load_id,
        invoice_line.version_number,
        document.doc_type,
        document.invoice_number,
        document.customer_id,
        document.legal_entity_id,
        document.functional_currency,
        document.invoice_date,
        document.posted_at,
        document.exchange_rate,
        coalesce(document.is_known, false)
        and document.status not in ('draft', 'void')
        and document.posted_at is not null as is_posted,
        {{ ledger_common('invoice_line', 'document') }}
    from invoice_line
    left join document
        on invoice_line.invoice_id = document.invoice_id and {{ ledger_overlap('invoice_line', 'document') }}
),

placed as (
    select
        on_document.invoice_line_id,
        on_document.invoice_id,
        on_document.invoice_number,
        on_document.doc_type,
        on_document.source_type,
        on_document.source_key,
        on_document.quantity,
        on_document.net_amount,
        on_document.currency_code,
        on_document.invoice_date,
        on_document.posted_at,
        on_document.exchange_rate,
        on_document.is_posted,
        on_document.source_system,
        on_document.source_instance,
        on_document.source_record_id,
        on_document.load_id,
        on_document.version_number,
        line.billing_method,
        -- a line shared by several customers is billed to the one the document names
        coalesce(on_document.legal_entity_id, concat('UNMAPPED:', on_document.invoice_id)) as legal_entity_id,
        coalesce(on_document.customer_id, concat('UNMAPPED:', on_document.invoice_id)) as customer_id,
        coalesce(on_document.functional_currency, 'NONE') as functional_currency,
        coalesce(line.region_id, 'UNMAPPED:NONE') as region_id,
        coalesce(line.practice_id, 'UNMAPPED:NONE') as practice_id,
        coalesce(line.project_id, 'NONE') as project_id,
        coalesce(on_document.contract_line_id, 'NONE') as contract_line_id,
        {{ ledger_common('on_document', 'line') }}
    from on_document
    left join line
        on
            on_document.contract_line_id = line.contract_line_id
            and {{ ledger_overlap('on_document', 'line') }}
)

select
    placed.invoice_line_id,
    placed.invoice_id,
    placed.invoice_number,
    placed.doc_type,
    placed.source_type,
    placed.source_key,
    coalesce(placed.is_posted, false) as is_posted,
    placed.billing_method,
    placed.invoice_date,
    placed.posted_at,
    {{ ledger_dimension_columns('placed') }},
    placed.currency_code,
    placed.quantity,
    placed.net_amount as amount_tc,
    -- at the rate the document itself carries
    {{ ledger_at_rate('placed.net_amount', 'placed.exchange_rate') }} as amount_fc,
    {{ ledger_at_rate('placed.net_amount', 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate('placed.net_amount', 'conversion.rate_cc') }} as amount_cc,
    placed.source_system,
    placed.source_instance,
    placed.source_record_id,
    placed.load_id,
    placed.version_number,
    {{ ledger_published('placed', 'conversion') }}
from placed
{{ ledger_join_conversion('placed', 'currency_code', 'invoice_date') }}
