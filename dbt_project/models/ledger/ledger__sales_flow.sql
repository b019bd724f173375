-- What sales metrics add up: deals on the day they were won or lost, and planned figures in their month.
with spell as (
    select
        opportunity_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        currency_code,
        functional_currency,
        stage,
        amount_tc,
        spell_from
    from {{ ref('ledger__deal_spell') }}
    where is_closed and spell_to is null
),

conversion as (
    select
        from_currency,
        functional_currency,
        rate_date,
        rate_fc,
        rate_rc,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
),

planned as (
    select
        plan_target_id,
        metric,
        month_start,
        legal_entity_id,
        region_id,
        practice_id,
        amount,
        currency_code,
        amount_rc
    from {{ ref('ledger__plan_figure') }}
    where metric in ('recognised_revenue', 'gross_bookings')
)

select
    {{ as_text("case when spell.stage = 'CLOSED_WON' then 'deals_won' else 'deals_lost' end") }} as metric_id,
    {{ as_text("'deal'") }} as movement_type,
    spell.opportunity_id as record_id,
    spell.spell_from as business_date,
    spell.legal_entity_id,
    spell.region_id,
    spell.practice_id,
    spell.customer_id,
    spell.currency_code,
    spell.functional_currency,
    spell.amount_tc,
    {{ ledger_at_rate('spell.amount_tc', 'conversion.rate_fc') }} as amount_fc,
    {{ ledger_at_rate('spell.amount_tc', 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate('spell.amount_tc', 'conversion.rate_cc') }} as amount_cc
from spell
left join conversion
    on
        spell.currency_code = conversion.from_currency
        and spell.functional_currency = conversion.functional_currency
        and spell.spell_from = conversion.rate_date
union all
select
    {{ as_text(
        "case when planned.metric = 'recognised_revenue' then 'planned_revenue' else 'planned_bookings' end"
    ) }} as metric_id,
    {{ as_text("'planned'") }} as movement_type,
    planned.plan_target_id as record_id,
    planned.month_start as business_date,
    planned.legal_entity_id,
    planned.region_id,
    planned.practice_id,
    {{ as_text("'NONE'") }} as customer_id,
    planned.currency_code,
    {{ as_text("'NONE'") }} as functional_currency,
    planned.amount as amount_tc,
    cast(null as decimal(19, 4)) as amount_fc,
    planned.amount_rc,
    planned.amount_rc as amount_cc
from planned
