-- What opened and settled each document, as the run knew it.
with movement as (
    select
        known.invoice_id as event_id,
        known.invoice_id,
        case when known.doc_type = 'CREDIT_NOTE' then 'ar_credited' else 'ar_opened' end as movement_type,
        known.invoice_date as business_date,
        known.legal_entity_id,
        known.customer_id,
        known.currency_code,
        known.functional_currency,
        known.amount_tc
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as known
    where known.is_posted and known.invoice_date <= {{ run_as_of() }}
    union all
    select
        known.opening_balance_id as event_id,
        known.document_id as invoice_id,
        known.movement_type,
        known.balance_date as business_date,
        known.legal_entity_id,
        known.customer_id,
        known.currency_code,
        known.functional_currency,
        known.amount_tc
    from {{ ledger_as_known(ref('ledger__opening_value')) }} as known
    where
        known.movement_type = 'opening_receivable'
        and known.is_counted
        and known.balance_date <= {{ run_as_of() }}
    union all
    select
        known.cash_id as event_id,
        known.invoice_id,
        known.movement_type,
        known.business_date,
        known.legal_entity_id,
        known.customer_id,
        known.currency_code,
        known.functional_currency,
        known.amount_tc
    from {{ ledger_as_known(ref('ledger__cash_value')) }} as known
    where known.is_posted and known.business_date <= {{ run_as_of() }}
)

select
    {{ as_text('event_id') }} as event_id,
    invoice_id,
    {{ as_text('movement_type') }} as movement_type,
    business_date,
    legal_entity_id,
    customer_id,
    currency_code,
    functional_currency,
    {{ as_money('amount_tc') }} as amount_tc
from movement
