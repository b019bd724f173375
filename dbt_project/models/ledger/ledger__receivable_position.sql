-- What stands open of each document at every date a run answers for, with its due date: days past due are
-- calendar days, 0 while it is not due, null where no due date is known. A credit note that is not used up
-- stands here with what is left of it, negative; it falls due to nobody.
with as_of_date as (
    select as_of from {{ ref('ledger__as_of_date') }}
),

document as (
    select
        invoice_id,
        doc_type,
        due_date
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as receivable_value
    where is_posted
    union all
    -- carried over from the systems before: one sum, and what was left of a credit if it is negative
    select
        document_id as invoice_id,
        case when sum(amount_tc) < 0 then 'CREDIT_NOTE' else 'OPENING_BALANCE' end as doc_type,
        min(due_date) as due_date
    from {{ ledger_as_known(ref('ledger__opening_value')) }} as opening_value
    where movement_type = 'opening_receivable' and is_counted
    group by document_id
),

open_document as (
    select
        as_of_date.as_of,
        receivable_event.invoice_id,
        receivable_event.legal_entity_id,
        receivable_event.customer_id,
        receivable_event.currency_code,
        receivable_event.functional_currency,
        sum(receivable_event.amount_tc) as amount_tc
    from {{ ref('ledger__receivable_event') }} as receivable_event
    inner join as_of_date on receivable_event.business_date <= as_of_date.as_of
    group by
        as_of_date.as_of, receivable_event.invoice_id, receivable_event.legal_entity_id,
        receivable_event.customer_id, receivable_event.currency_code, receivable_event.functional_currency
    having sum(receivable_event.amount_tc) <> 0
)

select
    open_document.as_of,
    open_document.invoice_id,
    document.doc_type,
    coalesce(document.doc_type = 'CREDIT_NOTE', false) as is_credit,
    document.due_date,
    case
        when document.doc_type = 'CREDIT_NOTE' then 0
        when document.due_date >= open_document.as_of then 0
        else {{ days_between('document.due_date', 'open_document.as_of') }}
    end as days_past_due,
    open_document.legal_entity_id,
    open_document.customer_id,
    open_document.currency_code,
    open_document.functional_currency,
    {{ as_money('open_document.amount_tc') }} as amount_tc
from open_document
left join document on open_document.invoice_id = document.invoice_id
