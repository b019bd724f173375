-- The plan in force: of every figure the one decided last, so that a forecast takes the place of the budget
-- for the months it speaks of. Money is worth what it was planned at: the constant-currency rates.
with figure as (
    select
        plan_target_id,
        plan_name,
        metric,
        period,
        legal_entity_id,
        region_code,
        practice_code,
        amount,
        currency_code,
        decided_on
    from {{ as_known(ref('canonical__plan_target')) }} as known
    where decided_on is null or decided_on <= {{ run_as_of() }}
),

conversion as (
    select
        from_currency,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where functional_currency = 'NONE' and rate_date = {{ run_as_of() }}
),

ranked as (
    select
        figure.*,
        row_number() over (
            partition by
                figure.metric, figure.period, figure.legal_entity_id, figure.region_code, figure.practice_code
            order by
                coalesce(figure.decided_on, cast('1900-01-01' as date)) desc,
                figure.plan_name desc,
                figure.plan_target_id asc
        ) as place
    from figure
)

select
    ranked.plan_target_id,
    ranked.plan_name,
    ranked.metric,
    cast(concat(ranked.period, '-01') as date) as month_start,
    {{ as_text("coalesce(ranked.legal_entity_id, 'NONE')") }} as legal_entity_id,
    {{ as_text("coalesce(ranked.region_code, 'NONE')") }} as region_id,
    {{ as_text("coalesce(ranked.practice_code, 'NONE')") }} as practice_id,
    ranked.amount,
    ranked.currency_code,
    case
        when ranked.currency_code is not null
            then {{ ledger_at_rate('ranked.amount', 'conversion.rate_cc') }}
    end as amount_rc,
    ranked.decided_on
from ranked
left join conversion on ranked.currency_code = conversion.from_currency
where ranked.place = 1
