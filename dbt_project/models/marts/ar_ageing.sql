-- Receivables by how long they are overdue, at every date a run answers for: a customer's documents of a
-- currency in each bucket, what is left of credit notes, and cash nobody applied beside them. Without the
-- cash the buckets of a date add up to ar_gross.
with document as (
    select
        as_of,
        legal_entity_id,
        customer_id,
        bucket,
        currency_code,
        days_past_due,
        amount_tc,
        amount_rc
    from {{ ref('ar_document') }}
),

unapplied as (
    select
        as_of,
        legal_entity_id,
        customer_id,
        'UNAPPLIED_CASH' as bucket,
        currency_code,
        null as days_past_due,
        -amount_tc as amount_tc,
        -amount_rc as amount_rc
    from {{ ref('ledger__metric_balance') }}
    where metric_id = 'unapplied_cash'
),

aged as (
    select * from document
    union all
    select * from unapplied
)

select
    as_of,
    legal_entity_id,
    customer_id,
    {{ as_text('bucket') }} as bucket,
    currency_code,
    cast(count(*) as bigint) as documents,
    cast(max(days_past_due) as bigint) as oldest_days,
    cast(sum(amount_tc) as decimal(28, 4)) as amount_tc,
    cast({{ known_sum('amount_rc') }} as decimal(28, 4)) as amount_rc
from aged
group by as_of, legal_entity_id, customer_id, bucket, currency_code
