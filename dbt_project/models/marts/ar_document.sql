-- Every document that stands open at a date a run answers for: what of it, since when it is late. The
-- documents of a date add up to ar_gross, those in a bucket of days to ar_overdue.
with position as (
    select
        as_of,
        invoice_id,
        is_credit,
        due_date,
        days_past_due,
        legal_entity_id,
        customer_id,
        currency_code
    from {{ ref('ledger__receivable_position') }}
),

balance as (
    select
        as_of,
        record_id,
        legal_entity_id,
        customer_id,
        currency_code,
        amount_tc,
        amount_rc
    from {{ ref('ledger__metric_balance') }}
    where metric_id = 'ar_gross'
),

document as (
    select
        invoice_id,
        invoice_number,
        doc_type,
        contract_id,
        invoice_date
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as receivable_value
    union all
    select
        document_id as invoice_id,
        min(source_record_id) as invoice_number,
        case when sum(amount_tc) < 0 then 'CREDIT_NOTE' else 'OPENING_BALANCE' end as doc_type,
        {{ null_text() }} as contract_id,
        min(balance_date) as invoice_date
    from {{ ledger_as_known(ref('ledger__opening_value')) }} as opening_value
    where movement_type = 'opening_receivable' and is_counted
    group by document_id
)

select
    position.as_of,
    position.invoice_id,
    document.invoice_number,
    document.doc_type,
    position.legal_entity_id,
    position.customer_id,
    document.contract_id,
    document.invoice_date,
    position.due_date,
    cast(position.days_past_due as bigint) as days_past_due,
    {{ as_text(collection_bucket('position.is_credit', 'position.days_past_due')) }} as bucket,
    position.currency_code,
    cast(balance.amount_tc as decimal(28, 4)) as amount_tc,
    cast(balance.amount_rc as decimal(28, 4)) as amount_rc
from position
left join balance
    on
        position.as_of = balance.as_of
        and position.invoice_id = balance.record_id
        and position.legal_entity_id = balance.legal_entity_id
        and position.customer_id = balance.customer_id
        and position.currency_code = balance.currency_code
left join document on position.invoice_id = document.invoice_id
