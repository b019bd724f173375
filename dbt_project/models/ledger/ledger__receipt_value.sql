-- Money received from customers, tax included, whether or not it was applied, one row per version and stretch
-- of knowledge.
with payment as (
    {{ ledger_fact_versions(
        ref('canonical__customer_payment'),
        'customer_payment_id',
        [
            'customer_id', 'legal_entity_id', 'payment_date', 'amount', 'currency_code', 'exchange_rate',
            'status',
        ],
    ) }}
),

legal_entity as (
    {{ ledger_dimension_versions(ref('canonical__legal_entity'), 'legal_entity_id',
        ['functional_currency']) }}
),

conversion as {{ import_conversion() }},

placed as (
    select
        payment.customer_payment_id,
        payment.payment_date,
        payment.amount,
        payment.currency_code,
        payment.exchange_rate,
        payment.status,
        payment.source_system,
        payment.source_instance,
        payment.source_record_id,
        payment.load_id,
        payment.version_number,
        coalesce(payment.legal_entity_id, concat('UNMAPPED:', payment.customer_payment_id))
            as legal_entity_id,
        -- money is the payer's, whatever the work was
        'NONE' as region_id,
        'NONE' as practice_id,
        coalesce(payment.customer_id, concat('UNMAPPED:', payment.customer_payment_id)) as customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        coalesce(legal_entity.functional_currency, 'NONE') as functional_currency,
        {{ ledger_interval(['payment', 'legal_entity'], published=false) }}
    from payment
    left join legal_entity
        on
            payment.legal_entity_id = legal_entity.legal_entity_id
            and {{ ledger_meets('legal_entity', ['payment']) }}
)

select
    placed.customer_payment_id,
    placed.payment_date,
    coalesce(placed.status <> 'void', true) as is_received,
    {{ ledger_dimension_columns('placed') }},
    placed.currency_code,
    placed.amount as amount_tc,
    {{ ledger_at_rate('placed.amount', 'placed.exchange_rate') }} as amount_fc,
    {{ ledger_at_rate('placed.amount', 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate('placed.amount', 'conversion.rate_cc') }} as amount_cc,
    placed.source_system,
    placed.source_instance,
    placed.source_record_id,
    placed.load_id,
    placed.version_number,
    {{ ledger_published('placed', 'conversion') }}
from placed
{{ ledger_join_conversion('placed', 'currency_code', 'payment_date') }}
