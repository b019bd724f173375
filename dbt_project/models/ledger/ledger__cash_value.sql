-- What settles documents, one row per version of an application, side and stretch of knowledge about the
-- document, which may be a receivable carried over: cash and credits take an invoice down, and a credit note
-- is used up by what it settles.
with application as (
    {{ ledger_fact_versions(
        ref('canonical__payment_application'),
        'payment_application_id',
        [
            'invoice_id', 'customer_payment_id', 'credit_invoice_id', 'applied_amount', 'currency_code',
            'applied_date', 'kind',
        ],
    ) }}
),

invoice as (
    {{ ledger_dimension_versions(
        ref('canonical__invoice'),
        'invoice_id',
        ['customer_id', 'legal_entity_id', 'invoice_date', 'currency_code', 'status', 'posted_at'],
        record='invoice',
    ) }}
),

legal_entity as (
    {{ ledger_dimension_versions(ref('canonical__legal_entity'), 'legal_entity_id',
        ['functional_currency']) }}
),

document as (
    select
        invoice.invoice_id,
        invoice.customer_id,
        invoice.legal_entity_id,
        invoice.invoice_date,
        invoice.currency_code,
        invoice.is_known,
        invoice.is_known and invoice.status not in ('draft', 'void') and invoice.posted_at is not null
            as is_posted,
        legal_entity.functional_currency,
        {{ ledger_interval(['invoice', 'legal_entity'], published=false) }}
    from invoice
    left join legal_entity
        on
            invoice.legal_entity_id = legal_entity.legal_entity_id
            and {{ ledger_meets('legal_entity', ['invoice']) }}
),

opening_balance as (
    {{ ledger_dimension_versions(
        ref('canonical__opening_balance'),
        'opening_balance_id',
        ['kind', 'customer_id', 'legal_entity_id', 'invoice_id', 'balance_date', 'currency_code'],
    ) }}
),

-- what was open before the history begins is settled under the document it is carried over as
named_document as (
    select distinct
        coalesce(invoice_id, opening_balance_id) as document_id,
        opening_balance_id
    from opening_balance
    where is_known and kind = 'RECEIVABLE'
),

telling as (
    select
        named_document.document_id,
        opening_balance.customer_id,
        opening_balance.legal_entity_id,
        opening_balance.balance_date,
        opening_balance.currency_code,
        opening_balance.is_known
        and opening_balance.kind = 'RECEIVABLE'
        and coalesce(opening_balance.invoice_id, opening_balance.opening_balance_id)
        = named_document.document_id as is_receivable,
        opening_balance.known_from,
        opening_balance.known_to
    from named_document
    inner join opening_balance on named_document.opening_balance_id = opening_balance.opening_balance_id
),

cut as (
    select distinct
        document_id,
        known_from
    from telling
),

stretch as (
    {{ ledger_stretches('cut', 'document_id', []) }}
),

-- several rows may speak of one document
carried_over as (
    select
        stretch.document_id,
        coalesce(max(case when telling.is_receivable then 1 else 0 end) = 1, false) as is_receivable,
        min(case when telling.is_receivable then telling.customer_id end) as customer_id,
        min(case when telling.is_receivable then telling.legal_entity_id end) as legal_entity_id,
        min(case when telling.is_receivable then telling.balance_date end) as balance_date,
        min(case when telling.is_receivable then telling.currency_code end) as currency_code,
        stretch.known_from,
        stretch.known_to
    from stretch
    inner join telling on stretch.document_id = telling.document_id and {{ ledger_when('telling') }}
    group by stretch.document_id, stretch.known_from, stretch.known_to
),

opening_document as (
    select
        carried_over.document_id,
        carried_over.customer_id,
        carried_over.legal_entity_id,
        carried_over.balance_date,
        carried_over.currency_code,
        carried_over.is_receivable,
        legal_entity.functional_currency,
        {{ ledger_interval(['carried_over', 'legal_entity'], published=false) }}
    from carried_over
    left join legal_entity
        on
            carried_over.legal_entity_id = legal_entity.legal_entity_id
            and {{ ledger_meets('legal_entity', ['carried_over']) }}
),

conversion as {{ import_conversion() }},

side as (
    select
        concat(payment_application_id, '|INVOICE') as cash_id,
        case when kind = 'Payment' then 'collected' else 'credit_applied' end as movement_type,
        invoice_id,
        customer_payment_id,
        credit_invoice_id,
        -applied_amount as amount_tc,
        currency_code,
        applied_date,
        kind,
        source_system,
        source_instance,
        source_record_id,
        load_id,
        version_number,
        known_from,
        known_to
    from application
    union all
    select
        concat(payment_application_id, '|CREDIT') as cash_id,
        'credit_used' as movement_type,
        credit_invoice_id as invoice_id,
        customer_payment_id,
        credit_invoice_id,
        applied_amount as amount_tc,
        currency_code,
        applied_date,
        kind,
        source_system,
        source_instance,
        source_record_id,
        load_id,
        version_number,
        known_from,
        known_to
    from application
    where credit_invoice_id is not null
),

placed as (
    select
        side.cash_id,
        side.movement_type,
        side.invoice_id,
        side.customer_payment_id,
        side.credit_invoice_id,
        side.amount_tc,
        coalesce(document.currency_code, opening_document.currency_code, side.currency_code) as currency_code,
        side.source_system,
        side.source_instance,
        side.source_record_id,
        side.load_id,
        side.version_number,
        side.applied_date,
        -- a document cannot be settled before it is dated
        greatest(
            side.applied_date,
            coalesce(document.invoice_date, opening_document.balance_date, side.applied_date)
        ) as business_date,
        case
            when document.is_known then document.is_posted
            else coalesce(opening_document.is_receivable, false)
        end as is_posted,
        coalesce(
            document.legal_entity_id,
            opening_document.legal_entity_id,
            concat('UNMAPPED:', side.invoice_id)
        ) as legal_entity_id,
        'NONE' as region_id,
        'NONE' as practice_id,
        coalesce(document.customer_id, opening_document.customer_id, concat('UNMAPPED:', side.invoice_id))
            as customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        coalesce(document.functional_currency, opening_document.functional_currency, 'NONE')
            as functional_currency,
        {{ ledger_interval(['side', 'document', 'opening_document'], published=false) }}
    from side
    left join document
        on side.invoice_id = document.invoice_id and {{ ledger_meets('document', ['side']) }}
    left join opening_document
        on
            side.invoice_id = opening_document.document_id
            and {{ ledger_meets('opening_document', ['side', 'document']) }}
)

select
    placed.cash_id,
    {{ as_text('placed.movement_type') }} as movement_type,
    placed.invoice_id,
    placed.customer_payment_id,
    placed.credit_invoice_id,
    placed.applied_date,
    placed.business_date,
    placed.is_posted,
    {{ ledger_dimension_columns('placed') }},
    placed.currency_code,
    {{ as_money('placed.amount_tc') }} as amount_tc,
    {{ ledger_at_rate('placed.amount_tc', 'conversion.rate_fc') }} as amount_fc,
    {{ ledger_at_rate('placed.amount_tc', 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate('placed.amount_tc', 'conversion.rate_cc') }} as amount_cc,
    placed.source_system,
    placed.source_instance,
    placed.source_record_id,
    placed.load_id,
    placed.version_number,
    {{ ledger_published('placed', 'conversion') }}
from placed
{{ ledger_join_conversion('placed', 'currency_code', 'business_date') }}
