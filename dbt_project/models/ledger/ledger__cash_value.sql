-- What settles documents, one row per version of an application, side and stretch of knowledge about the
-- document: cash and credits take an invoice down, and a credit note is used up by what it settles.
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

conversion as (
    select
        from_currency,
        functional_currency,
        rate_date,
        rate_fc,
        rate_rc,
        rate_cc,
        known_from,
        known_to
    from {{ ref('ledger__conversion_version') }}
),

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
        coalesce(document.currency_code, side.currency_code) as currency_code,
        side.source_system,
        side.source_instance,
        side.source_record_id,
        side.load_id,
        side.version_number,
        side.applied_date,
        -- a document cannot be settled before it is dated
        greatest(side.applied_date, coalesce(document.invoice_date, side.applied_date)) as business_date,
        coalesce(document.is_posted, false) as is_posted,
        coalesce(document.legal_entity_id, concat('UNMAPPED:', side.invoice_id)) as legal_entity_id,
        'NONE' as region_id,
        'NONE' as practice_id,
        coalesce(document.customer_id, concat('UNMAPPED:', side.invoice_id)) as customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        coalesce(document.functional_currency, 'NONE') as functional_currency,
        {{ ledger_interval(['side', 'document'], published=false) }}
    from side
    left join document
        on side.invoice_id = document.invoice_id and {{ ledger_meets('document', ['side']) }}
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
