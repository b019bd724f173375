{{ config(database='build') }}

-- What the warehouse holds against each printed report, entry by entry: the day an entry counts on, when it
-- was entered (null where nobody says), whose it is, and how much. Postings are debits positive.
with invoice as (
    select
        invoice_id,
        posted_at
    from {{ ledger_as_known(ref('canonical__invoice')) }} as invoice
),

payment as (
    select
        customer_payment_id,
        source_created_at
    from {{ ledger_as_known(ref('canonical__customer_payment')) }} as customer_payment
),

vendor_bill as (
    select
        vendor_bill_id,
        source_created_at
    from {{ ledger_as_known(ref('canonical__vendor_bill')) }} as vendor_bill
),

revenue_entry as (
    select
        revenue_entry_id,
        posted_at
    from {{ ledger_as_known(ref('canonical__revenue_entry')) }} as revenue_entry
),

receivable as (
    select
        invoice_date as entry_date,
        posted_at as entered_at,
        legal_entity_id,
        currency_code,
        customer_id as member_id,
        amount_tc as amount
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as receivable_value
    where is_posted
),

-- what was carried over stands on the first day's ageing too; nobody says when it was entered
opening_receivable as (
    select
        balance_date as entry_date,
        {{ null_instant() }} as entered_at,
        legal_entity_id,
        currency_code,
        customer_id as member_id,
        amount_tc as amount
    from {{ ledger_as_known(ref('ledger__opening_value')) }} as opening_value
    where movement_type = 'opening_receivable' and is_counted
),

settlement as (
    select
        cash_value.business_date as entry_date,
        coalesce(payment.source_created_at, invoice.posted_at) as entered_at,
        cash_value.legal_entity_id,
        cash_value.currency_code,
        cash_value.customer_id as member_id,
        cash_value.amount_tc as amount
    from {{ ledger_as_known(ref('ledger__cash_value')) }} as cash_value
    left join payment on cash_value.customer_payment_id = payment.customer_payment_id
    left join invoice on cash_value.credit_invoice_id = invoice.invoice_id
    where cash_value.is_posted
),

billing as (
    select
        invoice_date as entry_date,
        posted_at as entered_at,
        legal_entity_id,
        currency_code,
        customer_id as member_id,
        amount_tc as amount
    from {{ ledger_as_known(ref('ledger__billing_value')) }} as billing_value
    where is_posted
),

revenue as (
    select
        revenue_value.accounting_date as entry_date,
        revenue_entry.posted_at as entered_at,
        revenue_value.legal_entity_id,
        revenue_value.currency_code,
        revenue_value.customer_id as member_id,
        revenue_value.amount_tc as amount
    from {{ ledger_as_known(ref('ledger__revenue_value')) }} as revenue_value
    left join revenue_entry on revenue_value.revenue_entry_id = revenue_entry.revenue_entry_id
    where revenue_value.is_recognised
),

posting as (
    select
        line.posting_date as entry_date,
        -- a posting has no stamp of its own: its document's, and a journal has none either
        coalesce(invoice.posted_at, payment.source_created_at, vendor_bill.source_created_at) as entered_at,
        line.legal_entity_id,
        line.currency_code,
        line.gl_account_id as member_id,
        line.debit_amount - line.credit_amount as amount
    from {{ ledger_as_known(ref('canonical__gl_journal_line')) }} as line
    left join invoice on line.source_document_id = invoice.invoice_id
    left join payment on line.source_document_id = payment.customer_payment_id
    left join vendor_bill on line.source_document_id = vendor_bill.vendor_bill_id
    where not line.is_deleted
),

entry as (
    {% for report, entries in [
        ('AR_AGEING', 'receivable'), ('AR_AGEING', 'opening_receivable'), ('AR_AGEING', 'settlement'),
        ('BILLINGS', 'billing'), ('REVENUE', 'revenue'), ('TRIAL_BALANCE', 'posting'),
    ] -%}
        select
            '{{ report }}' as report,
            entry_date,
            entered_at,
            legal_entity_id,
            currency_code,
            member_id,
            amount
        from {{ entries }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    {{ as_text('report') }} as report,
    entry_date,
    entered_at,
    legal_entity_id,
    currency_code,
    member_id,
    cast(sum(amount) as decimal(28, 4)) as amount
from entry
where entry_date <= {{ run_as_of() }}
group by report, entry_date, entered_at, legal_entity_id, currency_code, member_id
