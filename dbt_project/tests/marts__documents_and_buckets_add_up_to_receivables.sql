-- The wrong number this would let through: an ageing that leaves a document out, or shows it in no bucket or
-- in two, so that its columns add up to less or more than the firm is owed. Documents, buckets and the metric
-- are the same money at every date; what is late by days is what the metric calls overdue.
with told as (
    select
        as_of,
        metric_id,
        numerator
    from {{ ref('metric_value') }}
    where
        grain = 'FIRM'
        and currency_view = 'RC'
        and metric_id in ('ar_gross', 'ar_overdue', 'unapplied_cash')
),

documents as (
    select
        as_of,
        'ar_gross' as metric_id,
        amount_rc
    from {{ ref('ar_document') }}
    union all
    select
        as_of,
        'ar_overdue' as metric_id,
        amount_rc
    from {{ ref('ar_document') }}
    where bucket not in ('NOT_DUE', 'CREDIT', 'NO_DUE_DATE')
    union all
    select
        as_of,
        case when bucket = 'UNAPPLIED_CASH' then 'unapplied_cash' else 'buckets' end as metric_id,
        case when bucket = 'UNAPPLIED_CASH' then -amount_rc else amount_rc end as amount_rc
    from {{ ref('ar_ageing') }}
),

listed as (
    select
        as_of,
        case when metric_id = 'buckets' then 'ar_gross' else metric_id end as metric_id,
        metric_id as from_where,
        sum(amount_rc) as amount
    from documents
    group by as_of, metric_id
)

select
    coalesce(told.as_of, listed.as_of) as as_of,
    coalesce(told.metric_id, listed.metric_id) as metric_id,
    listed.from_where,
    told.numerator,
    listed.amount
from told
full outer join listed on told.as_of = listed.as_of and told.metric_id = listed.metric_id
where coalesce(told.numerator, 0) <> coalesce(listed.amount, 0)
