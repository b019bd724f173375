-- From what was reported of a closed period to what is known of it now, metric by metric: the reported sum,
-- what became known after the last close by cause, and the sum now. Only where every area the metric takes
-- from is closed.
with

rule as (
    select
        rules.metric_id,
        rules.movement_type,
        rules.sign,
        rules.side,
        {{ close_area('rules.movement_type') }} as area
    from {{ ledger_metric_rules() }}
    where
        rules.metric_id not in (
            select narrow.metric_id
            from (select * from {{ ledger_metric_rules() }}) as narrow
            where narrow.client_only
        )
),

close as (
    select
        close_id,
        legal_entity_id,
        period,
        area
    from {{ ref('recon__close') }}
    where is_last
),

needed as (
    select
        metric_id,
        count(distinct area) as areas
    from rule
    group by metric_id
),

used as (
    select distinct
        metric_id,
        area
    from rule
),

viewed as (
    select 'FC' as currency_view
    union all
    select 'RC' as currency_view
),

closed_metric as (
    select
        used.metric_id,
        close.legal_entity_id,
        close.period
    from close
    inner join used on close.area = used.area
    inner join needed on used.metric_id = needed.metric_id
    group by used.metric_id, close.legal_entity_id, close.period, needed.areas
    having count(*) = needed.areas
),

part as (
    select
        content.legal_entity_id,
        content.period,
        content.movement_type,
        content.is_increase,
        content.functional_currency,
        'KNOWN_NOW' as cause,
        content.amount_fc,
        content.amount_rc
    from {{ ref('close_content') }} as content
    union all
    select
        late.legal_entity_id,
        late.period,
        late.movement_type,
        late.is_increase,
        late.functional_currency,
        late.cause,
        late.delta_fc as amount_fc,
        late.delta_rc as amount_rc
    from {{ ref('restatement') }} as late
    where late.is_last
    union all
    select
        unlike.legal_entity_id,
        unlike.period,
        unlike.movement_type,
        unlike.is_increase,
        unlike.functional_currency,
        'DEFINITION' as cause,
        unlike.amount_fc - unlike.stored_amount_fc as amount_fc,
        unlike.amount_rc - unlike.stored_amount_rc as amount_rc
    from {{ ref('close_difference') }} as unlike
),

measured as (
    select
        closed_metric.metric_id,
        closed_metric.legal_entity_id,
        closed_metric.period,
        viewed.currency_view,
        case
            when viewed.currency_view = 'FC' then part.functional_currency
            else {{ run_reporting_currency() }}
        end as currency_code,
        part.cause,
        rule.sign
        * case when viewed.currency_view = 'FC' then part.amount_fc else part.amount_rc end as amount
    from closed_metric
    inner join rule on closed_metric.metric_id = rule.metric_id
    inner join part
        on
            closed_metric.legal_entity_id = part.legal_entity_id
            and closed_metric.period = part.period
            and rule.movement_type = part.movement_type
            and (rule.side = 'ANY' or (rule.side = 'INCREASE') = part.is_increase)
    cross join viewed
),

bridged as (
    select
        metric_id,
        legal_entity_id,
        period,
        currency_view,
        {%- for cause in [
            'late_entry', 'late_load', 'correction', 'fx', 'mapping', 'definition', 'known_now',
        ] %}
            sum(case when cause = '{{ cause | upper }}' then amount else 0 end) as {{ cause }},
        {%- endfor %}
        currency_code
    from measured
    group by metric_id, legal_entity_id, period, currency_view, currency_code
)

select
    {{ as_text('metric_id') }} as metric_id,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('period') }} as period,
    {{ as_text('currency_view') }} as currency_view,
    {{ as_text('currency_code') }} as currency_code,
    cast(
        known_now - late_entry - late_load - correction - fx - mapping - definition as decimal(28, 4)
    ) as as_reported,
    {%- for cause in ['late_entry', 'late_load', 'correction', 'fx', 'mapping', 'definition'] %}
        cast({{ cause }} as decimal(28, 4)) as {{ cause }},
    {%- endfor %}
    cast(known_now as decimal(28, 4)) as as_now_known
from bridged
