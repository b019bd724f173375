-- The wrong number this would let through: a tie-out that is green beside a page whose receivables, billings
-- or revenue are others, because it added up entries that the metric does not count.
with tie_out as (
    select
        statement_id,
        as_of,
        legal_entity_id,
        currency_code,
        amount
    from {{ ref('tie_out') }}
    where statement_id in ('AR_AGEING', 'BILLINGS', 'REVENUE')
),

metric as (
    select
        case metric_id
            when 'ar_gross' then 'AR_AGEING' when 'billed' then 'BILLINGS' else 'REVENUE'
        end as statement_id,
        as_of,
        legal_entity_id,
        currency_code,
        value
    from {{ ref('metric_value') }}
    where
        metric_id in ('ar_gross', 'billed', 'recognised_revenue')
        and grain = 'LEGAL_ENTITY'
        and currency_view = 'TC'
        and period_type in ('POINT', 'MONTH')
),

as_of_date as (
    select as_of from {{ ref('ledger__as_of_date') }}
)

select
    tie_out.statement_id,
    tie_out.as_of,
    tie_out.legal_entity_id,
    tie_out.currency_code,
    tie_out.amount,
    metric.value
from tie_out
inner join as_of_date on tie_out.as_of = as_of_date.as_of
left join metric
    on
        tie_out.statement_id = metric.statement_id
        and tie_out.as_of = metric.as_of
        and tie_out.legal_entity_id = metric.legal_entity_id
        and tie_out.currency_code = metric.currency_code
where tie_out.amount <> coalesce(metric.value, 0)
