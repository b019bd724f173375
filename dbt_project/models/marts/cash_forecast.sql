-- When each document that stands open on the run's own day is expected to be paid, by how late its payer has
-- paid in the last twelve months. Only payments later than the document is by now say when it will be: a
-- payer who is never more than ten days late says nothing of a document that is twenty days late. No source
-- holds promises or disputes, so none is in it.
with document as (
    select
        invoice_id,
        legal_entity_id,
        customer_id,
        due_date,
        bucket,
        currency_code,
        amount_tc,
        amount_rc,
        {{ days_between('due_date', run_as_of()) }} as late_days
    from {{ ref('ar_document') }}
    where as_of = {{ run_as_of() }}
),

payment as (
    select
        invoice_id,
        customer_id,
        {{ days_between('due_date', 't10_on') }} as late_days
    from {{ ref('lifecycle__invoice_stage') }}
    where due_date is not null and t10_on > {{ date_add_days(run_as_of(), -365) }}
),

fewest as (
    select coalesce(cast({{ run_parameter('cash_fewest_payments') }} as integer), 5) as payments
),

firm as (
    select count(*) as payments from payment
),

payer as (
    select
        customer_id,
        count(*) as payments
    from payment
    group by customer_id
),

later_of_payer as (
    select
        document.invoice_id,
        {{ lateness('payment.late_days') }}
    from document
    inner join payment
        on document.customer_id = payment.customer_id and document.late_days < payment.late_days
    group by document.invoice_id
),

later_of_firm as (
    select
        document.invoice_id,
        {{ lateness('payment.late_days') }}
    from document
    inner join payment on document.late_days < payment.late_days
    group by document.invoice_id
),

judged as (
    select
        document.*,
        case
            when document.bucket = 'CREDIT' then 'CREDIT'
            when document.due_date is null then 'NO_DUE_DATE'
            when payer.payments >= fewest.payments and later_of_payer.later is not null then 'PAYER'
            when payer.payments >= fewest.payments then 'LATER_THAN_EVER'
            when firm.payments < fewest.payments then 'NO_HISTORY'
            when later_of_firm.later is not null then 'FIRM'
            else 'LATER_THAN_EVER'
        end as basis,
        payer.payments as payments_of_payer,
        firm.payments as payments_of_firm,
        later_of_payer.early as early_of_payer,
        later_of_payer.middle as middle_of_payer,
        later_of_payer.slow as slow_of_payer,
        later_of_firm.early as early_of_firm,
        later_of_firm.middle as middle_of_firm,
        later_of_firm.slow as slow_of_firm
    from document
    cross join fewest
    cross join firm
    left join payer on document.customer_id = payer.customer_id
    left join later_of_payer on document.invoice_id = later_of_payer.invoice_id
    left join later_of_firm on document.invoice_id = later_of_firm.invoice_id
),

expected as (
    select
        judged.invoice_id,
        judged.legal_entity_id,
        judged.customer_id,
        judged.due_date,
        judged.basis,
        judged.currency_code,
        judged.amount_tc,
        judged.amount_rc,
        case
            when judged.basis = 'PAYER' then judged.payments_of_payer
            when judged.basis = 'FIRM' then judged.payments_of_firm
        end as payments,
        {%- for when in ('early', 'middle', 'slow') %}
            {{ date_add_days('judged.due_date', "case
                when judged.basis = 'PAYER' then judged." ~ when ~ "_of_payer
                when judged.basis = 'FIRM' then judged." ~ when ~ "_of_firm
            end") }} as {{ when }}_on,
        {%- endfor %}
        {{ run_as_of() }} as as_of
    from judged
)

select
    as_of,
    invoice_id,
    legal_entity_id,
    customer_id,
    due_date,
    {{ as_text('basis') }} as basis,
    cast(payments as bigint) as payments,
    early_on as expected_early_on,
    middle_on as expected_on,
    slow_on as expected_late_on,
    {{ week_ahead('as_of', 'early_on') }} as early_week,
    {{ week_ahead('as_of', 'middle_on') }} as expected_week,
    {{ week_ahead('as_of', 'slow_on') }} as late_week,
    currency_code,
    amount_tc,
    amount_rc
from expected
