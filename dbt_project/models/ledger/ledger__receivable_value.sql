-- What posted documents ask of customers, gross of tax, one row per version and stretch of knowledge. A
-- credit note is negative.
with invoice as (
    {{ ledger_fact_versions(
        ref('canonical__invoice'),
        'invoice_id',
        [
            'doc_type', 'invoice_number', 'customer_id', 'legal_entity_id', 'contract_id', 'invoice_date',
            'due_date', 'currency_code', 'exchange_rate', 'total_amount', 'status', 'posted_at',
        ],
        record='invoice',
    ) }}
),

legal_entity as (
    {{ ledger_dimension_versions(ref('canonical__legal_entity'), 'legal_entity_id',
        ['functional_currency']) }}
),

conversion as {{ import_conversion() }},

placed as (
    select
        invoice.invoice_id,
        invoice.doc_type,
        invoice.invoice_number,
        invoice.contract_id,
        invoice.invoice_date,
        invoice.due_date,
        invoice.posted_at,
        invoice.currency_code,
        invoice.exchange_rate,
        invoice.total_amount,
        invoice.status,
        invoice.source_system,
        invoice.source_instance,
        invoice.source_record_id,
        invoice.load_id,
        invoice.version_number,
        coalesce(invoice.legal_entity_id, concat('UNMAPPED:', invoice.invoice_id)) as legal_entity_id,
        -- receivables are the customer's, whatever the work was
        'NONE' as region_id,
        'NONE' as practice_id,
        coalesce(invoice.customer_id, concat('UNMAPPED:', invoice.invoice_id)) as customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        coalesce(legal_entity.functional_currency, 'NONE') as functional_currency,
        {{ ledger_interval(['invoice', 'legal_entity'], published=false) }}
    from invoice
    left join legal_entity
        on
            invoice.legal_entity_id = legal_entity.legal_entity_id
            and {{ ledger_meets('legal_entity', ['invoice']) }}
)

select
    placed.invoice_id,
    placed.doc_type,
    placed.invoice_number,
    placed.contract_id,
    placed.invoice_date,
    placed.due_date,
    placed.posted_at,
    coalesce(placed.status not in ('draft', 'void') and placed.posted_at is not null, false) as is_posted,
    {{ ledger_dimension_columns('placed') }},
    placed.currency_code,
    placed.total_amount as amount_tc,
    {{ ledger_at_rate('placed.total_amount', 'placed.exchange_rate') }} as amount_fc,
    {{ ledger_at_rate('placed.total_amount', 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate('placed.total_amount', 'conversion.rate_cc') }} as amount_cc,
    placed.source_system,
    placed.source_instance,
    placed.source_record_id,
    placed.load_id,
    placed.version_number,
    {{ ledger_published('placed', 'conversion') }}
from placed
{{ ledger_join_conversion('placed', 'currency_code', 'invoice_date') }}
