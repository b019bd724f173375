{{ config(database='build') }}

-- Both sides of the receivables' control accounts by document, in the entity's currency: what documents and
-- cash stand in the sub-ledger with, at the rates they were booked at, and what was posted on accounts of
-- that kind. A payment takes down what it settles at the settled document's rate; what is left of it stands
-- against receivables at its own.
with invoice as (
    select
        invoice_id,
        exchange_rate
    from {{ ledger_as_known(ref('canonical__invoice')) }} as invoice
),

payment as (
    select
        customer_payment_id,
        exchange_rate
    from {{ ledger_as_known(ref('canonical__customer_payment')) }} as customer_payment
),

account as (
    select gl_account_id
    from {{ ledger_as_known(ref('canonical__gl_account')) }} as gl_account
    where lower(account_type) in ('acctrec', 'accounts receivable', 'receivable')
),

opening_receivable as (
    select
        document_id,
        balance_date,
        legal_entity_id,
        functional_currency,
        currency_code,
        sum(amount_tc) as amount_tc,
        {{ known_sum('amount_fc') }} as amount_fc
    from {{ ledger_as_known(ref('ledger__opening_value')) }} as opening_value
    where movement_type = 'opening_receivable' and is_counted
    group by document_id, balance_date, legal_entity_id, functional_currency, currency_code
),

carried_over as (
    select
        document_id,
        sum(amount_tc) as amount_tc,
        {{ known_sum('amount_fc') }} as amount_fc
    from opening_receivable
    group by document_id
),

document as (
    select
        receivable_value.invoice_id as document_id,
        receivable_value.invoice_date as entry_date,
        receivable_value.legal_entity_id,
        receivable_value.functional_currency,
        receivable_value.currency_code,
        receivable_value.amount_tc,
        invoice.exchange_rate,
        cast(null as decimal(28, 4)) as booked_fc
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as receivable_value
    left join invoice on receivable_value.invoice_id = invoice.invoice_id
    where receivable_value.is_posted
),

settlement as (
    select
        coalesce(cash_value.customer_payment_id, cash_value.credit_invoice_id, cash_value.cash_id)
            as document_id,
        cash_value.business_date as entry_date,
        cash_value.legal_entity_id,
        cash_value.functional_currency,
        cash_value.currency_code,
        cash_value.amount_tc,
        invoice.exchange_rate,
        -- what was carried over has no rate but the one its two amounts stand for
        case
            when carried_over.document_id is not null
                then {{ mul_div('carried_over.amount_fc', 'cash_value.amount_tc', 'carried_over.amount_tc') }}
        end as booked_fc
    from {{ ledger_as_known(ref('ledger__cash_value')) }} as cash_value
    left join invoice on cash_value.invoice_id = invoice.invoice_id
    left join carried_over on cash_value.invoice_id = carried_over.document_id
    where cash_value.is_posted
),

receipt as (
    select
        receipt_value.customer_payment_id as document_id,
        receipt_value.payment_date as entry_date,
        receipt_value.legal_entity_id,
        receipt_value.functional_currency,
        receipt_value.currency_code,
        -receipt_value.amount_tc as amount_tc,
        payment.exchange_rate,
        cast(null as decimal(28, 4)) as booked_fc
    from {{ ledger_as_known(ref('ledger__receipt_value')) }} as receipt_value
    left join payment on receipt_value.customer_payment_id = payment.customer_payment_id
    where receipt_value.is_received
),

-- What a payment settled stands against receivables no more.
applied as (
    select
        cash_value.customer_payment_id as document_id,
        cash_value.business_date as entry_date,
        cash_value.legal_entity_id,
        cash_value.functional_currency,
        cash_value.currency_code,
        -cash_value.amount_tc as amount_tc,
        payment.exchange_rate,
        cast(null as decimal(28, 4)) as booked_fc
    from {{ ledger_as_known(ref('ledger__cash_value')) }} as cash_value
    left join payment on cash_value.customer_payment_id = payment.customer_payment_id
    where cash_value.is_posted and cash_value.movement_type = 'collected'
),

sub_ledger as (
    {% for part in ['document', 'settlement', 'receipt', 'applied'] -%}
        select
            document_id,
            entry_date,
            legal_entity_id,
            functional_currency,
            currency_code,
            amount_tc,
            exchange_rate,
            booked_fc
        from {{ part }}
        union all
    {% endfor %}
    select
        document_id,
        balance_date as entry_date,
        legal_entity_id,
        functional_currency,
        currency_code,
        amount_tc,
        cast(null as decimal(18, 10)) as exchange_rate,
        amount_fc as booked_fc
    from opening_receivable
),

posting as (
    select
        line.source_document_id as document_id,
        line.posting_date as entry_date,
        line.legal_entity_id,
        line.currency_code,
        line.debit_amount - line.credit_amount as amount
    from {{ ledger_as_known(ref('canonical__gl_journal_line')) }} as line
    inner join account on line.gl_account_id = account.gl_account_id
    where not line.is_deleted
),

entry as (
    select
        document_id,
        entry_date,
        legal_entity_id,
        functional_currency as currency_code,
        true as is_sub_ledger,
        case
            when currency_code = functional_currency then amount_tc
            when booked_fc is not null then booked_fc
            else {{ ledger_at_rate('amount_tc', 'exchange_rate') }}
        end as amount
    from sub_ledger
    union all
    select
        document_id,
        entry_date,
        legal_entity_id,
        currency_code,
        false as is_sub_ledger,
        amount
    from posting
)

select
    document_id,
    entry_date,
    legal_entity_id,
    currency_code,
    is_sub_ledger,
    -- books round what a document does to an account once, to the cent
    cast(round({{ known_sum('amount') }}, 2) as decimal(28, 4)) as amount
from entry
where entry_date <= {{ run_as_of() }}
group by document_id, entry_date, legal_entity_id, currency_code, is_sub_ledger
