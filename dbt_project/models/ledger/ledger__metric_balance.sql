-- Balances at every date a run answers for, at the grain at which they are converted: backlog and work in
-- progress per line, project and currency; receivables per document. Converted at the rate of the date
-- itself.
with as_of_date as (
    select as_of from {{ ref('ledger__as_of_date') }}
),

conversion as (
    select
        from_currency,
        functional_currency,
        rate_date,
        rate_fc,
        rate_rc,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as conversion_version
),

backlog_day as (
    select
        contract_line_id,
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        currency_code,
        functional_currency,
        closing,
        lead(business_date) over (partition by contract_line_id order by business_date) as next_date
    from {{ ref('ledger__backlog_day') }}
),

backlog as (
    select
        'total_backlog' as metric_id,
        as_of_date.as_of,
        backlog_day.legal_entity_id,
        backlog_day.region_id,
        backlog_day.practice_id,
        backlog_day.customer_id,
        backlog_day.project_id,
        backlog_day.contract_line_id,
        backlog_day.contract_line_id as record_id,
        backlog_day.currency_code,
        backlog_day.functional_currency,
        backlog_day.closing as amount_tc
    from backlog_day
    inner join as_of_date
        on
            backlog_day.business_date <= as_of_date.as_of
            and (backlog_day.next_date is null or backlog_day.next_date > as_of_date.as_of)
    where backlog_day.closing <> 0
),

wip as (
    select
        'wip_operational' as metric_id,
        as_of_date.as_of,
        wip_position.legal_entity_id,
        wip_position.region_id,
        wip_position.practice_id,
        wip_position.customer_id,
        wip_position.project_id,
        wip_position.contract_line_id,
        wip_position.project_id as record_id,
        wip_position.currency_code,
        wip_position.functional_currency,
        sum(wip_position.amount_tc) as amount_tc
    from {{ ref('ledger__wip_position') }} as wip_position
    inner join as_of_date
        on
            wip_position.position_from <= as_of_date.as_of
            and (wip_position.position_to is null or wip_position.position_to > as_of_date.as_of)
    where wip_position.amount_tc <> 0
    group by
        as_of_date.as_of, wip_position.legal_entity_id, wip_position.region_id, wip_position.practice_id,
        wip_position.customer_id, wip_position.project_id, wip_position.contract_line_id,
        wip_position.currency_code, wip_position.functional_currency
    having sum(wip_position.amount_tc) <> 0
),

-- each document converts on its own
receivable as (
    select
        'ar_gross' as metric_id,
        as_of_date.as_of,
        receivable_event.legal_entity_id,
        'NONE' as region_id,
        'NONE' as practice_id,
        receivable_event.customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        receivable_event.invoice_id as record_id,
        receivable_event.currency_code,
        receivable_event.functional_currency,
        sum(receivable_event.amount_tc) as amount_tc
    from {{ ref('ledger__receivable_event') }} as receivable_event
    inner join as_of_date on receivable_event.business_date <= as_of_date.as_of
    group by
        as_of_date.as_of, receivable_event.legal_entity_id, receivable_event.customer_id,
        receivable_event.invoice_id, receivable_event.currency_code, receivable_event.functional_currency
    having sum(receivable_event.amount_tc) <> 0
),

balance as (
    select
        metric_id,
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        record_id,
        currency_code,
        functional_currency,
        amount_tc
    from backlog
    union all
    select
        metric_id,
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        record_id,
        currency_code,
        functional_currency,
        amount_tc
    from wip
    union all
    select
        metric_id,
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        record_id,
        currency_code,
        functional_currency,
        amount_tc
    from receivable
)

select
    {{ as_text('balance.metric_id') }} as metric_id,
    balance.as_of,
    balance.legal_entity_id,
    balance.region_id,
    balance.practice_id,
    balance.customer_id,
    balance.project_id,
    balance.contract_line_id,
    balance.record_id,
    balance.currency_code,
    balance.functional_currency,
    {{ as_money('balance.amount_tc') }} as amount_tc,
    {{ ledger_at_rate('balance.amount_tc', 'conversion.rate_fc') }} as amount_fc,
    {{ ledger_at_rate('balance.amount_tc', 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate('balance.amount_tc', 'conversion.rate_cc') }} as amount_cc
from balance
left join conversion
    on
        balance.currency_code = conversion.from_currency
        and balance.functional_currency = conversion.functional_currency
        and balance.as_of = conversion.rate_date
